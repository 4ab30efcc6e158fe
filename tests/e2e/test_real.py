"""The commands on real pictures and clips: a model learns, and every odd file of eight camera makers has its row.

The figures show that training works on real pictures. They do not show how well a model does in the field.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest
from command_line import leopardnet


@pytest.mark.slow
def test_import_split_train_classify_report(real_root, tmp_path):
    m, run, results = tmp_path / "real.parquet", tmp_path / "run", tmp_path / "results"
    columns = ["--path", "path", "--label", "label", "--site", "site", "--sequence", "sequence_id"]
    leopardnet("import", "csv", real_root / "images.csv", "--root", real_root, *columns, "--out", m)
    leopardnet("split", m, "--by", "site", "--fractions", "0.6,0.2,0.2", "--seed", "7")
    table = pd.read_parquet(m)
    assert len(table) == 808
    for key in ("site", "sequence_id"):
        assert table.groupby(key)["split"].nunique().max() == 1, f"a {key} is in two splits"

    leopardnet("train", m, "--out", run, "experiment=real_dev", "validation.n_folds=2")
    leopardnet("predict", m, "--split", "test", "--bundle", run / "bundle", "--out", tmp_path / "unseen")
    leopardnet("evaluate", tmp_path / "unseen", "--manifest", m, "--out", tmp_path / "eval")
    metrics = json.loads((tmp_path / "eval/metrics.json").read_text())
    assert metrics["macro_f1"]["value"] > 0.5, "a network that learned nothing has about 0.1"

    leopardnet("predict", real_root / "clips", "--bundle", run / "bundle", "--out", results)
    clips = pd.read_parquet(results / "predictions.parquet")
    assert (
        len(clips) == 18
        and clips["status"].isin(["ok", "partial"]).all()
        and clips["n_frames"].between(1, 128).all()
    )
    leopardnet(
        "report", results, "--root", real_root / "clips", "--bundle", run / "bundle", "--out", tmp_path / "r.html"
    )
    page = (tmp_path / "r.html").read_text("utf-8")
    assert all(path in page for path in clips["path"]) and str(real_root) not in page
