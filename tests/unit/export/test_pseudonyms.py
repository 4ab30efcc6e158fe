"""Pseudonyms: no folder name is left, one key gives the same names, and the key file turns them back."""

import json
import os
import stat

import pandas as pd
import pytest
from file_texts import content, files_in

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.tables import clip_id
from leopardnet.export.pseudonyms import Pseudonyms, has_coordinates
from leopardnet.export.write_results import FORMATS, write

SECRET = "N43.1155 E131.8855 den"
PATH = f"{SECRET}/100MEDIA/1.jpg"
OPTIONS = {"camtrap-dp": {"study_area": (43.0, 131.4, 40_000), "time_zone": "+10:00"}}


@pytest.mark.parametrize(
    ("name", "is_place"),
    [
        ("43.1155N", True),
        ("131,88432", True),
        ("43°07", True),
        ("N43_11552", True),
        ("site 12", False),
        ("2021_100MEDIA", False),
        ("20211230_223456", False),
        ("IMG_12345", False),
    ],
)
def test_names_that_look_like_coordinates(name, is_place):
    assert has_coordinates(name) == is_place


@pytest.mark.parametrize("format", FORMATS)
def test_no_name_of_a_folder_site_or_deployment_is_left(tmp_path, predicted, footage, boxed, format):
    said = predicted(boxed(PATH, site=SECRET, reason=f"see {SECRET}"))
    rows = footage({"path": PATH, "site": SECRET, "deployment": f"{SECRET} 2021"})
    words = pd.DataFrame({"clip_id": [clip_id(PATH)], "label": ["tiger"], "comment": [f"at {SECRET}"]})
    options = {
        "format": format,
        "manifest": rows,
        "corrections": words,
        "pseudonyms": tmp_path / "key.json",
    } | OPTIONS.get(format, {})
    written = write(said, tmp_path / "out", **options)
    text = "".join(map(content, files_in(tmp_path / "out")))
    assert "1.jpg" in text and not [w for w in (SECRET, "100MEDIA", clip_id(PATH)) if w in text]
    assert any("pseudonyms" in n for n in written.notes) and not any(
        "look like coordinates" in n for n in written.notes
    )


def test_the_same_key_gives_the_same_names_and_turns_them_back(tmp_path, predicted):
    for name in ("a", "b"):
        write(predicted({"path": PATH}), tmp_path / f"{name}.parquet", pseudonyms=tmp_path / "key.json")
    a, b = (pd.read_parquet(tmp_path / f"{n}.parquet") for n in "ab")
    assert a["path"].tolist() == b["path"].tolist()
    names = json.loads((tmp_path / "key.json").read_text("utf-8"))["names"]
    *folders, file = a["path"][0].split("/")
    assert "/".join([*(names[f] for f in folders), file]) == PATH and a["clip_id"][0] == clip_id(a["path"][0])
    write(predicted({"path": PATH}), tmp_path / "c.parquet", pseudonyms=tmp_path / "other.json")
    assert pd.read_parquet(tmp_path / "c.parquet")["path"][0] != a["path"][0]


def test_a_file_name_that_tells_a_place_is_replaced_too(tmp_path):
    names = Pseudonyms.open(tmp_path / "key.json")
    assert names.replace_path("1.jpg") == "1.jpg"
    assert names.replace_path("43.1155_131.8855.jpg").endswith(".jpg")
    assert "43.1155" not in names.replace_path("43.1155_131.8855.jpg")


def test_corrections_and_frames_follow_their_clips(tmp_path, predicted, frame):
    words = pd.DataFrame({"clip_id": [clip_id(PATH)], "label": ["tiger"]})
    said = predicted({"path": PATH, "frames": [frame(0.0, (1.0, 0, 0, 0))]})
    write(said, tmp_path / "x.jsonl", corrections=words, pseudonyms=tmp_path / "key.json")
    (line,) = (json.loads(x) for x in (tmp_path / "x.jsonl").read_text().splitlines())
    assert line["human_label"] == "tiger" and len(line["frames"]) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_key_is_for_its_owner_alone(tmp_path, predicted):
    write(predicted({"path": PATH}), tmp_path / "x.csv", pseudonyms=tmp_path / "key.json")
    assert stat.S_IMODE((tmp_path / "key.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text", ["{}", "[]", '{"key": "zz", "names": {}}', '{"key": "00", "names": {}}', '{"key": 1, "names": 2}']
)
def test_another_file_in_the_place_of_the_key_is_refused_and_stays(tmp_path, predicted, text):
    (tmp_path / "key.json").write_text(text)
    with pytest.raises(ConfigError, match="not a key file"):
        write(predicted({"path": PATH}), tmp_path / "x.csv", pseudonyms=tmp_path / "key.json")
    assert (tmp_path / "key.json").read_text() == text and not (tmp_path / "x.csv").exists()


def test_a_key_that_is_no_json(tmp_path, predicted):
    (tmp_path / "key.json").write_text("{")
    with pytest.raises(ManifestError, match="valid JSON"):
        write(predicted({"path": PATH}), tmp_path / "x.csv", pseudonyms=tmp_path / "key.json")


def test_without_a_key_coordinates_in_paths_are_said(tmp_path, predicted):
    written = write(predicted({"path": PATH}, {"path": "a/1.jpg"}), tmp_path / "x.csv")
    assert any("look like coordinates: 1;" in n for n in written.notes)
