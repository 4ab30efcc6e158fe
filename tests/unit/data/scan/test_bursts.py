"""Bursts: stills of one trigger."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leopardnet.core.manifest import Manifest
from leopardnet.data.scan.bursts import find_bursts, group_bursts

NOON = datetime(2024, 5, 3, 12, 0, 0)


def table(rows):
    """rows: (path, seconds after noon or None)."""
    return Manifest.from_rows(
        pd.DataFrame(
            {
                "path": [p for p, _ in rows],
                "kind": ["video" if p.endswith(".avi") else "still" for p, _ in rows],
                "captured_at": pd.Series(
                    [None if s is None else NOON + timedelta(seconds=s) for _, s in rows], dtype="datetime64[us]"
                ),
            }
        ),
        Path(),
    ).table


def grouped(t, **options):
    ids = find_bursts(t, **options)
    return [sorted(p) for p in t.groupby(ids)["path"].agg(list)]


def test_stills_within_the_gap_are_one_burst_and_gaps_are_counted_from_the_one_before():
    t = table([("c/1.jpg", 0), ("c/2.jpg", 4), ("c/3.jpg", 8), ("c/4.jpg", 14)])
    assert sorted(grouped(t, burst_gap_s=5)) == [["c/1.jpg", "c/2.jpg", "c/3.jpg"], ["c/4.jpg"]]


def test_the_gap_itself_still_belongs_to_the_burst():
    t = table([("c/1.jpg", 0), ("c/2.jpg", 5)])
    assert len(grouped(t, burst_gap_s=5)) == 1
    assert len(grouped(t, burst_gap_s=4.9)) == 2


def test_cameras_are_not_mixed_but_card_folders_of_one_camera_are():
    t = table([("a/DCIM/100RECNX/9.jpg", 0), ("a/DCIM/101RECNX/1.jpg", 1), ("b/DCIM/100RECNX/1.jpg", 1)])
    assert sorted(grouped(t)) == [["a/DCIM/100RECNX/9.jpg", "a/DCIM/101RECNX/1.jpg"], ["b/DCIM/100RECNX/1.jpg"]]


def test_videos_and_stills_without_a_time_are_in_no_burst():
    t = table([("c/1.jpg", 0), ("c/2.avi", 1), ("c/3.jpg", None)])
    ids = find_bursts(t)
    assert ids.notna().tolist() == [True, False, False]
    assert ids[0] == t["clip_id"][0]


def test_no_rows_and_no_stills():
    assert find_bursts(table([("c/1.avi", 0)])).isna().all()
    assert len(find_bursts(table([("c/1.jpg", 0)]).head(0))) == 0


def test_grouped_rows_list_their_stills_in_order_of_time():
    t = table([("c/1.jpg", 2), ("c/2.jpg", 0), ("c/3.avi", 1), ("c/4.jpg", 60)])
    out = group_bursts(t.assign(sequence_id=find_bursts(t)))
    assert out["kind"].tolist() == ["burst", "video", "still"]
    assert out["path"].tolist() == ["c/2.jpg", "c/3.avi", "c/4.jpg"]
    assert json.loads(out["paths"][0]) == ["c/2.jpg", "c/1.jpg"]
    assert out["captured_at"][0] == NOON
    assert out["clip_id"][0] == t["clip_id"][1]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.integers(0, 60)), min_size=1, max_size=25),
    st.sampled_from([0.0, 1.0, 5.0]),
)
def test_no_still_is_lost_or_doubled(items, gap):
    t = table([(f"{folder}/{i}.jpg", s) for i, (folder, s) in enumerate(items)])
    out = group_bursts(t.assign(sequence_id=find_bursts(t, burst_gap_s=gap)))
    listed = [
        p
        for one, first in zip(out["paths"], out["path"], strict=True)
        for p in (json.loads(one) if isinstance(one, str) else [first])
    ]
    assert sorted(listed) == sorted(t["path"])
    assert Manifest.from_rows(out, Path()).table["clip_id"].is_unique


@pytest.mark.parametrize("gap", [0.0, 3.0])
def test_order_of_rows_does_not_matter(gap):
    t = table([(f"c/{i}.jpg", s) for i, s in enumerate([0, 1, 9, 3, 40, 41, 2])])
    assert sorted(grouped(t, burst_gap_s=gap)) == sorted(
        grouped(t.iloc[::-1].reset_index(drop=True), burst_gap_s=gap)
    )
