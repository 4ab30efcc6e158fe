"""Pascal VOC: finding the picture of an XML file, and XML that is not to be trusted."""

import json

import pandas as pd
import pytest

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.formats.voc import read_voc, write_voc
from leopardnet.data.reading.label_map import load_label_map

AMUR = "names that became labels: AmurTiger → amur_tiger"


def obj(name="AmurTiger", box=(10, 20, 30, 40)):
    corners = "".join(f"<{c}>{v}</{c}>" for c, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
    return f"<object><name>{name}</name><bndbox>{corners}</bndbox></object>"


def xml(
    *objects, filename="1.jpg", size="<size><width>1280</width><height>720</height><depth>3</depth></size>", path=""
):
    return (
        f"<annotation><folder>x</folder><filename>{filename}</filename>{path}{size}{''.join(objects)}</annotation>"
    )


def put(root, **files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def refused(root, source=None):
    with pytest.raises(ManifestError) as error:
        read_voc(source or root, root=root, strict=True)
    return str(error.value)


def test_the_layout_of_ntlnp(tmp_path):
    put(
        tmp_path,
        **{
            "JPEGImages/a1.jpg": b"x",
            "JPEGImages/a2.jpg": b"x",
            "Annotations/a2.xml": xml(obj("LeopardCat"), filename="a2.jpg"),
            "Annotations/a1.xml": xml(obj(), obj("AmurTiger", (1, 2, 3.5, 4)), filename="a1.jpg"),
        },
    )
    got = read_voc(tmp_path, root=tmp_path, label_map=load_label_map("ntlnp"))
    t = got.manifest.table
    assert t["path"].tolist() == ["JPEGImages/a1.jpg", "JPEGImages/a2.jpg"]
    assert t["label"].tolist() == ["tiger", "other"] and t["species"].tolist() == ["AmurTiger", "LeopardCat"]
    assert json.loads(t["boxes"][0]) == [
        {"xyxy": [10, 20, 30, 40], "label": "AmurTiger"},
        {"xyxy": [1, 2, 3.5, 4], "label": "AmurTiger"},
    ]
    assert set(t["box_unit"]) == {"px"} and set(t["width_px"]) == {1280} and set(t["height_px"]) == {720}
    assert got.notes == ()


@pytest.mark.parametrize(
    ("picture", "annotation", "filename"),
    [
        ("a/1.jpg", "a/1.xml", "1.jpg"),  # beside it
        ("images/s/1.PNG", "annotations/s/1.xml", "1.png"),  # in the folder that stands for it
        ("footage/deep/1.jpg", "xml/1.xml", "1.jpg"),  # anywhere, with the only such stem
        ("JPEGImages/real.jpg", "Annotations/7.xml", r"C:\Users\me\real.jpg"),  # by the name inside
    ],
)
def test_the_picture_of_an_xml_file_is_found(tmp_path, picture, annotation, filename):
    put(tmp_path, **{picture: b"x", annotation: xml(obj(), filename=filename)})
    got = read_voc(tmp_path, root=tmp_path)
    assert got.manifest.table["path"].tolist() == [picture]


def test_a_filename_that_differs_from_the_stem_gives_way_and_is_counted(tmp_path):
    put(tmp_path, **{"1.jpg": b"x", "2.jpg": b"x", "1.xml": xml(obj(), filename="2.jpg")})
    got = read_voc(tmp_path, root=tmp_path)
    assert got.manifest.table["path"].tolist() == ["1.jpg"]
    assert got.notes == ("rows where the element filename names another file than the one found: 1", AMUR)


def test_pictures_that_are_not_there_are_rows_all_the_same(tmp_path):
    put(
        tmp_path,
        **{"Annotations/1.xml": xml(obj(), filename="1.png"), "Annotations/2.xml": xml(obj(), filename="x")},
    )
    got = read_voc(tmp_path, root=tmp_path)
    assert got.manifest.table["path"].tolist() == ["JPEGImages/1.png", "JPEGImages/2.jpg"]
    assert got.notes == ("rows with pictures that are not under the root: 2", AMUR)


def test_a_stem_in_two_folders_is_refused(tmp_path):
    put(tmp_path, **{"a/1.jpg": b"x", "b/1.jpg": b"x", "xml/1.xml": xml(obj())})
    assert "several pictures" in refused(tmp_path)


def test_one_picture_with_two_xml_files_is_refused(tmp_path):
    put(tmp_path, **{"1.jpg": b"x", "1.xml": xml(obj()), "xml/2.xml": xml(obj(), filename="1.jpg")})
    assert "stands twice" in refused(tmp_path)


def test_an_annotators_path_does_not_get_into_the_manifest(tmp_path):
    put(tmp_path, **{"1.jpg": b"x", "1.xml": xml(obj(), path="<path>C:\\Users\\secret\\1.jpg</path>")})
    assert "secret" not in read_voc(tmp_path, root=tmp_path).manifest.table.to_csv()


@pytest.mark.parametrize(
    "size",
    ["", "<size><width>0</width><height>0</height></size>", "<size><width>x</width><height>7</height></size>"],
)
def test_sizes_that_say_nothing_are_empty_and_counted(tmp_path, size):
    put(tmp_path, **{"1.jpg": b"x", "1.xml": xml(obj(), size=size)})
    got = read_voc(tmp_path, root=tmp_path)
    assert got.manifest.table[["width_px", "height_px"]].isna().all().all()
    assert got.notes == ("rows without a usable picture size: 1", AMUR)


def test_an_annotation_without_objects_is_empty_and_counted(tmp_path):
    put(tmp_path, **{"1.jpg": b"x", "1.xml": xml()})
    got = read_voc(tmp_path, root=tmp_path)
    assert got.manifest.table["label"].tolist() == ["empty"] and got.manifest.table["boxes"].isna().all()
    assert got.notes == ("rows without an object, read as empty: 1",)


def test_two_species_leave_the_row_without_a_label(tmp_path):
    put(tmp_path, **{"1.jpg": b"x", "1.xml": xml(obj("tiger"), obj("deer"))})
    t = read_voc(tmp_path, root=tmp_path).manifest.table
    assert t["label"].isna().all() and t["species"].tolist() == ["tiger + deer"]


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-16", "cp1251"])
def test_declared_encodings(tmp_path, encoding):
    name = "тигр" if encoding == "cp1251" else "东北虎"
    declared = "utf-16" if encoding == "utf-16" else encoding
    put(
        tmp_path,
        **{
            "1.jpg": b"x",
            "1.xml": f'<?xml version="1.0" encoding="{declared}"?>\n{xml(obj(name))}'.encode(encoding),
        },
    )
    assert read_voc(tmp_path, root=tmp_path).manifest.table["species"].tolist() == [name]


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (BOMB + xml(obj("&b;")), "document type or entities"),
        ('<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + xml(obj("&a;")), "document type or entities"),
        ("<!DOCTYPE annotation>" + xml(obj()), "document type or entities"),
        (xml(obj())[:-20], "broken"),
        ("", "broken"),
        ('<?xml version="1.0" encoding="klingon"?>' + xml(obj()), "broken"),
        ("<html></html>", "not a Pascal VOC"),
        (xml(obj("")), "object 1"),
        (xml(obj(), obj(box=(1, 2, "x", 4))), "object 2"),
        (xml(obj(box=(1, 2, "nan", 4))), "object 1"),
        (xml("<object><name>tiger</name></object>"), "object 1"),
    ],
)
def test_broken_xml_is_refused_with_its_file(tmp_path, text, part):
    put(tmp_path, **{"1.jpg": b"x", "sub/1.xml": text})
    message = refused(tmp_path)
    assert part in message and "sub/1.xml" in message


def test_boxes_beyond_the_picture_are_kept(tmp_path):
    put(tmp_path, **{"1.jpg": b"x", "1.xml": xml(obj(box=(-5, 0, 9999, 1)))})
    t = read_voc(tmp_path, root=tmp_path).manifest.table
    assert json.loads(t["boxes"][0])[0]["xyxy"] == [-5, 0, 9999, 1]


def test_no_xml_files(tmp_path):
    assert "no XML files" in refused(put(tmp_path, **{"1.jpg": b"x"}))


def test_xml_outside_the_root_is_refused(tmp_path):
    put(tmp_path, **{"pictures/1.jpg": b"x", "xml/1.xml": xml(obj())})
    with pytest.raises(ManifestError, match="are not under the root"):
        read_voc(tmp_path / "xml", root=tmp_path / "pictures")


def test_progress_counts_files(tmp_path):
    put(tmp_path, **{"1.jpg": b"x", "1.xml": xml(obj()), "2.jpg": b"x", "2.xml": xml(obj())})
    seen = []
    read_voc(tmp_path, root=tmp_path, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


# --- writing ---


def manifest(root, **columns):
    rows = pd.DataFrame({"path": ["JPEGImages/1.jpg"], "kind": ["still"], **{k: [v] for k, v in columns.items()}})
    return Manifest.from_rows(rows, root)


def test_a_written_file(tmp_path):
    write_voc(
        manifest(
            tmp_path, label="tiger", boxes='[{"xyxy": [1, 2, 3.5, 4]}]', box_unit="px", width_px=100, height_px=50
        ),
        tmp_path,
    )
    text = (tmp_path / "Annotations/1.xml").read_text()
    for part in (
        "<filename>1.jpg</filename>",
        "<width>100</width>",
        "<name>tiger</name>",
        "<xmin>1</xmin>",
        "<xmax>3.5</xmax>",
    ):
        assert part in text


@pytest.mark.parametrize(
    "columns",
    [
        {"label": "tiger"},
        {},
        {"boxes": '[{"xyxy": [1, 2, 3, 4]}]', "box_unit": "px"},
        {"label": "tiger", "boxes": '[{"xyxy": [0, 0, 1, 1]}]', "box_unit": "fraction"},
    ],
)
def test_what_voc_cannot_say_is_refused_and_nothing_written(tmp_path, columns):
    with pytest.raises(ManifestError):
        write_voc(manifest(tmp_path, **columns), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_videos_and_clashing_stems_are_refused(tmp_path):
    rows = pd.DataFrame({"path": ["1.avi"], "kind": ["video"], "label": ["empty"]})
    with pytest.raises(ManifestError, match="does not support"):
        write_voc(Manifest.from_rows(rows, tmp_path), tmp_path)
    rows = pd.DataFrame({"path": ["1.jpg", "1.png"], "kind": "still", "label": "empty"})
    with pytest.raises(ManifestError, match="stands twice"):
        write_voc(Manifest.from_rows(rows, tmp_path), tmp_path)


def test_a_wrong_pattern_is_a_wrong_setting(tmp_path):
    put(tmp_path, **{"1.jpg": b"x", "1.xml": xml(obj())})
    with pytest.raises(ConfigError):
        read_voc(tmp_path, root=tmp_path, site_from="{plot}/*")


# --- names as annotators write them, and files with a fault ---


@pytest.mark.parametrize(
    ("picture", "annotation", "filename"),
    [
        ("JPEGImages/real.jpg", "Annotations/7.xml", "real"),
        ("JPEGImages/real.JPG", "Annotations/7.xml", "real.jpg"),
        ("JPEGImages/REAL.JPG", "Annotations/7.xml", "real"),
        ("JPEGImages/2021.05.01.jpg", "Annotations/7.xml", "2021.05.01"),
        ("images/IMG_1.JPG", "labels/img_1.xml", "IMG_1"),
        ("a/1.JPG", "a/1.xml", "1.jpg"),
        ("a/1.JPG", "a/1.xml", "1"),
    ],
)
def test_suffix_and_case_of_a_name_do_not_matter(tmp_path, picture, annotation, filename):
    put(tmp_path, **{picture: b"x", annotation: xml(obj(), filename=filename)})
    got = read_voc(tmp_path, root=tmp_path)
    assert got.manifest.table["path"].tolist() == [picture]
    assert got.notes == ("names that became labels: AmurTiger → amur_tiger",)


def test_filename_decides_between_two_pictures_of_one_stem(tmp_path):
    put(tmp_path, **{"1.jpg": b"x", "1.png": b"x", "1.xml": xml(obj(), filename="1.PNG")})
    assert read_voc(tmp_path, root=tmp_path).manifest.table["path"].tolist() == ["1.png"]


def test_names_that_differ_only_in_case_stay_apart(tmp_path):
    put(tmp_path, **{"a.jpg": b"x", "A.jpg": b"x", "a.xml": xml(obj()), "A.xml": xml(obj("deer"))})
    t = read_voc(tmp_path, root=tmp_path).manifest.table
    assert dict(zip(t["path"], t["label"], strict=True)) == {"a.jpg": "amur_tiger", "A.jpg": "deer"}


@pytest.mark.parametrize(
    ("text", "label", "species", "n_boxes"),
    [
        (xml(obj())[:-20], None, None, 0),
        (BOMB + xml(obj("&b;")), None, None, 0),
        (xml(obj("")), None, None, 0),
        (xml(obj("tiger"), obj("")), None, "tiger", 1),
        (xml("<object><name>tiger</name></object>"), "tiger", "tiger", 0),
        (xml(obj("tiger"), obj("tiger", box=(1, 2, "x", 4))), "tiger", "tiger", 1),
    ],
)
def test_a_picture_is_kept_without_what_is_wrong(tmp_path, text, label, species, n_boxes):
    put(tmp_path, **{"1.jpg": b"x", "2.jpg": b"x", "1.xml": text, "2.xml": xml(obj(), filename="2.jpg")})
    got = read_voc(tmp_path, root=tmp_path)
    row = got.manifest.table.iloc[0]
    assert len(got.manifest) == 2 and [p.file for p in got.problems] == ["1.xml"]
    assert [None if pd.isna(row[c]) else row[c] for c in ("label", "species")] == [label, species]
    assert (0 if pd.isna(row["boxes"]) else len(json.loads(row["boxes"]))) == n_boxes


def test_other_xml_is_left_out_and_nothing_usable_is_an_error(tmp_path):
    put(tmp_path, **{"1.jpg": b"x", "1.xml": xml(obj()), "project.xml": "<project></project>"})
    got = read_voc(tmp_path, root=tmp_path)
    assert len(got.manifest) == 1 and [p.file for p in got.problems] == ["project.xml"]
    (tmp_path / "1.xml").unlink()
    with pytest.raises(ManifestError, match="not a Pascal VOC"):
        read_voc(tmp_path, root=tmp_path)


@pytest.mark.parametrize(("second", "label"), [("AmurTiger", "amur_tiger"), ("Leopard", None)])
def test_two_xml_files_of_one_picture_are_one_row(tmp_path, second, label):
    files = {"1.jpg": b"x", "2.jpg": b"x", "1.xml": xml(obj()), "2.xml": xml(obj(), filename="2.jpg")}
    put(tmp_path, **files, **{"xml/3.xml": xml(obj(second), filename="1.jpg")})
    got = read_voc(tmp_path, root=tmp_path)
    t = got.manifest.table
    assert t["path"].tolist() == ["1.jpg", "2.jpg"] and t["label"][1] == "amur_tiger"
    assert (None if pd.isna(t["label"][0]) else t["label"][0]) == label
    assert [p.file for p in got.problems] == ["xml/3.xml"]


def test_an_xml_file_that_several_pictures_fit_is_left_out(tmp_path):
    put(tmp_path, **{"a/1.jpg": b"x", "b/1.jpg": b"x", "xml/1.xml": xml(obj()), "a/2.jpg": b"x"})
    put(tmp_path, **{"a/2.xml": xml(obj(), filename="2.jpg")})
    got = read_voc(tmp_path, root=tmp_path)
    assert got.manifest.table["path"].tolist() == ["a/2.jpg"]
    assert [p.file for p in got.problems] == ["xml/1.xml"]
