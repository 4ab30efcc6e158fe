"""Planted first records over a few generated archives; `scripts/measure_first_records.py` takes many more."""

import importlib.util
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "measure_first_records.py"


def test_no_planted_first_record_is_suppressed_and_no_place_is_untrue():
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script  # dataclasses look their module up
    spec.loader.exec_module(script)
    counts = script.measure(2, seed=3)
    assert counts["planted"] == 40 and counts["suppressed"] == 0
    assert counts["untrue_status"] == 0 and counts["alerts"] == 0 and counts["shuffled_clips"] == 1600
