"""Clips in files beside the page: from how many on, each once, and nothing that a browser could misread."""

import ast
import json
import re

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.columns import predictions_columns
from leopardnet.core.errors import ConfigError, LeopardnetError
from leopardnet.core.language import cut_probability
from leopardnet.core.tables import clip_id
from leopardnet.metrics.comparison.review_order import review_order
from leopardnet.report import write_report
from leopardnet.report.paging import clip_files
from leopardnet.report.paging.paging_settings import PagingSettings, load_paging

LABELS = ("leopard", "empty")
HOSTILE = ("a/</script><script>x()", "a/\u2028'\"", "a/é中", "a/${x}`')", "__proto__")
REASONS = ("\\", "\\'", "\\u003c", "\n\u2029", "*/]]>-->")


def table_of(*paths):
    """Every third clip is suspected, every fifth is unreadable."""
    n = len(paths)
    probs = np.linspace(0.01, 0.99, n)
    is_broken = np.arange(n) % 5 == 4
    rows = {
        "clip_id": [clip_id(p) for p in paths],
        "path": list(paths),
        "kind": "video",
        "site": [f"s{i % 7}" for i in range(n)],
        "status": np.where(is_broken, "unreadable", "ok"),
        "reason": np.where(is_broken, "no moov index", None),
        "decision": np.where(is_broken, "unreadable", "empty"),
        "rule": np.where(is_broken, "none", "empty"),
        "alert": np.where((np.arange(n) % 3 == 0) & ~is_broken, "leopard", None),
        "p_leopard": np.where(is_broken, np.nan, probs),
        "p_empty": np.where(is_broken, np.nan, 1 - probs),
        "score": np.where(is_broken, np.nan, 1 - probs),
        "n_frames": 2,
        "best_time_s": 1.0,
        "bundle_id": "b",
        "labels_id": "l",
    }
    return pd.DataFrame(rows, columns=[c.name for c in predictions_columns(LABELS) if c.name in rows])


def write(folder, table, at_once=0, **options):
    paging = PagingSettings(clips_in_one_file=at_once, pictures=5)
    return write_report(folder / "r.html", table, paging=paging, **options)


def read_file(path):
    """The arguments of the call in a file, as a browser reads them: Python has the same escapes here."""
    text = path.read_bytes().decode("ascii")
    call = re.fullmatch(r"leopardnetReport(\(.*\));\n", text)
    key, name, words = ast.literal_eval(call[1])
    assert name == path.stem
    return key, json.loads(words)


def read_all(page):
    """The columns of all clips, in the order of rows."""
    data = json.loads(page.read_text("utf-8").split('id="data">')[1].split("</script>")[0])
    folder = page.with_name("r_files")
    assert data["files"]["folder"] == "r_files"
    columns = {}
    for i in range(data["files"]["n_lists"]):
        key, part = read_file(folder / f"list-{i}.js")
        assert key == data["files"]["key"]
        for name, found in part.items():
            values = [found["names"][c] for c in found["codes"]] if isinstance(found, dict) else found
            columns.setdefault(name, []).extend(values)
    pages = [data] + [read_file(folder / f"page-{i}.js")[1] for i in range(1, -(-data["n_clips"] // 100))]
    for name in ("reason", "n_frames", "probs", "times"):
        columns[name] = [v for part in pages for v in part[name]]
    for name in ("frames", "boxes", "thumbs"):
        columns[name] = {100 * i + int(k): v for i, part in enumerate(pages) for k, v in part[name].items()}
    return columns


def test_one_clip_more_than_the_settings_allow_makes_a_folder(tmp_path):
    table = table_of(*map(str, range(103)))
    write(tmp_path, table, at_once=103)
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    page = write(tmp_path, table, at_once=102)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["list-0.js", "page-1.js", "r.html", "r_files"]
    assert "copy both together" in page.read_text("utf-8")
    (tmp_path / "r_files" / "mine.txt").write_text("x")
    write(tmp_path, table, at_once=103)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["mine.txt", "r.html", "r_files"], "files of others stay"
    (tmp_path / "r_files" / "mine.txt").unlink()
    write(tmp_path, table)
    write(tmp_path, table, at_once=103)
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def test_clips_that_the_page_itself_holds_make_no_folder(tmp_path):
    page = write(tmp_path, table_of(*map(str, range(100)))).read_text("utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"] and "copy both together" not in page


def test_a_smaller_report_leaves_no_file_of_a_larger_one(tmp_path):
    write(tmp_path, table_of(*map(str, range(250))))
    write(tmp_path, table_of(*map(str, range(150))))
    assert sorted(p.name for p in (tmp_path / "r_files").iterdir()) == ["list-0.js", "page-1.js"]


@pytest.mark.parametrize("n", [101, 200, 201, 430])
def test_every_clip_is_there_once_with_its_own_values(tmp_path, monkeypatch, n):
    monkeypatch.setattr(clip_files, "LIST_ROWS", 200)
    table = table_of(*[f"s/IMAG{i}.AVI" for i in range(n)])
    evidence = pd.DataFrame(
        {
            "clip_id": np.repeat(table["clip_id"].to_numpy(), 2)[::-1],  # frames come in any order
            "i_frame": np.tile([1, 0], n),
            "time_s": np.tile([1.0, 0.0], n),
            "p_leopard": np.repeat(np.arange(n) / 1000, 2)[::-1],
            "p_empty": 0.5,
            "boxes": "[]",
        }
    )
    ordered = review_order(table)
    found = read_all(write(tmp_path, table, evidence=evidence))
    assert found["clip_id"] == ordered["clip_id"].tolist() and found["given"] == ordered.index.tolist()
    assert found["path"] == ordered["path"].tolist() and found["site"] == ordered["site"].tolist()
    assert found["place"] == found["given"], "2 comes before 10, as in the table"
    assert found["alerts"] == [[] if pd.isna(a) else ["leopard"] for a in ordered["alert"]]
    p = ordered["p_leopard"].map(cut_probability, na_action="ignore")
    assert [v and v[0] for v in found["probs"]] == [None if np.isnan(x) else x for x in p]
    suspicion = [None if pd.isna(a) else x for a, x in zip(ordered["alert"], p, strict=True)]
    assert found["suspicion"] == suspicion
    assert found["reason"] == ordered["reason"].fillna("").tolist()
    assert len(found["frames"]) == len(found["boxes"]) == n
    peaks = {row: curve["p"][0] for row, curve in found["frames"].items()}
    assert peaks == {row: [g, g] if g >= 5 else 0 for row, g in enumerate(found["given"])}


def test_hostile_names_come_back_and_end_no_script(tmp_path):
    names, reasons = [f"{x}{i}" for i in range(24) for x in HOSTILE], [*REASONS] * 24
    found = read_all(write(tmp_path, table_of(*names).assign(site=names, reason=reasons)))
    assert sorted(found["path"]) == sorted(found["site"]) == sorted(names)
    assert sorted(found["reason"]) == sorted(reasons)
    for path in tmp_path.rglob("*.js"):
        text = path.read_bytes().decode("ascii")
        assert not set("<>&\u2028\n") & set(text[:-1])


def test_hidden_clips_have_no_picture_in_any_file(tmp_path):
    table = table_of(*map(str, range(250)))
    ids = table["clip_id"].tolist()
    page = write(tmp_path, table, thumbnails=dict.fromkeys(ids, b"\xff\xd8jpeg"), hidden=ids[::2])
    found = read_all(page)
    assert {found["clip_id"][row] for row in found["thumbs"]} == set(ids[1::2])
    assert "Pictures: 125 of 250 clips." in page.read_text("utf-8")


def test_it_repeats_and_names_no_place(tmp_path):
    table = table_of(*map(str, range(150)))

    def contents():
        return {p.name: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    write(tmp_path, table)
    first = contents()
    write(tmp_path, table)
    assert contents() == first and len(first) == 3
    assert not any(str(tmp_path).encode() in text for text in first.values())
    write(tmp_path, table.assign(site="elsewhere"))
    assert read_file(tmp_path / "r_files" / "page-1.js")[0].encode() not in first["page-1.js"], "another report"


def test_a_file_in_the_place_of_the_folder_and_wrong_boxes_leave_all_as_it_was(tmp_path):
    table = table_of(*map(str, range(101)))
    (tmp_path / "r_files").write_text("x")
    with pytest.raises(LeopardnetError, match="have no place"):
        write(tmp_path, table)
    assert [p.name for p in tmp_path.iterdir()] == ["r_files"]
    (tmp_path / "r_files").unlink()
    write(tmp_path, table)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    frames = {"clip_id": [clip_id("0")], "i_frame": 0, "time_s": 0.0, "p_leopard": 0.1, "p_empty": 0.9}
    with pytest.raises(LeopardnetError, match="boxes"):
        write(tmp_path, table, evidence=pd.DataFrame(frames | {"boxes": "no list"}))
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_settings_come_from_a_file_and_a_misspelt_one_is_refused(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("clips_in_one_file: 20\npictures: 7\n")
    assert load_paging(own) == PagingSettings(clips_in_one_file=20, pictures=7)
    own.write_text("clips_in_one_file: 20\npicture: 7\n")
    with pytest.raises(ConfigError, match="picture"):
        load_paging(own)
    own.write_text("clips_in_one_fil: 20\n")
    with pytest.raises(ConfigError) as caught:  # two are missing, too, but this is what is wrong
        load_paging(own)
    assert str(caught.value).startswith("unknown setting 'clips_in_one_fil' (3 settings are invalid; this is")
    own.write_text("clips_in_one_file: 20\n")
    with pytest.raises(ConfigError, match="the setting 'pictures' is missing"):
        load_paging(own)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_paging(tmp_path / "none.yaml")
