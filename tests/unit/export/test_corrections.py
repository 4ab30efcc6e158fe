"""Labels that people wrote: names in any spelling, paths in any form, and every fault with its row."""

import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import clip_id
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.export.corrections import read_corrections
from leopardnet.export.outgoing import select_outgoing
from leopardnet.export.write_results import write


def correct(tmp_path, predicted, text, *paths, encoding="utf-8", labels=None, **options):
    table = tmp_path / "c.csv"
    table.write_bytes(text.encode(encoding))
    rows = [{"path": p} for p in paths or ("a/1.jpg", "a/2.jpg")]
    said = predicted(*rows, **({"labels": labels} if labels else {}))
    return select_outgoing(said, corrections=read_corrections(table), include_people=True, **options)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Empty", "empty"),
        ("Blank", "empty"),
        ("пусто", "empty"),
        ("Tiger", "tiger"),
        ("sika deer", "sika_deer"),
        ("Cervus nippon", "sika_deer"),
        ("Леопард", "leopard"),
        ("东北虎", "tiger"),
        ("Person", "human"),
        ("человек", "human"),
        ("Vehicle", "vehicle"),
        ("Unidentified", "unknown"),
        ("animal", "animal"),
        ("raccoon dog", "raccoon dog"),
        ("leopard; Tiger", "leopard + tiger"),
        ("['leopard', 'tiger']", "leopard + tiger"),
    ],
)
def test_names_are_matched_in_any_spelling(tmp_path, predicted, name, label):
    got = correct(tmp_path, predicted, f'path,label\na/1.jpg,"{name}"\n')
    assert got.human_labels["label"].tolist() == [label]


def test_a_label_of_ones_own_wins_over_the_built_in_one(tmp_path, predicted):
    labels = ("panthera_pardus", "wild_boar", "empty")
    got = correct(tmp_path, predicted, "path,label\na/1.jpg,Leopard\na/2.jpg,Wild boar\n", labels=labels)
    assert got.human_labels["label"].tolist() == ["panthera_pardus", "wild_boar"]


@pytest.mark.parametrize("name", ["tigre", "Tiger?", "leopard; tigre"])
def test_unknown_names_are_refused_with_row_and_the_nearest_label(tmp_path, predicted, name):
    with pytest.raises(ManifestError) as error:
        correct(tmp_path, predicted, f'path,label\na/1.jpg,empty\na/2.jpg,"{name}"\n')
    text = str(error.value)
    assert "c.csv, line 3" in text and repr(name) in text
    assert "perhaps tiger" in text or ";" in name


def test_names_of_the_manifest_are_known(tmp_path, predicted, footage):
    rows = footage({"path": "a/1.jpg", "species": "Snow leopard + Argali"}, {"path": "a/2.jpg"})
    got = correct(tmp_path, predicted, "path,label\na/1.jpg,argali\n", manifest=rows)
    assert got.human_labels["label"].tolist() == ["Argali"]


def test_human_labels_of_a_manifest_are_matched_too(predicted, footage):
    rows = footage({"path": "1.jpg", "label": "Blank"}, {"path": "2.jpg", "label": "yeti"}, label_source="human")
    got = select_outgoing(predicted({"path": "1.jpg"}, {"path": "2.jpg"}), manifest=rows)
    assert got.human_labels["label"].tolist() == ["empty", "yeti"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("path,label\na\\1.jpg,Empty\n", "utf-8"),
        ("Path ; LABEL;by;comment\r\n./a//1.jpg;empty;Иванов;камера упала\r\n", "cp1251"),
        ("path;label\n;\na/1.jpg;empty\n", "utf-8-sig"),
    ],
)
def test_tables_as_people_save_them(tmp_path, predicted, text, encoding):
    got = correct(tmp_path, predicted, text, encoding=encoding)
    assert got.human_labels["label"].tolist() == ["empty"] and not [n for n in got.notes if "fit no clip" in n]


def test_an_encoding_that_cannot_be_guessed_can_be_given(tmp_path):
    (tmp_path / "c.csv").write_bytes("path,label,by\na/1.jpg,tiger,Łukasz\n".encode("cp1250"))
    assert read_corrections(tmp_path / "c.csv", encoding="cp1250").table["by"].tolist() == ["Łukasz"]
    with pytest.raises(ManifestError, match="not in this encoding"):
        read_corrections(tmp_path / "c.csv", encoding="utf-8")


def test_a_sheet(tmp_path, predicted):
    pd.DataFrame({"Path": ["a\\1.jpg"], "Label": ["Tiger"]}).to_excel(tmp_path / "c.xlsx", index=False)
    got = select_outgoing(predicted({"path": "a/1.jpg"}), corrections=read_corrections(tmp_path / "c.xlsx"))
    assert got.human_labels["label"].tolist() == ["tiger"]


def test_what_fits_no_clip_is_counted_and_named(tmp_path, predicted):
    rows = "".join(f"x/{i}.jpg,tiger\n" for i in range(5))
    got = correct(tmp_path, predicted, f"path,label\n{rows}/home/anna/9.jpg,tiger\na/1.jpg,\na/2.jpg,NA\n")
    assert "corrections without a label, left out: 2" in got.notes
    lost = next(n for n in got.notes if "fit no clip" in n)
    assert "x/0.jpg, x/1.jpg, x/2.jpg (" in lost and lost.endswith(": 6") and "a/1.jpg" in lost
    absolute = correct(tmp_path, predicted, "path,label\n/home/anna/9.jpg,tiger\n")
    assert not [n for n in absolute.notes if "anna" in n] and len(absolute.notes) == 1


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("file,label\na/1.jpg,tiger\n", "not a table of corrections"),
        ("path,label\n,tiger\n", "names no clip"),
        (f"path,clip_id,label\na/1.jpg,{clip_id('a/2.jpg')},tiger\n", "are of two clips"),
        ("path,label\na/1.jpg,tiger\na/1.jpg,empty\n", "contradict"),
        ("path,label\na/1.jpg,tiger + empty\n", "contradict"),
        ("path,label,by\na/1.jpg,tiger,A\na/1.jpg,leopard,B\n", "by A and B"),
        ("path,label,at\na/1.jpg,tiger,2024-05-01 10:00\n", "cannot be read"),
    ],
)
def test_faults_are_refused(tmp_path, predicted, text, part):
    with pytest.raises(ManifestError) as error:
        correct(tmp_path, predicted, text)
    assert part in str(error.value) and "c.csv" in str(error.value)


def test_two_species_of_one_clip_are_two_observations(tmp_path, predicted):
    (tmp_path / "c.csv").write_text("path,label\n1.jpg,leopard\n1.jpg,Tiger\n2.jpg,Blank\n", "utf-8")
    said = predicted({"path": "1.jpg"}, {"path": "2.jpg"})
    write(
        said,
        tmp_path / "dp",
        format="camtrap-dp",
        corrections=tmp_path / "c.csv",
        study_area=(43.0, 131.4, 4e4),
        time_zone="+10:00",
    )
    t = pd.read_csv(tmp_path / "dp" / "observations.csv")
    human = t[(t["classificationMethod"] == "human") & (t["observationLevel"] == "media")]
    assert human["scientificName"].tolist()[:2] == ["Panthera pardus", "Panthera tigris"]
    assert human["observationType"].tolist() == ["animal", "animal", "blank"]
    assert write(said, tmp_path / "yolo", format="yolo", corrections=tmp_path / "c.csv").n_left_out == 1


@pytest.mark.parametrize(
    "row", ["site,path,label\nvalley,a/1.jpg,tiger", "captured_at,path,label\n2022-02-01T07:00:00.0,a/1.jpg,tiger"]
)
def test_a_sheet_of_another_card_is_refused(tmp_path, predicted, row):
    time = pd.NaT if "site" in row else pd.Timestamp("2021-12-30 22:34:56")
    said = predicted({"path": "a/1.jpg", "captured_at": time})
    (tmp_path / "c.csv").write_text(row)
    with pytest.raises(ManifestError, match=r"predictions and corrections name the same files.*\n.*a/1\.jpg"):
        select_outgoing(said, corrections=read_corrections(tmp_path / "c.csv"))
    (tmp_path / "c.csv").write_text(
        row.replace("valley", "s1").replace("2022-02-01T07:00:00.0", "2021-12-30 22:34")
    )
    labels = select_outgoing(said, corrections=read_corrections(tmp_path / "c.csv")).human_labels["label"]
    assert labels.tolist() == ["tiger"]


def test_path_and_clip_id_of_one_clip_agree_in_any_form(tmp_path, predicted):
    text = f"path,clip_id,label\na\\1.jpg,{clip_id('a/1.jpg')},tiger\n'=2.jpg,{clip_id('=2.jpg')},leopard\n"
    assert correct(tmp_path, predicted, text, "a/1.jpg", "=2.jpg").human_labels["label"].tolist() == [
        "tiger",
        "leopard",
    ]


def test_times_that_cannot_be_read_are_told(tmp_path, predicted):
    text = "path,label,captured_at\na/1.jpg,tiger,garbage\na/2.jpg,tiger,2021-12-30 22:34:56\na/3.jpg,tiger,\n"
    got = correct(tmp_path, predicted, text, "a/1.jpg", "a/2.jpg", "a/3.jpg")
    notes = [n for n in got.notes if "captured_at" in n]
    assert len(notes) == 1 and notes[0].endswith(": 1, the first in c.csv, line 2, 'garbage'")
    assert got.human_labels["label"].tolist() == ["tiger"] * 3


def test_times_as_a_spreadsheet_rewrites_them_are_compared(tmp_path, predicted):
    with pytest.raises(ManifestError, match="different footage"):
        correct(tmp_path, predicted, "path,label,captured_at\na/1.jpg,tiger,31/12/2022 22:34\n")


def test_the_file_of_the_review_page_is_a_table_of_corrections(tmp_path, predicted):
    said = [("a/1.jpg", "AB", "Tiger"), ("a/2.jpg", "AB", "tiger"), ("a/2.jpg", "CD", "empty")]
    with LabelFile(tmp_path / "labels.sqlite") as file:
        for i, (path, by, label) in enumerate(said):
            names = {"key": str(i), "clip_id": clip_id(path), "path": path, "by": by, "queue": "all"}
            said_of = {"note": "x", "boxes": [{"xyxy": [0, 0, 1, 1]}], "at": "2026-01-02T03:04:05+10:00"}
            file.add(LabelEntry(labels=[label], **said_of, **names))
    corrections = read_corrections(tmp_path / "labels.sqlite")
    assert corrections.table.values.tolist() == [
        [clip_id("a/1.jpg"), "Tiger", "AB", "2026-01-02T03:04:05+10:00", "x", '[{"xyxy": [0, 0, 1, 1]}]']
    ]
    assert corrections.notes == ("clips of which people say different things, left as the model has them: 1",)
    got = select_outgoing(predicted({"path": "a/1.jpg"}, {"path": "a/2.jpg"}), corrections=corrections)
    assert got.human_labels[["clip_id", "label"]].values.tolist() == [[clip_id("a/1.jpg"), "tiger"]]
