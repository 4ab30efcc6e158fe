"""Small manifests with pictures, and the findings of a check, for the tests of data/checks."""

import shutil
from datetime import datetime

import numpy as np
import pandas as pd
from PIL import Image

from leopardnet.core.manifest import Manifest
from leopardnet.data.checks.check import check

NOW = datetime(2024, 6, 1)


def scene(seed, *, grey=False, size=(160, 120)):
    """A picture of coloured blots, the same for a seed and unlike for every other."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (8, 10, 3), np.uint8)
    image = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
    return image.convert("L").convert("RGB") if grey else image


def save(root, path, image, **options):
    full = root / path
    full.parent.mkdir(parents=True, exist_ok=True)
    image.save(full, **options)


def table(root, rows):
    return Manifest.from_rows(pd.DataFrame(rows).assign(kind=[r.get("kind", "still") for r in rows]), root)


def found(manifest, rule, **options):
    """Position of the row, from 1, and message of each finding of this rule; `row` counts the header, too."""
    findings = check(manifest, now=NOW, **options)
    mine = findings[findings["rule"] == rule]
    return [(None if pd.isna(r) else int(r) - 1, m) for r, m in zip(mine["row"], mine["message"], strict=True)]


def rules(manifest, **options):
    return set(check(manifest, now=NOW, **options)["rule"])


def with_copies(tmp_path):
    save(tmp_path, "a/1.png", scene(1))
    (tmp_path / "b").mkdir()
    shutil.copy(tmp_path / "a/1.png", tmp_path / "b/2.png")
    save(tmp_path, "c/3.jpg", scene(1).resize((80, 60)), quality=70)
    save(tmp_path, "d/4.png", scene(2))
    return [{"path": p, "site": p[0], "label": "tiger"} for p in ("a/1.png", "b/2.png", "c/3.jpg", "d/4.png")]
