"""Every format through the command line: import, check, split; and what is wrong with a file ends in one message.

Most calls run `main` in this process, which saves a second for each; one chain runs as a user runs it.
"""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from command_line import leopardnet

from leopardnet.core.manifest import Manifest

SITES, LABELS, N_EACH = ("north", "east", "west"), ("tiger", "empty"), 2
PATHS = [f"{x}/{s}/{i}.jpg" for x in LABELS for s in SITES for i in range(N_EACH)]
BOX = (8, 6, 40, 30)  # left, top, right, bottom in pixels of 64 by 48


@pytest.fixture
def root(tmp_path):
    """Twelve small pictures that do not look alike, in folders of label and site."""
    from PIL import Image

    rng = np.random.default_rng(11)
    for path in PATHS:
        file = tmp_path / "footage" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
        coarse.resize((64, 48), Image.Resampling.BICUBIC).save(file, quality=90)
    return tmp_path / "footage"


def put(folder, **files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


# --- the samples: the same twelve pictures in every format ---


def folders(root, _):
    return ["folders", root]


def table(root, here):
    rows = [f"{p};{p.split('/')[0]};{p.split('/')[1]}" for p in PATHS]
    rows[1] = rows[1].replace("/", "\\", 2)  # one path as Windows writes it
    put(here, **{"images.csv": b"\xef\xbb\xbf" + "\r\n".join(["путь;label;site", *rows]).encode()})
    return ["csv", here / "images.csv", "--root", root, "--path", "путь", "--label", "label", "--site", "site"]


def coco(root, here):
    put(here, **{"labels.json": json.dumps(coco_data())})
    return ["coco", here / "labels.json", "--root", root]


def coco_data():
    annotations = [
        {"id": i, "image_id": f"i{i}", "category_id": LABELS.index(p.split("/")[0])} for i, p in enumerate(PATHS)
    ]
    images = [{"id": f"i{i}", "file_name": p, "location": p.split("/")[1]} for i, p in enumerate(PATHS)]
    categories = [{"id": i, "name": x} for i, x in enumerate(LABELS)]
    return {"info": {"version": "1"}, "images": images, "categories": categories, "annotations": annotations}


def package_files():
    deployments = ["deploymentID,locationID,latitude,longitude", *(f"d-{s},{s},43.1,131.4" for s in SITES)]
    media = ["mediaID,deploymentID,timestamp,filePath,filePublic,fileMediatype"]
    seen = [
        "observationID,deploymentID,mediaID,eventStart,eventEnd,observationLevel,observationType,scientificName,classificationMethod"
    ]
    for i, p in enumerate(PATHS):
        label, site, _ = p.split("/")
        time = f"2021-12-{i + 1:02d}T22:34:56+10:00"
        what = "animal,tiger" if label == "tiger" else "blank,"
        media.append(f"m{i},d-{site},{time},{p},false,image/jpeg")
        seen.append(f"o{i},d-{site},m{i},{time},{time},media,{what},human")
    tables = {"deployments.csv": deployments, "media.csv": media, "observations.csv": seen}
    resources = [{"name": n.removesuffix(".csv"), "path": n} for n in tables]
    return {
        "datapackage.json": json.dumps({"resources": resources}),
        **{n: "\n".join(t) + "\n" for n, t in tables.items()},
    }


def camtrap_dp(root, here, **changes):
    return ["camtrap-dp", put(here / "package", **{**package_files(), **changes}), "--root", root]


def camtrap_dp_zip(root, here, **changes):
    path = here / "package.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in {**package_files(), **changes}.items():
            z.writestr(name, content)
    return ["camtrap-dp", path, "--root", root]


def voc(root, here):
    for p in PATHS:
        corners = "".join(f"<{c}>{v}</{c}>" for c, v in zip(("xmin", "ymin", "xmax", "ymax"), BOX, strict=True))
        found = (
            f"<object><name>tiger</name><bndbox>{corners}</bndbox></object>"
            if p.startswith("tiger")
            else "<!-- -->"
        )
        size = "<size><width>64</width><height>48</height></size>"
        text = f"<annotation><filename>{p.rpartition('/')[2]}</filename>{size}{found}</annotation>"
        put(root, **{p.replace(".jpg", ".xml"): text})
    return ["voc", root, "--root", root]


def yolo(root, here):
    for p in PATHS:
        put(root, **{p.replace(".jpg", ".txt"): "0 0.375 0.375 0.5 0.5\n" if p.startswith("tiger") else ""})
    put(root, **{"data.yaml": "names: [tiger]\ntrain: [tiger, empty]\n"})
    return ["yolo", root / "data.yaml", "--root", root]


def detections():
    found = [{"category": "1", "conf": 0.9, "bbox": [0.125, 0.125, 0.5, 0.5]}]
    images = [{"file": p, "detections": found if p.startswith("tiger") else []} for p in PATHS]
    return {"info": {"format_version": "1.6"}, "detection_categories": {"1": "animal"}, "images": images}


# --- what is right ---


@pytest.mark.parametrize("sample", [folders, table, coco, camtrap_dp, camtrap_dp_zip, voc, yolo])
def test_a_sample_is_imported_checked_and_split(command, root, tmp_path, sample):
    out = tmp_path / "manifest.parquet"
    by_table = sample in (table, coco, camtrap_dp, camtrap_dp_zip)
    sites = [] if by_table else ["--site-from", "{label}/{site}/*"]
    printed, _ = command("import", *sample(root, tmp_path), *sites, "--label-map", "amur", "--out", out, "--json")
    assert json.loads(printed)["labels"] == {"tiger": 6, "empty": 6}
    t = Manifest.read(out).table
    assert dict(zip(t["path"], t["label"], strict=True)) == {p: p.split("/")[0] for p in PATHS}
    assert t["site"].tolist() == [p.split("/")[1] for p in t["path"]]
    if sample in (voc, yolo):
        corners = BOX if sample is voc else [0.125, 0.125, 0.625, 0.625]
        assert json.loads(t.set_index("path")["boxes"][PATHS[0]])[0]["xyxy"] == list(corners)

    findings, _ = command("check", out, "--json")
    assert "error" not in {f["severity"] for f in json.loads(findings)["findings"]}
    command("split", out, "--by", "site", "--fractions", "0.34,0.33,0.33")
    split = Manifest.read(out).table
    assert set(split["split"]) == {"train", "val", "test"} and split.groupby("site")["split"].nunique().max() == 1


def test_as_a_user_runs_it_with_boxes_of_a_detector(root, tmp_path):
    """folders → manifest, MegaDetector → boxes in it, check; each its own process."""
    put(tmp_path, **{"md.json": json.dumps(detections())})
    m, boxed = tmp_path / "m.parquet", tmp_path / "boxed.parquet"
    leopardnet("import", "folders", root, "--out", m, "--label-map", "amur", "--site-from", "{label}/{site}/*")
    leopardnet("import", "megadetector", tmp_path / "md.json", "--root", root, "--into", m, "--out", boxed)
    before, after = Manifest.read(m).table, Manifest.read(boxed).table
    assert after["label"].tolist() == before["label"].tolist() and after["site"].tolist() == before["site"].tolist()
    found = [len(json.loads(b)) for b in after["boxes"]]
    assert found == [int(x == "tiger") for x in after["label"]], "a file in which nothing was found has no boxes"
    leopardnet("check", boxed)


def test_a_written_package_comes_back_through_the_command(command, root, tmp_path):
    from leopardnet.data.formats.camtrap_dp.read import read_camtrap_dp
    from leopardnet.data.formats.camtrap_dp.write import write_camtrap_dp

    source = camtrap_dp(root, tmp_path)[1]
    manifest = read_camtrap_dp(source, root=root).manifest
    written = write_camtrap_dp(manifest, tmp_path / "again.zip", study_area=(43.1, 131.4, 9000))
    assert (written.n_rows, written.n_left_out) == (len(PATHS), 0)
    out = tmp_path / "again.parquet"
    command("import", "camtrap-dp", written.path, "--root", root, "--out", out)
    pd.testing.assert_frame_equal(
        Manifest.read(out).table.drop(columns="source"), manifest.table.drop(columns="source")
    )


# --- what is wrong ---


def bad_csv(text, *more):
    def make(root, here):
        put(here, **{"bad.csv": text})
        return ["csv", here / "bad.csv", "--root", root, "--path", "path", "--label", "label", *more]

    return make


def bad_coco(change):
    def make(root, here):
        data = coco_data()
        text = change(data)
        put(here, **{"bad.json": text if isinstance(text, str) else json.dumps(data)})
        return ["coco", here / "bad.json", "--root", root]

    return make


def changed_media(old, new):
    text = package_files()["media.csv"]
    assert old in text
    return {"media.csv": text.replace(old, new, 1)}


def bad_voc(text):
    def make(root, here):
        put(root, **{PATHS[0].replace(".jpg", ".xml"): text})
        return ["voc", root, "--root", root]

    return make


def bad_yolo(config, **files):
    def make(root, here):
        put(root, **{"data.yaml": config, **files})
        return ["yolo", root, "--root", root]

    return make


def bad_detections(text):
    def make(root, here):
        put(here, **{"bad.json": text})
        return ["megadetector", here / "bad.json", "--root", root]

    return make


ENTITIES = '<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;">]><annotation><filename>&y;</filename></annotation>'
BAD = {
    "folders, a name that the map lacks": (
        lambda root, here: ["folders", put(root, **{"lynx/north/1.jpg": "x"})],
        "lynx 1",
    ),
    "csv, path outside the root": (bad_csv("path,label\nC:\\cards\\1.jpg,tiger\n"), "row 2, column path"),
    "csv, path with dots": (bad_csv("path,label\na.jpg,tiger\n../1.jpg,tiger\n"), "row 3, column path"),
    "csv, a cell too many": (bad_csv("path,label\n1.jpg,tiger,x\n"), "line 2"),
    "csv, a file empty and not": (bad_csv("path,label\n1.jpg,tiger\n1.jpg,empty\n"), "empty"),
    "csv, no such column": (bad_csv("file,label\n1.jpg,tiger\n"), "no such column"),
    "csv, a name that the map lacks": (bad_csv("path,label\n1.jpg,wolverine\n"), "wolverine 1"),
    "csv, a time that is none": (
        bad_csv("path,label,t\n1.jpg,tiger,soon\n", "--captured-at", "t"),
        "row 2, column t",
    ),
    "coco, cut off": (bad_coco(lambda d: json.dumps(d)[:-40]), "not valid JSON"),
    "coco, an id twice": (bad_coco(lambda d: d["images"].append(d["images"][0])), "stands twice"),
    "coco, a category that is not there": (
        bad_coco(lambda d: d["annotations"][3].update(category_id=9)),
        "annotations",
    ),
    "coco, path outside the root": (
        bad_coco(lambda d: d["images"][2].update(file_name="D:\\x\\1.jpg")),
        "outside the root",
    ),
    "camtrap-dp, a time without a zone": (
        lambda r, h: camtrap_dp(r, h, **changed_media("56+10:00", "56")),
        "row 2, column timestamp",
    ),
    "camtrap-dp, an id twice": (lambda r, h: camtrap_dp(r, h, **changed_media("m1,", "m0,")), "stands twice"),
    "camtrap-dp, an id that leads nowhere": (
        lambda r, h: camtrap_dp(r, h, **changed_media("m1,", "m99,")),
        "does not have this medium",
    ),
    "camtrap-dp, cut off": (
        lambda r, h: camtrap_dp(r, h, **{"datapackage.json": '{"resources": ['}),
        "not valid JSON",
    ),
    "zip, a member that leads out": (lambda r, h: camtrap_dp_zip(r, h, **{"../evil.csv": "x"}), "not safe to open"),
    "zip, a bomb": (lambda r, h: camtrap_dp_zip(r, h, **{"big.csv": " " * 5_000_000}), "200 times"),
    "voc, entities": (bad_voc(ENTITIES), "entit"),
    "voc, cut off": (bad_voc("<annotation><filename>0.jpg</file"), "0.xml"),
    "voc, a name that the map lacks": (
        bad_voc("<annotation><filename>0.jpg</filename><object><name>wolverine</name></object></annotation>"),
        "wolverine",
    ),
    "yolo, a class that is not there": (
        bad_yolo("names: [tiger]\ntrain: tiger\n", **{PATHS[0].replace(".jpg", ".txt"): "7 0.5 0.5 0.1 0.1\n"}),
        "0.txt",
    ),
    "yolo, no YAML": (bad_yolo("names: [tiger\n"), "data.yaml"),
    "megadetector, cut off": (bad_detections(json.dumps(detections())[:-9]), "not valid JSON"),
    "megadetector, something else": (bad_detections("[1, 2]"), "bad.json"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_input_is_one_message_and_no_manifest(command, root, tmp_path, name):
    make, part = BAD[name]
    arguments = make(root, tmp_path)
    arguments += ["--strict"]
    before = set(tmp_path.rglob("*"))
    out, err = command("import", *arguments, "--label-map", "amur", "--out", tmp_path / "m.parquet", code=1)
    assert out == "" and err.count("error:") == 1 and err.startswith("error:"), err
    assert part in err, err
    assert set(tmp_path.rglob("*")) == before, "something was written"


# --- real pictures ---


def test_the_tables_of_real_pictures_and_clips(command, real_root, tmp_path):
    columns = ["--path", "path", "--label", "label", "--species", "species"]
    for name, n, more in (("images", 808, ["--site", "site", "--sequence", "sequence_id"]), ("clips", 18, [])):
        out = tmp_path / f"{name}.parquet"
        command(
            "import",
            "csv",
            real_root / f"{name}.csv",
            "--root",
            real_root,
            *columns,
            *more,
            "--require-files",
            "--out",
            out,
        )
        given = pd.read_csv(real_root / f"{name}.csv", dtype=str)
        t = Manifest.read(out).table
        assert len(t) == n and t["label"].tolist() == given["label"].tolist()
        assert (t["kind"] == ("still" if name == "images" else "video")).all()
    printed, _ = command("split", tmp_path / "images.parquet", "--by", "site", "--json")
    json.loads(printed)
    split = Manifest.read(tmp_path / "images.parquet").table
    assert split.groupby("site")["split"].nunique().max() == 1 and split["split"].notna().all()
    findings, _ = command("check", tmp_path / "clips.parquet", "--no-perceptual", "--json")
    assert "missing" not in json.dumps(json.loads(findings)["findings"]).lower()


def test_a_manifest_that_excel_saved_again(root, tmp_path):
    leopardnet("scan", root, "--pattern", "{ignore}/{site}/*", "--out", tmp_path / "m.csv")
    table = pd.read_csv(tmp_path / "m.csv", dtype=str, keep_default_na=False)
    table["captured_at"] = "15.03.2021 10:22"
    table.to_csv(tmp_path / "again.csv", sep=";", index=False, encoding="utf-8-sig")
    _, said = leopardnet("split", tmp_path / "again.csv", "--by", "site", "--out", tmp_path / "s.parquet")
    assert "note: the times in again.csv have no seconds" in said
    split = Manifest.read(tmp_path / "s.parquet").table
    assert split["path"].tolist() == table["path"].tolist() and split["site"].tolist() == table["site"].tolist()
    assert set(split["captured_at"]) == {pd.Timestamp("2021-03-15 10:22")}
    table.assign(captured_at="01/02/2021 10:22").to_excel(tmp_path / "us.xlsx", index=False)
    _, said = leopardnet("split", tmp_path / "us.xlsx", "--by", "site", "--out", tmp_path / "u.csv", code=1)
    assert "day and month of the dates cannot be told apart" in said and "yyyy-mm-dd hh:mm:ss" in said
