"""Pictures and videos of clips, by clip_id alone; none of people unless asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from leopardnet.review.clip_view import FRAME_WIDTH_PX, THUMB_WIDTH_PX
from leopardnet.review.request_error import RequestError
from leopardnet.review.review_desk import ReviewDesk

WIDTHS_PX = (320, 640, 960, 1280, 1920)  # few, so that frames are decoded once
MAX_TIME_MS, MAX_STRETCH_MS = 10**9, 60_000
_MILLISECONDS = re.compile(r"-?[0-9]{1,9}")  # sound may begin before the picture
CACHE = {"cache-control": "private, max-age=600"}


class MediaSource(Protocol):
    """Where pictures and videos come from; `review.media.ReviewMedia` is one."""

    def frame(self, clip_id: str, time_s: float, width: int, enhanced: bool) -> bytes:
        """Return a frame as JPEG. Raises MediaError where it cannot be read."""
        ...

    def prefetch(self, clips: Iterable[tuple[str, Sequence[float]]], *, width: int) -> None:
        """Decode frames of clips at these times in the background."""
        ...

    def video(self, clip_id: str, *, is_refused: bool = False) -> Any:
        """Return a file that plays, with `path`, `media_type` and `warnings`, or what has a `share_done` meanwhile.

        is_refused: the browser could not play what it got before.
        """
        ...

    def spectrogram(self, clip_id: str, start_s: float, end_s: float) -> bytes:
        """Return a picture of the sound between two times, as PNG. Raises MediaError where there is none."""
        ...

    def prepare_videos(self, clip_ids: Sequence[str]) -> None:
        """Make the next videos ready in the background."""
        ...

    def close(self) -> None:
        """End what works in the background."""
        ...


def media_routes(desk: ReviewDesk, media: MediaSource) -> list[Route]:
    """Return the routes of frames, videos and spectrograms."""

    def frame(request: Request) -> Response:
        clip_id = _find_public(request, desk)
        time_ms = min(request.path_params["time_ms"], MAX_TIME_MS)
        width = _read_width(request.query_params.get("width"))
        is_enhanced = request.query_params.get("enhanced") == "1"
        if width > THUMB_WIDTH_PX:  # what is decoded ahead is of the width that this browser asks for
            request.app.state.width_px = width
        jpeg = media.frame(clip_id, time_ms / 1000, width, is_enhanced)
        return Response(jpeg, media_type="image/jpeg", headers=CACHE)

    async def video(request: Request) -> Response:
        clip_id = await run_in_threadpool(_find_public, request, desk)
        is_refused = request.query_params.get("refused") == "1"
        found = await run_in_threadpool(partial(media.video, clip_id, is_refused=is_refused))
        path: Path | None = getattr(found, "path", None)
        if path is None:
            return JSONResponse({"state": "working", "share_done": found.share_done}, status_code=202)
        warnings = json.dumps(getattr(found, "warnings", ()))  # ASCII, as headers must be
        return FileResponse(path, media_type=found.media_type, headers=CACHE | {"x-warnings": warnings})

    def spectrogram(request: Request) -> Response:
        clip_id = _find_public(request, desk)
        times = [request.path_params[name] for name in ("start_ms", "end_ms")]
        start_ms, end_ms = map(int, times) if all(map(_MILLISECONDS.fullmatch, times)) else (0, 0)
        if not 0 < end_ms - start_ms <= MAX_STRETCH_MS:
            raise RequestError(
                "this is no stretch of sound", found=f"{times[0]} to {times[1]} ms"[:60], expected="up to 60 s"
            )
        png = media.spectrogram(clip_id, start_ms / 1000, end_ms / 1000)
        return Response(png, media_type="image/png", headers=CACHE)

    return [
        Route("/media/frame/{clip_id:str}/{time_ms:int}", frame),
        Route("/media/video/{clip_id:str}", video),
        Route("/media/spectrogram/{clip_id:str}/{start_ms:str}/{end_ms:str}", spectrogram),
    ]


def _find_public(request: Request, desk: ReviewDesk) -> str:
    """Return the clip of a request. Raises RequestError for one that is gone, unknown, or of people."""
    desk.said.refresh()  # another server of the workspace may have heard that it shows a person
    row = desk.index.find(request.path_params["clip_id"])
    if desk.view.is_private(row):
        raise RequestError(
            "this clip shows a person or a vehicle",
            status=403,
            todo="start leopardnet review with --people to see such clips",
        )
    missing = desk.view.say_missing(row)
    if missing is not None:
        raise RequestError("this clip cannot be opened", status=404, found=missing)
    return desk.index.clip_ids[row]


def _read_width(text: str | None) -> int:
    if text is None:
        return FRAME_WIDTH_PX
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise RequestError("this is no width", found=text[:20], expected="pixels")
    return next((width for width in WIDTHS_PX if width >= int(text)), WIDTHS_PX[-1])
