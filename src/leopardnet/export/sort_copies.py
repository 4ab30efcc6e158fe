"""Copies of clips in folders by decision. Nothing is ever moved, changed or overwritten."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from leopardnet.core.errors import ConfigError, MediaError
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import MAX_NAME, atomic_path
from leopardnet.export.corrections import Corrections
from leopardnet.export.outgoing import select_outgoing
from leopardnet.export.outgoing_clips import OutgoingClip, read_clips
from leopardnet.media.decode import resolve_path

SPARE_BYTES = 200_000_000  # left free on the disk
ALREADY, OTHER = "already there", "another file of this name exists and is kept"


@dataclass(frozen=True)
class Plan:
    """The copies to make, as (path under root, path under out), and the files not copied, counted by reason."""

    root: Path
    out: Path
    copies: tuple[tuple[str, str], ...]
    n_bytes: int
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def folders(self) -> dict[str, int]:
        """The number of files to copy into each folder, highest first."""
        return dict(Counter(target.split("/")[0] for _, target in self.copies).most_common())


def plan_copies(
    predictions: Predictions,
    manifest: Manifest,
    out: Path,
    *,
    said: Corrections | None = None,
    include_people: bool = False,
) -> Plan:
    """Return what sorting would copy, and write nothing.

    A clip goes into the folder of its decision, under its own path. A clip in which another target label is
    suspected goes into `look_first_<label>`, one for each; it stays in the folder of its decision only where that
    is a suspected target too. A clip of several species, from a model with independent labels, goes into the folder
    of each. said: what people said of clips and sounds; it changes no folder, and a clip in which one saw or heard
    people is left out. Raises ConfigError where the new folder lies in the footage.

    >>> ln.plan_copies(predictions, manifest, Path("sorted"))  # doctest: +SKIP
    """
    root, out = Path(manifest.root), Path(out)
    if out.resolve().is_relative_to(root.resolve()):
        raise ConfigError(
            "the new folder lies inside the footage",
            where="--out",
            found=out,
            expected="a folder beside it",
            todo="choose another folder; the next scan would take the copies for clips",
        )
    outgoing = select_outgoing(predictions, manifest=manifest, corrections=said, include_people=include_people)
    copies, reasons, n_bytes = list[tuple[str, str]](), Counter(outgoing.reasons), 0
    for clip in read_clips(outgoing):
        for folder, path in product(folder_names(clip), clip.files):
            target = f"{folder}/{path}"
            try:
                source = resolve_path(root, path)
            except MediaError as error:
                reasons[error.what] += 1
                continue
            if (out / target).exists() or (out / target).is_symlink():
                reasons[ALREADY if _have_same_bytes(source, out / target) else OTHER] += 1
                continue
            copies.append((path, target))
            n_bytes += source.stat().st_size
    return Plan(root, out, tuple(copies), n_bytes, dict(reasons))


def folder_names(clip: OutgoingClip) -> list[str]:
    """Return the folders of a clip: safe names for any label."""
    suspected = [f"look_first_{x}" for x in clip.unnamed_alerts]
    is_named = not suspected or not set(clip.names).isdisjoint(clip.alerts)
    names = (*(clip.names if is_named else ()), *suspected)
    return [re.sub(r"[^\w-]+", "_", name).strip("_") or "other" for name in names]


def copy_files(plan: Plan, *, on_progress: Callable[[int, int], None] | None = None) -> int:
    """Copy the files and return their number. Each is complete before it gets its name; none replaces a file.

    Raises ConfigError where the disk has too little room for all of them.

    >>> ln.copy_files(ln.plan_copies(predictions, manifest, Path("sorted")))  # doctest: +SKIP
    212
    """
    place = next(p for p in (plan.out.resolve(), *plan.out.resolve().parents) if p.exists())
    free = shutil.disk_usage(place).free
    if plan.n_bytes + SPARE_BYTES > free:
        raise ConfigError(
            "there is too little room for the copies",
            where="--out",
            found=f"{free / 1e9:.1f} GB free",
            expected=f"{(plan.n_bytes + SPARE_BYTES) / 1e9:.1f} GB",
        )
    n = 0
    for i, (path, target) in enumerate(plan.copies):
        n += _copy(resolve_path(plan.root, path), plan.out / target)
        if on_progress:
            on_progress(i + 1, len(plan.copies))
    return n


def _copy(source: Path, target: Path) -> bool:
    """Copy a file, and return False where another file of this name has appeared since the plan was made."""
    complete = target.with_name(f".{target.name[:MAX_NAME]}.{os.getpid()}.copy")
    with atomic_path(complete) as part:
        shutil.copyfile(source, part)
    shutil.copystat(source, complete)
    try:
        if hasattr(os, "link"):
            try:
                os.link(complete, target)  # one step, which fails where the name is taken
                return True
            except FileExistsError:
                return False
            except OSError:
                pass  # the file system has no hard links
        if target.exists():
            return False
        complete.replace(target)
        return True
    finally:
        complete.unlink(missing_ok=True)


def _have_same_bytes(a: Path, b: Path) -> bool:
    if not b.is_file() or a.stat().st_size != b.stat().st_size:
        return False
    with a.open("rb") as left, b.open("rb") as right:
        return hashlib.file_digest(left, "sha256").digest() == hashlib.file_digest(right, "sha256").digest()
