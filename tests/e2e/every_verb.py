"""Every verb on one file or folder, and what must never come of it. The sweeps of odd files share this.

A call runs in this process, because starting Python a thousand times takes longer than the work itself. What a
library prints past Python (`[mjpeg @ 0x…] EOI missing`) is kept apart from our own messages.
"""

from __future__ import annotations

import io
import logging
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch

from file_texts import content, files_in

from leopardnet.cli.console import main
from leopardnet.core.footage.footage_suffixes import kind_by_suffix
from leopardnet.core.manifest import Manifest

FORMATS = ("coco", "camtrap-dp", "voc", "yolo", "megadetector")
RESULTS = ("csv", "xlsx", "jsonl", "megadetector", "camtrap-dp", "coco", "timelapse")
UNSEEN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)  # by users
# Texts of Python's own errors, which say nothing to a user.
PYTHON_ERROR = re.compile(
    r"Traceback \(most recent|object has no attribute|is not subscriptable|not iterable|index out of range"
    r"|unsupported operand|positional argument|unexpected keyword|\b(?:Attribute|Type|Key|Index|Assertion)Error\b"
)


@dataclass(frozen=True)
class Outcome:
    """One call: its exit code, what it said, what was printed past Python, and the traceback of a crash."""

    arguments: tuple[str, ...]
    code: int
    said: str = ""
    raw: str = ""
    crash: str = ""

    def faults(self, room: Path, written: Sequence[Path] = ()) -> list[str]:
        """Return what should not have happened. room: whose absolute path stands nowhere, nor in `written`."""
        found = [self.crash.strip().splitlines()[-1]] if self.crash else []
        found += [f"a raw line: {self.raw.strip().splitlines()[0]}"] if self.raw.strip() else []
        found += [f"an error of Python: {m[0]}"] if (m := PYTHON_ERROR.search(self.said)) else []
        if self.code not in (0, 1, 2, 3) and not found:
            found.append(f"exit code {self.code}")
        own = [
            line for line in self.said.splitlines() if not line.startswith("next:")
        ]  # which repeats what was typed
        if any(str(room) in line for line in own):
            found.append("an absolute path in a message")
        for file in files_in(*written):
            text = content(file)
            found += [f"an absolute path in {file.name}"] if str(room) in text else []
            if file.suffix == ".csv" and (m := PYTHON_ERROR.search(text)):
                found.append(f"an error of Python in {file.name}: {m[0]}")
        return found


def call(*arguments: object) -> Outcome:
    """Run the command with these arguments in this process, in the current folder."""
    words = tuple(map(str, arguments))
    said, logged, crash, code = io.StringIO(), io.StringIO(), "", 0
    log = logging.StreamHandler(logged)
    log.setLevel(logging.WARNING)
    with (
        _catch_raw_lines() as raw,
        redirect_stdout(said),
        redirect_stderr(said),
        patch.object(sys, "argv", ["leopardnet", *words]),
        patch.object(logging, "lastResort", log),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.resetwarnings()
        for category in UNSEEN:
            warnings.simplefilter("ignore", category)
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        except BaseException:
            code, crash = 70, traceback.format_exc()
    lines = [raw.getvalue(), logged.getvalue(), *(f"{w.category.__name__}: {w.message}" for w in warned)]
    return Outcome(words, code, said.getvalue(), "\n".join(filter(None, lines)), crash)


@contextmanager
def _catch_raw_lines() -> Iterator[io.StringIO]:
    """Yield a text that holds, at the end, what was written to the file descriptors 1 and 2."""
    text, saved = io.StringIO(), {fd: os.dup(fd) for fd in (1, 2)}
    with tempfile.TemporaryFile() as file:
        for fd in saved:
            os.dup2(file.fileno(), fd)
        try:
            yield text
        finally:
            for fd, old in saved.items():
                os.dup2(old, fd)
                os.close(old)
            file.seek(0)
            text.write(file.read().decode("utf-8", "replace"))


class Caller:
    """Runs calls in another process, so that one that crashes or never ends is a fault and not the end."""

    def __init__(self, limit_s: float = 60.0) -> None:
        self.limit_s = limit_s
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        self.process = context.Process(target=_serve, args=(far,), daemon=False)
        self.process.start()
        far.close()

    def call(self, *arguments: object, cwd: Path) -> Outcome:
        """Run the command in this folder."""
        words = tuple(map(str, arguments))
        self.pipe.send((cwd, words))
        try:
            if self.pipe.poll(self.limit_s):
                outcome: Outcome = self.pipe.recv()
                return outcome
            crash = f"still running after {self.limit_s:g} s"
        except EOFError:
            crash = "the process died"
        self.process.kill()
        self._start()
        return Outcome(words, 70, crash=crash)

    def close(self) -> None:
        """End the process."""
        self.pipe.close()
        self.process.join()


def _serve(pipe: Connection) -> None:
    while True:
        try:
            cwd, words = pipe.recv()
        except EOFError:
            return
        os.chdir(cwd)
        pipe.send(call(*words))


def make_good_files(good: Path, manifest: Manifest, run: Path) -> None:
    """Put what verbs need beside the file in question into the folder `good`: footage, a manifest, a run, results.

    manifest: of labelled footage; run: a finished run of training.
    """
    shutil.copytree(manifest.root, good / "footage")
    shutil.copytree(run, good / "run")
    Manifest(manifest.table, good / "footage").write(good / "manifest.csv")
    shutil.copy(next((good / "footage").rglob("*.JPG")), good / "still.jpg")
    (good / "names.csv").write_text("path,label\nstill.jpg,leopard\n", "utf-8")
    (good / "data.yaml").write_text("names: [leopard]\ntrain: .\n", "utf-8")
    made = call("predict", good / "manifest.csv", "--bundle", good / "run/bundle", "--out", good / "results")
    assert made.code == 0, made.said + made.crash


def list_calls(path: Path, *, good: str = "../good") -> list[tuple[str, ...]]:
    """Return every call in which a file or folder can stand, each with its outputs in ../out.

    The path is relative to the current folder, and `good` leads to what `make_good_files` made.
    """
    file, table, results, bundle = path.as_posix(), f"{good}/manifest.csv", f"{good}/results", f"{good}/run/bundle"
    out, root = ("--out", "../out/m.csv"), ("--root", ".")
    folder, here = ("--out", "../out/folder"), path.parent.as_posix()
    judged = ("--manifest", table)
    lose = ("--lose", "leopard=0.1")
    calls = [
        ("scan", file, *out),
        ("check", file, "--out", "../out/findings.csv"),
        ("split", file, *out),
        *(("import", name, file, *root, *out) for name in FORMATS),
        ("import", "folders", file, *out),
        ("train", file, *folder, "debug=smoke"),
        ("predict", file, "--bundle", bundle, *folder, "--workers", "0"),
        ("evaluate", file, *judged, *folder, "--n-boot", "0"),
        ("evaluate", results, "--manifest", file, *folder, "--n-boot", "0"),
        ("events", file, "--out", "../out/events.csv"),
        ("thresholds", file, *judged, *lose, "--out", "../out/t.json"),
        ("thresholds", results, "--manifest", file, *lose, "--out", "../out/t.json"),
        ("calibrate", file, *judged, "--bundle", bundle, *folder),
        ("calibrate", results, "--manifest", file, "--bundle", bundle, *folder),
        ("report", file, "--out", "../out/page.html"),
        ("report", results, "--manifest", file, "--out", "../out/page.html"),
        ("report", results, "--root", file, "--out", "../out/page.html"),
        ("report", results, "--run", file, "--out", "../out/page.html"),
        ("export", file, "--out", "../out/x.csv"),
        ("export", results, "--manifest", file, "--out", "../out/x.csv"),
        ("export", results, "--corrections", file, "--out", "../out/x.csv"),
        ("export", results, "--deployments", file, "--format", "camtrap-dp", "--out", "../out/dp"),
        ("export", results, "--pseudonyms", file, "--out", "../out/x.csv"),
        ("sort", file, *root, *folder, "--copy"),
        ("sort", results, "--manifest", file, *folder),
        ("pack", file, *folder),
        ("bundle", "archive", file, "--out", "../out/x.zip"),
        ("bundle", "fetch", file, "--sha256", 64 * "0", *folder),
        ("predict", f"{good}/still.jpg", "--bundle", file, *folder),
        ("scan", here, "--deployments", file, *out),
        ("scan", f"{good}/footage", "--pattern", "{site}/{deployment}/*", "--deployments", file, *out),
        ("check", table, "--deployments", file, "--no-probe", "--no-perceptual", "--no-hash-files"),
    ]
    if kind_by_suffix(file) is None and "." in path.name:
        columns = _list_columns(path)
        calls += [
            ("import", "csv", file, *root, *columns, *out),
            ("import", "csv", f"{good}/names.csv", "--root", good, *columns[:4], "--label-map", file, *out),
            ("import", "yolo", f"{good}/data.yaml", "--root", good, "--negatives", file, *out),
            ("import", "megadetector", file, "--root", f"{good}/footage", "--into", table, *out),
            ("predict", f"{good}/still.jpg", "--bundle", bundle, "--detector", file, *folder, "--workers", "0"),
            ("convert", file, "--like", bundle, *folder),
            ("detector", "install", "--from", file),
        ]
    return calls


def list_chain(folder: Path, labels: Path, *, good: str = "../good") -> list[tuple[str, ...]]:
    """Return the calls of a whole job on one folder of footage, each of which uses what those before it wrote.

    labels: a table to write, in ../out: half of the files are called leopard, and half are for training.
    """
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if kind_by_suffix(p.name))
    rows = [f"{p},{('leopard', 'empty')[i % 2]},{('train', 'val')[i // 2 % 2]}" for i, p in enumerate(files)]
    labels.write_text("\n".join(["path,label,split", *rows]), "utf-8")
    manifest, results = ("--manifest", "../out/m.csv"), "../out/results"
    columns = ("--path", "path", "--label", "label", "--split", "split")
    formats = (("--format", name, "--out", f"../out/x.{name}") for name in RESULTS)
    return [
        ("scan", folder.as_posix(), "--out", "../out/m.csv"),
        ("check", "../out/m.csv", "--out", "../out/findings.csv"),
        ("predict", "../out/m.csv", "--bundle", f"{good}/run/bundle", "--detector", "motion", "--out", results),
        ("events", results, "--out", "../out/events.csv"),
        ("report", results, *manifest, "--out", "../out/page.html"),
        *(("export", results, *manifest, "--time-zone", "+10:00", *words) for words in formats),
        ("sort", results, *manifest, "--out", "../out/sorted", "--copy"),
        ("import", "csv", f"../out/{labels.name}", "--root", folder.as_posix(), *columns, "--out", "../out/l.csv"),
        ("train", "../out/l.csv", "--out", "../out/run", "debug=smoke"),
        ("evaluate", results, "--manifest", "../out/l.csv", "--out", "../out/evaluation", "--n-boot", "10"),
    ]


def _list_columns(path: Path) -> tuple[str, ...]:
    """Return the columns of a text table as options: the first is the path, the others label, site and time."""
    head = path.read_bytes()[:2000].decode("utf-8-sig", "replace").splitlines()[:1] if path.is_file() else []
    names = [n.strip(' "') for n in re.split("[,;\t]", head[0])] if head else []
    names = [n for n in names if n.isprintable()] or ["path", "label"]
    options = ("--path", "--label", "--site", "--captured-at")
    return tuple(word for option, name in zip(options, names, strict=False) for word in (option, name))
