"""The command that comes next, with what people said of the footage before."""

from pathlib import Path

from leopardnet.cli.printing.next_step import name_labels


def test_labels_are_those_of_the_results_or_else_those_beside_the_manifest(tmp_path):
    results, round_before = tmp_path / "results", tmp_path / "before"
    for folder in (results, round_before):
        folder.mkdir()
    footage = ["--manifest", round_before / "manifest.parquet"]
    assert name_labels(results, footage) == [] and name_labels(results, ["--root", round_before]) == []
    (round_before / "labels.sqlite").touch()
    assert name_labels(results, footage) == ["--labels", round_before / "labels.sqlite"]
    assert name_labels(results, ["--root", round_before]) == []
    (results / "labels.sqlite").touch()
    assert name_labels(results, footage) == ["--labels", results / "labels.sqlite"]
    assert name_labels(Path("nowhere"), []) == []
