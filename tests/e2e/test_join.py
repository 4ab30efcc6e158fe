"""`leopardnet join`: manifests of two owners become one that other verbs read."""

from pathlib import Path

import pandas as pd
import pytest
from command_line import leopardnet

from leopardnet.core.manifest import Manifest


@pytest.fixture
def owners(tmp_path: Path) -> list[Path]:
    rows = pd.DataFrame({"path": ["1.jpg"], "kind": "still", "label": "tiger", "site": "A1"})
    return [
        Manifest.from_rows(rows, tmp_path / name).write(tmp_path / name / "m.csv") for name in ("north", "south")
    ]


def test_two_owners_become_one_manifest(owners, tmp_path):
    both = tmp_path / "both.parquet"
    _, said = leopardnet("join", *owners, "--out", both)
    assert "sites in more than one manifest, taken for the same; --keep-apart if not: A1" in said
    assert Manifest.read(both).table["site"].tolist() == ["A1", "A1"]
    assert str(tmp_path) not in said.partition("next:")[0], "which repeats what was typed"
    leopardnet("join", *owners, "--out", both, "--keep-apart")
    assert Manifest.read(both).table["site"].tolist() == ["north/m: A1", "south/m: A1"]
    assert Manifest.read(both).table["path"].tolist() == ["north/1.jpg", "south/1.jpg"]


def test_one_manifest_or_twice_the_same_is_refused(owners, tmp_path):
    for given, said in {(owners[0],): "at least two", (owners[0], owners[0]): "the same file twice"}.items():
        _, error = leopardnet("join", *given, "--out", tmp_path / "one.parquet", code=2)
        assert said in error and not (tmp_path / "one.parquet").exists()
    _, error = leopardnet("join", *owners, "--out", tmp_path / "one.txt", code=2)
    assert ".parquet" in error
    _, error = leopardnet("join", owners[0], tmp_path / "none.csv", "--out", tmp_path / "one.csv", code=1)
    assert "none.csv" in error
