"""`leopardnet review` and the page together: a person labels by keyboard, the server dies, and nothing is lost.

The long run, with its speed in the file run.xml:
`REVIEW_CLIPS=500 pytest tests/e2e/test_review_keyboard_run.py --junitxml run.xml`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest
from browser import headless_chromium
from PIL import Image
from test_report_page import all_of, press
from test_review_page import shown, wait_for, wait_text

from leopardnet.data.human_labels.label_file import LabelFile

N_CLIPS = int(os.environ.get("REVIEW_CLIPS", "60"))
PRESS_2 = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '2', code: 'Digit2', bubbles: true}))"
KEYS = {"1": "leopard", "2": "tiger", "3": "sika_deer", "x": "empty", "u": "unknown"}


def draw_footage(folder, n):
    """Make n small pictures of noise at two sites."""
    noise = np.random.default_rng(1)
    for i in range(n):
        path = folder / f"site{i % 2}" / f"IMG_{i:04d}.JPG"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = noise.integers(0, 255, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((640, 480)).save(path, quality=80)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def review(folder, out, port):
    """Yield the process of a server and the address that opens its page."""
    command = ["review", folder, "--out", out, "--port", port, "--no-browser", "--by", "AB", "--language", "en"]
    server = subprocess.Popen(
        [sys.executable, "-m", "leopardnet", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield server, server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def label_next(driver, key):
    """Press the key of a label and return the clip that had it, once the next one is there."""
    clip = shown(driver)
    press(driver, key)
    wait_for(driver, lambda: shown(driver) not in (None, clip))
    return clip


def read_labels(out):
    with LabelFile(out / "labels.sqlite", read_only=True) as file:
        entries = file.entries()
    return list(zip(entries["clip_id"], entries["labels"].map(json.loads), strict=True))


@pytest.fixture
def footage(tmp_path):
    folder = tmp_path / "card"
    draw_footage(folder, N_CLIPS)
    return folder


def test_a_keyboard_run_survives_kill_9_and_a_reload(footage, tmp_path, record_testsuite_property):
    out, port, given = tmp_path / "out", free_port(), []
    keys = [list(KEYS)[i % len(KEYS)] for i in range(N_CLIPS)]
    half, quarter = N_CLIPS // 2, N_CLIPS // 4
    took_s = 0.0
    with headless_chromium(tmp_path / "profile") as driver:
        with review(footage, out, port) as (server, address):
            driver.get(address)
            wait_for(driver, lambda: shown(driver))
            all_of(driver, "[data-queue=all]")[0].click()
            wait_text(driver, "#queue-title", "All clips")
            wait_for(driver, lambda: "queue=all" in driver.current_url)
            start = time.monotonic()
            for i, key in enumerate(keys[:half]):
                if i == quarter:
                    driver.refresh()
                    wait_for(driver, lambda: shown(driver) not in (None, given[-1][0]))
                given.append((label_next(driver, key), [KEYS[key]]))
            took_s += time.monotonic() - start
            given.append((shown(driver), [KEYS[keys[half]]]))
            server.kill()
            press(driver, keys[half])  # nobody is there to hear it
            wait_text(driver, "#problem", "The server does not answer")
            assert shown(driver) == given[-1][0] and read_labels(out) == given[:-1]
        with review(footage, out, port) as (_, address):
            driver.get(address)
            wait_for(driver, lambda: shown(driver) not in (None, given[-1][0]))
            start = time.monotonic()
            for key in keys[half + 1 : -1]:
                given.append((label_next(driver, key), [KEYS[key]]))
            given.append((shown(driver), [KEYS[keys[-1]]]))
            press(driver, keys[-1])
            wait_text(driver, "#nothing", "Every clip of this list has a label.")
            took_s += time.monotonic() - start
    assert read_labels(out) == given
    assert len({clip for clip, _ in given}) == N_CLIPS
    record_testsuite_property("review_clips_per_s", round(N_CLIPS / took_s, 1))
    assert took_s < N_CLIPS


def test_a_kill_between_a_key_and_its_answer_loses_nothing_and_doubles_nothing(footage, tmp_path):
    out, port = tmp_path / "out", free_port()
    with headless_chromium(tmp_path / "profile") as driver:
        with review(footage, out, port) as (server, address):
            driver.get(address)
            first = wait_for(driver, lambda: shown(driver))
            driver.execute_script(PRESS_2)
            server.kill()
        with review(footage, out, port) as (_, address):
            driver.get(address)
            wait_for(driver, lambda: shown(driver) not in (None, first))
        assert read_labels(out) == [(first, ["tiger"])]
