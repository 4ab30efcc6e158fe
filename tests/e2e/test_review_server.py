"""`leopardnet review` as a process of its own, asked over the network as a browser asks."""

import contextlib
import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
import pytest
from browser import headless_chromium
from command_line import leopardnet
from PIL import Image

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


class Visitor:
    """A browser with its cookies, of the address that the command prints."""

    def __init__(self, address):
        parts = urlsplit(address)
        self.host, self.cookie = parts.netloc, ""
        status, headers, _ = self.ask(f"/?{parts.query}")
        assert status == 303
        self.cookie = headers["set-cookie"].partition(";")[0] + "; leopardnet_by=AB"

    def ask(self, path, body=None):
        connection = http.client.HTTPConnection(self.host, timeout=60)
        with contextlib.closing(connection):
            headers = {"cookie": self.cookie}
            if body is not None:
                headers |= {"origin": f"http://{self.host}", "content-type": "application/json"}
            connection.request("GET" if body is None else "POST", path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()

    def read(self, path, body=None):
        status, _, data = self.ask(path, body)
        assert status == 200, data
        return json.loads(data)


@contextlib.contextmanager
def serve(folder, *arguments, before=(), verb="review", env=(), browser=False):
    """Yield the process of a review and the address that it prints; it is ended by force if a test did not."""
    command = [sys.executable, "-m", "leopardnet", *before, verb, *map(str, arguments)]
    command += [] if browser else ["--no-browser"]
    places = {"XDG_CACHE_HOME": str(folder / "cache")} | dict(env)
    process = subprocess.Popen(
        command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | places
    )
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), address + process.communicate()[1]
        yield process, address
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def card(tmp_path):
    for i, name in enumerate(("s1/a.jpg", "s1/b.jpg", "s2/c.jpg")):
        file = tmp_path / "card" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(i).integers(0, 256, (240, 320, 3), dtype=np.uint8)  # with content
        Image.fromarray(noise).save(file)
    return tmp_path / "card"


def label_first(visitor, key="11111111"):
    clip = visitor.read("/api/queue/all")["clips"][0]
    body = {"key": key, "clip_ids": [clip["clip_id"]], "labels": ["leopard"], "queue": "all"}
    return visitor.read("/api/label", body)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_folder_is_reviewed_and_a_signal_ends_all_processes(card, tmp_path, number):
    with serve(tmp_path, "card") as (process, address):
        visitor = Visitor(address)
        session = visitor.read("/api/session")
        assert session["n_clips"] == 3 and session["by"] == "AB"
        clip = visitor.read("/api/queue/all")["clips"][0]
        status, headers, jpeg = visitor.ask(clip["thumb"])
        assert (status, headers["content-type"], jpeg[:2]) == (200, "image/jpeg", b"\xff\xd8")
        assert visitor.ask("/")[2].startswith(b"<!doctype html>")
        assert label_first(visitor)["n_done"] == 1
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 0 and "all labels are kept" in said and "Traceback" not in said
        assert psutil.wait_procs(workers, timeout=30)[1] == []
    assert str(tmp_path) not in said
    again = tmp_path / "review-card"
    with serve(tmp_path, again.name, "--read-only") as (_, address):
        assert Visitor(address).read("/api/queue/all")["n_done"] == 1


def test_the_language_before_the_verb_is_that_of_the_page(card, tmp_path):
    with serve(tmp_path, "card", before=("--language", "ru")) as (_, address):
        assert b'<html lang="ru"' in Visitor(address).ask("/")[2]


def test_what_was_answered_outlives_kill_9(card, tmp_path):
    with serve(tmp_path, "card", "--out", "w") as (process, address):
        label_first(Visitor(address))
        process.kill()
        process.wait()
    with sqlite3.connect(tmp_path / "w/labels.sqlite") as db:
        assert db.execute("SELECT path, labels, by FROM entries").fetchall() == [("s1/a.jpg", '["leopard"]', "AB")]


def test_a_browser_comes_in_by_the_printed_address_and_labels_by_key(card, tmp_path):
    from selenium.webdriver.support.ui import WebDriverWait

    def wait(driver, condition):
        return WebDriverWait(driver, 30, poll_frequency=0.05).until(lambda _: condition())

    with (
        headless_chromium(tmp_path / "profile") as driver,
        serve(tmp_path, "card", "--out", "w", "--by", "AB") as (_, address),
    ):
        driver.get(address)
        assert wait(driver, lambda: driver.execute_script("return document.getElementById('clip')?.dataset.clip"))
        assert "token" not in driver.current_url
        picture = "return document.querySelector('#shot img')?.naturalWidth"
        assert wait(driver, lambda: driver.execute_script(picture)) == 320
        first = driver.execute_script("return document.getElementById('clip').dataset.clip")
        driver.switch_to.active_element.send_keys("x")
        wait(driver, lambda: moved_on(driver, first))  # to the second clip of the audit, one of each site
        assert count_entries(tmp_path / "w") == 1  # it shows after the label is on the disk
        driver.switch_to.active_element.send_keys("1")
        wait(driver, lambda: count_entries(tmp_path / "w") == 2)
        assert [e for e in driver.get_log("browser") if e["source"] != "network"] == []


def count_entries(workspace):
    with sqlite3.connect(workspace / "labels.sqlite") as db:
        return db.execute("SELECT count(*) FROM entries").fetchone()[0]


def moved_on(driver, before):
    return driver.execute_script(
        "const c = document.getElementById('clip'); return c.hidden || c.dataset.clip !== arguments[0]", before
    )


def test_a_second_server_of_the_workspace_is_allowed_and_says_so(card, tmp_path):
    with serve(tmp_path, "card", "--out", "w") as (_, first), serve(tmp_path, "w") as (_, second):
        visitors = [Visitor(first), Visitor(second)]
        label_first(visitors[0])
        assert visitors[1].read("/api/queue/all")["n_done"] == 1
        notices = visitors[1].read("/api/session")["notices"]
        assert any("Another review of this folder is open" in notice for notice in notices)


def test_other_computers_come_in_by_password(card, tmp_path):
    password = {"LEOPARDNET_PASSWORD": "four words in a row"}
    with serve(tmp_path, "card", "--lan", env=password.items()) as (process, address):
        parts = urlsplit(address)
        stranger = Visitor.__new__(Visitor)
        stranger.host, stranger.cookie = parts.netloc, ""
        status, _, page = stranger.ask("/")
        assert status == 401 and b'type="password"' in page
        assert stranger.ask("/api/session")[0] == 403
        command = " ".join(psutil.Process(process.pid).cmdline())
        assert "four words" not in command


def test_what_cannot_be_served_is_one_message(card, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = leopardnet("review", "nothing", code=1)[1]
    assert "there is nothing to review here" in said
    with serve(tmp_path, "card", "--out", "w") as (_, address):
        port = re.search(r":(\d+)/", address)[1]
        said = leopardnet("review", "card", "--out", "w2", "--port", port, "--no-browser", code=1)[1]
        assert "cannot be served at this port" in said
    monkeypatch.setenv("LEOPARDNET_PASSWORD", "short")
    assert "password is too short" in leopardnet("review", "card", "--lan", code=1)[1]


def test_help_loads_no_server():
    code = "import sys; from leopardnet.cli import main; sys.argv = ['leopardnet', 'review', '--help']\n"
    code += "try: main()\nexcept SystemExit: pass\nprint([m for m in ('starlette', 'uvicorn') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip().endswith("[]"), run.stdout[-300:]


RECORDER = """
import json, os, pathlib, stat, sys, urllib.parse
file = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(sys.argv[2]).path))
modes = [oct(stat.S_IMODE(os.stat(p).st_mode)) for p in (file, file.parent)]
pathlib.Path(sys.argv[1]).write_text(json.dumps([sys.argv[2:], modes, str(file), file.read_text()]))
"""


def test_the_browser_comes_in_by_a_file_that_only_its_owner_can_read(card, tmp_path):
    (tmp_path / "recorder.py").write_text(RECORDER)
    heard = tmp_path / "heard.json"
    env = {"BROWSER": f"{sys.executable} {tmp_path / 'recorder.py'} {heard} %s", "TMPDIR": str(tmp_path)}
    with serve(tmp_path, "card", "--out", "w", env=env.items(), browser=True) as (process, address):
        assert Visitor(address).read("/api/session")["n_clips"] == 3  # it answers when the browser was started
        arguments, modes, file, page = json.loads(heard.read_text())
        assert modes == ["0o600", "0o700"] and len(arguments) == 1
        given = re.search(r'url=(http[^"]*)"', page)[1]
        token = given.partition("token=")[2]
        assert len(token) > 30 and token not in arguments[0] and token not in address
        with headless_chromium(tmp_path / "profile") as driver:
            driver.get(arguments[0])
            wait_for(lambda: driver.execute_script("return document.getElementById('clip')") is not None)
            assert "token" not in driver.current_url
        assert http_status(given) == 403  # it is spent
        assert http_status(address) == 303
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert not Path(file).parent.exists()


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline


def http_status(address):
    parts = urlsplit(address)
    with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=60)) as connection:
        connection.request("GET", f"{parts.path}?{parts.query}")
        return connection.getresponse().status
