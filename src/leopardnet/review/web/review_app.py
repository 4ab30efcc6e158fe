"""The application of the review page: its addresses and what each answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from urllib.parse import parse_qs, quote, unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from leopardnet.core.errors import LeopardnetError
from leopardnet.core.language import current_language, translate, translate_message
from leopardnet.review.clip_index import ClipFilter
from leopardnet.review.clip_view import FRAME_WIDTH_PX
from leopardnet.review.label_request import (
    LabelRequest,
    NameRequest,
    PlaceRequest,
    UndoRequest,
    check_name,
    read_request,
)
from leopardnet.review.request_error import RequestError
from leopardnet.review.review_desk import ReviewDesk
from leopardnet.review.sounds.sound_desk import SoundRequest
from leopardnet.review.web.error_answers import answer_error
from leopardnet.review.web.guard import Door, Guard
from leopardnet.review.web.json_body import read_json
from leopardnet.review.web.media_answers import MediaSource, media_routes
from leopardnet.review.web.page_files import fill_page, find_static

MAX_LIMIT, DEFAULT_LIMIT = 200, 50
BY_COOKIE, BY_COOKIE_S = "leopardnet_by", 365 * 86_400


def create_app(
    desk: ReviewDesk,
    media: MediaSource,
    door: Door,
    *,
    by: str = "",
    language: str | None = None,
    mode: Literal["review", "hunt"] = "review",
    routes: Sequence[BaseRoute] = (),
) -> Guard:
    """Return the application. by: who labels until the page says so; language: None for that of the browser.

    routes: of other rooms, behind the same door.
    """
    api = ReviewApi(desk, media, by=by, mode=mode)

    async def show_page(request: Request) -> Response:
        return await _show_page(request, api, door)

    async def come_in(request: Request) -> Response:
        return await _try_password(request, door)

    own: list[BaseRoute] = [
        Route("/", show_page),
        Route("/static/{name:path}", _answer_static),
        Route("/api/session", api.session),
        Route("/api/queue/{queue}", api.queue),
        Route("/api/clip/{clip_id}", api.clip),
        Route("/api/label", api.label, methods=["POST"]),
        Route("/api/sound_label", api.sound_label, methods=["POST"]),
        Route("/api/undo", api.undo, methods=["POST"]),
        Route("/api/place", api.place, methods=["POST"]),
        Route("/api/by", api.choose_name, methods=["POST"]),
        Route("/api/keys", api.keys, methods=["POST"]),
        *media_routes(desk, media),
        *([Route("/login", come_in, methods=["POST"])] if door.lock else []),
    ]
    handlers = {LeopardnetError: _handle_error, 404: _handle_status, 405: _handle_status, Exception: _handle_fault}
    app = Starlette(routes=[*own, *routes], exception_handlers=handlers)
    app.state.width_px = FRAME_WIDTH_PX
    return Guard(app, door, language)  # answers to errors pass the guard, too


class ReviewApi:
    """The answers under /api and the page itself. Values that a browser sends are checked before they are used."""

    def __init__(self, desk: ReviewDesk, media: MediaSource, *, by: str, mode: Literal["review", "hunt"]) -> None:
        self.desk, self.media, self.fallback, self.mode = desk, media, by, mode

    def page(self, request: Request) -> Response:
        """The page; everything else comes from the API."""
        return HTMLResponse(fill_page("review.html.j2"))

    def session(self, request: Request) -> Response:
        """What the page needs to begin."""
        facts = self.desk.describe(self._by(request))
        return JSONResponse({"language": current_language(), "mode": self.mode, **facts})

    def queue(self, request: Request) -> Response:
        """A part of a queue."""
        query = request.query_params
        only = ClipFilter(
            site=query.get("site", ""),
            decision=query.get("decision", ""),
            first=query.get("first", ""),
            last=query.get("last", ""),
            label=query.get("label", ""),
            is_starred=query.get("starred", "") in ("1", "true"),
        )
        offset = _read_count(query.get("offset"), "offset", 0)
        limit = min(_read_count(query.get("limit"), "limit", DEFAULT_LIMIT), MAX_LIMIT)
        queue = request.path_params["queue"]
        return JSONResponse(self.desk.list_queue(queue, self._by(request), only=only, offset=offset, limit=limit))

    def clip(self, request: Request) -> Response:
        """One clip; the next ones of its queue are decoded meanwhile."""
        clip_id, queue, by = (
            request.path_params["clip_id"],
            request.query_params.get("queue", "all"),
            self._by(request),
        )
        shown = self.desk.show_clip(clip_id, queue, by)
        ahead = self.desk.clips_ahead(clip_id, queue, by)
        self.media.prefetch(ahead, width=request.app.state.width_px)
        self.media.prepare_videos([ahead_id for ahead_id, _ in ahead])
        return JSONResponse(shown)

    async def label(self, request: Request) -> Response:
        """What a person says."""
        asked = read_request(LabelRequest, await read_json(request))
        return JSONResponse(await run_in_threadpool(self.desk.save, asked, self._require_name(request)))

    async def sound_label(self, request: Request) -> Response:
        """What a person says of a sound."""
        asked = read_request(SoundRequest, await read_json(request))
        return JSONResponse(await run_in_threadpool(self.desk.save_sound, asked, self._require_name(request)))

    async def undo(self, request: Request) -> Response:
        """Take the newest action of a person back."""
        asked = read_request(UndoRequest, await read_json(request))
        return JSONResponse(await run_in_threadpool(self.desk.undo, asked, self._require_name(request)))

    async def place(self, request: Request) -> Response:
        """Keep the place of a person in a queue."""
        asked = read_request(PlaceRequest, await read_json(request))
        await run_in_threadpool(self.desk.keep_place, asked.queue, asked.clip_id, self._by(request))
        return JSONResponse({"is_kept": True})

    async def choose_name(self, request: Request) -> Response:
        """Say who labels in this browser."""
        name = check_name(read_request(NameRequest, await read_json(request)).by)
        response = JSONResponse({"by": name})
        response.set_cookie(BY_COOKIE, quote(name, safe=""), max_age=BY_COOKIE_S, httponly=True, samesite="strict")
        return response

    async def keys(self, request: Request) -> Response:
        """Choose other keys."""
        body = await read_json(request)
        return JSONResponse({"keys": await run_in_threadpool(self.desk.choose_keys, body, self._by(request))})

    def _by(self, request: Request) -> str:
        kept = unquote(request.cookies.get(BY_COOKIE, ""))
        return check_name(kept) if kept else self.fallback

    def _require_name(self, request: Request) -> str:
        return check_name(self._by(request))


def _answer_static(request: Request) -> Response:
    data, kind = find_static(request.path_params["name"])
    return Response(data, media_type=kind, headers={"cache-control": "no-cache"})


def _read_count(text: str | None, name: str, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise RequestError("this is no number", where=name, found=text[:20], expected="0 or more")
    return int(text)


# --- the password of --lan ---


async def _show_page(request: Request, api: ReviewApi, door: Door) -> Response:
    if door.is_open(request.headers):
        return await run_in_threadpool(api.page, request)
    return _ask_password(request, "")


async def _try_password(request: Request, door: Door) -> Response:
    assert door.lock is not None, "there is no such address without a password"
    fields = parse_qs((await request.body()).decode("utf-8", "replace"))
    address = request.client.host if request.client else ""
    try:
        is_right = await run_in_threadpool(door.lock.try_password, fields.get("password", [""])[0], address)
    except RequestError as error:
        message = ": ".join(translate_message(str(part)) for part in (error.what, error.parts["do"]))
        return _ask_password(request, message, error.status)
    if is_right:
        return door.let_in(RedirectResponse("/", status_code=303))
    return _ask_password(request, translate("This is not the password."), 403)


def _ask_password(request: Request, message: str, status: int = 401) -> Response:
    page = fill_page("review_login.html.j2", message=message, nonce=request.state.nonce)
    return HTMLResponse(page, status_code=status)


# --- errors ---


async def _handle_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LeopardnetError)
    return answer_error(error)


async def _handle_status(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    what = "there is no such page" if status == 404 else "this address does not answer in that way"
    return answer_error(RequestError(what, status=status))


async def _handle_fault(request: Request, error: Exception) -> Response:
    found = error.strerror if isinstance(error, OSError) else type(error).__name__
    return answer_error(
        RequestError(
            "the server could not do this",
            status=500,
            found=found,
            todo="try again; labels that were saved stay saved",
        )
    )
