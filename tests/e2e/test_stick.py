"""The folder for a stick: its launcher, with a program that only writes down what it is asked to do."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = b'#!/bin/sh\nprintf "%s\\n" "$*" >>"$HOME/asked"\n'


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
