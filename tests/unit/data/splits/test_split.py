"""Splits that share nothing, come close to the shares, and do not depend on the order of rows."""

import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import leopardnet.cli.dataset  # noqa: F401  (registers the verbs)
from leopardnet.cli.console import app
from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.splits import stratify
from leopardnet.data.splits.split import count_by_split, split, split_by_site

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def manifest(rows, **columns):
    return Manifest.from_rows(pd.DataFrame(rows).assign(**columns), Path())


def sites(n_sites, n_rows, labels=("tiger", "empty")):
    """n_rows of each label at each site."""
    rows = [
        {"path": f"s{s}/{label}{i}.jpg", "kind": "still", "site": f"s{s}", "label": label}
        for s in range(n_sites)
        for label in labels
        for i in range(n_rows)
    ]
    return manifest(rows)


def parted(values, parts):
    """The values that stand on more than one side."""
    n = parts.groupby(values).nunique()
    return list(n.index[n > 1])


names = st.none() | st.sampled_from(["a", "b", "c", "d", "e"])
row = st.fixed_dictionaries(
    {
        "site": names,
        "deployment": names,
        "sequence_id": st.none() | st.sampled_from(["q1", "q2", "q3", "q4", "q5", "q6"]),
        "label": st.none() | st.sampled_from(["tiger", "leopard", "empty"]),
        "clip": st.integers(0, 20),
        "copy": st.none() | st.integers(0, 5),
        "minute": st.integers(0, 5000),
    }
)


def built(rows):
    """A manifest with labelled frames, several of one clip, and the copies as a series."""
    t = pd.DataFrame(rows).assign(kind="frame", frame_number=range(len(rows)))
    t["path"] = "c" + t["clip"].astype(str) + ".avi"
    t["captured_at"] = [datetime(2024, 1, 1) + timedelta(minutes=m) for m in t.pop("minute")]
    copies = t.pop("copy").astype("Int64")
    return Manifest.from_rows(t.drop(columns="clip").convert_dtypes(), Path()), copies


# --- nothing is shared ---


@QUICK
@given(
    st.lists(row, min_size=1, max_size=60),
    st.sampled_from(["site", "sequence", "time"]),
    st.booleans(),
    st.integers(0, 5),
)
def test_no_site_sequence_clip_or_copy_is_on_two_sides(rows, by, as_folds, seed):
    m, copies = built(rows)
    t = split(m, by=by, n_folds=3 if as_folds else None, seed=seed, keep_together=copies, allow_missing=True).table
    assert len(t) == len(rows) and t["split"].notna().all()
    allowed = {"fold0", "fold1", "fold2"} if as_folds else {"train", "val", "test"}
    assert set(t["split"]) <= allowed
    assert t["path"].tolist() == m.table["path"].tolist(), "rows keep their order"
    for column in ("clip_id", "sequence_id"):
        assert parted(t[column], t["split"]) == []
    assert parted(copies, t["split"]) == []
    if by == "site":
        assert parted(t["site"], t["split"]) == []
        assert parted(t["deployment"][t["site"].isna()], t["split"]) == []


@QUICK
@given(
    st.lists(row, min_size=2, max_size=50),
    st.sampled_from(["site", "sequence", "time"]),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_does_not_matter(rows, by, random):
    m, copies = built(rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    shuffled = m.replace(m.table.iloc[order])
    options = {"by": by, "allow_missing": True}
    one = split(m, keep_together=copies, **options).table["split"].iloc[order].tolist()
    other = split(shuffled, keep_together=copies.iloc[order], **options).table["split"].tolist()
    assert one == other


@pytest.mark.parametrize("n_sites", [3, 12, 30, 60])
def test_the_seed_decides(n_sites):
    m = sites(n_sites, 2)
    splits = [split(m, seed=seed).table["split"].tolist() for seed in range(7, 13)]
    assert splits[0] == split(m, seed=7).table["split"].tolist()
    assert len({tuple(s) for s in splits}) > 3


def test_the_seed_decides_folds_too():
    m = sites(30, 2)
    assert len({tuple(split(m, n_folds=4, seed=seed).table["split"]) for seed in range(7, 13)}) > 3


# counts of labels that differ in their order alone have equal deviations, but not in floating point
UNEVEN = [
    {"tiger": a, "deer": b, "empty": c} for a, b, c in [(3, 1, 2), (1, 2, 3), (2, 3, 1), (5, 1, 1), (1, 5, 1)] * 10
]


def uneven_sites(order=slice(None)):
    rows = [
        {"path": f"s{s}/{label}{i}.jpg", "kind": "still", "site": f"s{s}", "label": label}
        for s, counts in enumerate(UNEVEN)
        for label, n in counts.items()
        for i in range(n)
    ]
    return manifest(rows[order])


@pytest.mark.parametrize("options", [{}, {"n_folds": 5}], ids=["parts", "folds"])
def test_the_last_bit_of_a_number_decides_nothing(options, monkeypatch):
    plain = split(uneven_sites(), **options).table["split"].tolist()
    noise = np.random.default_rng(1)
    weights = stratify._weights
    monkeypatch.setattr(
        stratify, "_weights", lambda units: (w := weights(units)) * (1 + 1e-14 * noise.standard_normal(w.shape))
    )
    sqrt = np.sqrt
    monkeypatch.setattr(np, "sqrt", lambda x: (r := sqrt(x)) * (1 + 1e-14 * noise.standard_normal(np.shape(r))))
    assert split(uneven_sites(), **options).table["split"].tolist() == plain


@pytest.mark.parametrize(
    ("options", "digest"), [({}, "e6a41142e978"), ({"n_folds": 5}, "e14b1eccb056")], ids=["parts", "folds"]
)
def test_a_split_is_the_same_on_every_processor(options, digest):
    table = split(uneven_sites(), seed=7, **options).table
    by_site = table.groupby("site")["split"].first()
    assert hashlib.sha256(" ".join(by_site).encode()).hexdigest()[:12] == digest


def test_two_cameras_of_a_station_and_later_deployments_stay_together():
    rows = [
        {"path": f"{s}{d}/1.jpg", "kind": "still", "site": f"s{s}", "deployment": f"{s}-{d}"}
        for s in range(12)
        for d in "ab"
    ]
    t = split_by_site(manifest(rows)).table
    assert parted(t["site"], t["split"]) == []


def test_rows_without_a_site_go_by_deployment_then_sequence_then_alone():
    rows = [{"path": f"d/{i}.jpg", "deployment": "d"} for i in range(6)]
    rows += [{"path": f"q/{i}.jpg", "sequence_id": "q"} for i in range(6)]
    rows += [{"path": f"x/{i}.jpg"} for i in range(30)]
    t = split(manifest(rows, kind="still")).table
    assert t["split"][:6].nunique() == 1
    assert t["split"][6:12].nunique() == 1
    assert t["split"][12:].nunique() > 1


def test_a_sequence_that_spans_two_sites_joins_them():
    m = sites(10, 3)
    t = m.table.copy()
    t.loc[[0, len(t) - 1], "sequence_id"] = "shared"
    assert t.loc[0, "site"] != t.loc[len(t) - 1, "site"]
    done = split(m.replace(t)).table
    assert done["split"][0] == done["split"][len(t) - 1]
    assert parted(done["site"], done["split"]) == []


def test_keep_together_must_fit_the_rows():
    with pytest.raises(ManifestError, match="keep_together"):
        split(sites(5, 1), keep_together=pd.Series([1, 2]))


# --- shares ---


@pytest.mark.parametrize("fractions", [(0.7, 0.15, 0.15), (0.5, 0.25, 0.25), (0.8, 0.0, 0.2), (0.9, 0.05, 0.05)])
def test_shares_are_met_for_every_label(fractions):
    rng = np.random.default_rng(3)
    rows = [
        {
            "path": f"s{s}/{i}.jpg",
            "site": f"s{s}",
            "label": str(rng.choice(["empty", "deer", "tiger"], p=[0.7, 0.25, 0.05])),
        }
        for s in range(100)
        for i in range(int(rng.integers(5, 60)))
    ]
    table = count_by_split(split(manifest(rows, kind="still"), fractions=fractions))
    for part, wanted in zip(("train", "val", "test"), fractions, strict=True):
        if wanted == 0:
            assert part not in table.columns
            continue
        share = table[part] / table["all"]
        assert (share - wanted).abs().max() < 0.02, table


def test_a_rare_label_reaches_every_part():
    m = sites(40, 20, labels=("empty",))
    t = m.table.copy()
    rare = t.drop_duplicates("site").index[[0, 11, 29]]
    t.loc[rare, "label"] = "leopard"
    for seed in range(5):
        table = count_by_split(split(m.replace(t), seed=seed))
        assert table.loc["leopard", ["train", "val", "test"]].tolist() == [1, 1, 1]


def test_folds_are_even():
    table = count_by_split(split(sites(50, 4), n_folds=5))
    assert list(table.columns) == ["fold0", "fold1", "fold2", "fold3", "fold4", "all"]
    assert table.loc["tiger"].tolist() == [40, 40, 40, 40, 40, 200]


def test_many_small_groups_are_pooled_without_being_cut(monkeypatch):
    monkeypatch.setattr(stratify, "MAX_UNITS", 300)
    n = 4000
    rows = pd.DataFrame(
        {"path": [f"{i}.jpg" for i in range(n)], "kind": "still", "sequence_id": [f"q{i // 2}" for i in range(n)]}
    )
    rows["label"] = np.where(np.arange(n) % 100 == 0, "leopard", "empty")
    t = split(Manifest.from_rows(rows, Path()))
    assert parted(t.table["sequence_id"], t.table["split"]) == []
    table = count_by_split(t)
    assert (table["train"] / table["all"]).between(0.66, 0.74).all()
    assert (table[["val", "test"]].div(table["all"], axis=0)).to_numpy().min() > 0.1


# --- time ---


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


# --- refusals ---


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


# --- the table ---


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


# --- the verb ---


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
