"""Clips of sites that a network was trained on do not judge it, even where the split says `val`."""

import json
import shutil

import pandas as pd
import pytest

from leopardnet.core.predictions import Predictions
from leopardnet.training.pack.pack import pack

NAMES = ("leopard", "tiger", "sika_deer", "empty")


def pack_run(tiny_run, folder, seen_sites):
    """Pack a run whose validation clips are 60 of 6 sites, all answered right at the sites that were trained on."""
    shutil.copytree(tiny_run.folder, folder, ignore=shutil.ignore_patterns("bundle", "held_out"))
    frames, crossed = [], []
    for i in range(60):
        site = f"s{i % 6}"
        said = i % 4 if site in seen_sites else (i + 1) % 4
        row = {"clip_id": f"{i:016x}", "path": f"{i}.jpg", "kind": "still", "site": site, "time_s": 0.0}
        row |= {"label": NAMES[i % 4], "site_seen": site in seen_sites, "view": "frame"}
        frames.append(row | {f"logit_{name}": (4.0 + i / 100) * (j == said) for j, name in enumerate(NAMES)})
        sure = 0.85 + i / 1000  # equal scores would count as copies of one clip
        chances = {f"p_{name}": sure if j == said else (1 - sure) / 3 for j, name in enumerate(NAMES)}
        crossed.append({"clip_id": row["clip_id"], "epoch": 1, **chances})
    pd.DataFrame(frames).to_parquet(folder / "val_frames.parquet")
    pd.DataFrame(crossed).to_parquet(folder / "cross_chosen.parquet")
    bundle = pack(folder)
    card = json.loads((folder / "bundle" / "card.json").read_text("utf-8"))
    return bundle, card, Predictions.read(folder).table


def test_clips_of_sites_that_were_trained_on_judge_nothing(tiny_run, tmp_path):
    bundle, card, held_out = pack_run(tiny_run, tmp_path / "run", {"s0", "s1", "s2", "s3"})
    parts = held_out.groupby("site")["in_training"].unique().map(list).to_dict()
    assert parts == {**{f"s{i}": ["site"] for i in range(4)}, "s4": ["held_out"], "s5": ["held_out"]}
    figures, chosen_on = card["figures"], card["figures_chosen_on"]
    assert figures["n_clips"] == 20 and figures["macro_f1"]["value"] == 0.0, (
        "every clip of s4 and s5 is said wrongly"
    )
    assert chosen_on["macro-F1"]["value"] == 0.0, "both are about the same clips"
    assert "4 of the validation sites were trained on" in bundle.spec.calibration.reason


@pytest.mark.parametrize("seen", [set(), {f"s{i}" for i in range(6)}])
def test_where_none_or_all_sites_were_trained_on_all_clips_have_figures(tiny_run, tmp_path, seen):
    _, card, held_out = pack_run(tiny_run, tmp_path / "run", seen)
    assert card["figures"]["n_clips"] == 60 and set(held_out["in_training"]) == ({"site"} if seen else {"held_out"})
    assert (card["optimism_of_macro_f1"] is None) == bool(seen), "nothing judges apart from what chose"
