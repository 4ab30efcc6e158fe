"""Labels of people: a model from them, judged by the audit, a second from it, and both side by side."""

import json

import numpy as np
import pandas as pd
import pytest
from command_line import leopardnet
from PIL import Image

pytest.importorskip("torch", reason="the extra [train] is not installed")

from leopardnet.bundle.bundle import load_bundle
from leopardnet.bundle.learned_from import read_learned_from
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.data.human_labels.sound_labels import SoundEntry, SoundLabelFile

SETTINGS = ["debug=smoke", "optim.mode=probe", "experiment.tracker=none", "validation.n_folds=3"]
COLOURS = {"tiger": (220, 120, 30), "empty": (40, 110, 50), "boar": (90, 80, 160)}
N_SITES, PER_SITE = 6, 8


def name(site, i):
    return f"s{site}/{i}.png"


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """Six sites of eight pictures; at each two of the audit, five others labelled, one disputed, in labels.sqlite.

    boars.sqlite says the same, but of two pictures of each site that they show a boar.
    """
    root, rng = tmp_path_factory.mktemp("season"), np.random.default_rng(0)
    shown = {
        name(s, i): ("tiger", "empty", "boar", "empty")[i % 4] for s in range(N_SITES) for i in range(PER_SITE)
    }
    for path, label in shown.items():
        (root / path).parent.mkdir(exist_ok=True)
        pixels = np.clip(np.array(COLOURS[label]) + rng.normal(0, 12, (48, 64, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(root / path)
    rows = pd.DataFrame({"path": list(shown), "kind": "still", "site": [p.split("/")[0] for p in shown]})
    Manifest.from_rows(rows, root).write(root / "m.parquet")
    for file_name in ("labels.sqlite", "boars.sqlite"):
        with LabelFile(root / file_name) as file:
            for path, label in shown.items():
                i = int(path.split("/")[1][0])
                says = "tiger" if label == "boar" and file_name == "labels.sqlite" else label
                drawn = {"queue": "audit", "inclusion": 0.25} if i < 2 else {"queue": "suspected"}
                entry = {"clip_id": clip_id(path), "path": path, **drawn}
                file.add(LabelEntry(key=path, labels=[says], by="AB", **entry))
                if i == 7:
                    file.add(LabelEntry(key=f"{path} too", labels=["boar"], by="CD", **entry))
    with SoundLabelFile(root / "labels.sqlite") as file:
        file.add(SoundEntry(key="s", by="AB", clip_id=clip_id(name(0, 0)), start_s=1, end_s=2, label="alarm call"))
    return root


@pytest.fixture(scope="module")
def first(season):
    """The model of the first round, without boars, and what was printed."""
    out = season / "run1"
    options = ("--labels", season, "--out", out, *SETTINGS, "labels.targets=[tiger]")
    return out, leopardnet("train", season / "m.parquet", *options)[1]


def test_audit_clips_judge_and_are_not_trained_on(season, first):
    run, said = first
    assert "labels of people: 42 clips, 12 of them of the random audit" in said
    assert "left out: 6 clips that people dispute or do not know" in said and "kept out of training" in said
    assert f"leopardnet sounds train RESULTS --labels {season} --root CARDS" in said.replace("\n", " ")
    counts = pd.read_csv(run / "labels_by_split.csv").groupby("split")["n_clips"].sum().to_dict()
    assert counts == {"audit": 12, "train": 30}
    card = (run / "bundle" / "card.md").read_text("utf-8")
    assert "Judged by 12 audit labels, drawn at random with one chance; 30 others" in card and "12 clips" in card
    held = Predictions.read(run).table.set_index("clip_id")
    assert len(held) == 42 and clip_id(name(0, 0)) in held.index  # each from a network that had not seen its site
    parts = read_learned_from(load_bundle(run / "bundle").spec).find_part(
        Manifest.read(season / "m.parquet").table, None
    )
    assert parts[clip_id(name(0, 2))] == "clip" and parts[clip_id(name(0, 0))] == "site"
    errors = pd.read_parquet(run / "label_errors.parquet")
    assert list(errors.columns) == ["clip_id", "label", "likelier", "score"]


def test_the_run_is_evaluated_by_the_audit_alone(season, first, tmp_path):
    run, _ = first
    options = ("--manifest", season / "m.parquet", "--labels", season)
    printed, _ = leopardnet("evaluate", run, *options, "--out", tmp_path / "eval", "--n-boot", 50)
    assert "Judged by 12 audit labels" in printed and "12 labelled clips from 6 sites" in printed
    metrics = json.loads((tmp_path / "eval" / "metrics.json").read_text("utf-8"))
    assert metrics["labels_chosen"]["basis"] == "audit" and metrics["n_clips"] == 12
    biased = (*options, "--labels-as", "chosen")
    printed, _ = leopardnet("evaluate", run, *biased, "--out", tmp_path / "eval", "--n-boot", 0)
    assert "BIASED: 42 labels" in printed and "May the clips" not in printed
    lose = ("--lose", "tiger=0.9", "--confidence", 0.1, "--out", tmp_path / "t.json")
    printed, said = leopardnet("thresholds", run, *options, *lose)
    found = json.loads((tmp_path / "t.json").read_text("utf-8"))
    assert found["labels_chosen"]["basis"] == "audit" and found["promises"][0]["n_positives"] == 6
    assert "judged by 12 audit labels" in said
    new = ("--bundle", run / "bundle", "--new-bundle", tmp_path / "new")
    assert "promises nothing" in leopardnet("thresholds", run, *biased, *lose, *new, code=2)[1]
    leopardnet("thresholds", run, *options, *lose, *new)
    assert "Judged by 12 audit labels" in (tmp_path / "new" / "card.md").read_text("utf-8")


def test_a_second_model_goes_on_from_the_first_and_both_are_compared(season, first, tmp_path):
    run, _ = first
    out, table = tmp_path / "run2", season / "m.parquet"
    options = ("--labels", season / "boars.sqlite", "--from", run / "bundle", "--out", out, *SETTINGS[1:])
    fit = ("optim.mode=finetune", "optim.epochs=1", "optim.steps_per_epoch=2")
    assert "sounds train" not in leopardnet("train", table, *options, *fit)[1]  # nobody named a sound
    made = load_bundle(out / "bundle")
    assert made.labels.names == ("tiger", "boar", "empty")
    assert made.spec.provenance["goes_on_from"] == load_bundle(run / "bundle").id
    assert "It goes on from the weights" in (out / "bundle" / "card.md").read_text("utf-8")
    assert not (out / "held_out").exists()  # it goes on from a network that had seen these sites
    picture = tmp_path / "compared.svg"
    both = ("compare", run / "bundle", out / "bundle", "--manifest", table, "--labels", season / "boars.sqlite")
    found = json.loads(leopardnet(*both, "--json", "--out", picture)[0])
    assert found["verdict"] in ("better", "worse", "mixed", "cannot tell") and found["n_clips"] == 12
    assert found["only_new"] == ["boar"] and found["n_at_known_sites"] == [12, 12]
    assert "<svg" in picture.read_text("utf-8") and any("nothing about new ones" in x for x in found["limits"])
    printed, said = leopardnet("compare", run / "bundle", run / "bundle", *both[3:])
    assert "cannot tell" in printed + said and "no reasonable number of labels" in said
    assert "no labelled clip may judge both" in leopardnet(*both, "--new-sites", code=1)[1]
    assert "must end in" in leopardnet(*both, "--out", tmp_path / "x.txt", code=2)[1]


def test_what_cannot_be_trained_on_is_said(season, first, tmp_path):
    run, _ = first
    other = tmp_path / "labels.sqlite"
    with LabelFile(other) as file:
        file.add(
            LabelEntry(key="1", clip_id=clip_id("z.png"), path="z.png", labels=["tiger"], by="AB", queue="all")
        )
    train = ("train", season / "m.parquet", "--out", tmp_path / "run", *SETTINGS)
    assert "nobody has labelled a clip of this manifest" in leopardnet(*train, "--labels", other, code=1)[1]
    path = name(0, 0)
    with LabelFile(other) as file:
        entry = {"clip_id": clip_id(path), "path": path, "queue": "audit", "inclusion": 0.1}
        file.add(LabelEntry(key="2", labels=["tiger"], by="AB", **entry))
    assert "--train-on-audit" in leopardnet(*train, "--labels", other, code=1)[1]
    assert "goes with --labels" in leopardnet(*train, "--train-on-audit", code=2)[1]
    said = leopardnet(*train, "--labels", season, "--from", run / "bundle", "model=lite0", code=1)[1]
    assert "model.backbone is tf_efficientnet_lite0" in said
    said = leopardnet(*train, "--labels", season, "--train-on-audit")[1]
    assert "no label is left that judges this very model" in said
    assert set(pd.read_csv(tmp_path / "run" / "labels_by_split.csv")["split"]) == {"train"}
