"""From configuration files and overrides to frozen settings: the one place that knows hydra, besides the scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.core.settings.training import TrainConfig
from leopardnet.core.settings.validate import validate

if TYPE_CHECKING:
    from omegaconf import DictConfig


def load_config(name: str = "train", overrides: Sequence[str] = ()) -> TrainConfig:
    """The settings of `configs/<name>.yaml` with hydra overrides such as `model=lite0` or `optim.lr=3e-4`.

    Raises ConfigError that names the override, what was found and what is possible.

    >>> load_config("train", ["optim.epochs=2"]).optim.epochs
    2
    """
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    for override in overrides:
        if "=" not in override and not override.startswith("~"):
            raise ConfigError(
                "this is not a setting",
                found=override,
                expected="key=value, for example model=lite0 or optim.lr=3e-4",
            )
    try:
        with initialize_config_dir(config_dir=str(configs_dir()), version_base="1.3"):
            composed = compose(config_name=name, overrides=list(overrides))
            OmegaConf.resolve(composed)
    except (HydraException, OmegaConfBaseException) as error:
        raise _explained(error, overrides) from None
    return settings_from(composed)


def load_group(group: str, name: str) -> Any:
    """Return the settings in one file of a config group, such as ("sampling", "auto16")."""
    return getattr(load_config("train", [f"{group}={name}"]), group)


def settings_from(composed: DictConfig) -> TrainConfig:
    """Frozen settings from what hydra composed; for `scripts/train.py` and `load_config`."""
    from omegaconf import OmegaConf

    plain = OmegaConf.to_container(composed, resolve=True)
    assert isinstance(plain, dict)
    config: TrainConfig = validate(
        TrainConfig, {str(k): v for k, v in plain.items()}, where="the composed settings"
    )
    return config


def choices(group: str) -> list[str]:
    """The files of a config group, that is what may stand behind `group=`.

    >>> "lite0" in choices("model")
    True
    """
    return sorted(p.stem for p in (configs_dir() / group).glob("*.yaml"))


def _explained(error: Exception, overrides: Sequence[str]) -> ConfigError:
    first_line = str(error).strip().splitlines()[0]
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if (configs_dir() / key).is_dir() and value not in (*choices(key), "null"):
            return ConfigError(
                f"there is no {key} named '{value}'", where=override, found=value, expected=", ".join(choices(key))
            )
        if f"'{key}'" in first_line:  # hydra quotes the whole key, so that sampling=… is not blamed for sampling.n
            return ConfigError(
                f"unknown setting '{key}'", where=override, found=override, expected=", ".join(_keys_beside(key))
            )
    return ConfigError("the settings cannot be composed", found=first_line, expected="see configs/")


def _keys_beside(key: str) -> list[str]:
    """The settings that a misspelt key may have meant: those of its group, else the groups."""
    group = key.split(".")[0]
    field = TrainConfig.model_fields.get(group)
    models = get_args(field.annotation) or (field.annotation,) if field else ()  # sampling is one of several models
    names = dict.fromkeys(name for model in models for name in getattr(model, "model_fields", {}))
    return [f"{group}.{name}" for name in names] or list(TrainConfig.model_fields)
