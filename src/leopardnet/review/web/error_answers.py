"""Errors as the page gets them: the parts of a LeopardnetError as JSON, and the status that fits."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import JSONResponse, Response

from leopardnet.core.errors import LabelFileError, LeopardnetError, MediaError
from leopardnet.core.language import translate_message
from leopardnet.data.human_labels.label_file_errors import LabelDiskFullError, LabelFileBusyError
from leopardnet.review.request_error import RequestError

_STATUS: tuple[tuple[type[LeopardnetError], int], ...] = (
    (LabelFileBusyError, 503),
    (LabelDiskFullError, 507),
    (LabelFileError, 500),
    (MediaError, 415),
)


def answer_error(error: LeopardnetError) -> Response:
    """Return {what, where, found, expected, do} in the language of the request.

    The status is 503 or 507 where the same request may succeed later.
    """
    status = error.status if isinstance(error, RequestError) else None
    status = status or next((code for kind, code in _STATUS if isinstance(error, kind)), 400)
    parts = {name: _say(value) for name, value in error.parts.items()}
    return JSONResponse({"what": translate_message(error.what), **parts}, status_code=status)


def _say(value: object) -> str | None:
    """Return a part of an error without the folders above a file, which are nobody's business."""
    if value is None:
        return None
    is_place = isinstance(value, Path) and value.is_absolute()
    return Path(str(value)).name if is_place else translate_message(str(value))
