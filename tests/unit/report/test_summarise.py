"""Pictures of a report: of which clips, how large, and without metadata of the camera."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leopardnet.core.columns import evidence_columns, predictions_columns
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id
from leopardnet.report import summarise as summary
from leopardnet.report.summarise import make_thumbnails, picture_budget, summarise

LABELS = ("leopard", "human", "empty")


@pytest.fixture
def stills(tmp_path, rng):
    """Four noisy stills of 640 x 480 px with a position, a serial number and an owner in their EXIF."""
    exif = Image.Exif()
    exif[0x010F], exif[0x013B] = "SECRETMAKER", "Jane Owner"
    exif.get_ifd(0x8825)[1] = "N"
    for name in "abcd":
        pixels = rng.integers(0, 255, (480, 640, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.jpg", exif=exif)
    return tmp_path


ABSENT = (
    *("duration_s", "fps", "width_px", "height_px", "in_training"),
    *("sound", "sound_note", "n_calls", "has_voice", "decoded_by"),
)


def predictions_of(*rows):
    """name, p_leopard, p_human, p_empty, decision, alert."""
    table = pd.DataFrame(rows, columns=["path", *[f"p_{x}" for x in LABELS], "decision", "alert"])
    return table.assign(
        path=table["path"] + ".jpg",
        clip_id=(table["path"] + ".jpg").map(clip_id),
        kind="still",
        status="ok",
        reason=None,
        rule="species",
        score=0.5,
        n_frames=1,
        best_time_s=0.0,
        evidence_times_s="[0.0]",
        bundle_id="b",
        labels_id="l",
        alerts=table["alert"],
        site=None,
        captured_at=pd.NaT,
    )[[c.name for c in predictions_columns(LABELS) if c.name not in ABSENT]]


TABLE = predictions_of(
    ("a", 0.0, 0.0, 1.0, "empty", None),
    ("b", 0.3, 0.0, 0.7, "unsure", "leopard"),
    ("c", 0.1, 0.8, 0.1, "human", None),
    ("d", 0.4, 0.1, 0.5, "unsure", None),
)


def ids(names):
    return [clip_id(f"{n}.jpg") for n in names]


def manifest_of(root, **columns):
    return Manifest.from_rows(
        pd.DataFrame({"path": [f"{n}.jpg" for n in "abcd"], "kind": "still", **columns}), root
    )


def test_pictures_come_in_the_order_of_review_and_carry_no_metadata(stills):
    done = []
    found = make_thumbnails(TABLE, manifest_of(stills), on_progress=lambda n, total: done.append((n, total)))
    assert list(found) == ids("bdca")  # the suspicion, then by rising certainty
    assert done[-1] == (4, 4)
    for jpeg in found.values():
        image = Image.open(io.BytesIO(jpeg))
        assert image.format == "JPEG" and min(image.size) == 270 and dict(image.getexif()) == {}
        assert b"SECRET" not in jpeg and b"Owner" not in jpeg and b"Exif" not in jpeg


def test_only_the_first_are_large_and_the_page_is_not_overfilled(stills, monkeypatch):
    monkeypatch.setattr(summary, "N_LARGE", 1)
    found = make_thumbnails(TABLE, manifest_of(stills))
    assert [min(Image.open(io.BytesIO(j)).size) for j in found.values()] == [270, 72, 72, 72]
    room = len(found[ids("b")[0]]) + 1
    assert list(make_thumbnails(TABLE, manifest_of(stills), max_bytes=room)) == ids("b")
    assert list(make_thumbnails(TABLE, manifest_of(stills), n_pictures=2)) == ids("bd")
    assert (
        make_thumbnails(TABLE, manifest_of(stills), n_pictures=0)
        == {}
        == make_thumbnails(TABLE.iloc[:0], manifest_of(stills))
    )


def test_more_rows_and_frames_leave_less_space_for_pictures():
    def room(n_clips, n_frames):
        table, evidence = (pd.DataFrame(index=range(n), columns=["p_a", "p_b"]) for n in (n_clips, n_frames))
        return picture_budget(Predictions(table, evidence))

    assert room(0, 0) == 43_500_000  # three quarters of 58 MB
    assert room(10_000, 160_000) == (58_000_000 - 6_000_000 - 160_000 * 4 * 4) * 3 // 4
    assert room(1_000_000, 0) == 10_000_000  # the first clips to review have a picture anyway


def test_a_missing_or_broken_file_loses_only_its_own_picture(stills):
    (stills / "a.jpg").unlink()
    (stills / "b.jpg").write_bytes(b"no picture")
    assert set(make_thumbnails(TABLE, manifest_of(stills))) == set(ids("cd"))


@pytest.mark.parametrize(
    ("columns", "people", "shown"),
    [
        ({}, False, "bda"),  # the model says that c is a person
        ({"label": ["empty", "person", None, None]}, False, "da"),
        ({"species": [None, None, None, "Homo sapiens"]}, False, "ba"),
        ({"label": ["empty", "person", None, None]}, True, "bdca"),
    ],
)
def test_people_are_shown_only_to_those_who_ask(stills, tmp_path, columns, people, shown):
    evidence = pd.DataFrame(columns=[c.name for c in evidence_columns(LABELS)])
    out = summarise(
        Predictions(TABLE, evidence), tmp_path / "r.html", manifest=manifest_of(stills, **columns), people=people
    )
    page = out.read_text("utf-8")
    thumbs = page.split('"thumbs":{')[1].split("}")[0]
    assert thumbs.count(":") == len(shown)
    assert all(f'"{"abcd".index(n)}":' in thumbs for n in shown)
    assert "c.jpg" in page  # its row stays
    assert str(tmp_path) not in page


def test_a_clip_in_which_somebody_heard_a_person_has_no_picture(stills, tmp_path):
    evidence = pd.DataFrame(columns=[c.name for c in evidence_columns(LABELS)])
    row = {"entry_id": 1, "key": "k", "at": "t", "by": "AB", "clip_id": ids("d")[0], "start_s": 0.0, "end_s": 1.0}
    heard = pd.DataFrame([row | {"label": "person", "undoes": None}])
    options = {"manifest": manifest_of(stills), "said_of_sounds": heard}
    page = summarise(Predictions(TABLE, evidence), tmp_path / "r.html", **options).read_text("utf-8")
    thumbs = page.split('"thumbs":{')[1].split("}")[0]
    assert thumbs.count(":") == 2 and f'"{"abcd".index("d")}":' not in thumbs  # b and a; c shows a person


def test_without_a_manifest_there_are_no_pictures(tmp_path):
    evidence = pd.DataFrame(columns=[c.name for c in evidence_columns(LABELS)])
    assert (
        "data:image/jpeg;base64,"
        not in summarise(Predictions(TABLE, evidence), tmp_path).read_text("utf-8").split("<script nonce")[0]
    )


def test_sites_that_the_results_lack_come_from_the_manifest(stills, tmp_path):
    evidence = pd.DataFrame(columns=[c.name for c in evidence_columns(LABELS)])
    manifest = manifest_of(stills, site=["north", "north", "south", None])
    page = summarise(Predictions(TABLE, evidence), tmp_path / "r.html", manifest=manifest).read_text("utf-8")
    assert "north" in page and "south" in page and "1 clip without a site" in page


def test_times_that_the_results_lack_come_from_the_manifest(stills, tmp_path):
    evidence = pd.DataFrame(columns=[c.name for c in evidence_columns(LABELS)])
    manifest = manifest_of(stills, captured_at=pd.to_datetime(["2024-03-01 10:00", "2024-03-05 11:00", None, None]))
    page = summarise(Predictions(TABLE, evidence), tmp_path / "r.html", manifest=manifest).read_text("utf-8")
    assert "2024-03-01 to 2024-03-05 (clips with a date: 2)" in page and "No clip has a date" not in page
    assert "2024-03-05 11:00:00" in page  # in the row of the clip, too


@pytest.mark.parametrize(("n_new", "says"), [(0, ""), (1, "1 file in the folder of the footage is neither")])
def test_a_manifest_of_a_part_leaves_no_classified_clip_to_scan(stills, tmp_path, n_new, says):
    if n_new:
        Image.new("RGB", (64, 48)).save(stills / "new.jpg")
    whole = manifest_of(stills)
    part = whole.replace(whole.table.iloc[[0, 1]])  # c and d are classified, and not in it
    evidence = pd.DataFrame(columns=[c.name for c in evidence_columns(LABELS)])
    page = summarise(Predictions(TABLE, evidence), tmp_path / "r.html", manifest=part).read_text("utf-8")
    assert ("Classify what has no result yet" in page) == bool(n_new)
    assert ("in the folder of the footage" in page) == bool(n_new) and says in page


def test_a_classified_burst_that_the_manifest_lacks_hides_which_files_are_new(stills, tmp_path):
    whole = manifest_of(stills)
    part = whole.replace(whole.table.iloc[[0]])
    bursts = TABLE.assign(kind=["still", "burst", "still", "still"])  # which stills it has is not in the results
    evidence = pd.DataFrame(columns=[c.name for c in evidence_columns(LABELS)])
    page = summarise(Predictions(bursts, evidence), tmp_path / "r.html", manifest=part).read_text("utf-8")
    assert "Classify what has no result yet" not in page
    assert "Whether the folder holds files that were never scanned is not known here." in page


def test_clips_that_the_manifest_lacks_keep_their_pictures_and_are_named(stills, tmp_path):
    whole = manifest_of(stills)
    part = whole.replace(whole.table.iloc[[0]])  # a alone; b, the suspected leopard, is among the others
    (stills / "d.jpg").unlink()
    found = make_thumbnails(TABLE, part)
    assert list(found) == ids("bca"), "d has no file"
    evidence = pd.DataFrame(columns=[c.name for c in evidence_columns(LABELS)])
    page = summarise(Predictions(TABLE, evidence), tmp_path / "page.html", manifest=part, people=True).read_text()
    assert "3 of 4 clips are not in the manifest, which gives the labels: b.jpg, c.jpg, d.jpg" in page
    assert "Clips that are not in the manifest and have no picture here: d.jpg" in page
    whole_page = summarise(Predictions(TABLE, evidence), tmp_path / "all.html", manifest=whole).read_text()
    assert "not in the manifest" not in whole_page
    other = manifest_of(stills, label="empty")
    strangers = other.replace(other.table.assign(clip_id=[f"{i:016d}" for i in range(4)]))
    assert make_thumbnails(TABLE, strangers) == {}, "nothing says that it is of the same footage"
