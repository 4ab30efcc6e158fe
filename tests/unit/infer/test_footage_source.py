"""The footage that a person names: one file is the row that its folder has for it."""

import pytest

from files_with_times import jpeg
from leopardnet.core.errors import ManifestError
from leopardnet.infer.footage_source import open_source


@pytest.mark.parametrize("original", ["2024:05:01 10:00:00", None])
def test_a_file_has_the_row_of_its_folder(tmp_path, original):
    file = jpeg(tmp_path / "a.jpg", original=original)
    one, folder = open_source(file), open_source(tmp_path)
    assert one.table.drop(columns="sequence_id").equals(folder.table.drop(columns="sequence_id"))
    assert one.root == folder.root and one.table["captured_at"].notna().tolist() == [original is not None]


def test_what_is_no_footage_is_refused(tmp_path):
    with pytest.raises(ManifestError, match="there is no such footage"):
        open_source(tmp_path / "a.jpg")
