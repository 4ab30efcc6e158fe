"""Give damaged files to every reader of foreign files, and report each case that does not end in a clear message.

Each round takes a valid file, damages it in one to eight ways (bits, bytes, cut ends, repeated parts, awkward
values in JSON and CSV) and reads it. A LeopardnetError is correct, and so is a result. Any other exception is a
finding, and so is more than a few seconds of processor time; the first file of each kind of finding is kept. A
crash of a decoder ends the run; the file at fault is then OUT/current.

Example: nice -n 19 python scripts/fuzz_readers.py --minutes 10 --out fuzz/
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import io
import json
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np

from fuzz_seeds import PICTURES, VIDEOS, seeds
from leopardnet.bundle.bundle import FILES, load_bundle
from leopardnet.core.errors import LeopardnetError
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.types import Clip
from leopardnet.data.formats.camtrap_dp.lint import lint_camtrap_dp
from leopardnet.data.formats.camtrap_dp.read import read_camtrap_dp
from leopardnet.data.formats.coco import read_coco
from leopardnet.data.formats.csv_table import COLUMNS, read_csv_table
from leopardnet.data.formats.megadetector.read import read_megadetector
from leopardnet.data.formats.voc import read_voc
from leopardnet.data.formats.yolo import read_yolo
from leopardnet.data.reading.label_map import load_label_map
from leopardnet.data.scan.capture_time import CaptureTimeReader
from leopardnet.data.scan.deployments import read_deployments
from leopardnet.export.corrections import read_corrections
from leopardnet.export.pseudonyms import Pseudonyms
from leopardnet.export.write_results import write
from leopardnet.media.decode import decode, probe

SLOW_S = 5.0
AWKWARD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1e308,
    -1e308,
    2**63,
    2**200,
    0.1,
    float("nan"),
    float("inf"),
    "",
    " ",
    "\x00",
    "..",
    "../x.jpg",
    "/x.jpg",
    "C:\\x.jpg",
    "=1+1",
    "NaN",
    "豹",
    "\ud800",
    "x" * 3000,
    "1e999",
    "٣",
    "0x10",
    [],
    {},
    [[]],
    [None],
    {"a": None},
    "2021-13-45",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59+00:00",
]
MARKS = [
    b"\x00",
    b'"',
    b",",
    b"\n",
    b"\r",
    b"'",
    b";",
    b"{",
    b"]",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\\u0000",
    b"\\ud800",
    b"NaN",
    b"1e999",
    b"-",
    b"=",
    b"\t",
    b"<!ENTITY",
    b"&x;",
    b"PK\x03\x04",
]


def readers(here: Path) -> dict[str, tuple[str, Callable[[Path], Any]]]:
    """Return the file name and the function of each reader."""

    def voc(path: Path) -> Any:
        return read_voc(path.parent, root=here)

    def export(path: Path) -> Any:
        """Write what was read: a value that a reader accepts must not break a writer."""
        predictions = Predictions.read(path)
        for format in ("csv", "jsonl", "xlsx", "megadetector", "coco", "timelapse"):
            write(predictions, here / f"again.{format}", format=format)  # type: ignore[arg-type]

    def look(kind: Literal["video", "still"]) -> Callable[[Path], Any]:
        """Read the header's time, which must never fail, then size and frames."""

        def read(path: Path) -> Any:
            CaptureTimeReader().read(str(path))
            clip = Clip("x", (path.name,), kind)
            info = probe(clip, path.parent)
            times_s = np.linspace(0, min(max(info.duration_s, 0.1), 1e6), 4)
            return decode(clip, path.parent, times_s=times_s, short_side_px=64)

        return read

    pictures = {name: (f"a.{name}", look("still")) for name in PICTURES}
    videos = {name: (f"a.{name.partition(' ')[0]}", look("video")) for name in VIDEOS}
    sheets: dict[str, tuple[str, Callable[[Path], Any]]] = {
        "labels xlsx": ("t.xlsx", lambda p: read_csv_table(p, root=here, columns=COLUMNS)),
        "labels ods": ("t.ods", lambda p: read_csv_table(p, root=here, columns=COLUMNS)),
        "deployments xlsx": ("d.xlsx", read_deployments),
        "corrections xlsx": ("c.xlsx", read_corrections),
    }
    return (
        pictures
        | videos
        | sheets
        | {
            "manifest": ("m.csv", Manifest.read),
            "csv": ("t.csv", lambda p: read_csv_table(p, root=here, columns=COLUMNS)),
            "coco": ("c.json", lambda p: read_coco(p, root=here)),
            "camtrap-dp": ("dp.zip", lambda p: read_camtrap_dp(p, root=here)),
            "lint": ("dp.zip", lint_camtrap_dp),
            "megadetector": ("md.json", lambda p: read_megadetector(p, root=here, min_classification=0.1)),
            "predictions csv": ("p.csv", export),
            "predictions parquet": ("p.parquet", export),
            "voc": ("1.xml", voc),
            "label map": ("map.yaml", lambda p: load_label_map(str(p))),
            "corrections": ("c.csv", read_corrections),
            "deployments": ("d.csv", read_deployments),
            "key": ("key.json", Pseudonyms.open),
            "yolo": ("data.yaml", lambda p: read_yolo(p, root=here)),
        }
    )


# --- damage ---


def damage(data: bytes, rng: random.Random) -> bytes:
    """Return the file, damaged in one to eight ways; of a zip, one member is damaged and packed again."""
    if data.startswith(b"PK") and rng.random() < 0.7:
        return _damage_member(data, rng)
    if data[:1] in (b"{", b"[") and rng.random() < 0.5:
        return _damage_json(data, rng)
    if rng.random() < 0.4 and b"," in data[:200]:
        return _damage_cells(data, rng)
    out = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        i = rng.randrange(len(out) + 1)
        kind = rng.randrange(6)
        if kind == 0 and out:
            out[min(i, len(out) - 1)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[i:i] = rng.choice(MARKS)
        elif kind == 2:
            del out[i : i + rng.randint(1, 20)]
        elif kind == 3:
            j = rng.randrange(len(out) + 1)
            out[i:i] = out[j : j + rng.randint(1, 200)]
        elif kind == 4:
            del out[i:]
        else:
            out[i : i + 1] = bytes([rng.randrange(256)])
    return bytes(out)


def _damage_json(data: bytes, rng: random.Random) -> bytes:
    values = json.loads(data)
    for _ in range(rng.randint(1, 3)):
        holder: Any = values
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(holder[key], (dict, list)) and holder[key] and rng.random() < 0.8:
                holder = holder[key]
                continue
            if rng.random() < 0.25:
                del holder[key]
            else:
                holder[key] = copy.deepcopy(rng.choice(AWKWARD))
            break
    return json.dumps(values, ensure_ascii=rng.random() < 0.8).encode("utf-8", "surrogatepass")


def _damage_cells(data: bytes, rng: random.Random) -> bytes:
    lines = [line.split(b",") for line in data.split(b"\n")]
    for _ in range(rng.randint(1, 4)):
        row = rng.choice(lines)
        cell = str(rng.choice(AWKWARD)).encode("utf-8", "surrogatepass")
        row[rng.randrange(len(row))] = cell if rng.random() < 0.8 else b'"' + cell + b'"'
    return b"\n".join(b",".join(row) for row in lines)


def _damage_member(data: bytes, rng: random.Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        chosen = rng.choice(names)
        for name in names:
            content = old.read(name)
            new.writestr(name, damage(content, rng) if name == chosen else content)
    return out.getvalue()


def damage_bundle(folder: Path, rng: random.Random) -> None:
    """Damage one file of a bundle, in most cases with new hashes that match it."""
    name = rng.choice([*FILES, "bundle.json", "bundle.json", "SHA256SUMS"])
    (folder / name).write_bytes(damage((folder / name).read_bytes(), rng))
    if name != "SHA256SUMS" and rng.random() < 0.9:
        sums = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in FILES]
        (folder / "SHA256SUMS").write_text("".join(sums))


# --- rounds ---


class Findings:
    """The findings: a count per kind, and the first file of each."""

    def __init__(self, out: Path) -> None:
        self.out, self.kinds, self.n = out, Counter[str](), Counter[str]()

    def attempt(self, name: str, path: Path, read: Callable[[Path], Any]) -> None:
        """Read the file, and record what should not have happened."""
        self.n[name] += 1
        if path.is_file():
            self.out.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, self.out / "current")
        start, kind, trace = time.process_time(), "", ""
        try:
            read(path)
        except LeopardnetError as error:
            str(error)
        except Exception as error:
            trace = traceback.format_exc()
            frames = traceback.extract_tb(error.__traceback__)
            place = ([f for f in frames if "leopardnet" in f.filename] or frames)[-1]
            kind = f"{name}: {type(error).__name__} in {Path(place.filename).name}:{place.lineno}"
        if not kind and time.process_time() - start > SLOW_S:
            kind = f"{name}: took {time.process_time() - start:.0f} s"
        if kind:
            if kind not in self.kinds:
                self.out.mkdir(parents=True, exist_ok=True)
                keep = self.out / f"{len(self.kinds):03d}-{path.name}"
                shutil.copytree(path, keep) if path.is_dir() else shutil.copy(path, keep)
                (self.out / f"{keep.name}.txt").write_text(kind + "\n" + trace, "utf-8")
                print(kind, flush=True)
            self.kinds[kind] += 1


def main() -> None:
    """Fuzz for the given time; exit with 1 if there are findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("fuzz"), help="folder for files that break a reader")
    parser.add_argument("--bundle", type=Path, help="a valid bundle, to be damaged as well")
    options = parser.parse_args()
    rng, findings = random.Random(options.seed), Findings(options.out)
    av.logging.set_level(None)
    warnings.filterwarnings("ignore", module="PIL")
    until = time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        files, by_name = seeds(here), readers(here)
        room = here / "room"
        while time.monotonic() < until:
            shutil.rmtree(room, ignore_errors=True)
            room.mkdir()
            name = rng.choice(list(by_name))
            file, read = by_name[name]
            (room / file).write_bytes(damage(files[name], rng))
            findings.attempt(name, room / file, read)
            if options.bundle and rng.random() < 0.05:
                bundle = shutil.copytree(options.bundle, room / "bundle")
                damage_bundle(bundle, rng)
                findings.attempt("bundle", bundle, load_bundle)
    print(
        f"{sum(findings.n.values())} files read in {options.minutes:g} minutes:",
        ", ".join(f"{k} {n}" for k, n in sorted(findings.n.items())),
    )
    print(f"{len(findings.kinds)} kinds of finding, {sum(findings.kinds.values())} in all")
    sys.exit(bool(findings.kinds))


if __name__ == "__main__":
    main()
