"""The short demo: from rendered footage to a report, without torch."""

import pytest

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
