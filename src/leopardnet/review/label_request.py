"""What the page sends when a person says something, checked value by value."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from leopardnet.core.columns import MANIFEST, PREDICTIONS_HEAD, PREDICTIONS_TAIL
from leopardnet.core.labels import ANIMAL, EMPTY, UNKNOWN, UNREADABLE, UNSURE, is_label_id
from leopardnet.data.human_labels.person_name import tidy_name
from leopardnet.review.request_error import RequestError

MAX_CLIPS = 20_000
# Decisions that name no label, and columns of the tables: as labels, they could be read as either.
RESERVED = frozenset(
    {UNSURE, UNREADABLE, ANIMAL, *(c.name for c in (*MANIFEST, *PREDICTIONS_HEAD, *PREDICTIONS_TAIL))}
)
R = TypeVar("R", bound=BaseModel)


def _check_label(name: str) -> str:
    if not is_label_id(name):
        raise ValueError("a label is made of small letters, digits and underscores")
    return name


Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")]
LabelName = Annotated[str, Field(max_length=60), AfterValidator(_check_label)]
Second = Annotated[float, Field(ge=0, lt=1e6)]
Side = Annotated[float, Field(ge=0, le=1)]


class PageRequest(BaseModel):
    """What a page sends: nothing beside what is named, and of exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class DrawnBox(PageRequest):
    """A box that a person drew: left, top, right and bottom as fractions of the upright frame."""

    xyxy: Annotated[list[Side], Field(min_length=4, max_length=4)]
    label: LabelName | None = None
    time_s: Second = 0.0

    @model_validator(mode="after")
    def _has_an_area(self) -> DrawnBox:
        if not (self.xyxy[0] < self.xyxy[2] and self.xyxy[1] < self.xyxy[3]):
            raise ValueError("a box has an area")
        return self


class UndoRequest(PageRequest):
    """Take the newest action back. key: one per press of the key."""

    key: Key


class LabelRequest(UndoRequest):
    """What clips show, or a note or a star; the clips of one request are taken back together.

    starred, drawn: None leaves them as they are.
    """

    clip_ids: Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=MAX_CLIPS)]
    labels: Annotated[list[LabelName], Field(max_length=20)] = []
    queue: Annotated[str, Field(max_length=40)]
    seconds: Annotated[list[Second], Field(max_length=500)] = []
    drawn: Annotated[list[DrawnBox] | None, Field(max_length=200, alias="boxes")] = None
    note: Annotated[str, Field(max_length=4000)] = ""
    starred: bool | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> LabelRequest:
        if len(set(self.clip_ids)) < len(self.clip_ids) or len(set(self.labels)) < len(self.labels):
            raise ValueError("each clip and each label stands once")
        if EMPTY in self.labels and len(self.labels) > 1:
            raise ValueError("a clip that shows something is not empty")
        if UNKNOWN in self.labels and len(self.labels) > 1:
            raise ValueError("a clip of which something can be told is not unknown")
        if not self.labels and not self.note and self.starred is None and self.drawn is None:
            raise ValueError("there is nothing to keep: no label, no note, no star, no box")
        return self

    @property
    def boxes(self) -> list[dict[str, Any]] | None:
        """The boxes as plain values."""
        return None if self.drawn is None else [box.model_dump(exclude_none=True) for box in self.drawn]


class PlaceRequest(PageRequest):
    """Where a person is in a queue."""

    queue: Annotated[str, Field(max_length=40)]
    clip_id: Annotated[str, Field(max_length=64)]


class NameRequest(PageRequest):
    """Who labels: initials or a name."""

    by: Annotated[str, Field(max_length=40)]


def read_request(form: type[R], body: object) -> R:
    """Return a request as `form`. Raises RequestError with the first thing that is wrong."""
    try:
        return form.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise RequestError(
            "the request cannot be used",
            where=".".join(map(str, first["loc"])) or None,
            found=first["msg"].removeprefix("Value error, "),
        ) from None


def check_words(request: LabelRequest, *, offered: Collection[str]) -> None:
    """Raise RequestError for a label that means something else, unless the page itself offers it.

    >>> check_words(LabelRequest(key="11111111", clip_ids=["a"], labels=["lynx"], queue="all"), offered=())
    """
    names = (*request.labels, *(box.label for box in request.drawn or () if box.label))
    for name in names:
        if name not in offered and (name in RESERVED or name.startswith("_")):
            raise RequestError(
                "this word cannot be a label",
                where="labels",
                found=name,
                expected="the name of a species or a group; a word that leopardnet itself uses is none",
                todo="choose another name; press U where nobody can tell",
            )


def check_name(name: str) -> str:
    """Return the name of a person without spaces around it. Raises RequestError for none, or one not to print.

    >>> check_name(" AB ")
    'AB'
    """
    found = tidy_name(name)
    if not found:
        raise RequestError(
            "please say who labels", found=repr(name[:40]), expected="initials or a name, up to 40 characters"
        )
    return found
