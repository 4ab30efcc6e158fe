"""Rebuild a folder of cases (files that people report trouble with), and try every verb on every file of them.

A case is a folder with a `make.py`, which builds its files in the current folder. All is built and tried in a
temporary folder. First, each situation of `CASES` must end as it should; then a sweep gives each file and folder
to each verb, and counts crashes, raw lines of libraries, absolute paths, and calls of more than a minute. The exit
code is 1 if anything is wrong.

Example: python scripts/try_cases.py cases/
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "scripts")]

from every_verb import Caller, list_calls, list_chain, make_good_files  # noqa: E402

from leopardnet.core.footage.footage_suffixes import kind_by_suffix  # noqa: E402
from leopardnet.data.scan.scan import scan  # noqa: E402
from right_outcomes import CASES, Case  # noqa: E402


def build(cases: Path, room: Path) -> list[Path]:
    """Copy the cases to `room` and run their `make.py` and `make3.py`; return the folders."""
    shutil.copytree(cases, room, dirs_exist_ok=True)
    built = []
    for folder in sorted(p.parent for p in room.glob("*/make.py")):
        for program in ("make.py", "make3.py"):
            if (folder / program).is_file():
                subprocess.run([sys.executable, program], cwd=folder, check=True, stderr=subprocess.DEVNULL)
        built.append(folder)
    return built


def make_good(room: Path) -> None:
    """Render footage and train a useless model on it, for all that a verb needs beside the file in question."""
    from leopardnet.compose import load_config
    from leopardnet.demo_job import add_labels
    from leopardnet.synth import FootageSpec, render_footage
    from leopardnet.training.pack.pack import train_bundle

    spec = FootageSpec(
        seed=3, n_sites=3, clips_per_site=2, stills_per_site=4, width_px=320, height_px=180, duration_s=(2.0, 2.5)
    )
    render_footage(room / "raw", spec, n_workers=1)
    manifest = add_labels(scan(room / "raw", pattern="{site}/{deployment}/*"), room / "raw")
    sides = {"site01": "train", "site02": "val", "site03": "test"}
    manifest = manifest.replace(manifest.table.assign(split=manifest.table["site"].map(sides)))
    run = train_bundle(manifest, load_config("train", ["debug=smoke"]), out=room / "trained")
    make_good_files(room / "good", manifest, run.folder)
    shutil.rmtree(room / "raw"), shutil.rmtree(room / "trained")


def check_cases(folders: list[Path], room: Path, caller: Caller) -> int:
    """Print one line for each case, right or not, and return the number of those that are not."""
    n_wrong = 0
    for folder in folders:
        check: Callable[[Case], None] | None = CASES.get(folder.name)
        if check is None:
            print(f"?      {folder.name}: no expectation is known")
            continue
        copy = Path(shutil.copytree(folder, room / "copies" / folder.name))
        try:
            check(Case(copy, room / "good", caller))
            print(f"right  {folder.name}", flush=True)
        except Exception as error:
            n_wrong += 1
            at = [f for f in traceback.extract_tb(error.__traceback__) if "right_outcomes" in f.filename][-1]
            print(
                f"WRONG  {folder.name}: {at.line}\n       {type(error).__name__}: {str(error)[:1500]}", flush=True
            )
    return n_wrong


def sweep(folders: list[Path], room: Path, caller: Caller) -> Counter[str]:
    """Give every file and folder of the cases to every verb; return the count of each kind of fault."""
    faults, out = Counter[str](), room / "out"

    def attempt(words: tuple[str, ...], folder: Path) -> None:
        outcome = caller.call(*words, cwd=folder)
        for fault in outcome.faults(room, [out]):
            kind = f"{words[0]}: {fault}"
            faults[kind] += 1
            if faults[kind] == 1:
                print(f"FAULT  {fault}\n       {folder.name}: leopardnet {' '.join(words)}", flush=True)
                print("".join(f"       | {line}\n" for line in outcome.crash.splitlines()[-6:]), end="")

    for folder in folders:
        start, n_calls = time.monotonic(), 0
        for path in _list_files(folder):
            for words in _choose_calls(path, folder):
                out.mkdir()
                attempt(words, folder)
                shutil.rmtree(out)
                n_calls += 1
        for footage in sorted({p.parent for p in folder.rglob("*") if kind_by_suffix(p.name)}):
            out.mkdir()
            os.chdir(folder)
            for words in list_chain(footage.relative_to(folder), out / "labels.csv"):
                attempt(words, folder)
                n_calls += 1
            shutil.rmtree(out)
        print(f"swept  {folder.name}: {n_calls} calls, {time.monotonic() - start:.0f} s", flush=True)
    return faults


def _list_files(folder: Path) -> list[Path]:
    """Return the files and folders of a case, but not the programs that made them."""
    return [p for p in sorted(folder.rglob("*")) if p.suffix != ".py" and "__pycache__" not in p.parts]


def _choose_calls(path: Path, folder: Path) -> list[tuple[str, ...]]:
    """Return the calls with a file; of alike footage in a folder, the first goes everywhere, all to `predict`."""
    calls = list_calls(path.relative_to(folder))
    alike = sorted(p for p in path.parent.iterdir() if p.suffix == path.suffix)
    is_repeat = kind_by_suffix(path.name) is not None and path != alike[0]
    return [words for words in calls if words[:2] == ("predict", calls[0][1])] if is_repeat else calls


def main() -> None:
    """Try all cases, print what is wrong, and exit with 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, help="the folder with one folder for each case")
    parser.add_argument("--only", default="", metavar="NAME", help="cases whose name begins so, such as 17")
    parser.add_argument("--limit-s", type=float, default=60.0, help="seconds of a call; more on a busy machine")
    parser.add_argument("--no-sweep", action="store_true", help="only the expected outcomes")
    options = parser.parse_args()
    if not any(options.cases.glob("*/make.py")):
        print(f"skipped: no cases in {options.cases}")
        return
    with tempfile.TemporaryDirectory() as temporary:
        room = Path(temporary).resolve()
        make_good(room)
        folders = [p for p in build(options.cases, room) if p.name.startswith(options.only)]
        caller = Caller(options.limit_s)
        n_wrong = check_cases(folders, room, caller)
        faults = Counter[str]() if options.no_sweep else sweep(folders, room, caller)
        caller.close()
    for kind, n in faults.most_common():
        print(f"{n:5} × {kind}")
    print(f"{len(folders)} cases: {n_wrong} wrong; faults in the sweep: {faults.total()}")
    sys.exit(bool(n_wrong or faults))


if __name__ == "__main__":
    main()
