"""Footage sorted into one folder for each class."""

import pandas as pd
import pytest

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.data.formats.folders import read_folders, read_labelled_folder
from leopardnet.data.reading.folder_pattern import find_site_level
from leopardnet.data.reading.label_map import LabelMap


def tree(root, *paths):
    for p in paths:
        (root / p).parent.mkdir(parents=True, exist_ok=True)
        (root / p).write_bytes(b"x")
    return root


def labels(imported):
    t = imported.manifest.table
    return dict(zip(t["path"], [None if pd.isna(x) else x for x in t["label"]], strict=True))


def test_the_top_folder_is_the_label(tmp_path):
    got = read_folders(tree(tmp_path, "tiger/n/2.avi", "tiger/n/10.avi", "empty/1.jpg"))
    assert labels(got) == {"empty/1.jpg": "empty", "tiger/n/2.avi": "tiger", "tiger/n/10.avi": "tiger"}
    assert list(labels(got)) == ["empty/1.jpg", "tiger/n/2.avi", "tiger/n/10.avi"]
    assert got.manifest.table["kind"].tolist() == ["still", "video", "video"]
    assert got.notes == ()


@pytest.mark.parametrize(("level", "expected"), [(1, "a"), (2, "b"), (-1, "b"), (-2, "a"), (3, None), (-3, None)])
def test_levels_count_from_the_top_or_from_the_file(tmp_path, level, expected):
    assert labels(read_folders(tree(tmp_path, "a/b/1.jpg"), label_level=level)) == {"a/b/1.jpg": expected}


def test_level_0_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="level is 0"):
        read_folders(tree(tmp_path, "a/1.jpg"), label_level=0)


def test_what_is_no_footage_is_counted_and_loose_files_have_no_label(tmp_path):
    got = read_folders(tree(tmp_path, "tiger/1.jpg", "loose.jpg", "tiger/notes.txt", "tiger/._1.jpg", "Thumbs.db"))
    assert labels(got) == {"loose.jpg": None, "tiger/1.jpg": "tiger"}
    assert ".txt 1" in got.notes[0] and ".db 1" in got.notes[0] and got.notes[1].endswith(": 1")
    assert got.notes[2] == "rows without a label: 1 of 2" and "loose.jpg" in got.notes[3]
    assert [(p.row, p.problem.rpartition("; ")[2]) for p in got.problems] == [("loose.jpg", "kept without a label")]
    with pytest.raises(ManifestError, match="in no folder of a label"):
        read_folders(tmp_path, strict=True)


def test_paths_are_relative_to_a_root_above(tmp_path):
    got = read_folders(tree(tmp_path, "set/tiger/1.jpg") / "set", root=tmp_path)
    assert labels(got) == {"set/tiger/1.jpg": "tiger"}


def test_a_root_elsewhere_is_refused(tmp_path):
    tree(tmp_path, "set/tiger/1.jpg", "other/1.jpg")
    with pytest.raises(ConfigError, match="inside the root"):
        read_folders(tmp_path / "set", root=tmp_path / "other")


def test_a_pattern_names_sites_and_labels(tmp_path):
    got = read_folders(tree(tmp_path, "north/tiger/1.jpg", "south/empty/1.jpg"), site_from="{site}/{label}/*")
    assert labels(got) == {"north/tiger/1.jpg": "tiger", "south/empty/1.jpg": "empty"}
    assert got.manifest.table["site"].tolist() == ["north", "south"]


@pytest.mark.parametrize("read", [read_folders, read_labelled_folder])
def test_a_file_directly_in_the_folder_of_its_label_has_the_label_but_no_site(tmp_path, read):
    """With a pattern, too: whether it is read from the pattern or from the level, the label is the same."""
    tree(tmp_path, "tiger/north/1.jpg", "tiger/2.jpg", "tiger/DCIM/100EK113/3.jpg", "deer/south/a/4.jpg", "5.jpg")
    want = {
        **{"deer/south/a/4.jpg": "deer", "tiger/north/1.jpg": "tiger", "tiger/2.jpg": "tiger"},
        **{"tiger/DCIM/100EK113/3.jpg": "tiger", "5.jpg": None},
    }
    with_pattern = read(tmp_path, site_from="{label}/{site}/*")
    assert labels(with_pattern) == labels(read(tmp_path)) == want
    sites = with_pattern.manifest.table.set_index("path")["site"].dropna().to_dict()
    assert sites == {"deer/south/a/4.jpg": "south", "tiger/north/1.jpg": "north"}
    assert [p.row for p in with_pattern.problems] == ["5.jpg"]
    assert "rows with paths that do not match {label}/{site}/*: 3" in with_pattern.notes


def test_a_label_below_the_site_needs_a_folder_of_its_own(tmp_path):
    got = read_folders(
        tree(tmp_path, "north/tiger/a/1.jpg", "north/2.jpg"), site_from="{site}/{label}/{sequence}/*"
    )
    assert labels(got) == {"north/2.jpg": None, "north/tiger/a/1.jpg": "tiger"}


def test_folder_names_go_through_the_label_map(tmp_path):
    label_map = LabelMap("m", {"tiger": ("Panthera tigris",)})
    root = tree(tmp_path, "Panthera_tigris/1.jpg")
    t = read_folders(root, label_map=label_map).manifest.table
    assert t["label"].tolist() == ["tiger"] and t["species"].tolist() == ["Panthera_tigris"]
    tree(tmp_path, "puma/1.jpg")
    with pytest.raises(ManifestError, match="puma 1"):
        read_folders(root, label_map=label_map)


def test_no_footage_is_an_error(tmp_path):
    with pytest.raises(ManifestError):
        read_folders(tmp_path)


def test_a_folder_of_pictures_says_its_own_labels(tmp_path):
    for name in ("Blank/1.jpg", "Amur leopard/2.jpg", "Roe-deer/3.jpg", "wild boar/a/4.jpg", "5.jpg"):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    labels = read_labelled_folder(tmp_path / "pictures").manifest.table.set_index("path")["label"]
    assert labels.dropna().to_dict() == {
        "Blank/1.jpg": "empty",
        "Amur leopard/2.jpg": "leopard",
        "Roe-deer/3.jpg": "roe_deer",
        "wild boar/a/4.jpg": "wild_boar",
    }
    assert labels.isna().sum() == 1
    with pytest.raises(ManifestError, match="no subfolders"):
        read_labelled_folder(tmp_path / "pictures" / "Blank")
    with pytest.raises(ManifestError, match="the folder has one subfolder, and to tell labels apart takes two"):
        read_labelled_folder(tmp_path / "pictures" / "wild boar")
    (tmp_path / "pictures" / "???").mkdir()
    with pytest.raises(ManifestError, match="cannot be a label"):
        read_labelled_folder(tmp_path / "pictures")


def test_folders_that_stand_under_several_labels_are_sites(tmp_path):
    """Архив/<species>/<site>/…: camera folders, years and a species without sites beside them."""
    for path in (
        *("Леопард/Север/1.jpg", "Леопард/Юг/DCIM/100MEDIA/2.jpg", "Олень/север/3.jpg", "Олень/Юг/4.jpg"),
        *("Олень/Холм/5.jpg", "Тигр/6.jpg"),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    found = read_labelled_folder(tmp_path)
    sites = found.manifest.table.set_index("path")["site"]
    assert sites["Леопард/Юг/DCIM/100MEDIA/2.jpg"] == "Юг" and sites["Олень/Холм/5.jpg"] == "Холм"
    assert pd.isna(sites["Тигр/6.jpg"])
    assert any(
        "folders of level 2 stand under several labels and are taken for sites (Север, Юг)" in n
        for n in found.notes
    )
    other = read_labelled_folder(tmp_path, site_from="{ignore}/x-{site}/*").manifest.table
    assert other["site"].isna().all()


@pytest.mark.parametrize(
    ("paths", "level"),
    [
        (
            ["tiger/2021/a/1.jpg", "deer/2021/a/2.jpg", "tiger/2022/b/1.jpg", "deer/2022/b/2.jpg"],
            3,
        ),  # years are none
        (["tiger/a/1.jpg", "deer/a/2.jpg", "deer/b/3.jpg"], None),  # one name that comes back is too little
        (["tiger/a/1.jpg", "tiger/b/2.jpg", "deer/c/3.jpg", "deer/d/4.jpg"], None),  # none comes back
        (["tiger/DCIM/1.jpg", "deer/DCIM/2.jpg", "tiger/100MEDIA/3.jpg", "deer/100MEDIA/3.jpg"], None),
        (["tiger/night/1.jpg", "deer/night/2.jpg", "tiger/day/3.jpg", "deer/day/4.jpg"], None),
        ([], None),
    ],
)
def test_the_level_of_sites(paths, level):
    found = find_site_level(paths)
    assert (found and found[0]) == level


def test_folders_of_a_split_are_no_labels(tmp_path):
    for path in ("train/tiger/1.jpg", "val/tiger/2.jpg"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    with pytest.raises(ManifestError, match="parts of a split, not labels"):
        read_labelled_folder(tmp_path)
