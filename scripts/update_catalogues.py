"""Collect all texts to translate and bring the catalogues up to date; or, with --check, say what is out of date.

Texts are collected from calls of `translate` and `translate_plural` in Python, `_` and `plural` in templates, `t`
and `plural` in scripts of pages; from what the rooms in MESSAGE_ROOMS print in the terminal (`say`, `print_rows`,
progress) or raise as an error; and from all sentences of the modules in SENTENCES.

    python scripts/update_catalogues.py
    python scripts/update_catalogues.py --check
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from string import Formatter

import yaml
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "leopardnet"
CATALOGUES = sorted((SOURCE / "locale").glob("*/LC_MESSAGES/leopardnet.po"))
PLURALS = dict.fromkeys(("plural", "ngettext", "translate_plural"), (1, 2))
KEYWORDS = {**dict.fromkeys(("_", "gettext", "t", "translate")), **PLURALS}
METHODS = [("pages/**.js", "javascript"), ("pages/**.j2", "jinja2"), ("**.py", "python")]
OPTIONS = {"pages/**.j2": {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true"}}

# The way of a biologist: from footage to a report. Errors of other rooms stay English.
MESSAGE_ROOMS = (
    *("cli", "review", "hunt", "infer", "media", "export", "report", "pages", "detect", "bundle"),
    *("records", "sound"),
    *("core", "data/scan", "data/human_labels", "data/reading", "data/formats", "data/checks", "data/splits"),
    *("records", "sound"),
)
SENTENCES = (  # modules whose texts are all for people
    "evaluation/comparison_parts.py",
    "media/blank_frames.py",
    "training/folds.py",
    "core/labels.py",
    "hunt/lookalikes.py",
    "core/processes/end_signals.py",
    "media/file_content.py",
    "cli/printing/import_problems.py",
    "cli/printing/print_evaluation.py",
    "cli/printing/print_predictions.py",
    "cli/printing/scan_notes.py",
    "metrics/evaluation.py",
    "metrics/guarantees/archive.py",
    "metrics/guarantees/loss_guarantee.py",
    "evaluation/event_part.py",
    "evaluation/thresholds.py",
    "metrics/guarantees/levels.py",
    "metrics/conditions/box_sizes.py",
    "metrics/conditions/light_figures.py",
    "metrics/judges/taught_clips.py",
    "metrics/judges/label_choice.py",
    "metrics/comparison/two_models.py",
    "evaluation/audit/compare_models.py",
    "evaluation/audit/judging_labels.py",
    "evaluation/audit/training_labels.py",
    "bundle/promise_watch.py",
    "bundle/promises.py",
    "records/encounters/count_animals.py",
    "records/place_findings.py",
    "data/checks/clock_findings.py",
    "data/checks/file_findings.py",
    "data/checks/label_findings.py",
    "data/checks/split_findings.py",
    "data/scan/banner/banner_card.py",
    "data/scan/banner/banner_time.py",
    "data/checks/health/clock_light.py",
    "data/checks/health/moved_camera.py",
    "data/checks/health/night.py",
    "data/checks/health/silence.py",
    "data/checks/health/storm.py",
    "records/survey/place_reasons.py",
    "records/survey/camera_places.py",
    "demo_story/compare_with_truth.py",
    "cli/printing/sound_notes.py",
    "score/decide.py",
    "hunt/hunt_order.py",
    "review/hunt_desk/hunt_queues.py",
)
PRINTING = {
    "say": 0,
    "print_rows": None,
    "progress_bar": 0,
    "on_progress": 0,
    "on_stage": 0,
    "on_note": 0,
    "_print_lines": 0,
    "explain_stop": 0,
}
STAGES = {"tell": (0, 3), "on_progress": (0, 3)}  # what is done, and the note behind it; told in all rooms
FUNCTIONS = {  # whose texts are all for people, in modules that hold others
    "bundle/model_card/card_figures.py": ("say_results",),
    "cli/console.py": ("__call__", "describe_duration"),
    "data/formats/voc_pictures.py": ("find", "_check_name"),
    "data/formats/yolo.py": ("find_names",),
    "data/reading/to_manifest.py": ("assemble", "_fill_from_folders"),
    "evaluation/recalibrate.py": ("__repr__", "caveat"),
    "metrics/guarantees/archive.py": ("counts",),
    "score/calibrate.py": ("basis",),
    "score/presence_shift.py": ("describe",),
    "training/fit/loop.py": ("run_epochs", "_format_note"),
    "training/rank_epochs.py": ("format_minutes", "explain_choice"),
    "training/run_folder.py": ("list_scarcities",),
    "training/training_run.py": ("_run",),
    "media/jpeg.py": ("_describe_damage",),
    "media/still.py": ("decode",),
}
FINDING_TEXTS = ("text", "message", "note", "why")  # names of the texts of findings, before they are yielded
PRINTED_PARTS = ("todo", "expected", "title", "caption")
NAMES = (  # labels that people add to the built-in ones, as in the lists of names of data sets
    *("amur_leopard", "asian_black_bear", "badger", "bird", "brown_bear", "cat", "cattle", "dog", "fox", "hare"),
    *(
        "horse",
        "human",
        "leopard_cat",
        "lynx",
        "musk_deer",
        "otter",
        "person",
        "raccoon_dog",
        "red_deer",
        "red_fox",
    ),
    *("ok", "partial", "right", "wrong", "open", "video", "still", "burst", "none", "species", "abstained"),
    *("rolled_up", "precision", "recall", "F1", "AUROC", "average precision"),
    *("ECE", "Brier", "other", "deer"),
    *("roe_deer", "sable", "snow_leopard", "squirrel", "vehicle", "weasel", "wild_boar", "wolf"),
    *("yellow_throated_marten", "black_bear", "animal", "unsure", "unreadable", "unknown"),
    *("alarm call", "call"),
    "N",  # of a map; as a message, it would be a site or a direction of this name, too
)

HEADINGS = (  # of tables in the terminal, where they are single words
    *(
        "clip",
        "decision",
        "alerts",
        "status",
        "label",
        "clips",
        "said",
        "lost",
        "shows",
        "value",
        "videos",
        "stills",
    ),
    *("files", "rows", "bursts", "sites", "deployments", "labels", "first", "last", "infrared", "colour"),
    *("severity", "rule", "count", "warning", "info", "share", "all rows", "(no label)", "not opened", "pictures"),
    *("species", "genus", "family", "order", "class"),  # ranks
    *("better", "worse", "mixed", "cannot tell", "new", "old"),  # of two models
    *("figure", "difference", "95 % interval", "the new model is", "clips right"),
    *("of a random sample", "person", "and", "clips of both", "same"),  # of labels, and of two people
    *("at", "by", "queue", "note", "stands", "taken back"),
    *("evaluated", "zeros"),
    *("records", "notable", "to check", "record", "state", "when", "from range", "why"),  # of records
    *("confirmed", "suspected", "refuted", "inside", "outside", "error"),
    *("rank", "kind", "name", "weight", "reasons", "cell", "camera", "place", "expected"),  # of surveys
    *("animals, E(n)", "recaptures, E(r)", "recaptures at another camera, E(m)"),
    "relative error of density, about",
    *("Events", "events", "Baselines", "elsewhere", "epoch", "train loss", "val macro-F1", "val NLL", "as it was"),
    *("Records", "Notable records"),
    *("what", "planted", "found", "differs"),  # of the story
)


def collect_texts() -> Catalog:
    """Return a catalogue without translations of all texts, each with the files that it is in."""
    catalogue = Catalog(project="leopardnet", charset="utf-8")
    for file, _, text, comments, context in extract_from_dir(
        SOURCE, METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=("translators:",), strip_comment_tags=True
    ):
        place = f"src/leopardnet/{file}"
        catalogue.add(text, locations=[(place, 0)], auto_comments=comments, context=context)
    first: dict[str, str] = {}  # of messages that differ in the names of their values alone; {n_…} is a number
    for path in sorted(SOURCE.rglob("*.py")):
        for text in find_messages(path):
            if catalogue.get(text) is not None:
                continue
            known = first.setdefault(re.sub(r"\{(n_)?\w+\}", r"{\1}", text), text)
            catalogue.add(known, locations=[(path.relative_to(ROOT).as_posix(), 0)], context="message")
    for name in HEADINGS:
        catalogue.add(name, locations=[("src/leopardnet/cli/printing", 0)])
    for name in find_labels():
        catalogue.add(name, locations=[("configs/labels", 0)], context="label")
    return catalogue


def find_labels() -> list[str]:
    """Return the labels of the built-in label sets, and those that people add to them."""
    sets = (
        yaml.safe_load(path.read_text("utf-8")) for path in sorted((ROOT / "configs" / "labels").glob("*.yaml"))
    )
    return sorted({*NAMES, *(label["name"] for labels in sets for label in labels["labels"])})


def find_messages(path: Path) -> list[str]:
    """Return the English texts of a module that are translated where they are shown, values as {placeholders}."""
    place = path.relative_to(SOURCE).as_posix()
    tree = ast.parse(path.read_text("utf-8"))
    if place in SENTENCES:
        nodes = [*find_sentences(tree)]
    else:
        is_shown = place.startswith(tuple(f"{room}/" for room in MESSAGE_ROOMS))
        nodes = [*find_told(tree, FUNCTIONS.get(place, ())), *(find_printed(tree) if is_shown else ())]
    texts = (line.strip() for node in nodes for line in write_template(node).split("\n"))
    return list(dict.fromkeys(text for text in texts if is_sentence(text)))


def is_sentence(text: str) -> bool:
    """Return whether words of a text are fixed; a name of a column or a file format has none."""
    fixed = [words for words, *_ in Formatter().parse(text)]
    return " " in text and re.search(r"[a-z]{2}", " ".join(fixed)) is not None


def find_sentences(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield all texts of a module but docstrings, names of columns, and messages of wrong arguments."""
    skipped = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
        is_own = isinstance(node, ast.Call) and (
            name_of(node) in KEYWORDS or name_of(node).endswith(("ValueError", "DataFrame", "index"))
        )
        if is_own:
            skipped |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) not in skipped and is_text(node):
            yield node


def find_told(tree: ast.Module, functions: tuple[str, ...]) -> Iterator[ast.expr]:
    """Yield the texts of a module about progress, of its notes, and of these functions, whatever its room."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node) in STAGES:
            first, last = STAGES[name_of(node)]
            for part in [*node.args[first : first + 1], *node.args[last : last + 1]]:
                yield from split_choices(part)
        elif isinstance(node, ast.Call) and (outcome := [k.value for k in node.keywords if k.arg == "outcome"]):
            yield from split_choices(outcome[0])
        elif isinstance(node, ast.FunctionDef) and (node.name in functions or "note" in node.name.split("_")):
            yield from find_sentences(ast.Module(body=[node], type_ignores=[]))
        elif isinstance(node, (ast.Assign, ast.AugAssign)) and is_named_notes(node):
            yield from find_sentences(ast.Module(body=[ast.Expr(node.value)], type_ignores=[]))


def is_named_notes(node: ast.Assign | ast.AugAssign) -> bool:
    """Return whether a value is given to a name such as `notes`."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return ast.unparse(target).rpartition("_")[2] == "notes"


def find_printed(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the texts that a module prints or raises."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for call in ast.walk(tree):
        if isinstance(call, ast.Assign) and "Finding" in names and ast.unparse(call.targets[0]) in FINDING_TEXTS:
            yield from split_choices(call.value)
        if not isinstance(call, ast.Call):
            continue
        name, parts = name_of(call), [k.value for k in call.keywords if k.arg in PRINTED_PARTS]
        is_error = name.endswith(("Error", "RunStopped")) and name not in ("ValueError", "TypeError", "OSError")
        if is_error:
            parts += call.args[:1]
        elif name == "append" and ast.unparse(call.func).split(".")[-2:-1] in (["notes"], ["notices"]):
            parts += call.args
        elif name == "Finding":
            parts += call.args[2:3]
        elif name in PRINTING:
            place = PRINTING[name]
            parts += [] if place is None else call.args[place : place + 1]
        else:
            continue
        for part in parts:
            yield from split_choices(part)


def name_of(call: ast.Call) -> str:
    """Return the name of what is called, without what it belongs to."""
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def is_text(node: ast.AST) -> bool:
    """Return whether a node is a text, with values in it or without."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def split_choices(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the texts that an expression may be: both sides of `if` and `or`; a sum of texts is one."""
    if isinstance(node, ast.IfExp):
        yield from split_choices(node.body)
        yield from split_choices(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from split_choices(value)
    elif is_text(node) or isinstance(node, ast.BinOp):
        yield node


def write_template(node: ast.expr) -> str:
    """Return a text with {placeholders} for its values, named after them where that is possible."""
    used: set[str] = set()

    def write(part: ast.expr) -> str:
        if isinstance(part, ast.Constant):
            return str(part.value).replace("{}", "\0").replace("{", "{{").replace("}", "}}").replace("\0", "{n}")
        if isinstance(part, ast.JoinedStr):
            return "".join(map(write, part.values))
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
            return write(part.left) + write(part.right)
        value = part.value if isinstance(part, ast.FormattedValue) else part
        name = getattr(value, "id", getattr(value, "attr", "value")).strip("_") or "value"
        name = next(x for x in (name, *(f"{name}_{i}" for i in range(2, 99))) if x not in used)
        used.add(name)
        return f"{{{name}}}"

    return write(node)


def update(path: Path, texts: Catalog) -> bytes:
    """Return the content of a catalogue with new texts, without a translation, and without those that are gone."""
    catalogue = read_po(BytesIO(path.read_bytes()), locale=path.parent.parent.name)
    catalogue.update(texts, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return write(catalogue)


def write(catalogue: Catalog) -> bytes:
    """Return the content of a catalogue, without times and names, so that it changes with its texts alone."""
    written = BytesIO()
    write_po(written, catalogue, width=110, include_lineno=False, sort_by_file=True, ignore_obsolete=True)
    return re.sub(
        rb'"(POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator).*\\n"\n', b"", written.getvalue()
    )


def placeholders(text: str) -> set[str]:
    """Return the names of the values in a text: {name}, or %(name)s of a block in a template."""
    named = set(re.findall(r"%\((\w+)\)s", text))
    return named | {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def find_faults(path: Path, texts: Catalog) -> list[str]:
    """Return what is wrong with a catalogue: missing, fuzzy and obsolete entries, and placeholders that differ."""
    catalogue = read_po(BytesIO(path.read_bytes()), locale=path.parent.parent.name)
    known = {(message.context, message.id): message for message in catalogue if message.id}
    wanted = {(message.context, message.id) for message in texts if message.id}
    faults = [f"obsolete: {key}" for key in known.keys() - wanted]
    faults += [f"obsolete: {key}" for key in catalogue.obsolete]
    faults += [f"missing: {key}" for key in wanted - known.keys()]
    return sorted([*faults, *(fault for message in known.values() for fault in check_message(message))])


def check_message(message: Message) -> Iterator[str]:
    """Yield what is wrong with one entry."""
    ids = message.id if isinstance(message.id, (list, tuple)) else (message.id,)
    forms = message.string if isinstance(message.string, (list, tuple)) else (message.string,)
    if message.fuzzy:
        yield f"fuzzy: {ids[0]}"
    if not all(forms):
        yield f"not translated: {ids[0]}"
        return
    for form in forms:
        if max(map(count_glued, ids)) < count_glued(form):
            yield f"two texts in one, without a space: {ids[0]} → {form}"
        try:
            # An ending of an English plural is a value too, and has no place in other languages.
            other = placeholders(form) ^ placeholders(ids[-1])
            if other - (placeholders(ids[-1]) if message.context == "message" else set()):
                yield f"other placeholders: {ids[0]} → {form}"
        except ValueError as error:
            yield f"{error}: {ids[0]} → {form}"


def count_glued(text: str) -> int:
    """Return how often a capital follows a small letter or the end of a sentence at once, as in 'one.Two'."""
    return sum((a.islower() or a in ".!?»)") and b.isupper() for a, b in pairwise(text))


def main() -> None:
    """Update the catalogues, or check them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 where a text is missing")
    is_check = parser.parse_args().check
    texts = collect_texts()
    for path in CATALOGUES:
        if not is_check:
            path.write_bytes(update(path, texts))
        faults = find_faults(path, texts)
        print("\n".join([*faults, f"{path.relative_to(ROOT)}: {len(texts)} texts, {len(faults)} to mend"]))
        if faults and is_check:
            sys.exit(1)


if __name__ == "__main__":
    main()
