"""What people meet in their first hour, and the exact words that help them on."""

import pandas as pd
import pytest
from command_line import leopardnet

from leopardnet.core.manifest import Manifest


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with a card of two sites (`cards`, and `cards 2021`) and its manifest m.parquet."""
    monkeypatch.chdir(tmp_path)
    for name in ("cards/a", "cards/b", "cards 2021"):
        (tmp_path / name).mkdir(parents=True)
    rows = pd.DataFrame({"path": ["a/1.jpg", "b/1.jpg"], "kind": "still", "site": ["a", "b"]})
    Manifest.from_rows(rows, tmp_path / "cards").write(tmp_path / "m.parquet")
    (tmp_path / "some.txt").write_text("text", "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (
            ["predict", "cards", "--out", "r"],
            "do: give a model with --bundle; `leopardnet train` and the page of `leopardnet start` make one",
            2,
        ),
        (
            ["scan", "cards", "2021", "--out", "x.parquet"],
            'do: put quotes round a path with spaces: "cards 2021"',
            2,
        ),
        (
            ["predict", "cards", "--bundle", "some.txt", "--out", "r"],
            "  where:    some.txt\n  found:    a file\n",
            1,
        ),
        (
            ["predict", "cards", "--bundle", "../x/Архив", "--out", "r"],
            "  where:    ../x/Архив\n  found:    no such folder\n",
            1,
        ),
        (
            ["report", "nothing"],
            "  do:       check the path; `leopardnet scan` and `import` make manifests, "
            "`predict` makes predictions",
            1,
        ),
        (
            ["labels", "nothing", "--manifest", "m.parquet", "--out", "some.txt/x.parquet"],
            "there is no such file of labels",
            1,
        ),
        (
            ["split", "m.parquet", "--by", "site", "--fractions", "0.5,0.5,0", "--out", "some.txt/x.parquet"],
            "  do:       a file has this name; give the name of a folder",
            1,
        ),
        (
            ["split", "m.parquet", "--by", "site", "--fractions", "0.5,0.5,0"],
            "note: no row has a label yet; the split balances none. Split again once the footage is labelled",
            0,
        ),
    ],
    ids=lambda x: x[0] if isinstance(x, list) else None,
)
def test_a_slip_is_answered_with_what_to_do(here, arguments, words, code):
    printed, said = leopardnet(*arguments, code=code)
    assert words in printed + said
    assert str(here) not in printed + said
