"""What a bundle's record of its promises must hold, so that damage is found before any work is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leopardnet.core.errors import BundleError

LIMIT = 1e9  # no number of a site comes near it
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(ge=-LIMIT, le=LIMIT, allow_inf_nan=False)]


class _Record(BaseModel):
    """What is read of a part of bundle.json; it may hold more."""

    model_config = ConfigDict(strict=True, extra="allow")


class _Level(_Record):
    threshold: Number | None
    n_sites_needed: Count | None
    says: str


class _Levels(_Record):
    any_sites: _Level


class _Promise(_Record):
    label: str
    max_miss: Share
    confidence: Share
    n_positives: Count
    n_sites: Count
    level: Literal["any_sites", "like_sites"]
    says: str
    threshold: Number  # a sum of rounded probabilities may be a little above 1
    levels: _Levels


class _Step(_Record):
    promises: list[_Promise] | None = None
    # Of fewer than five sites nothing is kept, see `make_reference`.
    watch: dict[str, dict[str, Annotated[list[Number], Field(min_length=5)]]] | None = None


class _Steps(_Record):
    judged_again: list[dict[str, Any]] | None = None


def check_promises(provenance: Mapping[str, Any]) -> None:
    """Raise BundleError where the promises of a bundle, or what their sites look like, are damaged."""
    place: tuple[str | int, ...] = ()
    try:
        steps = _Steps.model_validate(dict(provenance)).judged_again or []
        if steps:
            place = ("judged_again", len(steps) - 1)
            _Step.model_validate(steps[-1])
    except ValidationError as error:
        first = error.errors()[0]
        raise BundleError(
            "the record of the bundle's promises is damaged",
            where=".".join(map(str, ("bundle.json", "provenance", *place, *first["loc"]))),
            found=first["msg"],
            todo="make the bundle again with `leopardnet thresholds`, or copy it again from where it came from",
        ) from None
