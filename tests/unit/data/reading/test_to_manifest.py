"""Paths as people and programs write them, relative to the root."""

from pathlib import Path

import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.to_manifest import RelativePaths


@pytest.mark.parametrize(
    ("root", "text"),
    [
        ("//server/share/cards", r"\\server\share\cards\ridge\1.JPG"),
        ("//server/share/cards", r"\\SERVER\Share\cards\ridge\1.JPG"),
        ("//server/share/cards", r"\\?\UNC\server\share\cards\ridge\1.JPG"),
        ("/cards", r"\\?\ridge\1.JPG"),
        ("/cards", "/cards/ridge//./1.JPG"),
    ],
)
def test_network_and_long_paths_of_windows(root, text):
    relative = RelativePaths(Path(root))
    relative.roots = [root + "/"]  # as Windows gives it
    assert relative(text, where="x") == "ridge/1.JPG"


def test_a_long_path_on_a_drive():
    relative = RelativePaths(Path("/cards"))
    relative.roots = ["C:/cards/"]
    folder = "d" * 120
    assert relative(rf"\\?\c:\cards\{folder}\{folder}\{folder}\1.JPG", where="x").count("d") == 360
    with pytest.raises(ManifestError, match="outside the root"):
        relative(r"\\other\share\1.JPG", where="x")
