"""The classes of ImageNet that resemble a target (`configs/hunt/lookalikes.yaml`), for a start without labels."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache

import yaml
from pydantic import Field, ValidationError

from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.core.settings.settings_model import Settings

FILE = "lookalikes.yaml"
NEAR = 0.8  # of two names, from which on one may be a slip for the other


class Lookalikes(Settings):
    """What resembles a target: classes of ImageNet by number, one word for them, and names in result files."""

    looks_like: str = Field(min_length=1)
    classes: dict[int, str] = Field(min_length=1)
    names: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def load_lookalikes() -> dict[str, Lookalikes]:
    """Return the lookalikes of each target that has any. Raises ConfigError for a file that cannot be used.

    >>> load_lookalikes()["leopard"].looks_like, "sika_deer" in load_lookalikes()
    ('spotted cat', False)
    """
    path = configs_dir() / "hunt" / FILE
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
        found = {str(target): Lookalikes.model_validate(value) for target, value in data.items()}
        wrong = [i for x in found.values() for i in x.classes if not 0 <= i < 1000]
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, ValidationError) as error:
        raise ConfigError("the list of lookalikes cannot be read", where=FILE, found=str(error)[:200]) from None
    if wrong:
        raise ConfigError("ImageNet has no such class", where=FILE, found=wrong[0], expected="0 to 999")
    return found


def explain_target(name: str) -> str | None:
    """Return what to know of a target that resembles nothing the network knows; None for one that does.

    >>> explain_target("leopad").split("; ")[-1]
    'did you mean leopard?'
    """
    known = load_lookalikes()
    if name in known:
        return None
    near = get_close_matches(name, known, n=2, cutoff=NEAR)
    text = (
        f"the network knows nothing that looks like {name}, so the middle of each group of similar clips comes "
        "first, and more like it as soon as one is labelled"
    )
    return f"{text}; did you mean {' or '.join(near)}?" if near else text
