"""What people meet in their first hour, and the exact words that help them on."""

import errno
import sys
from pathlib import Path

import pandas as pd
import pytest
from command_line import leopardnet
from PIL import Image

from leopardnet.bundle.runtime import OnnxRuntime
from leopardnet.core.columns import evidence_columns, predictions_columns
from leopardnet.core.errors import BackendError
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.tables import clip_id, conform
from leopardnet.data.scan.deployments import read_deployments
from leopardnet.network.classifier import choose_device


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with a card of two sites (`cards`, and `cards 2021`) and its manifest m.parquet."""
    monkeypatch.chdir(tmp_path)
    for name in ("cards/a", "cards/b", "cards 2021"):
        (tmp_path / name).mkdir(parents=True)
    rows = pd.DataFrame({"path": ["a/1.jpg", "b/1.jpg"], "kind": "still", "site": ["a", "b"]})
    Manifest.from_rows(rows, tmp_path / "cards").write(tmp_path / "m.parquet")
    (tmp_path / "some.txt").write_text("text", "utf-8")
    for name in ("cards/a/1.jpg", "cards/b/1.jpg", "cards 2021/1.jpg"):
        Image.new("RGB", (40, 30), (90, 90, 90)).save(tmp_path / name)
    when = ["15.03.2021 10:00", "16.03.2021 11:00"]
    labels = pd.DataFrame({"path": ["a/1.jpg", "b/1.jpg"], "label": ["Леопард", "blank"], "when": when})
    labels.to_excel(tmp_path / "labels.xlsx", index=False)
    days = {"start": ["15.03.2021", "16.03.2021"], "end": ["01.04.2021", "30.04.2021"]}
    pd.DataFrame({"deployment": ["a", "b"], "site": ["a", "b"], **days}).to_excel(
        tmp_path / "places.xlsx", index=False
    )
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (
            ["predict", "cards", "--out", "r"],
            "do: give a model with --bundle; `leopardnet train` and the page of `leopardnet start` make one",
            2,
        ),
        (
            ["scan", "cards", "2021", "--out", "x.parquet"],
            'do: put quotes round a path with spaces: "cards 2021"',
            2,
        ),
        (
            ["predict", "cards", "--bundle", "some.txt", "--out", "r"],
            "  where:    some.txt\n  found:    a file\n",
            1,
        ),
        (
            ["predict", "cards", "--bundle", "../x/Архив", "--out", "r"],
            "  where:    ../x/Архив\n  found:    no such folder\n",
            1,
        ),
        (
            ["train", "m.parquet", "optim.epochs=-3", "--out", "r"],
            "  where:    optim.epochs=-3\n  found:    -3\n",
            1,
        ),
        (
            [
                "import",
                "csv",
                "labels.xlsx",
                "--root",
                "cards",
                "--path",
                "path",
                "--label",
                "label",
                "--out",
                "l.parquet",
            ],
            "note: names that became labels: blank → empty, Леопард → leopard\n",
            0,
        ),
        (
            ["import", "csv", "labels.xlsx", "--root", "cards", "--path", "path", "--out", "l.parquet"],
            "next:   leopardnet check l.parquet\n",
            0,
        ),
        (
            ["scan", "cards", "--deployments", "places.xlsx", "--pattern", "{deployment}/*", "--out", "s.parquet"],
            "next:   leopardnet check s.parquet\nnext:   leopardnet start cards\n",
            0,
        ),
        (["scan", "cards 2021", "--out", "s.parquet"], 'next:   leopardnet start "cards 2021"\n', 0),
        (
            ["scan", "cards", "--out", "some.txt/x.parquet"],
            "  do:       a file has this name; give the name of a folder",
            1,
        ),
        (
            ["report", "nothing"],
            "  do:       check the path; `leopardnet scan` and `import` make manifests, "
            "`predict` makes predictions",
            1,
        ),
        (
            ["labels", "nothing", "--manifest", "m.parquet", "--out", "some.txt/x.parquet"],
            "there is no such file of labels",
            1,
        ),
        (
            ["split", "m.parquet", "--by", "site", "--fractions", "0.5,0.5,0", "--out", "some.txt/x.parquet"],
            "  do:       a file has this name; give the name of a folder",
            1,
        ),
        (
            ["split", "m.parquet", "--by", "site", "--fractions", "0.5,0.5,0"],
            "note: no row has a label yet; the split balances none. Split again once the footage is labelled",
            0,
        ),
    ],
    ids=lambda x: x[0] if isinstance(x, list) else None,
)
def test_a_slip_is_answered_with_what_to_do(here, arguments, words, code):
    printed, said = leopardnet(*arguments, code=code)
    assert words in printed + said
    assert str(here) not in printed + said


def test_times_with_points_between_day_and_month_are_read_from_a_spreadsheet(here):
    leopardnet(
        *["import", "csv", "labels.xlsx", "--root", "cards", "--path", "path", "--label", "label"],
        *["--captured-at", "when", "--out", "l.parquet"],
    )
    rows = Manifest.read(here / "l.parquet").table
    assert rows["captured_at"].astype(str).tolist() == ["2021-03-15 10:00:00", "2021-03-16 11:00:00"]
    assert rows["label"].tolist() == ["leopard", "empty"]


def test_a_missing_device_is_left_out(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(BackendError) as error:
        choose_device("cuda")
    todo = "leave out --device, or runtime.device: then the best one that is here is used"
    assert error.value.parts["do"] == todo


@pytest.fixture
def results(here):
    """What a model said of the card of `here`, in the folder `r`."""
    columns, frames = predictions_columns(("leopard", "empty")), evidence_columns(("leopard", "empty"))
    table = pd.DataFrame(
        {
            "path": ["a/1.jpg", "b/1.jpg"],
            "clip_id": [clip_id("a/1.jpg"), clip_id("b/1.jpg")],
            "kind": "still",
            "status": "ok",
            "decision": ["leopard", "empty"],
            "rule": ["species", "empty"],
            "score": 0.9,
            "alert": ["leopard", None],
            "p_leopard": [0.9, 0.1],
            "p_empty": [0.1, 0.9],
            "n_frames": 1,
            "best_time_s": 0.0,
            "evidence_times_s": "[0.0]",
            "bundle_id": "b",
            "labels_id": "l",
        }
    )
    none = pd.DataFrame(columns=[c.name for c in frames])
    Predictions(
        conform(table.reindex(columns=[c.name for c in columns]), columns, where="predictions"),
        conform(none, frames, where="evidence"),
    ).write(here / "r")
    return here


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "r", "--root", "cards", "--out", "page.html"],
        ["export", "r", "--out", "table.csv"],
        ["export", "r", "--out", "table.xlsx"],
    ],
    ids=lambda x: x[0],
)
def test_a_file_that_is_replaced_is_named(results, arguments):
    first, again = (" ".join("".join(leopardnet(*arguments)).split()) for _ in range(2))
    words = "written over the one that was there: "
    assert words not in first and words in again


def test_a_report_without_its_footage_says_so(results):
    (results / "elsewhere").mkdir()
    (results / "elsewhere" / "x.jpg").write_bytes((results / "cards" / "a" / "1.jpg").read_bytes())
    told = " ".join("".join(leopardnet("report", "r", "--root", "elsewhere", "--out", "x.html", code=1)).split())
    assert "none of the clips is in this folder where: elsewhere found: no file such as a/1.jpg" in told
    assert not (results / "x.html").exists()


@pytest.mark.parametrize(("sign", "is_clear"), [(".", True), ("/", False)])
def test_only_slashes_leave_open_which_number_is_the_month(here, sign, is_clear):
    """Points are written between day and month, in this order; slashes in both."""
    days = pd.DataFrame({"deployment": ["a", "b"], "site": ["a", "b"], "start": ["01.02.2021", "03.02.2021"]})
    days.assign(start=days["start"].str.replace(".", sign)).to_excel(here / "days.xlsx", index=False)
    scan = ["scan", "cards", "--deployments", "days.xlsx", "--pattern", "{deployment}/*", "--out", "s.parquet"]
    printed, said = leopardnet(*scan, code=0 if is_clear else 1)
    assert ("--date-format" in printed + said) != is_clear
    leopardnet(*scan, "--date-format", "dmy")
    assert read_deployments(here / "days.xlsx", date_format="dmy")["start"].astype(str).tolist() == [
        "2021-02-01",
        "2021-02-03",
    ]


def test_times_that_nobody_asked_for_are_named(here):
    said = "".join(
        leopardnet(*["import", "csv", "labels.xlsx", "--root", "cards"], *["--path", "path"], "--out", "l.csv")
    )
    assert "note: the times in the table are not read; name their column (when) with --captured-at\n" in said


def test_a_place_without_permission_is_named(here, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", "closed/m.parquet")

    monkeypatch.setattr(Manifest, "write", refuse)
    said = "".join(leopardnet("scan", "cards", "--out", "closed/m.parquet", code=1))
    assert said.endswith(
        "error: cannot read or write: Permission denied\n  where:    closed/m.parquet\n"
        "  do:       choose another folder with --out, or ask for the right to write into this one\n"
    )


@pytest.mark.parametrize(
    ("module", "arguments", "extra"),
    [
        ("leopardnet.training.pack.pack", ["train", "m.parquet", "--out", "t"], "train"),
        ("leopardnet.training.pack.pack", ["demo", "--out", "t"], "train"),
    ],
    ids=["train", "demo"],
)
def test_a_missing_extra_is_named_with_the_tested_versions(here, monkeypatch, module, arguments, extra):
    monkeypatch.setitem(sys.modules, module, None)
    said = "".join(leopardnet(*arguments, code=1))
    assert f'do:       pip install -c constraints.txt -e ".[{extra}]"\n' in said


def test_a_backend_that_is_not_installed_names_its_extra_and_the_one_that_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(BackendError) as error:
        OnnxRuntime(Path("model.onnx"), RuntimeConfig(), size_px=8, n_labels=2)
    assert error.value.parts["do"] == 'pip install -c constraints.txt -e ".[onnx]", or --backend openvino'
