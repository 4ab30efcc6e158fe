"""Every settings file composes and validates; the commonest mistakes get these very words."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from leopardnet.compose import choices, load_config
from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.core.settings.inference import PreprocessSpec
from leopardnet.core.settings.training import OptimConfig, TrainConfig

REPOSITORY = Path(__file__).resolve().parent.parent
CONFIGS = REPOSITORY / "configs"
OUTSIDE = {"local", "label_maps"}  # settings of one machine; name tables of imports, no part of training
FILES = sorted(p for p in CONFIGS.rglob("*.yaml") if p.parent.name != "local")
GROUPS = sorted(p.name for p in CONFIGS.iterdir() if p.is_dir() and p.name not in OUTSIDE)
CHOICES = [f"{group}={choice}" for group in GROUPS for choice in choices(group)]


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


@pytest.mark.parametrize("model", choices("model"))
def test_the_input_has_the_size_that_suits_the_model_unless_another_is_chosen(model):
    config = load_config("train", [f"model={model}"])
    assert config.preprocess.size_px == config.model.size_px and config.preprocess.resize == "squash"
    assert (config.model.size_px == 0) == (model == "hub"), "only the hub leaves the size to the weights"
    assert load_config("train", [f"model={model}", "preprocess=squash192"]).preprocess.size_px == 192
    assert config.model.licence and config.model.trained_on


def test_a_size_of_zero_never_reaches_a_bundle():
    with pytest.raises(ValueError, match="greater than or equal to 32"):
        PreprocessSpec.model_validate(load_config("train", ["model=hub"]).preprocess.model_dump())
    with pytest.raises(ConfigError, match=r"setting 'preprocess.size_px' cannot be used"):
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
  expected: {", ".join(TrainConfig.model_fields)}""",
    "+optim.momentum=0.9": f"""\
unknown setting 'optim.momentum'
  where:    the composed settings
  found:    optim.momentum=0.9
  expected: one of {", ".join(sorted(OptimConfig.model_fields))}
  do:       correct the spelling, or take the setting out""",
    "model=lite7": f"""\
there is no model named 'lite7'
  where:    model=lite7
  found:    lite7
  expected: {", ".join(choices("model"))}""",
    "experiment=mine": f"""\
there is no experiment named 'mine'
  where:    experiment=mine
  found:    mine
  expected: {", ".join(choices("experiment"))}""",
    "optim.epochs=many": """\
setting 'optim.epochs' cannot be used
  where:    the composed settings
  found:    'many'
  expected: Input should be a valid integer, unable to parse string as an integer""",
    "optim.epochs=-1": """\
setting 'optim.epochs' cannot be used
  where:    the composed settings
  found:    -1
  expected: Input should be greater than or equal to 0""",
    "aggregate.name=best": """\
setting 'aggregate.name' cannot be used
  where:    the composed settings
  found:    'best'
  expected: Input should be 'presence_topk', 'topk_logit', 'mean_logit', 'mean_prob', 'max' or 'noisy_or'""",
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
        " sampling.scan_gap_s, sampling.max_scanned, sampling.times_s"
    )


def test_of_several_mistakes_the_first_is_named_and_all_are_counted():
    with pytest.raises(
        ConfigError, match=r"^setting 'augment.flip_p' cannot be used \(2 settings are wrong; this is"
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
        (("+manifest=m.parquet", "optim.lr=5"), "error: setting 'optim.lr' cannot be used"),
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
