"""Every settings file composes, defaults do not drift, and common mistakes get these exact messages."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest
import yaml

from leopardnet.compose import list_choices, load_config, load_group
from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.core.settings.inference import PreprocessSpec, TimesSampling
from leopardnet.core.settings.settings_model import Settings
from leopardnet.core.settings.sound import SoundConfig
from leopardnet.core.settings.training import (
    ADDED_SETTINGS,
    DataConfig,
    OptimConfig,
    TrainConfig,
    add_missing_settings,
)

REPOSITORY = Path(__file__).resolve().parent.parent
CONFIGS = REPOSITORY / "configs"
# settings of one machine; name tables of imports; no part of training
OUTSIDE = {"local", "label_maps", "hunt", "records", "report", "sound"}
FILES = sorted(p for p in CONFIGS.rglob("*.yaml") if p.parent.name != "local")
GROUPS = sorted(p.name for p in CONFIGS.iterdir() if p.is_dir() and p.name not in OUTSIDE)
CHOICES = [f"{group}={choice}" for group in GROUPS for choice in list_choices(group)]


def name_of(path):
    return path.relative_to(CONFIGS).as_posix()


def test_a_checkout_uses_its_own_settings():
    assert configs_dir() == CONFIGS and len(CHOICES) > 20


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_composes_alone(choice):
    group, _, name = choice.partition("=")
    config = load_config("train", [choice])
    assert isinstance(config, TrainConfig)
    if group in ("model", "augment", "aggregate"):
        assert getattr(config, group).name == name, "the name inside is the name of the file"
    if group == "experiment":
        assert config.experiment.name == name and config.experiment.question and config.experiment.expected


@pytest.mark.parametrize("choice", [c for c in CHOICES if not c.startswith(("experiment", "debug"))])
def test_a_choice_sets_exactly_what_its_file_says(choice):
    group, _, name = choice.partition("=")
    written = yaml.safe_load((CONFIGS / group / f"{name}.yaml").read_text("utf-8"))
    composed = getattr(load_config("train", [choice]), group).model_dump(mode="json")
    assert set(written) == set(composed) or group == "labels", "a file leaves no setting to a default in the code"
    for key, value in written.items():
        if (group, key) == ("preprocess", "size_px") and value == "${model.size_px}":
            value = load_config("train").model.size_px
        if group != "labels" or key != "labels":
            assert composed[key] == value
    if group == "labels":
        assert [x["name"] for x in composed["labels"]] == [x["name"] for x in written["labels"]]


@pytest.mark.parametrize("choice", [c for c in CHOICES if not c.startswith(("experiment", "debug"))])
def test_a_group_loads_alone_with_the_values_that_a_whole_run_has(choice):
    group, _, name = choice.partition("=")
    alone, composed = load_group(group, name), getattr(load_config("train", [choice]), group)
    if group == "preprocess" and composed.size_px == load_config("train").model.size_px and alone.size_px == 0:
        alone = alone.model_copy(update={"size_px": composed.size_px})  # 0 is the size of a model that is not known
    assert alone == composed


def test_an_unknown_name_or_group_gets_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        load_group("sampling", "uniform9")
    with pytest.raises(ConfigError) as of_a_run:
        load_config("train", ["sampling=uniform9"])
    assert str(caught.value) == str(of_a_run.value) and "uniform16, uniform8" in str(caught.value)
    for unknown in ("optimiser", "seed", "experiment", "debug", "label_maps"):
        with pytest.raises(ConfigError, match=f"no group of settings named '{unknown}'(.|\n)*sampling"):
            load_group(unknown, "demo")


# --- defaults are in one place ---

MODES = {"uniform": "uniform8", "every": "every_second", "keyframes": "keyframes", "motion": "motion"}
OF_OLDER_BUNDLES = {"model.size_px": 0, "model.gem_p": 1.0}  # what versions did that had no such setting
TRAINING_ONLY = {"augment", "loss", "optim", "data", "validation", "experiment"}


def python_defaults():
    """Yield every default of a settings model in Python: key, value, and the value of the default file."""
    config = load_config("train")
    for group, field in TrainConfig.model_fields.items():
        if not field.is_required():
            yield group, field.default, getattr(config, group)
        for model in get_args(field.annotation) or (field.annotation,):
            if not (isinstance(model, type) and issubclass(model, Settings)):
                continue
            values = getattr(config, group)
            if group == "sampling" and model is not type(values):
                mode = model.model_fields["mode"].default
                values = load_group("sampling", MODES[mode]) if mode in MODES else TimesSampling(times_s=(0.0,))
            for key, inner in model.model_fields.items():
                if not inner.is_required():
                    yield f"{group}.{key}", inner.get_default(call_default_factory=True), getattr(values, key)


@pytest.mark.parametrize(("key", "in_python", "in_yaml"), list(python_defaults()))
def test_a_default_in_python_is_that_of_the_settings_file(key, in_python, in_yaml):
    assert in_python == OF_OLDER_BUNDLES.get(key, in_yaml)
    assert key.split(".")[0] not in TRAINING_ONLY, "settings that only training has get their values from files"


def test_this_way_of_looking_finds_the_defaults():
    keys = {key for key, *_ in python_defaults()}
    assert {"decide.empty", "sampling.n_frames", "sampling.scan_gap_s", "detector", "runtime.workers"} <= keys
    assert set(OF_OLDER_BUNDLES) <= keys


def test_settings_of_a_run_folder_of_an_older_version_still_load():
    new = load_config("train", ["experiment=demo"]).model_dump(mode="json")
    old = {k: dict(v) if isinstance(v, dict) else v for k, v in new.items() if k not in ("validation", "detector")}
    for group, added in ADDED_SETTINGS.items():
        if group in old:
            old[group] = {k: v for k, v in old[group].items() if k not in added}
    for group, key in (("model", "size_px"), ("model", "gem_p"), ("aggregate", "crop_weight"), ("decide", "among")):
        del old[group][key]
    config = TrainConfig.model_validate(add_missing_settings(old))
    assert config.augment.banner_p == config.augment.occlusion_p == 0.0 and config.model.gem_p == 1.0
    assert config.optim.lr == new["optim"]["lr"] and not config.detector.is_on
    assert TrainConfig.model_validate(add_missing_settings(new)) == load_config("train", ["experiment=demo"])


@pytest.mark.parametrize("model", list_choices("model"))
def test_the_input_has_the_size_that_suits_the_model_unless_another_is_chosen(model):
    config = load_config("train", [f"model={model}"])
    assert config.preprocess.size_px == config.model.size_px and config.preprocess.resize == "squash"
    assert (config.model.size_px == 0) == (model == "hub"), "only the hub leaves the size to the weights"
    assert load_config("train", [f"model={model}", "preprocess=squash192"]).preprocess.size_px == 192
    assert config.model.licence and config.model.trained_on


def test_a_size_of_zero_never_reaches_a_bundle():
    with pytest.raises(ValueError, match="greater than or equal to 32"):
        PreprocessSpec.model_validate(load_config("train", ["model=hub"]).preprocess.model_dump())
    with pytest.raises(ConfigError, match=r"invalid value of setting 'preprocess.size_px'"):
        load_config("train", ["preprocess.size_px=16"])


def test_every_group_has_its_line_in_the_table_of_contents():
    lines = yaml.safe_load((CONFIGS / "train.yaml").read_text("utf-8"))["defaults"]
    named = {key.split()[-1] for line in lines if isinstance(line, dict) for key in line}
    assert named == set(GROUPS) | {"local"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_file_begins_by_saying_what_it_is(path):
    comments = [line for line in path.read_text("utf-8").splitlines()[:2] if line.startswith("# ")]
    assert any(not line.startswith("# @package") for line in comments)


def test_settings_stay_as_they_were_composed():
    config = load_config("train", ["optim.lr=1e-3", "seed=11"])
    assert (config.optim.lr, config.seed) == (1e-3, 11)
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 12


FROM_FILE = "with model.weights=FILE, model.licence and model.trained_on its weights come from a file"
MISTAKES = {
    "optim.learning_rate=1": f"""\
unknown setting 'optim.learning_rate'
  where:    optim.learning_rate=1
  found:    optim.learning_rate=1
  expected: {", ".join(f"optim.{key}" for key in OptimConfig.model_fields)}""",
    "optimiser.lr=1": f"""\
unknown setting 'optimiser.lr'
  where:    optimiser.lr=1
  found:    optimiser.lr=1
  expected: {", ".join(TrainConfig.model_fields)}
  do:       did you mean optim.lr?""",
    "epochs=3": f"""\
unknown setting 'epochs'
  where:    epochs=3
  found:    epochs=3
  expected: {", ".join(TrainConfig.model_fields)}
  do:       did you mean optim.epochs?""",
    "data.size_px=64": f"""\
unknown setting 'data.size_px'
  where:    data.size_px=64
  found:    data.size_px=64
  expected: {", ".join(f"data.{key}" for key in DataConfig.model_fields)}
  do:       did you mean model.size_px or preprocess.size_px?""",
    "+optim.momentum=0.9": f"""\
unknown setting 'optim.momentum'
  where:    +optim.momentum=0.9
  found:    optim.momentum=0.9
  expected: one of {", ".join(sorted(OptimConfig.model_fields))}
  do:       correct the spelling, or remove the setting""",
    "model=lite7": f"""\
there is no model named 'lite7'
  where:    model=lite7
  found:    lite7
  expected: {", ".join(list_choices("model"))}
  do:       another network of timm: model=hub model.backbone=NAME downloads it from the hub; {FROM_FILE}""",
    "model=resnet50": f"""\
there is no model named 'resnet50'
  where:    model=resnet50
  found:    resnet50
  expected: {", ".join(list_choices("model"))}
  do:       another network of timm: model=hub model.backbone=resnet50 downloads it from the hub; {FROM_FILE}""",
    "experiment=mine": f"""\
there is no experiment named 'mine'
  where:    experiment=mine
  found:    mine
  expected: {", ".join(list_choices("experiment"))}""",
    "optim.epochs=many": """\
invalid value of setting 'optim.epochs'
  where:    optim.epochs=many
  found:    'many'
  expected: Input should be a valid integer, unable to parse string as an integer""",
    "optim.epochs=-1": """\
invalid value of setting 'optim.epochs'
  where:    optim.epochs=-1
  found:    -1
  expected: Input should be greater than or equal to 0""",
    "aggregate.name=best": """\
invalid value of setting 'aggregate.name'
  where:    aggregate.name=best
  found:    'best'
  expected: Input should be 'presence_ranked', 'presence_topk', 'topk_logit', 'mean_logit', \
'mean_prob', 'max' or 'noisy_or'""",
    "labels.targets=[nothing]": """\
labels.targets names a label that is not in the set
  where:    labels.targets
  found:    nothing
  expected: one of leopard, tiger, sika_deer, empty""",
    "optim.lr": """\
this is not a setting
  found:    optim.lr
  expected: key=value, for example model=lite0 or optim.lr=3e-4""",
    "--epochs": """\
this is not a setting
  found:    --epochs
  expected: key=value, for example model=lite0 or optim.lr=3e-4""",
}


@pytest.mark.parametrize("override", MISTAKES)
def test_a_mistake_gets_these_words(override):
    with pytest.raises(ConfigError) as caught:
        load_config("train", [override])
    assert str(caught.value) == MISTAKES[override]


def test_the_setting_that_is_wrong_is_blamed_and_not_its_group():
    with pytest.raises(ConfigError) as caught:
        load_config("train", ["sampling=uniform16", "sampling.n_frame=3"])
    assert str(caught.value) == (
        "unknown setting 'sampling.n_frame'\n  where:    sampling.n_frame=3\n  found:    sampling.n_frame=3\n"
        "  expected: sampling.mode, sampling.max_gap_s, sampling.n_frames, sampling.max_frames, sampling.every_s,"
        " sampling.scan_gap_s, sampling.max_scanned, sampling.times_s\n  do:       did you mean sampling.n_frames?"
    )


def test_of_several_mistakes_the_first_is_named_and_all_are_counted():
    with pytest.raises(
        ConfigError, match=r"^invalid value of setting 'augment.flip_p' \(2 settings are invalid; this is"
    ):
        load_config("train", ["augment.flip_p=2", "augment.blur_p=2"])


def test_the_wheel_carries_the_settings_to_where_the_package_looks_for_them():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["src/leopardnet"]
    assert wheel["force-include"]["configs"] == "leopardnet/configs"
    assert "configs" in project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]


# --- scripts/train.py ---


def train_script(*arguments, cwd):
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "train.py"), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"HYDRA_FULL_ERROR": "0"},
    )


def test_the_sweep_script_composes_the_same_settings(tmp_path):
    result = train_script("--cfg", "job", "--resolve", "model=tiny", "+manifest=m.parquet", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    shown = yaml.safe_load(result.stdout)
    assert shown.pop("manifest") == "m.parquet"
    assert TrainConfig.model_validate(shown) == load_config("train", ["model=tiny"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "error: there is no manifest to train on\n  expected: +manifest=PATH among the settings"),
        (("+manifest=m.parquet", "optim.lr=5"), "error: invalid value of setting 'optim.lr'"),
        (("+manifest=gone.parquet",), "error: there is no such table"),
    ],
)
def test_the_sweep_script_says_what_is_wrong(tmp_path, arguments, said):
    result = train_script(*arguments, f"hydra.run.dir={tmp_path / 'run'}", cwd=tmp_path)
    assert result.returncode == 1 and said in result.stderr and "Traceback" not in result.stderr


@pytest.mark.slow
def test_a_sweep_is_one_run_folder_for_each_value(labelled, tmp_path):
    manifest = labelled.write(tmp_path / "manifest.parquet")
    settings = ["debug=smoke", "optim.epochs=0", "optim.probe_c=0.01,0.1"]
    result = train_script(
        "-m", f"+manifest={manifest}", *settings, f"hydra.sweep.dir={tmp_path / 'sweep'}", cwd=tmp_path
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for i, probe_c in enumerate((0.01, 0.1)):
        run = tmp_path / "sweep" / str(i)
        assert (run / "bundle" / "model.onnx").is_file()
        assert yaml.safe_load((run / "config.yaml").read_text())["optim"]["probe_c"] == probe_c


def test_settings_that_exclude_each_other_are_named_and_not_all_settings():
    with pytest.raises(ConfigError, match="exclude each other") as caught:
        load_config("train", ["labels=amur_multi", "decide.among=0.5"])
    assert "among" in str(caught.value) and len(str(caught.value)) < 600


@pytest.mark.parametrize("old", ["optim.probe_ignores_sites=true", "optim.probe_c=auto", "model=lite0_lite2"])
def test_a_retired_setting_says_what_to_do_instead(old):
    with pytest.raises(ConfigError, match=r"has been retired(.|\n)*do:(.|\n)*never seen") as caught:
        load_config("train", [old])
    assert old in str(caught.value)


def test_regularisation_is_a_finite_number():
    for value in ("inf", "0", "nan", "1e30"):
        with pytest.raises(ConfigError, match="probe_c"):
            load_config("train", [f"optim.probe_c={value}"])


def test_the_settings_of_sound_state_every_key_and_the_code_has_the_same_defaults():
    for name in list_choices("sound"):
        written = yaml.safe_load((CONFIGS / "sound" / f"{name}.yaml").read_text("utf-8"))
        assert load_group("sound", name).model_dump(mode="json") == written
    assert load_group("sound", "tonal") == SoundConfig() and not load_group("sound", "none").is_on
    with pytest.raises(ConfigError, match=r"none, tonal"):
        load_group("sound", "loud")
