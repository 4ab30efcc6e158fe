"""The process that serves the page until it is asked to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from leopardnet.core.errors import ConfigError
from leopardnet.core.processes.end_signals import handle_end_signals

HERE, EVERYWHERE = "127.0.0.1", "0.0.0.0"
MAX_AT_ONCE = 200  # requests; a browser asks for six at a time
GRACE_S = 3


def open_socket(port: int, *, lan: bool = False) -> socket.socket:
    """Return a socket that listens to this computer alone, or with `lan` to all of its network.

    port: 0 for a free one. Raises ConfigError where the port is taken.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # on Windows, another program could take the port as well
        found.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((EVERYWHERE if lan else HERE, port))
    except (OSError, OverflowError) as error:
        found.close()
        raise ConfigError(
            "the page cannot be served at this port",
            where="--port",
            found=f"{port}: {getattr(error, 'strerror', None) or error}",
            todo="give another port, or --port 0 for a free one",
        ) from None
    return found


class _Server(uvicorn.Server):
    """A server that tells when it is ready, and leaves the signals to us: uvicorn would raise them again."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        def stop(number: int, frame: FrameType | None) -> None:
            self.force_exit = self.should_exit
            self.should_exit = True

        with handle_end_signals(stop):
            yield


def serve_review(app: ASGIApp, listening: socket.socket, *, on_ready: Callable[[], None]) -> None:
    """Serve until a signal comes; the second signal does not wait for answers that are on their way."""
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        limit_concurrency=MAX_AT_ONCE,
        timeout_graceful_shutdown=GRACE_S,
    )
    _Server(config, on_ready).run(sockets=[listening])
