"""Measure how long it takes to scan 100,000 files and to split 1,000,000 rows on this machine.

Each run has its own process, which gives the peak memory of that run. The files are tiny but have real headers
(EXIF, MP4, AVI), so the time includes reading capture times; content is not hashed. Prints one line per case: the
median, its range, the target, and the ratio of median to target (below 1 is good).

Example: python scripts/benchmarks/dataset.py --files 100000 --rows 1000000 --repeats 3
"""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from statistics import median

N_FOLDERS = 1000
TARGETS = {"scan": 60.0, "split_sites": 20.0, "split_sequences": 20.0}
TARGET_MEMORY_MB = 1000.0


def still_bytes() -> bytes:
    """Return a JPEG of 8 x 8 px with a capture time."""
    from PIL import Image

    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:03 22:15:30"
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def mp4_bytes() -> bytes:
    """Return the boxes of an MP4 with its index at the end."""
    header = struct.pack(">I4s4sII", 108, b"mvhd", bytes(4), 3_723_712_496, 0) + bytes(88)
    moov = struct.pack(">I4s", 8 + len(header), b"moov") + header
    return b"\0\0\0\x0cftypisom" + struct.pack(">I4s", 1008, b"mdat") + bytes(1000) + moov


def avi_bytes() -> bytes:
    """Return the chunks of an AVI with a date in its header list."""
    idit = b"IDIT" + struct.pack("<I", 26) + b"FRI MAY 03 22:15:30 2024\n\0"
    hdrl = b"LIST" + struct.pack("<I", 4 + len(idit)) + b"hdrl" + idit
    movi = b"LIST" + struct.pack("<I", 1004) + b"movi" + bytes(1000)
    return b"RIFF" + struct.pack("<I", 4 + len(hdrl) + len(movi)) + b"AVI " + hdrl + movi


def make_files(root: Path, n_files: int) -> None:
    """Write `n_files` tiny files in 1,000 deployments of 500 sites."""
    kinds = [("JPG", still_bytes()), ("MP4", mp4_bytes()), ("AVI", avi_bytes())]
    for folder in range(N_FOLDERS):
        deployment = root / f"site{folder // 2:03d}" / f"check{folder % 2}" / "DCIM" / "100RECNX"
        deployment.mkdir(parents=True)
        for i in range(folder, n_files, N_FOLDERS):
            suffix, content = kinds[i % 3]
            (deployment / f"RCNX{i:06d}.{suffix}").write_bytes(content)


def run_scan(root: str, n_files: int) -> float:
    """Return the seconds of a scan."""
    from leopardnet.data.scan.scan import scan

    start = time.perf_counter()
    manifest = scan(root, pattern="{site}/{deployment}/*")
    seconds = time.perf_counter() - start
    assert len(manifest) == n_files and manifest.table["captured_at"].notna().all()
    return seconds


def run_split(n_rows: int, *, with_sites: bool) -> float:
    """Return the seconds of a split, of 500 sites or of many sequences without a site."""
    import numpy as np
    import pandas as pd

    from leopardnet.core.manifest import Manifest
    from leopardnet.data.splits.split import split

    i = np.arange(n_rows)
    labels = np.random.default_rng(7).choice(
        ["empty", "deer", "tiger", "leopard"], n_rows, p=[0.7, 0.25, 0.049, 0.001]
    )
    table = pd.DataFrame({"path": [f"{k % 500}/{k}.jpg" for k in i], "kind": "still", "label": labels})
    table["site" if with_sites else "sequence_id"] = (i % 500 if with_sites else i // 3).astype(str)
    manifest = Manifest.from_rows(table, Path())
    start = time.perf_counter()
    done = split(manifest, by="site")
    seconds = time.perf_counter() - start
    assert done.table["split"].notna().all()
    return seconds


def child(case: str, argument: str, n: int) -> None:
    """Run one case once, and print its seconds and the peak memory of this process as JSON."""
    import resource

    seconds = run_scan(argument, n) if case == "scan" else run_split(n, with_sites=case == "split_sites")
    unit = 1e6 if sys.platform == "darwin" else 1e3
    print(json.dumps({"s": seconds, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit}))


def measure(case: str, argument: str, n: int, repeats: int) -> bool:
    """Print one line for a case; return whether it met its targets."""
    runs = []
    for _ in range(repeats):
        command = [sys.executable, __file__, "--child", case, argument, str(n)]
        runs.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    seconds, memory = [r["s"] for r in runs], max(r["mb"] for r in runs)
    ratio = median(seconds) / TARGETS[case]
    spread = f"({min(seconds):.2f} to {max(seconds):.2f}, {repeats} runs)"
    goal = f"target {TARGETS[case]:.0f} s  ratio {ratio:.2f}  peak {memory:.0f} MB"
    print(f"{case:<16} n={n:<9,} median {median(seconds):6.2f} s {spread}  {goal}")
    return ratio < 1 and (case != "scan" or memory < TARGET_MEMORY_MB)


def main() -> int:
    """Return exit code 0 if all targets were met, and 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", nargs=3, metavar=("CASE", "ARGUMENT", "N"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], options.child[1], int(options.child[2]))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder), options.files)
        met = [measure("scan", folder, options.files, options.repeats)]
    met += [measure(case, "", options.rows, options.repeats) for case in ("split_sites", "split_sequences")]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
