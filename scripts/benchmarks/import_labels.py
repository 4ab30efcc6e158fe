"""Measure time and peak memory of `read_coco` on a file with a million pictures, each with one box.

The file is made in a temporary folder and read in another process, so that the peak is that of reading the file and
writing the manifest, not of making the file. Target on two cores: under 60 s and under 3 GB for 1,000,000.

Example: python scripts/benchmarks/import_labels.py --n-images 1000000
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

READ = """
import json, resource, sys, time
from pathlib import Path
start = time.perf_counter()
from leopardnet.data.formats.coco import read_coco
path = Path(sys.argv[1])
imported = read_coco(path, root=path.parent)
read_s = time.perf_counter() - start
imported.manifest.write(path.with_suffix(".parquet"))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"n_rows": len(imported.manifest), "read_s": round(read_s, 1),
                  "read_and_write_s": round(time.perf_counter() - start, 1),
                  "cpu_s": round(time.process_time(), 1), "peak_gb": round(peak / 1e9, 2)}))
"""


def make_coco(path: Path, n_images: int) -> None:
    """Write a COCO Camera Traps file with `n_images` pictures at 500 sites, in sequences of three."""
    with path.open("w", encoding="utf-8") as file:
        file.write(
            '{"info": {"version": "1"}, "categories": [{"id": 0, "name": "empty"}, {"id": 1, "name": "tiger"}],'
        )
        file.write('"images": [')
        for i in range(n_images):
            clock = f"{i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d}"
            image = {
                "id": f"5a0e1b2c-{i:012d}",
                "file_name": f"site{i % 500:03d}/dep{i % 4}/IMG_{i:07d}.JPG",
                "width": 1920,
                "height": 1080,
                "location": f"site{i % 500:03d}",
                "datetime": f"2021-{i // 86400 % 12 + 1:02d}-01 {clock}",
                "seq_id": f"seq-{i // 3:012d}",
                "seq_num_frames": 3,
                "frame_num": i % 3,
            }
            file.write((", " if i else "") + json.dumps(image))
        file.write('], "annotations": [')
        for i in range(n_images):
            annotation = {
                "id": f"ann-{i:012d}",
                "image_id": f"5a0e1b2c-{i:012d}",
                "category_id": i % 2,
                "bbox": [i % 1000, 20.25, 100.0, 50.5],
            }
            file.write((", " if i else "") + json.dumps(annotation))
        file.write("]}")


def main() -> None:
    """Make the file, read it in another process, and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-images", type=int, default=1_000_000)
    n_images = parser.parse_args().n_images
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.json"
        start = time.perf_counter()
        make_coco(path, n_images)
        size_mb = round(path.stat().st_size / 1e6)
        print(f"made {size_mb} MB in {time.perf_counter() - start:.0f} s", file=sys.stderr)
        done = subprocess.run([sys.executable, "-c", READ, str(path)], check=True, capture_output=True, text=True)
    about = {"n_images": n_images, "file_mb": size_mb, "n_cores": os.cpu_count()}
    print(json.dumps(about | json.loads(done.stdout)))


if __name__ == "__main__":
    main()
