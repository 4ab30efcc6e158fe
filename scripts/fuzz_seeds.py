"""Valid files for the fuzzer of the readers, one for each reader, made by our own writers, Pillow and PyAV."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
from PIL import Image

from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.data.formats.camtrap_dp.write import write_camtrap_dp
from leopardnet.data.formats.coco import write_coco
from leopardnet.data.formats.csv_table import write_csv_table
from leopardnet.export.write_results import write

PICTURES = {"jpg": "JPEG", "png": "PNG", "tif": "TIFF", "webp": "WEBP", "avif": "AVIF", "bmp": "BMP", "mpo": "MPO"}
# Name of the suffix and variant: codec, options of the container.
VIDEOS: dict[str, tuple[str, dict[str, str]]] = {
    "mp4": ("libx264", {}),
    "mp4 first": ("libx264", {"movflags": "faststart"}),
    "mp4 fragments": ("libx264", {"movflags": "frag_keyframe+empty_moov"}),
    "mov": ("libx265", {"movflags": "use_metadata_tags"}),
    "avi": ("mjpeg", {}),
    "asf": ("msmpeg4v3", {}),
    "mkv": ("libx264", {}),
    "flv": ("flv1", {}),
    "ts": ("mpeg2video", {}),
    "mpg": ("mpeg2video", {}),
}
PARTS = b'{"key": "%s", "names": {"p0": "site"}}' % (b"ab" * 32)


def seeds(here: Path) -> dict[str, bytes]:
    """Return a valid file for each reader, made by our own writers."""
    box = json.dumps([{"xyxy": [0.1, 0.2, 0.3, 0.4], "label": "tiger", "score": 0.5}])
    rows = pd.DataFrame(
        {
            "path": ["a/1.jpg", "a/2.AVI", "豹/3.png"],
            "kind": ["still", "video", "still"],
            "site": ["s1", "s2", None],
            "deployment": ["d1", "d2", "d1"],
            "label": ["tiger", "empty", None],
            "species": ["tiger", "empty", "a + b"],
            "captured_at": datetime(2021, 12, 30, 22, 34, 56),
            "time_zone": "+10:00",
            "label_source": "human",
            "boxes": [box, None, None],
            "box_unit": ["fraction", None, None],
        }
    )
    manifest = Manifest.from_rows(rows, here)
    manifest.write(here / "manifest.csv")
    write_csv_table(manifest, here / "csv.csv")
    write_coco(manifest, here / "coco.json")
    write_camtrap_dp(manifest, here / "dp.zip", study_area=(43.0, 131.4, 40_000))
    table = {
        "clip_id": ["a"],
        "path": ["a/1.jpg"],
        "kind": ["still"],
        "status": ["ok"],
        "decision": ["tiger"],
        "rule": ["species"],
        "score": [0.9],
        "p_tiger": [0.9],
        "p_empty": [0.1],
        "n_frames": [1],
        "bundle_id": ["b"],
        "labels_id": ["l"],
        "best_time_s": [0.0],
        "evidence_times_s": ["[0.0]"],
    }
    pd.DataFrame(table).to_csv(here / "predictions.csv", index=False)
    pd.DataFrame(table).to_parquet(here / "predictions.parquet")
    write(Predictions.read(here / "predictions.csv"), here / "md.json", format="megadetector")
    box_xml = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"
    about = "<filename>1.jpg</filename><size><width>64</width><height>48</height></size>"
    xml = f"<annotation>{about}<object><name>tiger</name>{box_xml}</object></annotation>"
    columns = "deployment,site,latitude,longitude,time_zone,start,end,clock_correction"
    texts = {
        "voc": xml,
        "yolo": "path: .\nnames: {0: tiger, 1: empty}\ntrain: images/train\nval: [val.txt]\n",
        "label map": "labels:\n  tiger: [Panthera tigris, тигр]\n  empty: [blank]\nignore: [human]\n",
        "corrections": "path,label,by,at\na/1.jpg,tiger,x,2024-05-01T10:00:00+10:00\n",
        "deployments": f"{columns}\nd1,s1,43.1,131.8,Asia/Vladivostok,2021-12-01,2021-12-31,3600\n",
    }
    made = {
        "manifest": "manifest.csv",
        "csv": "csv.csv",
        "coco": "coco.json",
        "camtrap-dp": "dp.zip",
        "lint": "dp.zip",
        "megadetector": "md.json",
        "predictions csv": "predictions.csv",
        "predictions parquet": "predictions.parquet",
    }
    return (
        {k: (here / v).read_bytes() for k, v in made.items()}
        | {k: v.encode() for k, v in texts.items()}
        | {"key": PARTS}
        | sheet_seeds(texts | {"labels": (here / "csv.csv").read_text("utf-8")})
        | media_seeds(here)
    )


def media_seeds(here: Path) -> dict[str, bytes]:
    """Return a small picture of each kind, with EXIF, and a small video of each container, with a time."""
    exif = Image.Exif()
    exif.get_ifd(0x8769).update(
        {0x9003: "2024:05:01 10:11:12", 0x9011: "+10:00", 0x927C: b"RECONYXH2\0" + bytes(90)}
    )
    exif[0x0132], exif[0x0112] = "2024:05:02 10:11:12", 6
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    made = {}
    for name, form in PICTURES.items():
        file, more = io.BytesIO(), {"append_images": [Image.new("RGB", (64, 48))], "save_all": True}
        picture = Image.fromarray(pixels)
        picture.save(file, form, **({} if form == "BMP" else {"exif": exif}), **(more if form == "MPO" else {}))
        made[name] = file.getvalue()
    return made | {name: _video(here / f"seed.{name.partition(' ')[0]}", *how) for name, how in VIDEOS.items()}


def _video(path: Path, codec: str, options: dict[str, str]) -> bytes:
    with av.open(str(path), "w", options=options) as container:
        container.metadata["creation_time"] = "2024-05-01T10:11:12Z"
        container.metadata["com.apple.quicktime.creationdate"] = "2024-05-01T20:11:12+1000"
        quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        stream = container.add_stream(codec, rate=25, options=quiet)
        stream.width, stream.height, stream.gop_size = 64, 48, 6
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for i in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * i, np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes()


def sheet_seeds(texts: dict[str, str]) -> dict[str, bytes]:
    """Return tables of people as sheets: labels, deployments, corrections."""
    made = {}
    for name in ("labels", "deployments", "corrections"):
        rows = pd.read_csv(io.StringIO(texts[name]))
        file = io.BytesIO()
        rows.to_excel(file, index=False, engine="xlsxwriter")
        made[f"{name} xlsx"] = file.getvalue()
    cells = [line.split(",") for line in texts["labels"].splitlines()]
    made["labels ods"] = _ods(cells)
    return made


def _ods(rows: list[list[str]]) -> bytes:
    kinds = "urn:oasis:names:tc:opendocument:xmlns:"
    spaces = " ".join(f'xmlns:{n}="{kinds}{n}:1.0"' for n in ("office", "table", "text"))
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    lines = "".join(f"<table:table-row>{''.join(map(cell.format, row))}</table:table-row>" for row in rows)
    sheet = f'<office:spreadsheet><table:table table:name="a">{lines}</table:table></office:spreadsheet>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body>{sheet}</office:body></office:document-content>",
        )
    return file.getvalue()
