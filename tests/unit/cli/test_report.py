"""`leopardnet report`: which pictures it shows, and the files of other cards, as in `sort`."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import leopardnet.cli.export
import leopardnet.cli.report  # noqa: F401  (registers the verb)
from files_with_times import jpeg
from leopardnet.cli.console import app
from leopardnet.core.language import set_language
from leopardnet.core.tables import clip_id


@pytest.fixture
def results(tmp_path, rng):
    """Predictions of three stills, of which the last is a person, and the stills."""
    paths = ["cards/a.jpg", "cards/b.jpg", "cards/c.jpg"]
    (tmp_path / "footage/cards").mkdir(parents=True)
    for path in paths:
        Image.fromarray(rng.integers(0, 255, (90, 160, 3), dtype=np.uint8)).save(tmp_path / "footage" / path)
    pd.DataFrame(
        {
            "clip_id": map(clip_id, paths),
            "path": paths,
            "kind": "still",
            "site": None,
            "status": "ok",
            "reason": None,
            "decision": ["leopard", "empty", "person"],
            "rule": "species",
            "score": [0.9, 0.8, 0.7],
            "alert": ["leopard", None, None],
            "p_leopard": [0.9, 0.1, 0.1],
            "p_person": [0.0, 0.1, 0.7],
            "p_empty": [0.1, 0.8, 0.2],
            "n_frames": 1,
            "best_time_s": 0.0,
            "bundle_id": "b",
            "labels_id": "l",
        }
    ).to_csv(tmp_path / "predictions.csv", index=False)
    return tmp_path


def report(results, *options):
    """What the page holds, as its script reads it."""
    arguments = ["report", results / "predictions.csv", "--root", results / "footage", "--out", results / "r.html"]
    result = CliRunner().invoke(app, list(map(str, (*arguments, *options))), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    text = (results / "r.html").read_text("utf-8")
    assert str(results) not in text
    return json.loads(text.split('id="data">')[1].split("</script>")[0])


def test_pictures_can_be_limited_and_people_asked_for(results):
    usual = report(results)
    assert usual["path"] == ["cards/a.jpg", "cards/b.jpg", "cards/c.jpg"]
    assert set(usual["thumbs"]) == {"0", "1"} and usual["hidden"] == [2]
    everybody = report(results, "--people")
    assert set(everybody["thumbs"]) == {"0", "1", "2"} and everybody["hidden"] == []
    assert set(report(results, "--pictures", "1")["thumbs"]) == {"0"}  # the suspected leopard
    assert report(results, "--pictures", "0")["thumbs"] == {}
    assert CliRunner().invoke(app, ["report", str(results), "--pictures", "-1"]).exit_code == 2


@pytest.mark.parametrize("verb", ["report", "sort"])
def test_the_files_of_another_card_are_refused(results, verb):
    jpeg(results / "footage/cards/a.jpg", original="2024:05:01 10:00:00")
    table = pd.read_csv(results / "predictions.csv")
    options = [verb, results / "predictions.csv", "--root", results / "footage", "--out", results / "o.html"]

    def run(time):
        table.assign(captured_at=[time, None, None]).to_csv(results / "predictions.csv", index=False)
        found = CliRunner().invoke(app, list(map(str, options)))
        return found.exit_code, str(found.exception), getattr(found.exception, "parts", {})

    assert run("2024-05-01 10:00:00")[0] == 0
    code, what, parts = run("2023-01-01 08:00:00")
    assert code == 1 and what.startswith("the predictions and the files under --root name the same files")
    assert "2023-01-01 08:00:00 in the predictions" in parts["found"] and "--manifest" in parts["do"]


def test_a_manifest_that_moved_to_another_card_is_refused(results):
    jpeg(results / "footage/cards/a.jpg", original="2024:05:01 10:00:00")
    rows = {"path": ["cards/a.jpg"], "kind": ["still"], "captured_at": ["2023-01-01 08:00:00"]}
    options = ["sort", results / "predictions.csv", "--manifest", results / "m.csv", "--out", results / "s"]

    def run(source, *more):
        pd.DataFrame(rows | {"time_source": [source], "root": ["footage"]}).to_csv(results / "m.csv", index=False)
        return CliRunner().invoke(app, list(map(str, [*options, *more])))

    refused = run("exif", "--root", results / "footage").exception
    assert str(refused).startswith("the manifest and the files under --root name the same files")
    assert run("exif").exit_code == 0  # its own files, whose clock may have been corrected
    assert run("table", "--root", results / "footage").exit_code == 0  # people write other times


def test_the_page_is_in_the_language_that_was_asked_for(results):
    try:
        report(results, "--language", "ru")
        page = (results / "r.html").read_text("utf-8")
    finally:
        set_language("en")
    assert '<html lang="ru">' in page and "<title>Отчёт по фотоловушкам</title>" in page
    assert "Проверить в первую очередь" in page and "Look at these first" not in page
    report(results)
    assert '<html lang="en">' in (results / "r.html").read_text("utf-8")
