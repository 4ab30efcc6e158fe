"""Files of strangers: what fuzzing found, each as the smallest file that shows it."""

import json
import struct
import zipfile

import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.camtrap_dp.lint import lint_camtrap_dp
from leopardnet.data.formats.camtrap_dp.read import read_camtrap_dp
from leopardnet.data.formats.csv_table import COLUMNS, read_csv_table
from leopardnet.data.formats.megadetector.read import read_megadetector
from leopardnet.data.reading.safe_files import MAX_MEMBER_BYTES, open_package, parse_json


def zipped(tmp_path, change=lambda data: data):
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("datapackage.json", "{}")
    data = bytearray((tmp_path / "p.zip").read_bytes())
    (tmp_path / "p.zip").write_bytes(bytes(change(data)))
    return tmp_path / "p.zip"


def central(data):
    return data.index(b"PK\x01\x02")


def wrong_magic(data):
    data[central(data)] ^= 1
    return data


def new_version(data):
    data[central(data) + 6 : central(data) + 8] = struct.pack("<H", 148)
    return data


@pytest.mark.parametrize("change", [wrong_magic, new_version])
def test_a_damaged_directory_of_a_zip_is_one_message(tmp_path, change):
    path = zipped(tmp_path, change)
    for read in (lambda p: open_package(p, main="datapackage.json").__enter__(), lint_camtrap_dp):
        with pytest.raises(ManifestError, match="damaged"):
            read(path)


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"images": [{}, {"name": "a\ud800"}]}, "images[1].name"),
        ({"a": {"b": ["\udfff"]}}, "a.b[0]"),
        (["x", "\ud800"], "[1]"),
        ({"\ud800": 1}, "x.json"),
    ],
)
def test_half_a_character_is_refused_with_its_place(values, place):
    with pytest.raises(ManifestError, match="no text") as error:
        parse_json(json.dumps(values).encode(), name="x.json", expected="JSON")
    assert place in str(error.value.parts["where"])


@pytest.mark.parametrize("text", ["豹", "😀", "a\\ud800"])
def test_whole_characters_come_back_however_they_are_written(text):
    for ascii_only in (True, False):
        data = json.dumps({"a": text}, ensure_ascii=ascii_only).encode()
        assert parse_json(data, name="x.json", expected="JSON") == {"a": text}


def test_a_table_whose_name_is_no_text_is_one_message(tmp_path):
    (tmp_path / "datapackage.json").write_text('{"resources": [{"name": ["media"], "path": "media.csv"}]}')
    with pytest.raises(ManifestError, match="lacks a table"):
        read_camtrap_dp(tmp_path, root=tmp_path)


def test_a_category_that_is_no_text_is_one_message(tmp_path):
    data = {
        "info": {"format_version": "1.6"},
        "detection_categories": {"1": "anim\ud800"},
        "images": [{"file": "1.jpg", "detections": [{"category": "1", "conf": 0.5, "bbox": [0, 0, 1, 1]}]}],
    }
    (tmp_path / "md.json").write_text(json.dumps(data))
    with pytest.raises(ManifestError, match="no text"):
        read_megadetector(tmp_path / "md.json", root=tmp_path)


def test_a_file_that_is_far_too_large_is_refused_before_it_is_read(tmp_path):
    for name, read in (
        ("x.json", lambda p: read_megadetector(p, root=tmp_path)),
        ("x.csv", lambda p: read_csv_table(p, root=tmp_path, columns=COLUMNS)),
        ("datapackage.json", lambda p: read_camtrap_dp(p, root=tmp_path)),
    ):
        with (tmp_path / name).open("wb") as file:
            file.truncate(MAX_MEMBER_BYTES + 1)  # a hole: it takes no room on the disk
        with pytest.raises(ManifestError, match="too large"):
            read(tmp_path / name)
