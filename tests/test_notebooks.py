"""The notebooks run from top to bottom, alone and one after the other, and are stored without outputs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="notebooks are tested where the extra [test] is installed")
nbclient = pytest.importorskip("nbclient", reason="notebooks are tested where the extra [test] is installed")

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
NAMES = ("01_train", "02_classify", "03_evaluate", "04_thresholds_and_review")
TIMEOUT_S = 300
SMALL = {
    "SETTINGS": ["debug=smoke"],
    "FOOTAGE": {
        "n_sites": 3,
        "clips_per_site": 4,
        "stills_per_site": 4,
        "width_px": 160,
        "height_px": 90,
        "fps": 5.0,
        "duration_s": (2.0, 2.0),
    },
}


def read(name):
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def parameters_cell(notebook):
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    return cell


def set_parameters(notebook, **values):
    """Set parameters that the notebook has, and return it."""
    cell = parameters_cell(notebook)
    known: dict[str, object] = {}
    exec(cell.source, known)
    assert set(values) <= set(known), f"the notebook has no parameter {set(values) - set(known)}"
    cell.source += "".join(f"\n{name} = {value!r}" for name, value in values.items())
    return notebook


def run(notebook, folder):
    """Run the notebook in a kernel of this interpreter that starts in `folder`, and return it with outputs."""
    client = nbclient.NotebookClient(
        notebook, timeout=TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    return client.execute()


def outputs(notebook, mime):
    return [
        output.data[mime]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if mime in output.get("data", {})
    ]


@pytest.fixture(scope="module", autouse=True)
def kernel_of_this_interpreter(tmp_path_factory):
    """Make the interpreter of the tests the kernel `python3`, whatever other kernels the machine has."""
    folder = tmp_path_factory.mktemp("jupyter")
    kernel = folder / "kernels" / "python3"
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": command, "display_name": "Python 3", "language": "python"})
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        yield


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder `notebooks` as in a new checkout, but the first one renders and trains as little as possible."""
    folder = tmp_path_factory.mktemp("project") / "notebooks"
    folder.mkdir()
    for name in NAMES:
        notebook = set_parameters(read(name), **SMALL) if name == "01_train" else read(name)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_no_outputs_are_stored(name):
    for cell in read(name).cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


@pytest.mark.parametrize("name", NAMES)
def test_every_notebook_begins_with_a_title_and_parameters_and_defines_no_functions(name):
    notebook = read(name)
    assert notebook.cells[0].cell_type == "markdown" and notebook.cells[0].source.startswith("# ")
    assert notebook.cells[1] is parameters_cell(notebook)
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    assert "def " not in code and "class " not in code and "import torch" not in code
    assert [line for line in code.splitlines() if "import" in line and "leopardnet" in line] == [
        "import leopardnet as ln"
    ], "ln is all that a notebook needs"


@pytest.mark.slow
def test_the_training_notebook_takes_a_manifest(labelled, tmp_path):
    manifest = labelled.write(tmp_path / "manifest.parquet")
    paths = {"MANIFEST": str(manifest), "OUT": str(tmp_path / "out")}
    made = run(set_parameters(read("01_train"), **paths, SETTINGS=["debug=smoke"]), tmp_path)
    assert (tmp_path / "out" / "run" / "bundle" / "model.onnx").is_file()
    assert not (tmp_path / "out" / "footage").exists(), "nothing is rendered if there is a manifest"
    assert len(outputs(made, "image/png")) == 1
    assert any(text.startswith("Bundle(") for text in outputs(made, "text/plain"))


@pytest.mark.slow
def test_the_second_notebook_runs_the_first_and_the_others_continue_from_it(project):
    made = run(nbformat.read(project / "02_classify.ipynb", as_version=4), project)
    runs = project.parent / "runs" / "notebook"
    assert (runs / "manifest.parquet").is_file() and (runs / "results" / "predictions.parquet").is_file()
    assert any(text.startswith("Predictions(8 clips") for text in outputs(made, "text/plain"))  # 4 videos, 4 stills
    assert len(outputs(made, "image/png")) == 1

    evaluated = run(nbformat.read(project / "03_evaluate.ipynb", as_version=4), project)
    metrics = json.loads((runs / "evaluation" / "metrics.json").read_text("utf-8"))
    assert metrics["n_clips"] == 8 and set(metrics["slices"]) == {"site", "kind"}
    assert {"majority", "middle_frame", "best_frame", "nearest_class_mean"} <= set(metrics["baselines"])
    assert len(metrics["aggregators"]) > 3
    assert len(outputs(evaluated, "image/png")) == 12, (
        "two confusions, curves, reliability, empties, coverage, review, sites, two comparisons, gallery, attention"
    )
    assert len(outputs(evaluated, "text/html")) == 7, (
        "names, per label, slices, events by length, aggregators, baselines, shortcuts"
    )
    seen = {name: row["p_animal"] for name, row in metrics["shortcuts"].items()}
    assert seen["shuffled"] == pytest.approx(seen["as it is"], abs=1e-5) and "clips without an animal" in seen

    guaranteed = run(nbformat.read(project / "04_thresholds_and_review.ipynb", as_version=4), project)
    assert (runs / "bundle-promised" / "bundle.json").is_file()
    printed = "".join(o.get("text", "") for c in guaranteed.cells if c.cell_type == "code" for o in c.outputs)
    assert printed.count("cannot be demonstrated with") == 4, "eight clips of one site guarantee nothing"
    assert printed.count(": no clip") == 2, "at neither level"
    assert len(outputs(guaranteed, "image/png")) == 3, "what a promise costs, review effort, gallery"
    assert len(outputs(guaranteed, "text/html")) == 3, "sites needed, the new bundle, where to look first"
