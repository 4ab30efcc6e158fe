"""A bundle that knows nothing, for benchmarks that measure speed only."""

from __future__ import annotations

from pathlib import Path

from leopardnet.compose import load_config
from leopardnet.data.scan.scan import scan
from leopardnet.demo_job import add_labels
from leopardnet.synth import FootageSpec, render_footage
from leopardnet.training.pack.pack import train_bundle


def make_bundle(folder: Path, *overrides: str) -> Path:
    """Train on two rendered sites with `debug=smoke` and `overrides`; return the folder of the bundle."""
    spec = FootageSpec(
        n_sites=2, clips_per_site=4, stills_per_site=4, width_px=160, height_px=90, duration_s=(1, 1)
    )
    render_footage(folder / "footage", spec)
    manifest = add_labels(scan(folder / "footage", pattern="{site}/{deployment}/*"), folder / "footage")
    split = manifest.table["site"].map({"site01": "train", "site02": "val"})
    rows = manifest.replace(manifest.table.assign(split=split))
    train_bundle(rows, load_config("train", ["debug=smoke", *overrides]), out=folder / "run")
    return folder / "run" / "bundle"
