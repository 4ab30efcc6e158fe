"""The list of published models: where the archive of each lies, its hash, its licence and its labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import Field, ValidationError, field_validator

from leopardnet.bundle.bundle import Bundle
from leopardnet.bundle.release.download import is_safe_url
from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.settings_model import Settings

LIST = Path(__file__).with_name("published.yaml")
NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
SHA256 = r"^[0-9a-f]{64}$"
NOT_STATED = "not stated"


class PublishedModel(Settings):
    """One entry of the list. `url`: where the archive lies; `sha256` and `n_bytes` are those of the archive."""

    name: str = Field(pattern=NAME)
    title: str
    url: str
    sha256: str = Field(pattern=SHA256)
    n_bytes: int = Field(ge=1)
    licence: str
    labels: tuple[str, ...]
    trained_on: str

    @field_validator("url")
    @classmethod
    def _url_is_safe(cls, url: str) -> str:
        if not is_safe_url(url):
            raise ValueError("an https:// address")
        return url


class PublishedModels(Settings):
    """The whole list."""

    models: tuple[PublishedModel, ...]


def read_published(path: Path = LIST) -> Mapping[str, PublishedModel]:
    """Return the published models by name. Raises ConfigError for a wrong entry, and for a name that comes twice.

    >>> dict(read_published())
    {}
    """
    try:
        models = PublishedModels.model_validate(yaml.safe_load(path.read_text("utf-8"))).models
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigError(
            "the list of published models cannot be used", where=path.name, found=str(error)[:300]
        ) from None
    names = [model.name for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError("a published model is listed twice", where=path.name, found=", ".join(twice))
    return {model.name: model for model in models}


def make_name(text: str) -> str:
    """Return a name for the list that is like the text.

    >>> make_name("Amur 2027"), make_name("…")
    ('amur-2027', 'model')
    """
    name = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:64]
    return name or "model"


def describe_release(bundle: Bundle) -> dict[str, object]:
    """Return what an entry says about a bundle: title, licence, labels, trained_on."""
    config = bundle.spec.provenance.get("config")
    experiment = config.get("experiment") if isinstance(config, Mapping) else None
    stated = experiment if isinstance(experiment, Mapping) else {}
    weights, data = bundle.spec.model.licence, stated.get("data_licence") or NOT_STATED
    places, trained_on = stated.get("countries") or NOT_STATED, bundle.spec.model.trained_on
    return {
        "title": bundle.spec.name,
        "licence": f"backbone weights: {weights or NOT_STATED}; training data: {data}",
        "labels": list(bundle.labels.names),
        "trained_on": f"footage from: {places}; backbone: {trained_on or NOT_STATED}",
    }
