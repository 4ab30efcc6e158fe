"""`import leopardnet as ln`: every name is there, documented with an example, and help needs no extra."""

from __future__ import annotations

import ast
import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import leopardnet as ln

SOURCE = Path(ln.__file__)
NAMES = [name for name in ln.__all__ if name != "__version__"]
TRAINS = {"Beginning", "convert", "pack", "train", "write_shards"}
WITHOUT_TORCH = """
import sys
class Hidden:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {"torch", "torchvision", "timm", "accelerate", "albumentations", "matplotlib"}:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
sys.meta_path.insert(0, Hidden())
import leopardnet as ln
"""
POINTERS = ("See `train`", "see `train`", "see train")


def run_without_torch(code):
    result = subprocess.run([sys.executable, "-c", WITHOUT_TORCH + code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def documented():
    for name in NAMES:
        yield name, getattr(ln, name)
    for name in ln.figures.__all__:
        yield f"figures.{name}", getattr(ln.figures, name)


def test_every_name_is_there_and_no_other():
    assert len(set(ln.__all__)) == len(ln.__all__) > 90
    assert dir(ln) == sorted(ln.__all__)
    for name, value in documented():
        assert value is not None, name
    with pytest.raises(AttributeError, match="no name 'leopard'"):
        ln.leopard  # noqa: B018


def test_type_checkers_and_editors_see_the_same_names():
    (block,) = [n for n in ast.parse(SOURCE.read_text("utf-8")).body if isinstance(n, ast.If)]
    seen = {alias.asname for n in block.body if isinstance(n, ast.ImportFrom) for alias in n.names if alias.asname}
    seen |= {target.id for n in block.body if isinstance(n, ast.Assign) for target in n.targets}
    assert seen == set(NAMES)


@pytest.mark.parametrize(("name", "value"), list(documented()), ids=lambda x: x if isinstance(x, str) else "")
def test_a_name_is_documented_with_an_example_that_runs(name, value):
    pytest.importorskip("torch", reason="the extra [train] is not installed")
    text = inspect.getdoc(value) or ""
    examples = doctest.DocTestParser().get_examples(text)
    assert text and examples, f"{name} shows no example"
    assert not any(pointer in text for pointer in POINTERS), f"{name} points to another docstring"
    module = value if inspect.ismodule(value) else inspect.getmodule(value)
    known = vars(module) | {"ln": ln, "np": np, "pd": pd, "Path": Path}
    test = doctest.DocTestParser().get_doctest(text, dict(known), name, None, 0)
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test).failed == 0


def test_help_and_signatures_need_no_training_library():
    code = (
        "import inspect, pydoc\n"
        "assert 'Train on the labelled frames' in pydoc.render_doc(ln)\n"
        "print(inspect.signature(ln.train))\n"
        "print(inspect.getdoc(ln.Beginning).splitlines()[0])\n"
        "print(*sorted(n for n in ln.__all__ if getattr(getattr(ln, n), '__code__', None) is ln.train.__code__))\n"
    )
    signature, first, *names = run_without_torch(code).splitlines()
    assert signature.startswith(
        "(manifest: Manifest, config: TrainConfig, *, out: str | Path, overwrite: bool = False"
    )
    assert signature.endswith("on_progress: Callable[..., None] | None = None) -> Run")
    assert first == "What a run begins with."
    assert set(names[0].split()) == TRAINS, "only what trains needs the extra"


@pytest.mark.parametrize("name", sorted(TRAINS))
def test_what_needs_an_extra_says_so_when_it_is_called(name):
    code = f"try:\n    ln.{name}(1, out=2)\nexcept ln.LeopardnetError as e:\n    print(type(e).__name__, e)"
    said = run_without_torch(code)
    assert said.startswith(f"BackendError {name} needs libraries that are not installed\n")
    assert "expected: the extra train\n" in said
    assert 'do:       pip install -c constraints.txt -e ".[train]"' in said


def test_a_figure_names_its_extra_when_it_is_drawn():
    history = '[{"epoch": 0, "val_macro_f1": 0.2, "train_loss": 1.0, "val_nll": 0.1}]'
    code = f"try:\n    ln.figures.epoch_curve({history})\nexcept ln.LeopardnetError as e:\n    print(e)"
    assert '-e ".[figures]"' in run_without_torch(code)


def test_a_fault_of_ours_is_not_taken_for_a_missing_extra(monkeypatch):
    monkeypatch.setitem(ln._NAMES, "train", "leopardnet.training.no_such_module")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        ln.train  # noqa: B018
