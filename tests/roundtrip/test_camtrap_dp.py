"""Camtrap DP: what the format can carry comes back as it went out, and every row is in the package or counted."""

import json
import tempfile
from datetime import datetime
from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leopardnet.core.manifest import Manifest
from leopardnet.data.formats.camtrap_dp.read import read_camtrap_dp
from leopardnet.data.formats.camtrap_dp.write import write_camtrap_dp
from leopardnet.data.reading.label_ids import make_label_ids

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
AREA = (43.0, 131.4, 40_000)
# Letters of several scripts, and what CSV is sensitive to.
words = st.text("abzABZ019 _-,;'\"&<#éäйтигр豹", min_size=1, max_size=10).filter(lambda s: s.strip(" ") == s)
names = st.sampled_from(["tiger", "empty", "human", "animal", "sika deer", "пятнистый олень", "豹 \"'<&>"])
times = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)).map(
    lambda t: t.replace(microsecond=0)
)
zones = st.sampled_from(["+10:00", "+00:00", "-03:30", "+05:45"])
corners = st.lists(st.integers(0, 10**6), min_size=2, max_size=2, unique=True).map(
    lambda c: [v / 10**6 for v in sorted(c)]
)
CARRIED = [
    "clip_id",
    "path",
    "kind",
    "site",
    "deployment",
    "sequence_id",
    "captured_at",
    "time_zone",
    "label",
    "label_source",
    "boxes",
    "box_unit",
]


@st.composite
def rows(draw):
    """Rows with distinct paths; deployments of one name at one site; times of a video's boxes in whole seconds."""
    out = []
    for i, stem in enumerate(draw(st.lists(words, min_size=1, max_size=6))):
        suffix = draw(st.sampled_from([".jpg", ".PNG", ".AVI"]))
        label, deployment = draw(st.none() | names), draw(words)
        row = {
            "path": f"{stem}/{i}{suffix}",
            "kind": "video" if suffix == ".AVI" else "still",
            "site": f"site of {deployment}",
            "deployment": deployment,
            "sequence_id": draw(st.none() | words),
            "captured_at": draw(times),
            "time_zone": draw(zones),
            "label": label,
            "species": label,
            "label_source": draw(st.sampled_from(["human", "machine"])) if label else None,
        }
        if label not in (None, "empty") and draw(st.booleans()):
            x, y = draw(corners), draw(corners)
            box = {"xyxy": [x[0], y[0], x[1], y[1]]}
            if row["label_source"] == "machine":
                box["score"] = draw(st.integers(0, 1000)) / 1000
            box["label"] = label
            if suffix == ".AVI":
                box["time_s"] = float(draw(st.integers(0, 60)))
            row |= {"boxes": json.dumps([box]), "box_unit": "fraction"}
        out.append(row)
    return out


def plain(table):
    """Rows by path, with boxes as values: 1.0 and 1 are one number."""
    t = table[CARRIED].sort_values("path", ignore_index=True)
    values = t.astype(object).where(t.notna(), None).to_dict("records")
    return [{**r, "boxes": json.loads(r["boxes"]) if r["boxes"] else None} for r in values]


@QUICK
@given(rows(), st.booleans())
def test_read_gives_what_was_written(given_rows, as_zip):
    manifest = Manifest.from_rows(pd.DataFrame(given_rows), Path())
    with tempfile.TemporaryDirectory() as out:
        written = write_camtrap_dp(manifest, Path(out) / ("p.zip" if as_zip else "p"), study_area=AREA)
        got = read_camtrap_dp(written.path, root=Path(out)).manifest
    assert (written.n_rows, written.n_left_out, written.notes) == (len(manifest), 0, ())
    ids = make_label_ids(manifest.table["label"].dropna(), where="the manifest").ids
    assert plain(got.table) == plain(manifest.table.assign(label=manifest.table["label"].map(ids)))


@QUICK
@given(rows(), st.data())
def test_every_row_is_in_the_package_or_counted(given_rows, data):
    for row in given_rows:
        hole = data.draw(st.sampled_from(["captured_at", "time_zone", None, None]))
        if hole:
            row[hole] = None
    manifest = Manifest.from_rows(
        pd.DataFrame(
            [
                *given_rows,
                {
                    **given_rows[0],
                    "path": "ok.jpg",
                    "kind": "still",
                    "captured_at": datetime(2021, 1, 1),
                    "time_zone": "+10:00",
                    "boxes": None,
                },
            ]
        ),
        Path(),
    )
    with tempfile.TemporaryDirectory() as out:
        written = write_camtrap_dp(manifest, Path(out) / "p", study_area=AREA)
        got = read_camtrap_dp(written.path, root=Path(out)).manifest
    assert written.n_rows + written.n_left_out == len(manifest) and written.n_rows == len(got)
    assert sum(written.reasons.values()) == written.n_left_out


def test_bursts_come_back_as_stills_with_the_label_of_their_event(tmp_path):
    rows = {
        "path": ["1.jpg", "3.jpg"],
        "kind": "burst",
        "paths": ['["1.jpg", "2.jpg"]', '["3.jpg"]'],
        "label": ["tiger", "empty"],
        "sequence_id": ["a", "b"],
        "captured_at": datetime(2021, 1, 1),
        "time_zone": "+10:00",
        "label_source": "human",
    }
    manifest = Manifest.from_rows(pd.DataFrame(rows), tmp_path)
    got = read_camtrap_dp(write_camtrap_dp(manifest, tmp_path / "p", study_area=AREA).path, root=tmp_path)
    t = got.manifest.table
    assert t[["path", "label", "sequence_id"]].to_numpy().tolist() == [
        ["1.jpg", "tiger", "a"],
        ["2.jpg", "tiger", "a"],
        ["3.jpg", "empty", "b"],
    ]
    assert any("whole event" in n for n in got.notes)


def test_frames_come_back_as_their_video(tmp_path):
    """Frames that show nothing do not take the label from a video in which others show a tiger."""
    rows = {
        "path": ["v.avi"] * 3 + ["w.avi"],
        "kind": "frame",
        "time_s": [0.0, 1.5, 3.2, 0.5],
        "label": ["empty", "tiger", "tiger", "empty"],
        "captured_at": datetime(2021, 1, 1),
        "time_zone": "+10:00",
        "label_source": "human",
    }
    manifest = Manifest.from_rows(pd.DataFrame(rows), tmp_path)
    t = read_camtrap_dp(
        write_camtrap_dp(manifest, tmp_path / "p", study_area=AREA).path, root=tmp_path
    ).manifest.table
    assert t[["path", "kind", "label"]].to_numpy().tolist() == [
        ["v.avi", "video", "tiger"],
        ["w.avi", "video", "empty"],
    ]
    assert manifest.clip_labels().tolist() == t["label"].tolist()


def test_a_label_map_leads_back_from_scientific_names(tmp_path):
    from leopardnet.data.reading.label_map import load_label_map

    rows = {
        "path": ["1.jpg", "2.jpg"],
        "kind": "still",
        "label": ["tiger", "leopard"],
        "captured_at": datetime(2021, 7, 1),
        "time_zone": "Asia/Vladivostok",
    }
    manifest = Manifest.from_rows(pd.DataFrame(rows), tmp_path)
    names = {"tiger": "Panthera tigris", "leopard": "Panthera pardus"}
    path = write_camtrap_dp(manifest, tmp_path / "p.zip", study_area=AREA, scientific_names=names).path
    got = read_camtrap_dp(
        path, root=tmp_path, label_map=load_label_map("amur"), time_zone="Asia/Vladivostok"
    ).manifest.table
    columns = ["path", "label", "captured_at", "time_zone"]
    pd.testing.assert_frame_equal(got[columns], manifest.table[columns])
