"""What a format can carry comes back as it went out: read(write(x)) == x."""

import json
import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leopardnet.core.manifest import Manifest
from leopardnet.data.formats.coco import read_coco, write_coco
from leopardnet.data.formats.csv_table import COLUMNS, read_csv_table, write_csv_table
from leopardnet.data.formats.voc import read_voc, write_voc
from leopardnet.data.formats.yolo import read_yolo, write_yolo

QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = ("tiger", "leopard", "sika_deer", "северный_олень", "雪兔")  # ids that no label map changes
# Letters of several scripts, and what CSV, XML and YAML are sensitive to. Codes lose a .0.
LETTERS = "abzABZ019 _-.,;'\"&<#äéйтигр豹"
words = st.text(LETTERS, min_size=1, max_size=12).filter(
    lambda s: s.strip(" ") == s and s.strip(".") and not s.startswith(".") and not s.endswith(".0")
)
folders = st.lists(words, max_size=3).map("/".join)
names = st.sampled_from(NAMES)
times = st.datetimes(min_value=pd.Timestamp("1990-01-01"), max_value=pd.Timestamp("2100-01-01"))
pixel = st.integers(-(10**6), 10**9).map(lambda v: v / 10**6)
fraction = st.integers(0, 10**6).map(lambda v: v / 10**6)


def boxes(corner, **more):
    box = st.fixed_dictionaries(
        {
            "xyxy": st.tuples(corner, corner, corner, corner)
            .map(lambda c: [*sorted(c[:2]), *sorted(c[2:])])
            .map(lambda c: [c[0], c[2], c[1], c[3]])
        },
        optional=more,
    )
    return st.lists(box, min_size=1, max_size=3, unique_by=json.dumps)


def maybe(strategy):
    return st.none() | strategy


@st.composite
def manifests(
    draw,
    *,
    columns,
    suffixes=(".jpg", ".PNG"),
    prefix="",
    boxed=None,
    unit="px",
    label_needs_box=False,
    negatives=False,
):
    """Rows with distinct paths and stems; a row with boxes has the label that its boxes name."""
    stems = draw(st.lists(words, max_size=6, unique_by=lambda s: s.casefold()))
    rows = []
    for i, stem in enumerate(stems):
        folder = draw(folders)
        path = prefix + (folder + "/" if folder else "") + f"{stem}{i}" + draw(st.sampled_from(suffixes))
        row = {
            "path": path,
            "kind": "video" if path.lower().endswith(".avi") else "still",
            **{c: draw(s) for c, s in columns.items()},
        }
        found = draw(maybe(boxed)) if boxed is not None else None
        row["label"] = draw(
            names
            if found
            else maybe(names)
            if not label_needs_box
            else st.just("empty")
            if negatives
            else st.sampled_from([None, "empty"])
        )
        row["species"] = row["label"]
        row["boxes"] = (
            json.dumps([{**b, "label": row["label"]} for b in found], ensure_ascii=False) if found else None
        )
        row["box_unit"] = unit if found else None
        rows.append(row)
    table = pd.DataFrame(rows, columns=["path", "kind", "label", "species", "boxes", "box_unit", *columns])
    return Manifest.from_rows(table, Path())


def assert_same(got, expected, *extra, sort=False):
    columns = ["clip_id", "path", "kind", "label", "species", "boxes", "box_unit", *extra]
    a, b = got.table[columns], expected.table[columns]
    if sort:
        a, b = (t.sort_values("path", ignore_index=True) for t in (a, b))
    for column in columns:  # boxes compare as values: 1.0 and 1 are one number
        values = [
            [
                json.loads(v) if column == "boxes" and isinstance(v, str) else None if pd.isna(v) else v
                for v in t[column]
            ]
            for t in (a, b)
        ]
        assert values[0] == values[1], column


def folder():
    return tempfile.TemporaryDirectory()


PLACES = {"site": maybe(words), "sequence_id": maybe(words), "captured_at": maybe(times)}
SIZES = {"width_px": maybe(st.integers(1, 9999)), "height_px": maybe(st.integers(1, 9999))}
SPLITS = {"split": st.sampled_from(["train", "val", "test"])}


@QUICK
@given(manifests(columns={**PLACES, **SIZES}, suffixes=(".jpg", ".AVI"), boxed=boxes(pixel)))
def test_coco(manifest):
    with folder() as out:
        got = read_coco(write_coco(manifest, Path(out) / "x.json"), root=Path(out)).manifest
    assert_same(got, manifest, *PLACES, *SIZES)


@QUICK
@given(manifests(columns=PLACES, boxed=boxes(fraction), unit="fraction"))
def test_coco_with_fractions(manifest):
    with folder() as out:
        got = read_coco(write_coco(manifest, Path(out) / "x.json"), root=Path(out)).manifest
    assert_same(got, manifest, *PLACES)


@QUICK
@given(
    manifests(
        columns={**PLACES, **SIZES, **SPLITS, "deployment": maybe(words)},
        suffixes=(".jpg", ".AVI"),
        boxed=boxes(pixel, score=fraction),
    )
)
def test_csv(manifest):
    with folder() as out:
        path = write_csv_table(manifest, Path(out) / "x.csv")
        got = read_csv_table(path, root=Path(out), columns=COLUMNS).manifest
    assert_same(got, manifest, *PLACES, *SIZES, *SPLITS, "deployment")


@QUICK
@given(manifests(columns={}, prefix="JPEGImages/", boxed=boxes(pixel), label_needs_box=True, negatives=True))
def test_voc(manifest):
    with folder() as out:
        for path in manifest.table["path"]:
            (Path(out) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(out) / path).touch()
        if len(manifest):
            write_voc(manifest, Path(out))
            assert_same(read_voc(Path(out), root=Path(out)).manifest, manifest, sort=True)


@QUICK
@given(manifests(columns=SPLITS, prefix="images/", boxed=boxes(fraction), unit="fraction", label_needs_box=True))
def test_yolo(manifest):
    with folder() as out:
        got = read_yolo(write_yolo(manifest, Path(out)), root=Path(out)).manifest if len(manifest) else manifest
    assert_same(got, manifest, *SPLITS, sort=True)


def frames():
    return Manifest.from_rows(
        pd.DataFrame(
            {
                "path": ["a.avi", "a.avi", "b.avi"],
                "kind": "frame",
                "time_s": [0.5, 1.25, None],
                "frame_number": [None, None, 7],
                "label": ["tiger", "empty", None],
                "species": ["tiger", "empty", None],
            }
        ),
        Path(),
    )


def test_labelled_frames_of_videos(tmp_path):
    """COCO and CSV carry the frames of a video; several rows share its file."""
    path = write_csv_table(frames(), tmp_path / "x.csv")
    assert_same(read_csv_table(path, root=tmp_path, columns=COLUMNS).manifest, frames(), "time_s", "frame_number")
    assert_same(
        read_coco(write_coco(frames(), tmp_path / "x.json"), root=tmp_path).manifest,
        frames(),
        "time_s",
        "frame_number",
    )


def test_several_species_on_one_picture(tmp_path):
    rows = pd.DataFrame({"path": ["a.jpg"], "kind": ["still"], "species": ["tiger + leopard"]})
    manifest = Manifest.from_rows(rows, tmp_path)
    assert_same(read_coco(write_coco(manifest, tmp_path / "x.json"), root=tmp_path).manifest, manifest)
    assert_same(
        read_csv_table(write_csv_table(manifest, tmp_path / "x.csv"), root=tmp_path, columns=COLUMNS).manifest,
        manifest,
    )
