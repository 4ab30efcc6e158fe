"""Names with accents, which a Mac stores as two characters and a table as one."""

import unicodedata
from pathlib import Path

import pytest

from leopardnet.core.footage.find_file import find_file
from leopardnet.core.journal.queued_clip import stamp_clip
from leopardnet.data.checks.file_facts import read_file_facts
from leopardnet.media.decode import resolve_path

NAME = "Ёлкина й/ö.jpg"


@pytest.mark.parametrize(("on_disk", "in_table"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_either_form_finds_the_file(tmp_path, manifest_of, on_disk, in_table):
    file = tmp_path / unicodedata.normalize(on_disk, NAME)
    file.parent.mkdir()
    file.write_bytes(b"12345")
    asked = unicodedata.normalize(in_table, NAME)
    assert find_file(tmp_path, asked).samefile(file) and resolve_path(tmp_path, asked).samefile(file)
    manifest = manifest_of(path=[asked], kind="still")
    assert read_file_facts(manifest, perceptual=False, probe=False)["status"].tolist() == ["ok"]
    assert stamp_clip(manifest.clips()[0], str(tmp_path)).stamp.startswith("5:")


def test_a_name_that_is_not_there_stays_as_it_is(tmp_path):
    assert find_file(tmp_path, "й.jpg") == tmp_path / "й.jpg" and find_file(Path("/"), "a.jpg") == Path("/a.jpg")
