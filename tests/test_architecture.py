"""The layout: layers, no circles, light imports, no prints, short files, plain names, docstrings."""

from __future__ import annotations

import ast
import subprocess
import sys
import typing
from collections import Counter, defaultdict
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "src" / "leopardnet"
MODULES = sorted(SOURCE.rglob("*.py"))
MAX_LINES_OF_MODULE = 320
MAX_LINES_OF_FUNCTION = 70
MAX_FILES_OF_FOLDER = 12
TABLES = {
    "core/columns.py", "data/formats/camtrap_dp/observations.py", "data/formats/camtrap_dp/spec.py",
    "data/formats/csv_table.py", "export/formats/coco.py", "training/frames/labelled_frames.py",
    "training/frames/select_frames.py",
}  # fmt: skip
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "tools"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def tree(path):
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def place(path, node=None):
    return path.relative_to(REPOSITORY).as_posix() + (f":{node.lineno}" if node is not None else "")


def loaded_after(code, *names):
    """Those of the modules `names` that a fresh interpreter holds after running `code`."""
    report = f"print('loaded:', *[n for n in {names!r} if n in sys.modules])"
    program = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\n{report}"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return result.stdout.splitlines()[-1].removeprefix("loaded:").split()


# --- what imports what ---


def test_rooms_import_only_rooms_below_them():
    pytest.importorskip("importlinter", reason="the extra [dev] is not installed")
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    result = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_this_way_of_looking_finds_a_loaded_module():
    assert loaded_after("import pandas", "pandas", "torch") == ["pandas"]


def test_importing_the_package_loads_nothing_heavy():
    heavy = ("torch", "pandas", "hydra", "numpy", "cv2", "av", "sklearn", "openvino", "matplotlib", "pydantic")
    assert loaded_after("import leopardnet", *heavy) == []


def test_the_help_of_the_command_line_loads_neither_networks_nor_decoders():
    code = "sys.argv = ['leopardnet', '--help']; from leopardnet.cli import main; main()"
    heavy = (
        "torch",
        "openvino",
        "cv2",
        "av",
        "sklearn",
        "scipy",
        "hydra",
        "matplotlib",
        "pandas",
        "numpy",
        "pydantic",
    )
    assert loaded_after(code, *heavy) == []


def test_the_process_that_hands_out_clips_loads_no_decoder_and_no_network():
    heavy = ("torch", "openvino", "cv2", "av", "sklearn", "scipy", "hydra", "matplotlib", "pandera")
    assert loaded_after("import leopardnet.infer.predict_footage, leopardnet.infer.workers.pool", *heavy) == []


def test_workers_find_everything_loaded_and_nothing_that_reports_its_use():
    code = "import importlib; from leopardnet.infer.workers.preload import MODULES as m; [*map(__import__, m)]"
    needed = ["openvino", "cv2", "av", "scipy.special"]
    assert loaded_after(code, *needed) == needed
    assert loaded_after(code, "pandas", "pandera", "torch", "scipy.signal") == []
    told = f"{code}; print(); sys.stdout.flush(); assert sys.modules['openvino_telemetry'] is None"
    assert loaded_after(told, "openvino") == ["openvino"]


def test_idle_threads_sleep_unless_the_user_wants_otherwise(monkeypatch):
    code = "import os, leopardnet; print(os.environ['OMP_WAIT_POLICY'], os.environ['KMP_BLOCKTIME'])"
    monkeypatch.setenv("KMP_BLOCKTIME", "20")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["PASSIVE", "20"]


def test_every_public_name_is_there():
    pytest.importorskip("torch", reason="the extra [train] is not installed")
    import leopardnet

    assert len(set(leopardnet.__all__)) == len(leopardnet.__all__) > 10
    for name in leopardnet.__all__:
        assert getattr(leopardnet, name) is not None
    assert set(leopardnet.__all__) <= set(dir(leopardnet))
    with pytest.raises(AttributeError, match="no name 'leopard'"):
        leopardnet.leopard  # noqa: B018


# --- how the source looks ---


def test_there_is_source_to_look_at():
    assert SOURCE / "infer" / "clip.py" in MODULES and len(MODULES) > 50


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_a_module_is_short_named_after_its_subject_and_says_what_it_is(path):
    n_lines = len(path.read_text("utf-8").splitlines())
    assert n_lines <= MAX_LINES_OF_MODULE, f"{place(path)} has {n_lines} lines: split it by subject"
    assert not {path.stem, path.parent.name} & NAMES_THAT_SAY_NOTHING
    assert ast.get_docstring(tree(path)), f"{place(path)} does not say what it is for"


def test_no_folder_is_a_drawer():
    """A room with more than a dozen files is several rooms."""
    n_files = Counter(path.parent.relative_to(SOURCE).as_posix() for path in MODULES)
    assert {folder: n for folder, n in n_files.items() if n > MAX_FILES_OF_FOLDER} == {}


def test_no_two_rooms_have_a_file_of_the_same_name():
    """But a format is called the same where it is read and where results are written in it."""
    formats = {"coco", "voc", "yolo", "megadetector", "camtrap_dp"}
    places = defaultdict(set)
    for path in MODULES:
        place = path.relative_to(SOURCE)
        if path.stem not in {"__init__", "__main__"} | formats and not formats & set(place.parts):
            places[path.stem].add(place.as_posix())
    assert {name: sorted(paths) for name, paths in places.items() if len(paths) > 1} == {}


PARTICIPLES = {
    "built", "chosen", "drawn", "found", "given", "held", "hidden", "kept", "known", "left", "lost", "made",
    "said", "seen", "sent", "shown", "taken", "told", "written",
}  # fmt: skip
NOT_PARTICIPLES = {"embed", "feed", "need", "proceed", "seed", "speed"}


def begins_with_a_participle(name):
    first = name.lstrip("_").split("_")[0]
    return first not in NOT_PARTICIPLES and (first in PARTICIPLES or first.endswith(("ed", "ing")))


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("kept", True),
        ("_shown", True),
        ("judged_clips", True),
        ("naming", True),
        ("read_frames", False),
        ("seed_of", False),
    ],
)
def test_this_way_of_looking_finds_a_participle(name, is_one):
    assert begins_with_a_participle(name) is is_one


def test_functions_are_not_called_by_a_participle():
    names = [
        f"{place(path, node)} {node.name}"
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, FUNCTIONS) and not is_value(node) and begins_with_a_participle(node.name)
    ]
    assert names == []


def is_value(function):
    """Whether a function stands for a value: properties and fields of a class are nouns."""
    return any("property" in ast.unparse(decorator) for decorator in function.decorator_list)


def test_no_class_is_called_like_a_thing_of_typing():
    taken = [
        f"{place(path, node)} {node.name}"
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name in typing.__all__
    ]
    assert taken == []


def test_the_formatter_owns_the_layout_but_for_tables():
    skips = Counter(path.relative_to(SOURCE).as_posix() for path in MODULES if "# fmt:" in path.read_text("utf-8"))
    assert set(skips) <= TABLES


def test_functions_are_short():
    long = [
        f"{place(path, node)} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, FUNCTIONS) and node.end_lineno - node.lineno + 1 > MAX_LINES_OF_FUNCTION
    ]
    assert long == []


def test_the_library_never_prints():
    prints = [
        place(path, node)
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "pprint")
    ]
    assert prints == []
    writers = {  # stdout belongs to the command line
        path.relative_to(SOURCE).parts[0]
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "stdout"
    }
    assert writers == {"cli"}


def is_overload(node):
    """Whether a function is a further signature of the one that follows, which has the docstring."""
    return any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)


def public_without_docstring(body, inside=""):
    """Names of public functions, classes and methods without a docstring, those of nested classes included."""
    for node in body:
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef)) or node.name.startswith("_") or is_overload(node):
            continue
        if not ast.get_docstring(node):
            yield inside + node.name
        if isinstance(node, ast.ClassDef):
            yield from public_without_docstring(node.body, f"{inside}{node.name}.")


def test_this_way_of_looking_finds_a_bare_function():
    body = ast.parse(
        'def f(): "doc"\ndef g(): ...\nclass C:\n    "doc"\n    def m(self): ...\n    def _p(self): ...'
    ).body
    assert list(public_without_docstring(body)) == ["g", "C.m"]


def test_every_public_name_has_a_docstring():
    bare = [f"{place(path)} {name}" for path in MODULES for name in public_without_docstring(tree(path).body)]
    assert bare == []
