"""Who may ask this server, and from which page: checked before anything else is done.

A page of another site may not use a program on this computer. It could try by its name (DNS rebinding: the Host of
the request is then another one), by a form or a script (the Origin is another one), or with a picture (the cookie
is not sent, because it is `SameSite=Strict`).
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import psutil
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leopardnet.core.language import language_of, use_language
from leopardnet.review.request_error import RequestError
from leopardnet.review.web.error_answers import answer_error
from leopardnet.review.web.password import PasswordLock

MAX_BODY_BYTES, MAX_RANGE_CHARACTERS, MAX_LANGUAGES = 4_000_000, 200, 200
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Door:
    """What opens the server: hosts that it answers to, a token for the address that is printed, perhaps a password.

    session: the secret in the cookie of everybody who came in. tickets: tokens that open it once.
    """

    port: int
    hosts: frozenset[str]
    lock: PasswordLock | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    session: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    tickets: set[str] = field(default_factory=set)

    @property
    def cookie(self) -> str:
        """The name of the cookie; cookies do not tell ports apart, so the name has to."""
        return f"leopardnet_{self.port}"

    @property
    def address(self) -> str:
        """The address that opens the page in any browser of this computer, for whoever reads the terminal."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"

    def issue_ticket(self) -> str:
        """Return an address that opens the page in one browser: its token is spent by the first use."""
        ticket = secrets.token_urlsafe(24)
        self.tickets.add(ticket)
        return f"http://127.0.0.1:{self.port}/?token={ticket}"

    def admit(self, token: str) -> bool:
        """Return whether a token opens the page; a ticket does so once."""
        if token in self.tickets:
            self.tickets.remove(token)
            return True
        return hmac.compare_digest(token.encode(), self.token.encode())

    def is_open(self, headers: Headers) -> bool:
        """Return whether a request carries the cookie of somebody who came in."""
        # All servers of 127.0.0.1 share their cookies, so those of others may hold anything.
        given = cookie_parser(headers.get("cookie", "")).get(self.cookie, "")
        return hmac.compare_digest(given.encode(), self.session.encode())

    def let_in(self, response: Response) -> Response:
        """Give the cookie to somebody who may come in."""
        response.set_cookie(self.cookie, self.session, httponly=True, samesite="strict", path="/")
        return response


def local_hosts(port: int) -> frozenset[str]:
    """Return the hosts by which a browser of this computer names the server.

    >>> sorted(local_hosts(8000))
    ['127.0.0.1:8000', 'localhost:8000']
    """
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost"))


def network_hosts(port: int) -> frozenset[str]:
    """Return the hosts by which other computers of the network name this one, too: its addresses and its name."""
    name = socket.gethostname().casefold()
    found = {name, f"{name}.local"}
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family == socket.AF_INET and not ipaddress.ip_address(address.address).is_loopback:
                found.add(address.address)
    return local_hosts(port) | {f"{host}:{port}" for host in found}


class Guard:
    """Refuse what does not come from the page itself, and put the headers that bind a browser on every answer.

    Every answer is in `language`, or in that of the browser where this is None.
    """

    def __init__(self, app: ASGIApp, door: Door, language: str | None = None) -> None:
        self.app, self.door, self.language = app, door, language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope["state"] = {**scope.get("state", {}), "nonce": nonce}

        async def send_bound(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = POLICY.format(nonce=nonce)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        wanted = Headers(scope=scope).get("accept-language", "")[:MAX_LANGUAGES]
        with use_language(language_of(self.language, wanted)):
            answer = self._refuse(scope)
            app = self.app if answer is None else answer
            await app(scope, _limit_body(receive), send_bound)

    def _refuse(self, scope: Scope) -> Response | None:
        """Return the answer to a request that does not reach the page; None for one that does."""
        headers, door = Headers(scope=scope), self.door
        method, path = scope["method"], scope["path"]
        try:
            self._check_origin(headers, method, path)
        except RequestError as error:
            return answer_error(error)
        if door.is_open(headers):
            return None
        tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        if path == "/" and method == "GET" and tokens:
            if door.admit(tokens[0]):
                return door.let_in(_lead_to_page(headers))
            return _show_closed_door("This address is not valid any more.")
        if door.lock is not None and path in ("/", "/login"):
            return None
        if path == "/" and method == "GET":
            return _show_closed_door("This page is open to the browser that leopardnet started.")
        return answer_error(
            RequestError(
                "this browser has not come in",
                status=403,
                todo="open the address that leopardnet printed in the terminal",
            )
        )

    def _check_origin(self, headers: Headers, method: str, path: str) -> None:
        host = headers.get("host", "").casefold()
        if host not in self.door.hosts:
            raise RequestError("this server does not answer to that name", status=421, found=host[:80])
        if method not in ("GET", "HEAD", "POST"):
            raise RequestError("there is no such method", status=405, found=method[:20])
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        is_own = origin == f"http://{host}" if origin is not None else site in ("same-origin", "none")
        if method == "POST" and (not is_own or site not in (None, "same-origin")):
            raise RequestError(
                "this request comes from another page", status=403, found=(origin or site or "")[:80]
            )
        if method != "POST" and path != "/" and site not in (None, "same-origin", "none"):
            raise RequestError("this request comes from another page", status=403, found=site)
        if len(headers.get("range", "")) > MAX_RANGE_CHARACTERS:
            raise RequestError("too many parts of a file are asked for", status=416)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            raise RequestError("the request is too large", status=413)


def _limit_body(receive: Receive) -> Callable[[], Awaitable[Message]]:
    """Return `receive` that ends a body without a stated length where it grows too large."""
    n_bytes = 0

    async def receive_some() -> Message:
        nonlocal n_bytes
        message = await receive()
        n_bytes += len(message.get("body", b""))
        return {"type": "http.disconnect"} if n_bytes > MAX_BODY_BYTES else message

    return receive_some


def _lead_to_page(headers: Headers) -> Response:
    """Return the way from an address with a token to the page itself.

    Where a file or another page led here, a redirect counts as theirs, and the browser would not send the cookie,
    which is `SameSite=Strict`. It gets a page that leads on by itself.
    """
    if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return RedirectResponse("/", status_code=303)
    return Response(media_type="text/html", headers={"refresh": "0; url=/"})


def _show_closed_door(text: str) -> Response:
    return Response(
        f"{text} Open the address that leopardnet printed in the terminal, or start it again.\n",
        status_code=403,
        media_type="text/plain",
    )
