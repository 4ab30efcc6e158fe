"""Faults of the disk, in words and with what to do; the language of all messages."""

import errno
import os

import pytest

from leopardnet.cli import console
from leopardnet.cli.console import StageLog, print_rows
from leopardnet.core.errors import ManifestError
from leopardnet.core.language import current_language, set_language


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.EROFS, "this one is read-only"), (errno.ENAMETOOLONG, "a shorter name"), (errno.ENOSPC, "make room")],
)
def test_a_disk_that_refuses_is_no_traceback(monkeypatch, capsys, number, advice):
    def refuse():
        raise OSError(number, os.strerror(number), "results")

    monkeypatch.setattr(console, "app", refuse)
    monkeypatch.setattr(console, "VERB_MODULES", ())
    with pytest.raises(SystemExit) as stop:
        console.main()
    text = capsys.readouterr().err
    assert stop.value.code == 1 and os.strerror(number) in text and "where:    results" in text
    assert (advice in text) if advice else ("do:" not in text)


# --- languages ---


@pytest.fixture
def english_again():
    yield
    set_language("en")


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"LANGUAGE": "ru:en", "LANG": "de_DE"}, "ru:en"),
        ({"LANGUAGE": "", "LC_ALL": "en_US.UTF-8", "LANG": "ru_RU"}, "en_US.UTF-8"),
        ({"LC_MESSAGES": "ru_RU", "LANG": "en_US"}, "ru_RU"),
        ({"LANG": "ru_RU.UTF-8"}, "ru_RU.UTF-8"),
    ],
)
def test_the_first_variable_that_is_set_names_the_language_of_the_system(environment, wanted):
    assert console.read_system_language(environment) == wanted


def test_the_system_chooses_the_language_of_errors(monkeypatch, capsys, english_again):
    def refuse():
        raise ManifestError("there is no such table", where="m.csv", todo="check the path")

    monkeypatch.setattr(console, "app", refuse)
    monkeypatch.setattr(console, "VERB_MODULES", ())
    monkeypatch.setenv("LANGUAGE", "ru_RU.UTF-8")
    with pytest.raises(SystemExit):
        console.main()
    assert capsys.readouterr().err.splitlines() == [
        "ошибка: такой таблицы нет",
        "  где:        m.csv",
        "  что делать: проверьте путь",
    ]


def test_a_language_without_texts_is_english_and_says_so_once(capsys, english_again):
    console.choose_language("de")
    assert current_language() == "en" and "no texts in the language de" in capsys.readouterr().err
    console.choose_language("ru")
    assert current_language() == "ru" and capsys.readouterr().err == ""
    console.choose_language(None)
    assert current_language() == "ru", "an option that is not given changes nothing"


def test_tables_and_notes_are_translated_where_they_are_printed(capsys, english_again):
    set_language("ru")
    console.say("written: m.parquet")
    console.print_rows([{"label": "tiger", "clips": 3}], title="Labels in m.parquet")
    printed = capsys.readouterr()
    assert printed.err == "записано: m.parquet\n"
    assert all(word in printed.out for word in ("Метки в m.parquet", "метка", "роликов", "tiger"))


def test_a_log_file_gets_a_line_every_half_minute_with_rate_and_time_left_and_one_at_the_end(capsys):
    clock = iter([0.0, 0.0, 10.0, 31.0, 50.0, 62.0, 100.0, 101.0])
    log = StageLog(now_s=lambda: next(clock))
    for n_done in (0, 10, 31, 50, 62, 100):
        log("fold 2 of 4: epoch 1", n_done, 100, "")
    assert capsys.readouterr().err.splitlines() == [
        "fold 2 of 4: epoch 1: 31 of 100, 60 a minute, 1 min left",
        "fold 2 of 4: epoch 1: 62 of 100, 60 a minute, 1 min left",
        "fold 2 of 4: epoch 1: 100 of 100, 100.0 s",
    ]
    log("fold 2 of 4: epoch 1", 100, 100)
    assert capsys.readouterr().err == "", "it is done once"


def test_a_job_that_has_just_begun_has_no_rate(capsys):
    clock = iter([0.0, 40.0, 40.001, 42.0, 50.0])
    log = StageLog(now_s=lambda: next(clock))
    for n_done in (0, 2, 4, 10):
        log("rendering", n_done, 10)
    assert capsys.readouterr().err.splitlines() == ["rendering: 2 of 10", "rendering: 10 of 10, 10.0 s"]


def test_the_time_that_is_left_does_not_count_the_start_up(capsys):
    clock = iter([0.0, 0.0, 60.0, 65.0, 75.0, 92.0])
    log = StageLog(now_s=lambda: next(clock))
    for n_done in (0, 1, 2, 4, 6):
        log("classifying", n_done, 24)
    assert capsys.readouterr().err.splitlines() == [
        "classifying: 1 of 24",
        "classifying: 6 of 24, 9 a minute, 2 min left",  # five in 32 s
    ]


def test_what_was_neither_counted_nor_timed_is_told_in_words_alone(capsys):
    log = StageLog(now_s=lambda: 0.0)
    log("fold 1 of 4: probe", 1, 1, "macro-F1 0.371")
    log("packing", 0, 1)
    log("packing", 1, 1, "as ONNX")
    assert capsys.readouterr().err.splitlines() == [
        "fold 1 of 4: probe: macro-F1 0.371",
        "packing: 1 of 1, 0.0 s, as ONNX",
    ]


def test_a_figure_that_does_not_exist_is_a_dash(capsys):
    print_rows([{"label": "tiger", "F1": float("nan")}, {"label": "deer", "F1": 0.5}])
    shown = capsys.readouterr().out
    assert "nan" not in shown and "–" in shown and "0.500" in shown
