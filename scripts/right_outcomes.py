"""What must come of each case of `scripts/try_cases.py`: a function of assertions for each folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests/e2e"))

from every_verb import Caller, Outcome


@dataclass
class Case:
    """A built case: its folder, the good files, and the commands run in it."""

    folder: Path
    good: Path
    caller: Caller

    def run(self, *arguments: object, code: int | None = 0) -> Outcome:
        """Run the command in the folder of the case; assert its exit code, and that nothing went wrong."""
        outcome = self.caller.call(*arguments, cwd=self.folder)
        assert not outcome.faults(self.folder), outcome.faults(self.folder)
        assert code is None or outcome.code == code, f"exit code {outcome.code}: {outcome.said}"
        return outcome

    def table(self, name: str) -> pd.DataFrame:
        """Read a table as texts, missing ones as ''."""
        return pd.read_csv(self.folder / name, dtype=str, keep_default_na=False)

    def scan(self, root: str = "card", *options: object) -> tuple[pd.DataFrame, str]:
        """Scan a folder; return its rows by file name, and what was said."""
        said = self.run("scan", root, "--out", "m.csv", "--pattern", "{site}/*", *options).said
        rows = self.table("m.csv")
        return rows.set_index(rows["path"].str.rpartition("/")[2]), said

    def import_rows(self, *arguments: object) -> tuple[pd.DataFrame, str]:
        """Import; return the rows, and what was said."""
        said = self.run("import", *arguments, "--out", "i.csv").said
        return self.table("i.csv"), said

    def predict(self, source: str, *options: object, code: int | None = None) -> tuple[pd.DataFrame, str]:
        """Classify; return the rows by path without what is before the file name, and what was said."""
        bundle = self.good / "run/bundle"
        said = self.run("predict", source, "--bundle", bundle, "--out", "results", *options, code=code).said
        rows = self.table("results/predictions.csv")
        return rows.set_index(rows["path"].str.rpartition("/")[2]), said

    def problems(self) -> str:
        """Return the list of what the last import could not use."""
        return (self.folder / "i.csv.problems.csv").read_text("utf-8")


def check_times(case: Case) -> None:
    """Clocks of stills: the right time, or none and told."""
    rows, said = case.scan()
    at, source = rows["captured_at"].str[:19], rows["time_source"]
    assert at["a_normal.jpg"] == "2023-08-22T00:08:19"
    assert at["c_dashes.jpg"] == at["e_pm.jpg"] == at["d_ifd0only.jpg"] == "2023-08-22T21:06:26"
    assert at["g_nonull.jpg"] == "2023-08-22T19:09:19" and at["h_zero.jpg"] in ("", "2023-08-22T21:06:26")
    assert at["b_hour24.jpg"] == at["k_badday.jpg"] == "" and "24:08:19" in said
    assert source["d_ifd0only.jpg"] == "exif_changed" and "tag DateTime" in said
    assert at["i_offset.jpg"] == "2023-08-22T21:06:26" and rows.loc["i_offset.jpg", "time_zone"] == "+10:00"
    assert (at["j_reconyx.jpg"], source["j_reconyx.jpg"]) == ("2023-01-13T17:53:27", "maker_note")


def check_folder_paths(case: Case) -> None:
    """Folders as filePath give the rows that whole paths give."""
    labels = ("--root", "footage", "--label-map", "amur")
    by_folder, _ = case.import_rows("camtrap-dp", "folderpath", *labels)
    by_path, _ = case.import_rows("camtrap-dp", "fullpath", *labels)
    assert by_folder["path"].tolist() == [f"dep{k}/IMG_000{i}.JPG" for k in (1, 2) for i in (1, 2)]
    assert by_folder["label"].tolist() == ["leopard", "empty"] * 2
    assert by_folder.drop(columns="source").equals(by_path.drop(columns="source"))


def check_orphans(case: Case) -> None:
    """Rows whose other table lacks them are kept, counted and listed; with --strict they are refused by row."""
    rows, said = case.import_rows("camtrap-dp", "orphan_media", "--root", "footage")
    assert len(rows) == 2 and rows["site"].tolist() == ["L1", ""] and "'d9'" in said and "d9" in case.problems()
    rows, said = case.import_rows("camtrap-dp", "orphan_obs", "--root", "footage")
    assert len(rows) == 1 and "'m77'" in said and ",2," in case.problems()
    strict = ("--root", "footage", "--strict", "--out", "s.csv")
    for package, row in (("orphan_media", "media.csv, row 2"), ("orphan_obs", "observations.csv, row 2")):
        assert row in case.run("import", "camtrap-dp", package, *strict, code=1).said


def check_camtrap_times(case: Case) -> None:
    """A row with a bad time is kept without it, and counted."""
    root = ("--root", "footage")
    assert len(case.import_rows("camtrap-dp", "year4999", *root)[0]) == 1
    rows, said = case.import_rows("camtrap-dp", "obs_offset_only", *root)
    assert len(rows) == 3 and "+01:00" in said and "observations.csv" in case.problems()
    rows, said = case.import_rows("camtrap-dp", "media_no_time", *root)
    assert rows["captured_at"].eq("").tolist() == [False, True, False] and "no time: 1" in said
    rows, said = case.import_rows("camtrap-dp", "mixed_zone", *root)
    assert len(rows) == 2 and "--time-zone" in said


def check_old_version(case: Case) -> None:
    """The message names the version found and the one wanted."""
    said = case.run("import", "camtrap-dp", "old", "--root", "footage", "--out", "i.csv", code=1).said
    assert "found:    0.1.6" in said and "expected: 1.0" in said


def check_boxes(case: Case) -> None:
    """`predict` says how many entries fit; none is an error with a path of each side and the prefix that fits."""
    for name in ("good", "upcase", "frames", "backslash"):
        _, said = case.predict("footage", "--detector", f"{name}.json", code=0)
        n_all = len(pd.read_json(case.folder / f"{name}.json", typ="series")["images"])
        n = 2 if name == "frames" else n_all
        assert f"{name}.json: {n} of {n} entries belong to 2 of 2 clips" in said, said
    for name, theirs in (("winabs", "C:/Users/me/card/"), ("otherroot", "card7/")):
        words = ("--detector", f"{name}.json", "--bundle", case.good / "run/bundle", "--out", "other")
        said = case.run("predict", "footage", *words, code=1).said
        assert "no entry of this file belongs to a clip" in said and f"remove {theirs}" in said, said
        assert "paths such as camA/" in said


def check_missing_values(case: Case) -> None:
    """NA and nan are missing, 001 stays a text and 1.0 is the code 1; a note says so."""
    columns = ("--root", "footage", "--path", "file", "--species", "species", "--site", "station")
    rows, said = case.import_rows("csv", "r.csv", *columns, "--captured-at", "when", "--label-map", "amur")
    assert rows["label"].tolist() == ["tiger", "", "leopard", "leopard", "empty", "tiger"]
    assert rows["site"].tolist() == ["001", "001", "", "", "02", "02"] and "read as missing" in said
    assert rows["captured_at"].eq("").tolist() == [False] * 4 + [True, False]
    rows, said = case.import_rows("csv", "pd.csv", *columns)
    assert rows["site"].tolist() == ["1", "1", ""] and rows["species"].tolist() == ["tiger", "", "leopard"]
    assert ".0" in said
    rows, _ = case.import_rows("csv", "r_frames.csv", *columns, "--time-s", "sec")
    assert rows["kind"].tolist() == ["still"] and rows["time_s"].tolist() == [""]


def check_jpegs(case: Case) -> None:
    """A picture of which a part is grey or shifted is partial, with what is missing; `check` says the same."""
    rows, _ = case.predict("card", code=None)
    whole = {n for n in rows.index if n[0] in "adi"}
    assert set(rows.index[rows["status"] == "ok"]) == whole, rows["status"].to_dict()
    assert rows.loc["j_textfile.jpg", "status"] == "unreadable"
    damaged = rows[~rows.index.isin({*whole, "j_textfile.jpg"})]
    assert damaged["status"].eq("partial").all() and damaged["reason"].str.contains("missing|shifted|blurred").all()
    _check_alike(case, "card", set(rows.index) - whole)


def _check_alike(case: Case, root: str, damaged: set[str]) -> None:
    """Assert that `check` reports these files as partial or unreadable, and no other."""
    case.scan(root)
    case.run("check", "m.csv", "--out", "findings.csv", code=None)
    found = case.table("findings.csv")
    found = found[found["rule"].isin(["file_partial", "file_unreadable"])]
    assert set(found["path"].str.rpartition("/")[2]) == damaged, set(found["path"]) ^ damaged


def check_avis(case: Case) -> None:
    """A file whose end is missing is partial; an unknown codec is one row that names the FourCC, for every verb."""
    rows, _ = case.predict("card", code=None)
    good = {n for n in rows.index if n[0] in "abcdejk"}
    assert rows.loc[sorted(good), "status"].eq("ok").all(), rows["status"].to_dict()
    tail = rows.loc["l_all_zero_tail.avi"]
    assert tail["status"] == "partial" and "the header says 4.0 s" in tail["reason"], tail["reason"]
    assert rows.loc["h_XXXX.avi", "status"] == "unreadable" and "XXXX" in rows.loc["h_XXXX.avi", "reason"]
    _check_alike(case, "card", {n for n in rows.index if rows.loc[n, "status"] != "ok"})
    assert "XXXX" in case.table("findings.csv")["message"].str.cat()
    three, _ = case.predict("three", code=None)
    assert three["status"].eq("partial").all(), three["status"].to_dict()
    assert (
        three.loc[["a_tail_zero_all.avi", "b_tail_zero_idx_ok.avi", "e_tail_ff.avi"], "reason"]
        .str.contains("the header says 4.0 s")
        .all()
    )
    _check_alike(case, "three", set(three.index))
    labels = "".join(
        f"{n},{('leopard', 'empty')[i % 2]},{('train', 'val')[i // 2 % 2]}\n" for i, n in enumerate(rows["path"])
    )
    (case.folder / "labels.csv").write_text("path,label,split\n" + labels)
    columns = ("--path", "path", "--label", "label", "--split", "split")
    case.import_rows("csv", "labels.csv", "--root", "card", *columns)
    said = case.run("train", "i.csv", "--out", "run", "debug=smoke", code=None).said
    assert "XXXX" in said and ("h_XXXX.avi" in said), said


def check_two_species(case: Case) -> None:
    """Two species of one file are joined, however they are written."""
    for name in ("rows", "cell", "plus", "list"):
        columns = ("--root", "footage", "--path", "file", "--label", "label")
        rows, _ = case.import_rows("csv", f"{name}.csv", *columns)
        assert rows["species"].tolist() == ["leopard + tiger", "tiger"], name


def check_words_of_people(case: Case) -> None:
    """A person's Empty is blank in Camtrap DP; the hour that summer time skips is a finding; German tables."""
    rows, _ = case.scan("card", "--deployments", "deployments.csv", "--pattern", "{site}/{deployment}/*")
    german, _ = case.scan("card", "--deployments", "deployments_de.csv", "--pattern", "{site}/{deployment}/*")
    assert rows.equals(german) and rows["captured_at"].iloc[0].startswith("2023-03-10T09:00")
    said = case.run("check", "m.csv", "--deployments", "deployments.csv", "--out", "f.csv", code=None).said
    found = case.table("f.csv")
    assert found.loc[found["rule"] == "skipped_hour", "path"].tolist() == ["siteB/cam2/IMG_1.JPG"], said
    case.predict("m.csv", code=0)
    words = ("--manifest", "m.csv", "--corrections", "corr.csv", "--deployments", "dep2.csv", "--people")
    case.run("export", "results", "--format", "camtrap-dp", "--out", "dp", *words)
    seen = case.table("dp/observations.csv")
    media = case.table("dp/media.csv").set_index("mediaID")["filePath"]
    human = seen[(seen["classificationMethod"] == "human") & (seen["observationLevel"] == "media")]
    by_path = human.set_index(human["mediaID"].map(media))
    assert by_path["observationType"].to_dict() == {
        **dict.fromkeys(["siteA/cam1/IMG_0.JPG", "siteA/cam1/IMG_1.JPG"], "blank"),
        **dict.fromkeys(["siteA/cam1/IMG_2.JPG", "siteB/cam2/IMG_0.JPG"], "animal"),
        **dict.fromkeys(["siteB/cam2/IMG_1.JPG", "siteB/cam2/IMG_2.JPG"], "human"),
    }, by_path["observationType"].to_dict()
    named = by_path["scientificName"].to_dict()
    assert named["siteA/cam1/IMG_2.JPG"].startswith("Panthera tigris"), named
    assert named["siteB/cam2/IMG_0.JPG"] == "Cervus nippon", named


def check_bare_coco(case: Case) -> None:
    """A file without annotations gives rows without labels."""
    rows, said = case.import_rows("coco", "test_information.json", "--root", "footage")
    assert rows["label"].tolist() == [""] and rows["site"].tolist() == ["3"] and "without a label" in said


def check_two_columns(case: Case) -> None:
    """The message offers the option that joins two columns, and it works."""
    columns = ("--root", "footage", "--label", "common_name")
    words = ("import", "csv", "images.csv", *columns, "--path", "filename", "--out", "i.csv")
    assert "--path 'deployment_id/filename'" in case.run(*words, code=1).said
    rows, _ = case.import_rows("csv", "images.csv", *columns, "--path", "deployment_id/filename")
    assert rows[["path", "label"]].to_numpy().tolist() == [
        ["dA/IMG_0001.JPG", "tiger"],
        ["dB/IMG_0001.JPG", "empty"],
    ]


def check_excel(case: Case) -> None:
    """Tables of Excel are read like any other, or refused by row with the way out."""
    picture = case.folder / "footage/17/camA/a_whole.jpg"
    picture.parent.mkdir(parents=True)
    picture.write_bytes((case.good / "still.jpg").read_bytes())
    case.predict("footage", code=0)
    for name in ("ru", "ru_utf8bom", "win", "lead"):
        case.run("export", "results", "--corrections", f"corr_{name}.csv", "--out", "x.csv")
        row = case.table("x.csv").iloc[0]
        assert row["human_label"] == "empty", (name, row.to_dict())
        assert name not in ("ru", "ru_utf8bom") or row["human_comment"] == "пусто", (name, row.to_dict())
    words = ("--pattern", "{ignore}/{deployment}/*", "--deployments")
    for name, site in (("ru", "Ключ"), ("comma_dates", "S1"), ("cp1251", "Ключ")):
        rows, said = case.scan("footage", *words, f"dep_{name}.csv")
        assert rows["site"].tolist() == [site], (name, said)
    us = ("scan", "footage", *words, "dep_us_dates.csv", "--out", "us.csv")
    said = case.run(*us, code=1).said
    assert "dep_us_dates.csv, line 2" in said and "day and month" in said and "--date-format" in said, said
    case.run(*us, "--date-format", "%m/%d/%Y %H:%M")


def check_counter(case: Case) -> None:
    """A counter that begins anew after 9999 is no alarm."""
    case.scan()
    case.run("check", "m.csv", "--out", "f.csv", code=None)
    assert not set(case.table("f.csv")["rule"]) & {"numbers_not_in_order", "clock_backwards"}


CASES: dict[str, Callable[[Case], Any]] = {
    "02-times-in-exif": check_times,
    "06-camtrap-folder-paths": check_folder_paths,
    "07-camtrap-orphans": check_orphans,
    "08-camtrap-times": check_camtrap_times,
    "09-camtrap-old-version": check_old_version,
    "13-boxes-that-fit-nothing": check_boxes,
    "15-missing-values-from-r": check_missing_values,
    "17-damaged-jpeg": check_jpegs,
    "19-odd-avi": check_avis,
    "20-two-species": check_two_species,
    "23-persons-words": check_words_of_people,
    "25-coco-without-annotations": check_bare_coco,
    "27-two-path-columns": check_two_columns,
    "29-excel-tables": check_excel,
    "33-counter-wrap": check_counter,
}
