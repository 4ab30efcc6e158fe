"""From configuration files and overrides to frozen settings. Only this module and the scripts use hydra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.core.settings.inference import WEIGHTS_SUFFIXES, Sampling
from leopardnet.core.settings.settings_model import Settings
from leopardnet.core.settings.sound import SoundConfig
from leopardnet.core.settings.training import TrainConfig
from leopardnet.core.settings.validate import validate

if TYPE_CHECKING:
    from omegaconf import DictConfig


OTHER_GROUPS: dict[str, type[Settings]] = {"sound": SoundConfig}  # no part of training
# Settings of older versions, and what to do without them; docs/LOG.md has the figures.
RETIRED = {
    "optim.probe_ignores_sites": "leave it out: what it removed made cameras that were never seen worse",
    "optim.probe_c=auto": "leave it out: a fixed value carries better to cameras that were never seen",
    "model=lite0_lite2": "take model=lite2, which carries better to cameras that were never seen, in half the time",
}


def load_config(name: str = "train", overrides: Sequence[str] = ()) -> TrainConfig:
    """Return the settings of `configs/<name>.yaml` with hydra overrides such as `model=lite0` or `optim.lr=3e-4`.

    Raises ConfigError with the invalid override and the possible ones.

    >>> load_config("train", ["optim.epochs=2"]).optim.epochs
    2
    """
    for override in overrides:
        if "=" not in override and not override.startswith("~"):
            raise ConfigError(
                "this is not a setting",
                found=override,
                expected="key=value, for example model=lite0 or optim.lr=3e-4",
            )
        if (todo := RETIRED.get(override.partition("=")[0]) or RETIRED.get(override)) is not None:
            raise ConfigError("this setting has been retired", where=override, found=override, todo=todo)
    refuse_unstated_weights(overrides)
    return build_settings(_compose(name, overrides), overrides)


def expand_sweep(overrides: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """Return the overrides of each run of a sweep, and those of them that were swept over.

    Where nothing was, as there is one value of each, all single settings count as swept, or else all overrides, so
    that a run has the name that it would have beside others.

    Values of hydra's sweeps: lists such as `optim.lr=1e-3,1e-4`, `range(…)` and `glob(…)`. Raises ConfigError for
    an override that cannot be read.

    >>> [swept for _, swept in expand_sweep(["seed=7", "optim.lr=1e-3,1e-4"])]
    [['optim.lr=0.001'], ['optim.lr=0.0001']]
    >>> expand_sweep(["optim=probe", "optim.probe_c=1e-3"])[0][1]
    ['optim.probe_c=0.001']
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    choices: list[list[tuple[str, bool]]] = []
    alone: list[str] = []
    try:
        for override in OverridesParser.create().parse_overrides(list(overrides)):
            if override.is_sweep_override():
                key = override.get_key_element()
                choices.append([(f"{key}={value}", True) for value in override.sweep_string_iterator()])
            else:
                choices.append([(str(override.input_line), False)])
                alone.append(f"{override.get_key_element()}={override.get_value_element_as_str()}")
    except HydraException as error:
        raise ConfigError(
            "these settings cannot be read", found=str(error).splitlines()[0], expected="key=value or key=a,b"
        ) from None
    names = [x for x in alone if "." in x.partition("=")[0]] or alone
    return [
        ([text for text, _ in combination], [text for text, is_swept in combination if is_swept] or names)
        for combination in product(*choices)
    ]


def refuse_unstated_weights(overrides: Sequence[str]) -> None:
    """Raise ConfigError for weights from a file without a word on what they are; the card would be wrong."""
    pairs = (x.lstrip("+").partition("=") for x in overrides)
    given = {key: value.strip("'\" ") for key, _, value in pairs}
    missing = [key for key in ("model.licence", "model.trained_on") if not given.get(key)]
    if missing and given.get("model.weights", "").lower().endswith(WEIGHTS_SUFFIXES):
        raise ConfigError(
            "of weights from a file, the licence and the data that they were trained on must be stated",
            where="model.weights",
            found=f"no {' and no '.join(missing)}",
            expected="what the model card shall say about these weights",
            todo="look it up where you got the file, and add \"model.licence='…'\" and \"model.trained_on='…'\"",
        )


@overload
def load_group(group: Literal["sampling"], name: str) -> Sampling: ...
@overload
def load_group(group: Literal["sound"], name: str) -> SoundConfig: ...
@overload
def load_group(group: str, name: str) -> Settings: ...
def load_group(group: str, name: str) -> Settings:
    """Return the frozen settings of one file, `configs/<group>/<name>.yaml`, without composing a training run.

    `preprocess` files that take their size from the model get size 0, which means the same. Raises ConfigError with
    the known names for an unknown name, and with the known groups for an unknown group.

    >>> load_group("sampling", "uniform8")
    UniformSampling(mode='uniform', n_frames=8)
    """
    groups = [x for x in TrainConfig.model_fields if x not in ("seed", "experiment")]  # experiments are recipes
    groups += OTHER_GROUPS
    if group not in groups:
        raise ConfigError(f"there is no group of settings named '{group}'", found=group, expected=", ".join(groups))
    if name not in list_choices(group):
        raise _unknown_choice(group, name)
    data = _read_plain(group, name)
    if data is None:
        data = _to_dict(_compose(f"{group}/{name}", others={"model": {"size_px": 0}}))[group]
    models = _list_models(group)
    by_mode = {m.model_fields["mode"].default: m for m in models if "mode" in m.model_fields}
    model = models[0] if len(models) == 1 else by_mode[data["mode"]]
    return validate(model, data, where=f"{group}/{name}.yaml")


def _read_plain(group: str, name: str) -> dict[str, Any] | None:
    """Return the values of a file that refers to no other, which needs no hydra; None for all others."""
    import yaml

    text = (configs_dir() / group / f"{name}.yaml").read_text("utf-8")
    if any(sign in text for sign in ("${", "defaults:", "@package")):
        return None
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return data if isinstance(data, dict) else None


def build_settings(composed: DictConfig, overrides: Sequence[str] = ()) -> TrainConfig:
    """Return frozen settings from what hydra composed; for `scripts/train.py` and `load_config`.

    overrides: the settings that were given, such as optim.epochs=5; an error names the one that it is about.
    """
    try:
        return validate(TrainConfig, _to_dict(composed), where="the composed settings")
    except ConfigError as error:
        names = {text.lstrip("+").partition("=")[0]: text for text in overrides}
        error.parts["where"] = next((x for k, x in names.items() if f"'{k}'" in error.what), error.parts["where"])
        raise


def list_choices(group: str) -> list[str]:
    """Return the names of the files of a config group: the possible values of `group=`.

    >>> "lite0" in list_choices("model")
    True
    """
    return sorted(p.stem for p in (configs_dir() / group).glob("*.yaml"))


def _compose(name: str, overrides: Sequence[str] = (), *, others: Mapping[str, Any] | None = None) -> DictConfig:
    """Compose a file with overrides; `others` are the groups that it may refer to."""
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        with initialize_config_dir(config_dir=str(configs_dir()), version_base="1.3"):
            composed = OmegaConf.merge(dict(others or {}), compose(config_name=name, overrides=list(overrides)))
            OmegaConf.resolve(composed)
            assert isinstance(composed, DictConfig)
            return composed
    except (HydraException, OmegaConfBaseException) as error:
        raise _explain(error, overrides) from None


def _to_dict(composed: DictConfig) -> dict[str, Any]:
    from omegaconf import OmegaConf

    plain = OmegaConf.to_container(composed, resolve=True)
    assert isinstance(plain, dict)
    return {str(k): v for k, v in plain.items()}


def _explain(error: Exception, overrides: Sequence[str]) -> ConfigError:
    first_line = str(error).strip().splitlines()[0]
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if (configs_dir() / key).is_dir() and value not in (*list_choices(key), "null"):
            return _unknown_choice(key, value, override)
        if f"'{key}'" in first_line:  # hydra quotes the whole key, so sampling=… does not match sampling.n
            meant = _find_in_groups(key)
            return ConfigError(
                f"unknown setting '{key}'",
                where=override,
                found=override,
                expected=", ".join(_list_keys(key)),
                todo=f"did you mean {' or '.join(meant)}?" if meant else None,
            )
    return ConfigError("the settings cannot be composed", found=first_line, expected="see configs/")


def _unknown_choice(group: str, name: str, override: str = "") -> ConfigError:
    choices = list_choices(group)
    backbone = "NAME" if get_close_matches(name, choices) else name  # a misspelt name is none of timm's
    return ConfigError(
        f"there is no {group} named '{name}'",
        where=override or f"{group}={name}",
        found=name,
        expected=", ".join(choices),
        todo=f"another network of timm: model=hub model.backbone={backbone} downloads it from the hub; with "
        "model.weights=FILE, model.licence and model.trained_on its weights come from a file"
        if group == "model"
        else None,
    )


def _list_keys(key: str) -> list[str]:
    """Return the settings that a misspelt key may have meant: those of its group, else the groups."""
    group = key.split(".")[0]
    names = dict.fromkeys(name for model in _list_models(group) for name in model.model_fields)
    return [f"{group}.{name}" for name in names] or list(TrainConfig.model_fields)


def _find_in_groups(key: str) -> list[str]:
    """Return the settings of this name, or one much like it, in any group; `train.epochs` means `optim.epochs`."""
    names: dict[str, list[str]] = {}
    for group in TrainConfig.model_fields:
        for model in _list_models(group):
            for name in model.model_fields:
                names.setdefault(name, []).append(f"{group}.{name}")
    near = get_close_matches(key.split(".")[-1], names, n=1, cutoff=0.75)
    return sorted(set(names[near[0]])) if near else []


def _list_models(group: str) -> tuple[type[Settings], ...]:
    """Return the models of a group: one, or several for `sampling`; none for an unknown group."""
    if group in OTHER_GROUPS:
        return (OTHER_GROUPS[group],)
    field = TrainConfig.model_fields.get(group)
    annotations: tuple[Any, ...] = get_args(field.annotation) or (field.annotation,) if field else ()
    return tuple(x for x in annotations if isinstance(x, type) and issubclass(x, Settings))
