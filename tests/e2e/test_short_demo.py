"""The short demo: from rendered footage to a report, without torch."""

import json

import pytest
from command_line import leopardnet

from leopardnet.bundle.bundle import load_bundle
from leopardnet.core.errors import BundleError
from leopardnet.core.predictions import Predictions
from leopardnet.demo_job import short_demo
from leopardnet.synth import FootageSpec

TINY = FootageSpec(
    n_sites=3, clips_per_site=4, stills_per_site=0, width_px=160, height_px=90, duration_s=(0.3, 0.3), fps=10.0
)


def test_every_step_of_the_short_demo_leaves_its_result(tmp_path):
    stages = {}
    made = short_demo(
        tmp_path, spec=TINY, n_workers=1, on_progress=lambda what, done, total: stages.update({what: (done, total)})
    )
    assert stages == {"rendering footage": (12, 12), "looking at frames": (12, 12), "classifying": (12, 12)}
    table = Predictions.read(tmp_path / "results").table
    assert len(table) == 12 and set(table["status"]) == {"ok"}
    bundle = load_bundle(made.bundle)
    assert set(table["bundle_id"]) == {bundle.id}
    learned = table.groupby("site")["in_training"].first()
    assert learned.to_dict() == {"site01": "clip", "site02": "clip", "site03": "no"}
    assert "A program drew 12 of 12 clips." in made.report.read_text("utf-8")
    with pytest.raises(BundleError, match="holds a demo already"):
        short_demo(tmp_path, spec=TINY, n_workers=1, on_progress=lambda *_: None)


def test_the_command_ends_with_what_to_open_and_claims_no_review(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(short_demo.__kwdefaults__, "spec", TINY)
    table, said = leopardnet("demo", "--short", "--out", "d", "--workers", 1)
    assert said.rstrip("\n").split("\n")[-2:] == ["bundle: d/bundle", "open in a browser: d/report.html"]
    assert "This footage was rendered by a program." in " ".join(said.split())

    card = (tmp_path / "d/bundle/card.md").read_text("utf-8")
    assert "**Rendered footage.** A program drew 8 of the clips that this model learned from" in card
    assert card.startswith(
        "> **Made from labels.** A head on a network trained on ImageNet, fitted to 8 labelled clips"
    )
    assert "No clip was kept to judge it." in card and "drawn at random" not in card
    written = [tmp_path / "d" / name for name in ("bundle/card.md", "bundle/card.json", "bundle/bundle.json")]
    texts = [table, said, *(file.read_text("utf-8") for file in [*written, tmp_path / "d/report.html"])]
    assert not [text for text in texts if "in review" in text.lower() or "in_review" in text]
    facts = json.loads((tmp_path / "d/bundle/card.json").read_text("utf-8"))
    assert facts["n_rendered_clips"] == facts["made_from_labels"]["n_labels"] == 8
