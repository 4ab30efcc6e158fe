"""The frame of all verbs: the app, the printing of results and errors, and exit codes.

Results go to stdout or a file, progress and messages to stderr. Exit codes: 0 done, 1 could not run, 2 usage,
3 ran, but some clips could not be read or a check found errors, 128 + its number where a signal ended it (Ctrl-C:
130, SIGTERM: 143).
"""

from __future__ import annotations

import errno
import importlib
import json
import locale
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from leopardnet.core.errors import LeopardnetError
from leopardnet.core.interactive.usage_advice import advise_usage
from leopardnet.core.language import (
    LANGUAGES,
    find_language,
    format_cell,
    is_number,
    language_of,
    set_language,
    translate_error,
    translate_message,
)
from leopardnet.core.processes.end_signals import describe_end, find_end_request, handle_end_signals
from leopardnet.core.processes.pace import Pace

EXIT_COULD_NOT_RUN = 1
EXIT_WRONG_USAGE = 2
EXIT_FINDINGS = 3
LOG_EVERY_S = 30.0  # where stderr is no terminal
OS_ADVICE = {
    errno.EACCES: "choose another folder with --out, or ask for the right to write into this one",
    errno.EPERM: "choose another folder with --out, or ask for the right to write into this one",
    errno.EEXIST: "a file has this name; give the name of a folder",
    errno.ENOTDIR: "a part of this path is a file; give the name of a folder",
    errno.EISDIR: "this is a folder; give the name of a file",
    errno.ENOSPC: "the disk is full: make room, or write to another one with --out",
    errno.EROFS: "write to another disk, with --out: this one is read-only, as a locked card is",
    errno.ENAMETOOLONG: "choose a shorter name, or a folder nearer to the root of the disk",
}
VERB_MODULES = (
    *("dataset", "join", "import_labels", "train", "predict"),
    *(f"model_verbs.{name}" for name in ("pack_run", "detectors", "bundles", "runs", "shards")),
    *(f"evaluation_verbs.{name}" for name in ("evaluate", "join_events", "calibrate_bundle", "find_thresholds")),
    *(f"loop_verbs.{name}" for name in ("start", "review_clips", "count_labels", "compare_two")),
    *(f"record_verbs.{name}" for name in ("records", "ranges", "survey")),
    "sound_verbs.sounds",
    *("report", "export", "demo"),
)

app = typer.Typer(
    name="leopardnet",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Classify camera-trap footage: train a model on labelled frames, classify clips, evaluate the results.",
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"leopardnet {version('leopardnet')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            metavar="en|ru",
            help="Language of messages and pages. [default: that of the system]",
            callback=lambda name: choose_language(name),
            is_eager=True,
        ),
    ] = None,
) -> None:
    pass


# A pipe or a log file has no width of its own.
out = Console(width=None if sys.stdout.isatty() else 110)
err = Console(stderr=True)


def say(text: str) -> None:
    """Print a message for people to stderr, in their language where it is in the catalogue."""
    err.print(translate_message(text), markup=False, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """Print one JSON document to stdout, and nothing else."""
    text = json.dumps(_replace_nan(value), ensure_ascii=False, indent=2, default=str, allow_nan=False)
    sys.stdout.write(text + "\n")


def _replace_nan(value: object) -> object:
    """Return the same value with None for numbers that JSON cannot hold."""
    if isinstance(value, dict):
        return {k: _replace_nan(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replace_nan(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_rows(
    rows: Sequence[Mapping[Any, Any]], *, title: str = "", caption: str = "", spaced: bool = True
) -> None:
    """Print rows, each from column names to values, as a table to stdout, with numbers aligned right.

    spaced: with an empty line above and below.
    """
    table = Table(
        title=translate_message(title) or None,
        caption=escape(translate_message(caption)) or None,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=spaced,
    )
    numbers = {name for name in (rows[0] if rows else ()) if all(is_number(r[name]) for r in rows)}
    for name in rows[0] if rows else ():
        table.add_column(
            translate_message(str(name)), justify="right" if name in numbers else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(escape(format_cell(v, is_figure=name in numbers)) for name, v in row.items()))
    out.print(table)


def is_first_process() -> bool:
    """Return whether this process prints; of several (`torchrun`), only the first does."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function `(n_done, n_total)` that shows the progress of one job on stderr.

    >>> with ln.progress_bar("classifying") as tell:  # doctest: +SKIP
    ...     ln.predict("cards", bundle, on_progress=tell)
    """
    with stages() as on_progress:
        yield lambda n_done, n_total: on_progress(what, n_done, n_total)


@contextmanager
def stages() -> Iterator[Callable[..., None]]:
    """Yield a function `(what, n_done, n_total, note)` that shows one progress bar per job on stderr.

    Where stderr is not a terminal but a log file, every job gives a line when it is done, and at most one every
    30 s until then.

    >>> with ln.stages() as tell:  # doctest: +SKIP
    ...     ln.train(manifest, config, out="runs/amur", on_progress=tell)
    """
    if not is_first_process():
        yield lambda *_: None
        return
    if not err.is_terminal:
        yield StageLog()
        return
    tasks: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, TimeRemainingColumn(compact=True), TextColumn("{task.fields[note]}"), console=err
    ) as bars:

        def update(what: str, n_done: int, n_total: int, note: str = "") -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(translate_message(what), total=n_total, note=note)
            bars.update(tasks[what], completed=n_done, total=n_total, note=note)

        yield update


class StageLog:
    """Prints the progress of jobs in lines: of one that goes on, at most every 30 s, with its rate and time left.

    now_s: a clock, in seconds.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s, self._said_s = now_s, now_s()
        self._started: dict[str, tuple[float, int]] = {}
        self._paces: dict[str, Pace] = {}
        self._finished: set[str] = set()

    def __call__(self, what: str, n_done: int, n_total: int, note: str = "") -> None:
        """Tell how many items of a job are done."""
        now_s = self._now_s()
        is_news = n_total == 1 and what not in self._started and bool(note)  # nothing was counted or timed
        start_s, n_before = self._started.setdefault(what, (now_s, n_done))
        took_s, more = now_s - start_s, f", {note}" if note else ""
        pace = self._paces.setdefault(what, Pace())
        if n_done > n_before:
            pace.count(now_s, n_done)
        if n_done >= n_total and what not in self._finished:
            self._finished.add(what)
            if is_news:
                say(f"{translate_message(what)}: {translate_message(note)}")
                return
            say(f"{translate_message(what)}: {n_done} of {n_total}, {took_s:.1f} s{more}")
        elif n_before < n_done < n_total and now_s - self._said_s >= LOG_EVERY_S:
            self._said_s = now_s
            if pace.per_s is None:
                say(f"{translate_message(what)}: {n_done} of {n_total}{more}")
                return
            rate = f"{60 * pace.per_s:.0f} a minute"
            more = more or f", {rate}"
            left = describe_duration((n_total - n_done) / pace.per_s)
            say(f"{translate_message(what)}: {n_done} of {n_total}{more}, {left} left")


def describe_duration(seconds: float) -> str:
    """Return a length of time as people say it, to the minute.

    >>> describe_duration(20), describe_duration(200), describe_duration(7500)
    ('1 min', '3 min', '2 h 5 min')
    """
    minutes = max(1, round(seconds / 60))
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def print_error(error: LeopardnetError) -> None:
    """Print what is wrong, where, and what to do, to stderr."""
    what, *parts = translate_error(error)
    width = max(len("expected"), *(len(name) for name, _ in parts), 0)
    lines = [what[1], *(f"  {name + ':':<{width + 1}} {value}" for name, value in parts)]
    err.print(f"[bold red]{what[0]}:[/bold red]", end=" ")
    err.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def read_system_language(environment: Mapping[str, str]) -> str:
    """Return the locale that the system asks for: the first of its variables that is set, or that of Windows."""
    named = (environment.get(name) for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    return next(filter(None, named), None) or locale.getlocale()[0] or ""


def choose_language(name: str | None) -> str | None:
    """Set the language of all texts to the value of --language, where it is given."""
    if name is not None:
        set_language(language_of(name))
        if find_language(name) is None:
            say(f"there are no texts in the language {name}; English is used. Known: {', '.join(LANGUAGES)}")
    return name


def main() -> None:
    """Run the command line. Every LeopardnetError becomes its message and exit code 1, never a traceback."""
    set_language(language_of(system=read_system_language(os.environ)))
    try:
        with handle_end_signals():
            for name in VERB_MODULES:
                importlib.import_module(f"leopardnet.cli.{name}")
            app()
    except (KeyboardInterrupt, SystemExit) as end:
        if request := find_end_request(end):
            if is_first_process():
                say(describe_end(request, sys.argv[1:]))
            sys.exit(request.exit_code)
        if getattr(end, "code", None) == EXIT_WRONG_USAGE and (
            advice := advise_usage(sys.argv[1:], typer.main.get_command(app))
        ):
            say(advice)
        raise
    except LeopardnetError as error:
        print_error(error)
        sys.exit(EXIT_COULD_NOT_RUN)
    except OSError as error:  # a full disk or a missing permission, which the user must solve
        reason, todo = error.strerror or error, OS_ADVICE.get(error.errno or 0)
        print_error(LeopardnetError(f"cannot read or write: {reason}", where=error.filename, todo=todo))
        sys.exit(EXIT_COULD_NOT_RUN)
