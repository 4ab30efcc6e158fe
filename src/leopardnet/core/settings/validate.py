"""Settings checked: what is wrong with the first that cannot be used."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.inference import Sampling
from leopardnet.core.settings.settings_model import Settings


def validate(model: type[Settings], data: dict[str, Any], *, where: str) -> Any:
    """`data` as a frozen `model`. Raises ConfigError that names the key, the value and what is possible.

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
    first = error.errors()[0]
    keys = [str(k) for k in first["loc"]]
    beside = keys[:-1]
    if keys[:1] == ["sampling"] and len(keys) > 2:
        modes = {model.model_fields["mode"].default: model for model in get_args(get_args(Sampling)[0])}
        model, beside = modes[keys.pop(1)], []  # the tag of the union stands in no file
    path = ".".join(keys) or where
    more = f" ({error.error_count()} settings are wrong; this is the first)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        known = sorted(_fields_at(model, beside))
        return ConfigError(
            f"unknown setting '{path}'{more}",
            where=where,
            found=f"{path}={first['input']!r}",
            expected="one of " + ", ".join(known),
            todo="correct the spelling, or take the setting out",
        )
    return ConfigError(
        f"setting '{path}' cannot be used{more}", where=where, found=repr(first.get("input")), expected=first["msg"]
    )


def _fields_at(model: type[BaseModel], keys: list[str]) -> list[str]:
    """The names that stand beside a misspelt key, following `keys` down from `model`."""
    for key in keys:
        annotation = model.model_fields[key].annotation if key in model.model_fields else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return list(model.model_fields)
