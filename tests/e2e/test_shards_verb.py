"""`leopardnet shards` and `train --shards`, as a user gives them."""

import json

import pytest
from command_line import leopardnet

pytest.importorskip("torch", reason="the extra [train] is not installed")

SMOKE = ("debug=smoke", "experiment.tracker=none")


@pytest.fixture(scope="module")
def written(labelled, tmp_path_factory):
    """The manifest, the folder of its shards, and what was said."""
    here = tmp_path_factory.mktemp("shards")
    manifest = labelled.write(here / "m.parquet")
    return manifest, here / "shards", leopardnet("shards", manifest, *SMOKE, "--out", here / "shards", code=0)[1]


def test_the_next_line_trains_on_them(written, tmp_path):
    manifest, folder, said = written
    assert "ShardSet(" in said and f"--shards {folder}" in said
    _, said = leopardnet("train", manifest, "--shards", folder, "--out", tmp_path / "run", *SMOKE, code=0)
    assert "bundle:" in said and (tmp_path / "run/bundle/card.md").is_file()


def test_a_folder_of_shards_is_checked(written, tmp_path):
    _, folder, _ = written
    out, _ = leopardnet("shards", folder, "--json", code=0)
    assert json.loads(out) == {"shards": 1, "changed": []}
    shard = folder / "000000.tar"
    before = shard.read_bytes()
    shard.write_bytes(before[:-1] + b"x")
    try:
        _, said = leopardnet("shards", folder, code=3)
    finally:
        shard.write_bytes(before)
    assert "changed since they were written: 000000.tar" in said


def test_what_is_missing_is_said(written, labelled, tmp_path):
    manifest, folder, _ = written
    _, said = leopardnet("shards", manifest, code=2)
    assert "give the folder of the shards" in said
    _, said = leopardnet("shards", manifest, "--out", folder, *SMOKE, code=1)
    assert "the folder for the shards is not empty" in said and "a complete set of shards" in said
    _, said = leopardnet(
        "train", manifest, "--shards", tmp_path / "none", "--out", tmp_path / "run", *SMOKE, code=1
    )
    assert "none" in said and "no shards.json" in said and "leopardnet shards" in said
    one = labelled.table[labelled.table["split"] == "train"]["clip_id"].iloc[0]
    people = labelled.table.assign(
        species=labelled.table["species"].mask(labelled.table["clip_id"] == one, "human")
    )
    path = labelled.replace(people).write(tmp_path / "people.parquet")
    out, _ = leopardnet("shards", path, "--out", tmp_path / "few", "--json", *SMOKE, code=0)
    assert json.loads(out)["not_there"] == {"it shows people or vehicles": 1}
