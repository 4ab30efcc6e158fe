"""`leopardnet predict --split`: a split that does not exist is no footage to classify."""

import pandas as pd
import pytest
from typer.testing import CliRunner

import leopardnet.cli.predict  # noqa: F401  (registers the verb)
from leopardnet.cli.console import app


def predict(source, bundle, out, split):
    options = ["predict", source, "--bundle", bundle, "--out", out, "--split", split]
    return CliRunner().invoke(app, list(map(str, options)))


def test_a_folder_has_no_split(tmp_path):
    found = predict(tmp_path, tmp_path / "no-bundle", tmp_path / "out", "test")
    assert found.exit_code == 2 and not (tmp_path / "out").exists()


@pytest.mark.parametrize(("splits", "expected"), [(["val", "test"], "test, val"), ([None, None], "no --split")])
def test_a_misspelt_split_is_named_with_those_that_exist(tiny_bundle, tmp_path, splits, expected):
    rows = {"path": ["a.jpg", "b.jpg"], "kind": "still", "split": splits}
    pd.DataFrame(rows).to_csv(tmp_path / "m.csv", index=False)
    found = predict(tmp_path / "m.csv", tiny_bundle.folder, tmp_path / "out", "tset").exception
    assert str(found).startswith("the manifest has no such split")
    assert found.parts["found"] == "tset" and found.parts["expected"].startswith(expected)
