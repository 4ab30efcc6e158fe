"""`leopardnet shards` and `train --shards`, as a user gives them."""

import json

import pandas as pd
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
    assert " clips as png, in 1 tar file, 0.00 GB" in said and f"--shards {folder}" in said
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
    assert "there is no such folder" in said and "no shards.json" in said and "leopardnet shards" in said
    _, said = leopardnet("shards", labelled.root, code=1)
    assert "this folder holds no shards" in said and "leopardnet import folders" in said and "copy" not in said
    nothing = labelled.replace(labelled.table.assign(label=None)).write(tmp_path / "nothing.parquet")
    _, said = leopardnet("shards", nothing, "--out", tmp_path / "refused", *SMOKE, code=1)
    assert "no row of the manifest has a label" in said and not (tmp_path / "refused").exists()
    one = labelled.table[labelled.table["split"] == "train"]["clip_id"].iloc[0]
    people = labelled.table.assign(
        species=labelled.table["species"].mask(labelled.table["clip_id"] == one, "human")
    )
    path = labelled.replace(people).write(tmp_path / "people.parquet")
    out, _ = leopardnet("shards", path, "--out", tmp_path / "few", "--json", *SMOKE, code=0)
    assert json.loads(out)["not_there"] == {"it shows people or vehicles": 1}


def test_files_that_cannot_be_read_are_told_where_people_look(labelled, tmp_path):
    still = labelled.table[(labelled.table["split"] == "train") & (labelled.table["kind"] == "still")][:1]
    rows = pd.concat([labelled.table, still.assign(path="gone.jpg")]).drop(columns="clip_id")
    manifest = labelled.replace(rows).write(tmp_path / "m.parquet")
    _, said = leopardnet("shards", manifest, "--out", tmp_path / "shards", *SMOKE, code=3)
    assert "note: not in the shards: 1 (" in said and "--shards" in said
    run = tmp_path / "run"
    _, said = leopardnet("train", manifest, "--shards", tmp_path / "shards", "--out", run, *SMOKE, code=3)
    assert f"files that could not be read in full: 1; what is missing was not trained on; reasons: {run}" in said
    assert "Labelled files that could not be read in full: 1." in (run / "bundle/card.md").read_text("utf-8")
    other = (*SMOKE, "preprocess.size_px=96")
    _, said = leopardnet(
        "train", manifest, "--shards", tmp_path / "shards", "--out", tmp_path / "b", *other, code=1
    )
    assert (
        "found:    preprocess.size_px 64" in said and "expected: preprocess.size_px 96" in said and "{" not in said
    )
    out, _ = leopardnet("runs", tmp_path, "--json", code=0)
    assert {row["run"]: row["state"] for row in json.loads(out)} == {"run": "finished", "b": "failed"}
