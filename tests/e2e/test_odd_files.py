"""Odd files in all places where a file can stand: no crash, no raw line of a library, no absolute path.

`scripts/try_cases.py` does the same with a folder of cases.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from every_verb import call, list_calls, list_chain, make_good_files
from PIL import Image
from test_bad_card import video

from leopardnet.core.predictions import Predictions

RNG = np.random.default_rng(5)


def jpeg(path):
    pixels = RNG.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, quality=90)
    return path.read_bytes()


def make_odd_files(folder):
    """Write one file of each kind, by name."""
    folder.mkdir()
    whole = jpeg(folder / "whole.jpg")
    texts = {
        "empty.csv": "",
        "header.csv": "path,label\n",
        "people.csv": "path;label;by\nfootage/a.jpg;Tiger;Анна\n;;\n",
        "r.csv": '"path","label","site"\n"whole.jpg",NA,"001"\n"cut.jpg","tiger"\n',
        "deployments.csv": "deployment,site,start,end\n1.0,NA,5/1/2023 10:00,31.12.2023\n",
        "list.json": "[1, 2]",
        "coco.json": json.dumps({"images": [{"id": 1.0, "file_name": "whole.jpg"}], "categories": []}),
        "detections.json": '{"detection_categories": {}, "images": [{"file": "x.jpg", "detections": [7]}]}',
        "deep.json": "[" * 5000,
        "map.yaml": "labels: {tiger: [tiger], leopard: *x}\n",
        "notes.txt": "nothing of interest\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "cp1251" if name == "people.csv" else "utf-8")
    film = video(folder / "odd.avi", 12, codec="mjpeg", pix_fmt="yuvj420p").read_bytes()
    data = {
        "cut.jpg": whole[: len(whole) // 2],
        "page.jpg": b"<html>log in first</html>",
        "bare.mp4": b"\0\0\0\x18ftypisom\0\0\0\0isomiso2",
        "odd.avi": film.replace(b"MJPG", b"XXXX"),
        "tail.avi": film[: len(film) // 2] + bytes(len(film) // 2),
        "binary.csv": bytes(range(256)) * 4,
        "broken.xlsx": b"PK\x03\x04" + bytes(200),
        "broken.parquet": b"PAR1" + bytes(200) + b"PAR1",
        "weights.pt": b"\x80\x04\x95no weights",
    }
    for name, content in data.items():
        (folder / name).write_bytes(content)


@pytest.fixture(scope="module")
def room(tmp_path_factory, labelled, tiny_run):
    """A folder with the good files, and one with the odd ones."""
    room = tmp_path_factory.mktemp("odd").resolve()
    make_good_files(room / "good", labelled, tiny_run.folder)
    make_odd_files(room / "card")
    return room


def attempt(words, room):
    """The faults of one call, each with the call."""
    faults = call(*words).faults(room, [room / "out"])
    return [f"{fault}: leopardnet {' '.join(words)}" for fault in faults]


@pytest.fixture
def at(room, monkeypatch):
    """The folder of odd files as the current one, with an empty folder for outputs."""
    monkeypatch.chdir(room / "card")
    monkeypatch.setenv("XDG_DATA_HOME", str(room / "home"))
    (room / "out").mkdir(exist_ok=True)
    return room


def test_an_odd_file_in_any_place_ends_in_a_message(at):
    """Each place gets every sixth file, and each file every sixth place; the script tries all."""
    names = sorted(p.name for p in (at / "card").iterdir())
    calls = [words for i, name in enumerate(names) for words in list_calls(Path(name))[i % 6 :: 6]]
    assert [fault for words in calls for fault in attempt(words, at)] == [] and len(calls) > 100


def test_a_whole_job_on_a_card_of_odd_files(at):
    calls = list_chain(at / "card", at / "out/labels.csv")
    assert [fault for words in calls for fault in attempt(words, at)] == []
    table = pd.read_csv(at / "out/results/predictions.csv").set_index("path")
    assert table["status"].to_dict() == {
        "bare.mp4": "unreadable",
        "cut.jpg": "partial",
        "odd.avi": "unreadable",
        "page.jpg": "unreadable",
        "tail.avi": "partial",
        "whole.jpg": "ok",
    }
    assert "XXXX" in table.loc["odd.avi", "reason"]


def test_this_way_of_looking_finds_a_raw_line_a_crash_and_a_path(tmp_path, monkeypatch):
    def fail(*_, **__):
        os.write(2, b"[mjpeg @ 0x55] EOI missing\n")
        raise AttributeError("'NoneType' object has no attribute 'width'")

    monkeypatch.setattr(Predictions, "read", fail)
    faults = call("export", tmp_path / "x", "--out", tmp_path / "y.csv").faults(tmp_path)
    crash = "AttributeError: 'NoneType' object has no attribute 'width'"
    assert faults == [crash, "a raw line: [mjpeg @ 0x55] EOI missing"]
    monkeypatch.undo()
    assert "an absolute path in a message" in call("export", tmp_path / "x", "--out", "y.csv").faults(tmp_path)
