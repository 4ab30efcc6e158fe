"""A request of the page that cannot be answered, with the status that says so."""

from __future__ import annotations

from typing import Any

from leopardnet.core.errors import LeopardnetError


class RequestError(LeopardnetError):
    """The request is wrong or comes at the wrong time. status: of HTTP."""

    def __init__(self, what: str, *, status: int = 400, **parts: Any) -> None:
        super().__init__(what, **parts)
        self.status = status
