"""The commands that `predict` proposes: they can be given as they stand, and know what people said before."""

import shlex

import numpy as np
import pytest
from command_line import leopardnet
from PIL import Image

from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.data.scan.scan import scan


@pytest.fixture
def here(tmp_path, rng, monkeypatch):
    """The current folder, with a card of two pictures and, in a folder of its own, their manifest."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "card" / "s1").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(tmp_path / "card" / "s1" / name)
    (tmp_path / "winter 2021").mkdir()
    Manifest(scan(tmp_path / "card", pattern="{site}/*").table, tmp_path / "card").write(
        tmp_path / "winter 2021" / "m.parquet"
    )
    return tmp_path


def predict(source, bundle):
    """The commands that come next, word by word."""
    _, said = leopardnet("predict", source, "--bundle", bundle, "--out", "r", "--workers", 0, "--no-sound")
    lines = [line.removeprefix("next:") for line in said.splitlines() if line.startswith("next:")]
    return [shlex.split(line)[1:] for line in lines]


def label(file):
    with LabelFile(file) as labels:
        said = {"path": "s1/a.jpg", "labels": ["leopard"], "by": "AB", "queue": "all"}
        labels.add(LabelEntry(key="k", clip_id=clip_id("s1/a.jpg"), **said))


def test_labels_that_were_given_before_are_in_the_next_command_and_not_made_up(here, tiny_bundle):
    manifest = "winter 2021/m.parquet"
    footage = ["--manifest", manifest]
    report, review = predict(manifest, tiny_bundle.folder)
    assert report == ["report", "r", *footage, "--bundle", str(tiny_bundle.folder), "--out", "r/report.html"]
    assert review == ["review", "r", *footage]

    label(here / "winter 2021" / "labels.sqlite")
    report, _ = predict(manifest, tiny_bundle.folder)
    assert report[4:8] == ["--bundle", str(tiny_bundle.folder), "--labels", "winter 2021/labels.sqlite"]
    leopardnet(*report)
    page = (here / "r/report.html").read_text("utf-8")
    assert "Confirmed" in page and "no labels of people were given" not in page

    label(here / "r" / "labels.sqlite")
    report, _ = predict(manifest, tiny_bundle.folder)
    assert report[6:8] == ["--labels", "r/labels.sqlite"], "those of these results are nearer"


def test_a_card_without_a_manifest_has_labels_beside_its_results(here, tiny_bundle):
    (here / "r").mkdir()
    label(here / "r" / "labels.sqlite")
    report, review = predict("card", tiny_bundle.folder)
    assert report[:4] == ["report", "r", "--root", "card"] and report[6:8] == ["--labels", "r/labels.sqlite"]
    assert review == ["review", "r", "--root", "card"]
    leopardnet(*report)
