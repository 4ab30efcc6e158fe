"""Kinds of splits, what they refuse, and the table of counts."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import leopardnet.cli.dataset  # noqa: F401  (registers the verbs)  # noqa: F401  (registers the verbs)
from leopardnet.cli.console import app
from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.splits.split import count_by_split, split
from manifests_to_split import manifest, parted, sites


def test_by_time_the_earliest_of_each_site_train_and_the_latest_test():
    start = datetime(2024, 1, 1)
    rows = [
        {
            "path": f"s{s}/{i}.jpg",
            "site": f"s{s}",
            "label": "tiger",
            "captured_at": start + timedelta(days=(i * 7) % 20 + 100 * s),
        }
        for s in range(3)
        for i in range(20)
    ]
    t = split(manifest(rows, kind="still"), by="time").table
    for _, site in t.groupby("site"):
        ordered = site.sort_values("captured_at")["split"].tolist()
        assert ordered == ["train"] * 14 + ["val"] * 3 + ["test"] * 3


def test_by_time_sequences_are_not_cut():
    start = datetime(2024, 1, 1)
    rows = [
        {
            "path": f"{i}.jpg",
            "site": "s",
            "label": "tiger",
            "captured_at": start + timedelta(minutes=i),
            "sequence_id": f"q{i // 5}",
        }
        for i in range(50)
    ]
    t = split(manifest(rows, kind="still"), by="time", fractions=(0.5, 0.2, 0.3)).table
    assert parted(t["sequence_id"], t["split"]) == []
    assert t["split"].tolist() == ["train"] * 25 + ["val"] * 10 + ["test"] * 15


def test_by_time_rows_without_a_time_are_refused_or_train():
    rows = [
        {"path": f"{i}.jpg", "site": "s", "captured_at": datetime(2024, 1, 1 + i) if i else None} for i in range(20)
    ]
    m = manifest(rows, kind="still")
    with pytest.raises(ManifestError, match="needs capture times"):
        split(m, by="time")
    t = split(m, by="time", allow_missing=True).table
    assert t["split"][0] == "train" and t["split"].iloc[-1] == "test"


def test_a_label_at_too_few_sites_is_refused_by_name_and_allowed_on_demand():
    m = sites(10, 3)
    t = m.table.copy()
    t.loc[t["site"].isin(["s0", "s1"]) & t["label"].eq("tiger"), "label"] = "leopard"
    with pytest.raises(ManifestError) as caught:
        split(m.replace(t))
    assert caught.value.parts["found"] == "leopard: 2"
    assert "at least 3 sites" in str(caught.value)
    assert split(m.replace(t), fractions=(0.8, 0.0, 0.2)).table["split"].nunique() == 2
    done = split(m.replace(t), allow_missing=True).table
    assert done["split"].notna().all() and set(done["split"]) == {"train", "val", "test"}


def test_fewer_sites_than_folds_is_refused():
    with pytest.raises(ManifestError, match="too few sites"):
        split(sites(4, 5), n_folds=5)


def test_one_site_is_refused_unless_allowed():
    m = sites(1, 5)
    with pytest.raises(ManifestError, match="too few sites"):
        split(m)
    assert set(split(m, allow_missing=True).table["split"]) == {"train"}


def test_an_unlabelled_manifest_can_be_split_but_not_on_one_site():
    rows = [{"path": f"s{s}/1.jpg", "kind": "still", "site": f"s{s}"} for s in range(20)]
    assert split(manifest(rows)).table["split"].value_counts().to_dict() == {"train": 14, "val": 3, "test": 3}
    with pytest.raises(ManifestError, match="too few sites to split"):
        split(manifest(rows[:1]))


@pytest.mark.parametrize(
    "options",
    [
        {"fractions": (0.7, 0.3)},
        {"fractions": (0.7, 0.2, 0.2)},
        {"fractions": (0.0, 0.5, 0.5)},
        {"n_folds": 1},
        {"fractions": (1.2, -0.1, -0.1)},
        {"by": "camera"},
    ],
)
def test_impossible_options_are_refused(options):
    with pytest.raises(ConfigError):
        split(sites(5, 1), **options)


def test_no_rows_are_refused():
    with pytest.raises(ManifestError, match="no rows"):
        split(sites(3, 1).where(site="nowhere"))


def test_the_table_counts_rows_clips_and_sites():
    rows = [
        {"path": "a.avi", "frame_number": 0, "site": "n", "label": "tiger", "split": "train"},
        {"path": "a.avi", "frame_number": 9, "site": "n", "label": "tiger", "split": "train"},
        {"path": "b.avi", "frame_number": 0, "site": "m", "label": "tiger", "split": "test"},
        {"path": "c.avi", "frame_number": 0, "site": None, "label": None, "split": None},
    ]
    m = manifest(rows, kind="frame")
    assert count_by_split(m).to_dict("index") == {
        "(no label)": {"train": 0, "test": 0, "(no split)": 1, "all": 1},
        "tiger": {"train": 2, "test": 1, "(no split)": 0, "all": 3},
    }
    assert count_by_split(m, count="clips").loc["tiger"].tolist() == [1, 1, 0, 2]
    assert count_by_split(m, count="sites").loc["tiger"].tolist() == [1, 1, 0, 2]
    assert count_by_split(m, count="sites").loc["(no label)"].tolist() == [0, 0, 0, 0]


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_the_verb_writes_in_place_or_elsewhere(tmp_path):
    path = sites(20, 2).write(tmp_path / "m.parquet")
    first = run("split", path, "--by", "site", "--fractions", "0.7,0.15,0.15", "--seed", "7")
    assert first.exit_code == 0, first.output
    done = Manifest.read(path)
    assert done.table["split"].value_counts().to_dict() == {"train": 56, "val": 12, "test": 12}
    assert "all rows" in first.output and "replaced" not in first.output
    assert "replaced" in run("split", path).output
    before = path.read_bytes()
    other = run("split", path, "--n-folds", 4, "--out", tmp_path / "folds.csv", "--json")
    assert json.loads(other.stdout)["rows"]["tiger"] == {
        "fold0": 10,
        "fold1": 10,
        "fold2": 10,
        "fold3": 10,
        "all": 40,
    }
    assert path.read_bytes() == before
    assert Manifest.read(tmp_path / "folds.csv").table["split"].nunique() == 4


def test_the_verb_refuses_two_kinds_of_split_at_once_and_leaves_the_file(tmp_path):
    path = sites(20, 2).write(tmp_path / "m.parquet")
    before = path.read_bytes()
    assert run("split", path, "--fractions", "0.8,0,0.2", "--n-folds", "3").exit_code == 2
    assert isinstance(run("split", path, "--fractions", "a,b,c").exception, ConfigError)
    assert isinstance(run("split", sites(1, 2).write(tmp_path / "one.parquet")).exception, ManifestError)
    assert path.read_bytes() == before


def test_rows_of_several_labels_are_spread_like_a_label_of_their_own():
    rows = [
        {"path": f"s{i}/{k}.jpg", "kind": "still", "site": f"s{i}", "label": "tiger", "labels": None}
        for i in range(12)
        for k in range(3)
    ]
    for i in (0, 1, 2):  # at three sites only, which chance would leave together now and then
        rows[3 * i] |= {"label": None, "labels": "deer + tiger"}
    for seed in range(5):
        found = split(Manifest.from_rows(pd.DataFrame(rows), Path()), fractions=(0.34, 0.33, 0.33), seed=seed)
        both = found.table[found.table["labels"].notna()]
        assert sorted(both["split"]) == ["test", "train", "val"]
