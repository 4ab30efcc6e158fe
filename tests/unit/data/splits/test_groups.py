"""Rows that a split keeps together, in whatever order they come."""

from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.splits.split import split, split_by_site
from manifests_to_split import manifest, parted, sites

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
