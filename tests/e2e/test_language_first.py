"""`leopardnet --language ru VERB`: the pages that a verb writes are in the language that stands before it."""

import json
import re

import pytest
import yaml
from command_line import leopardnet

from leopardnet.core.language import set_language
from leopardnet.core.manifest import Manifest
from season_tables import manifest_of, predictions_of

CLIPS = {"a/1.avi": ("a", "d1", "2021-12-30 10:00"), "b/2.avi": ("b", "d2", "2021-12-31 22:00")}
PLACES = (
    "deployment,site,latitude,longitude,time_zone\n"
    "d1,a,43.5,131.5,Asia/Vladivostok\nd2,b,43.5,131.6,Asia/Vladivostok\n"
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Results of two clips with their manifest and places, and a folder of one run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "footage").mkdir()
    predictions_of({"a/1.avi": 0.9, "b/2.avi": 0.1}).write(tmp_path / "results")
    Manifest(manifest_of(CLIPS).table, tmp_path / "footage").write(tmp_path / "m.parquet")
    (tmp_path / "d.csv").write_text(PLACES, "utf-8")
    (tmp_path / "runs/one").mkdir(parents=True)
    (tmp_path / "runs/one/config.yaml").write_text(yaml.safe_dump({"seed": 7}), "utf-8")
    state = {"state": "finished", "key": "footage 1", "kept_epoch": 0}
    (tmp_path / "runs/one/state.json").write_text(json.dumps(state), "utf-8")
    (tmp_path / "runs/one/metrics.jsonl").write_text('{"epoch": 0, "val_macro_f1": 0.5, "val_nll": 0.5}\n', "utf-8")
    yield tmp_path
    set_language("en")


def words_of(page):
    """What a reader sees, without scripts and styles."""
    text = re.sub(r"(?s)<(script|style)\b.*?</\1>", "", page.read_text("utf-8"))
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


@pytest.mark.parametrize(
    ("command", "page", "sentence", "english"),
    [
        (
            ["report", "results", "--manifest", "m.parquet", "--out", "r.html"],
            "r.html",
            "Ничего не подтверждено: метки людей не указаны (--labels).",
            "Nothing is confirmed",
        ),
        (
            [
                "records",
                "results",
                "--manifest",
                "m.parquet",
                "--deployments",
                "d.csv",
                "--label",
                "leopard",
                "--out",
                "records",
            ],
            "records/index.html",
            "Примечательных регистраций в этой съёмке нет.",
            "No record of this footage is notable.",
        ),
        (
            ["runs", "runs", "--html", "runs.html"],
            "runs.html",
            "1 запуск Каждая цифра относится к выбранной эпохе на роликах, по которым она выбрана: для порядка, а "
            "не для утверждений. запуск состояние",
            "1 run Each figure is",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_pages_open_in_the_language_before_the_verb(here, command, page, sentence, english):
    for language, wanted, other in (("ru", sentence, english), ("en", english, sentence)):
        leopardnet("--language", language, *command)
        assert f'<html lang="{language}"' in (here / page).read_text("utf-8")
        words = words_of(here / page)
        assert wanted in words and other not in words
