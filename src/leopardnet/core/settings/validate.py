"""Validation of settings, with an error message about one that is invalid."""

from __future__ import annotations

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.inference import Sampling
from leopardnet.core.settings.settings_model import Settings

Model = TypeVar("Model", bound=Settings)


def validate(model: type[Model], data: dict[str, Any], *, where: str) -> Model:
    """Return `data` as a frozen `model`. Raises ConfigError with the key, the value and the possible values.

    >>> validate(UniformSampling, {"n_frames": 4}, where="sampling").n_frames
    4
    >>> validate(UniformSampling, {"n_frame": 4}, where="sampling")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    leopardnet.core.errors.ConfigError: unknown setting 'n_frame'...
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _config_error(model, error, where) from None


def _config_error(model: type[BaseModel], error: ValidationError, where: str) -> ConfigError:
    # A misspelt key is also missing under its true name, so it comes before what is missing.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    keys = [str(k) for k in first["loc"]]
    beside = keys[:-1]
    if keys[:1] == ["sampling"] and len(keys) > 2:
        modes = {model.model_fields["mode"].default: model for model in get_args(get_args(Sampling)[0])}
        model, beside = modes[keys.pop(1)], []  # pydantic adds the tag of the union to the path
    path = ".".join(keys) or where
    more = f" ({error.error_count()} settings are invalid; this is the first)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        known = sorted(_list_fields(model, beside))
        return ConfigError(
            f"unknown setting '{path}'{more}",
            where=where,
            found=f"{path}={first['input']!r}",
            expected="one of " + ", ".join(known),
            todo="correct the spelling, or remove the setting",
        )
    if not keys:  # a rule about several settings; all of them would be no help
        return ConfigError(f"settings that exclude each other{more}", where=where, expected=first["msg"])
    if first["type"] == "missing":
        return ConfigError(f"the setting '{path}' is missing{more}", where=where, todo="give it a value")
    return ConfigError(
        f"invalid value of setting '{path}'{more}",
        where=where,
        found=repr(first.get("input")),
        expected=first["msg"],
    )


def _list_fields(model: type[BaseModel], keys: list[str]) -> list[str]:
    """Return the field names at the level of a misspelt key, following `keys` down from `model`."""
    for key in keys:
        annotation = model.model_fields[key].annotation if key in model.model_fields else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return list(model.model_fields)
