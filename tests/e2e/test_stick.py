"""The folder for a stick: its launcher, with a program that only writes down what it is asked to do."""

import io
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# It exits with the number in the file that is named after the verb, or with 0.
PROGRAM = b'#!/bin/sh\nprintf "%s\\n" "$*" >>"$HOME/asked"\nexit "$(cat "$HOME/$3" 2>/dev/null || echo 0)"\n'


@pytest.fixture
def stick(tmp_path):
    """A stick as `make_stick.sh` fills it, in a folder whose name is not plain, and whose files may not be run."""
    folder = tmp_path / "Флешка 1"
    folder.mkdir()
    for file in (ROOT / "scripts/stick").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    with tarfile.open(folder / "program.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("python/bin/python")
        member.size, member.mode = len(PROGRAM), 0o755
        archive.addfile(member, io.BytesIO(PROGRAM))
    (folder / "program.id").write_text("abc\n")
    return folder


def start(stick, home, *arguments, **variables):
    home.mkdir(exist_ok=True)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LEOPARDNET_NO_PAGE": "1"} | variables
    command = ["sh", str(stick / "start.sh"), *map(str, arguments)]
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.fixture
def card(tmp_path):
    folder = tmp_path / "Карта 2" / "DCIM"
    folder.mkdir(parents=True)
    return folder


def asked(home):
    return [line.split() for line in (home / "asked").read_text().splitlines()]


def test_without_a_model_it_starts_looking_and_unpacks_only_once(stick, card, tmp_path):
    home = tmp_path / "home"
    first = start(stick, home, card)
    assert first.returncode == 0 and "unpacked" in first.stdout, first.stderr
    (line,) = asked(home)
    assert line[:3] == ["-m", "leopardnet", "start"] and "--no-page" in line and str(card) in " ".join(line)
    again = start(stick, home, card, LANG="ru_RU.UTF-8")
    assert again.returncode == 0 and again.stdout == "" and len(asked(home)) == 2
    assert not list(card.iterdir()), "nothing is written onto the card"


def test_with_a_model_it_classifies_and_writes_the_report(stick, card, tmp_path):
    (stick / "model").mkdir()
    assert start(stick, tmp_path / "home", card).returncode == 0
    assert [line[2] for line in asked(tmp_path / "home")] == ["predict", "report"]
    start(stick, tmp_path / "home", card, LEOPARDNET_NO_PAGE="")
    assert [line[2] for line in asked(tmp_path / "home")][2:] == ["predict", "report", "review"]


def test_clips_that_cannot_be_read_cost_neither_the_report_nor_the_page(stick, card, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (stick / "model").mkdir()
    (home / "predict").write_text("3")  # some clips could not be read
    assert start(stick, home, card, LEOPARDNET_NO_PAGE="").returncode == 3
    assert [line[2] for line in asked(home)] == ["predict", "report", "review"]
    (home / "predict").write_text("1")  # could not run: there is nothing to show
    assert start(stick, home, card, LEOPARDNET_NO_PAGE="").returncode == 1
    assert [line[2] for line in asked(home)][3:] == ["predict"]


@pytest.mark.parametrize("has_model", [True, False])
def test_two_cards_of_one_name_have_a_folder_each(stick, card, tmp_path, has_model):
    home, other = tmp_path / "home", tmp_path / "other" / card.parent.name / card.name
    if has_model:
        (stick / "model").mkdir()
    other.mkdir(parents=True)
    for folder, size in ((card, 5), (other, 6)):  # the camera gives the same names on every card
        (folder / "IMG 1.JPG").write_bytes(b"x" * size)

    def results_of(folder):
        assert start(stick, home, folder).returncode == 0
        words = [x for x in (home / "asked").read_text().splitlines() if " predict " in x or " start " in x][-1]
        return words.split("--out ")[1].split(" --no-page")[0]

    first = results_of(card)
    assert (second := results_of(other)) == f"{first}-2"
    assert [results_of(card), results_of(other)] == [first, second]
    (other / "IMG 2.JPG").touch()  # the camera went on: the same card, and its earlier results are kept
    assert [results_of(other), results_of(other), results_of(card)] == [second, second, first]
    (other / "IMG 2.JPG").unlink()
    assert results_of(other) == f"{first}-3"
    kept = sorted(x.name for x in (home / "leopardnet").iterdir())
    assert kept == [first, second, f"{first}-3"]


def test_the_folder_is_looked_for_before_the_program_is_unpacked(stick, tmp_path):
    assert start(stick, tmp_path / "home", tmp_path / "gone").stdout == ""
    assert not (tmp_path / "home/.local").exists()


def test_one_size_is_said_everywhere():
    files = [*(ROOT / "scripts/stick").iterdir(), ROOT / "docs/install.md"]
    texts = {x.name: x.read_text("utf-8") for x in files}
    assert "unpacks 1.1 GB" in texts.pop("install.md")
    assert {x for text in texts.values() for x in re.findall(r"([\d.,]+) (?:GB|ГБ)", text)} == {"1.1", "1,1"}


def test_a_folder_that_is_not_there_is_named_in_the_language_of_the_system(stick, tmp_path):
    gone = start(stick, tmp_path / "home", tmp_path / "gone")
    assert gone.returncode == 1 and f"{tmp_path / 'gone'}: there is no such folder" in gone.stderr
    russian = start(stick, tmp_path / "home", tmp_path / "gone", LANG="ru_RU.UTF-8")
    assert russian.returncode == 1 and "нет такой папки" in russian.stderr


def test_a_damaged_program_leaves_nothing_behind(stick, card, tmp_path):
    (stick / "program.tar.gz").write_bytes(b"not an archive")
    result = start(stick, tmp_path / "home", card)
    assert result.returncode == 1 and "could not be unpacked" in result.stderr
    assert not list((tmp_path / "home/.local/share/leopardnet-stick").iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give the folder to make"),
        (["OUT", "--model"], "unknown option --model"),
        (["OUT", "--bundle", "nothing"], "is not a model folder"),
        (["full"], "is not an empty folder"),
    ],
)
def test_the_script_refuses_what_it_cannot_use(tmp_path, arguments, words):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    command = ["bash", str(ROOT / "scripts/make_stick.sh"), *arguments]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 1 and words in result.stderr and not (tmp_path / "OUT").exists()
