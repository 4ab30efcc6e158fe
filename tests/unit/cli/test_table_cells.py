"""Cells of tables in the terminal: figures have the decimal sign of the language, names do not."""

from leopardnet.cli.console import print_rows
from leopardnet.core.language import use_language

ROWS = [
    {"site": "4.5", "F1": "0.85 (0.70 to 0.92)", "loss": 0.25, "clips": 12},
    {"site": "ridge 1.5", "F1": "–", "loss": float("nan"), "clips": None},
]


def cells(capsys, language):
    with use_language(language):
        print_rows(ROWS)
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "5" in line]
    return lines[:2]


def test_figures_follow_the_language_and_names_keep_their_point(capsys):
    english, russian = cells(capsys, "en"), cells(capsys, "ru")
    assert english == [["4.5", "0.85", "(0.70", "to", "0.92)", "0.250", "12"], ["ridge", "1.5", "–", "–"]]
    assert russian == [["4.5", "0,85", "(0,70–0,92)", "0,250", "12"], ["ridge", "1.5", "–", "–"]]
