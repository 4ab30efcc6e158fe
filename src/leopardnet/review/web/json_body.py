"""The JSON that a page sends."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from leopardnet.review.request_error import RequestError


async def read_json(request: Request) -> Any:
    """Return the JSON of a request. Raises RequestError for another type and for broken JSON."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RequestError("the request is no JSON", status=415, expected="content-type: application/json")
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError):
        raise RequestError("the request is no JSON", found="text that cannot be read") from None
