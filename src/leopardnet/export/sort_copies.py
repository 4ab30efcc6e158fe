"""Copies of clips in folders by what is said of them. Nothing is ever moved, changed or overwritten."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from leopardnet.core.errors import ConfigError, MediaError
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import atomic_path
from leopardnet.export.outgoing import select_outgoing
from leopardnet.export.outgoing_clips import SharedClip, clips_of
from leopardnet.media.decode import resolve_path

SPARE_BYTES = 200_000_000  # left free on the disk
ALREADY, OTHER = "already there", "another file of this name is there, and stays"


@dataclass(frozen=True)
class Plan:
    """Which file goes where: copies as (path under the root, path under the new folder), and what is not copied, by reason."""

    root: Path
    out: Path
    copies: tuple[tuple[str, str], ...]
    n_bytes: int
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def folders(self) -> dict[str, int]:
        """Files to copy, by folder."""
        return dict(Counter(target.split("/")[0] for _, target in self.copies).most_common())


def plan(predictions: Predictions, manifest: Manifest, out: Path, *, include_people: bool = False) -> Plan:
    """What sorting would copy. Nothing is written.

    A clip goes into the folder of its decision, under its own path. Where a target label is suspected in a clip that was
    called something else, the folder is `look_first_<label>`. Raises ConfigError where the new folder lies in the footage.
    """
    root, out = Path(manifest.root), Path(out)
    if out.resolve().is_relative_to(root.resolve()):
        raise ConfigError(
            "the new folder lies in the footage",
            where="--out",
            found=out,
            expected="a folder beside it",
            todo="otherwise the copies would be found as clips by the next scan",
        )
    parcel = select_outgoing(predictions, manifest=manifest, include_people=include_people)
    copies, reasons, n_bytes = list[tuple[str, str]](), Counter(parcel.reasons), 0
    for clip in clips_of(parcel):
        for path in clip.files:
            target = f"{folder_of(clip)}/{path}"
            try:
                source = resolve_path(root, path)
            except MediaError as error:
                reasons[error.what] += 1
                continue
            if (out / target).exists() or (out / target).is_symlink():
                reasons[ALREADY if _same(source, out / target) else OTHER] += 1
                continue
            copies.append((path, target))
            n_bytes += source.stat().st_size
    return Plan(root, out, tuple(copies), n_bytes, dict(reasons))


def folder_of(clip: SharedClip) -> str:
    """The folder of a clip: a plain name, whatever the label is called."""
    decision, suspected = clip.said["decision"], clip.said["alert"]
    name = decision if suspected in (None, decision) else f"look_first_{suspected}"
    return re.sub(r"[^\w-]+", "_", name).strip("_") or "other"


def carry_out(plan: Plan, *, on_progress: Callable[[int, int], None] | None = None) -> int:
    """How many files were copied. Each is whole before it takes its name, and takes no name that is taken.

    Raises ConfigError where the disk has too little room for all.
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
    """Whether the file was copied: not where a file of this name has appeared since the plan was made."""
    whole = target.with_name(f".{target.name}.{os.getpid()}.copy")
    with atomic_path(whole) as part:
        shutil.copyfile(source, part)
    shutil.copystat(source, whole)
    try:
        if hasattr(os, "link"):
            try:
                os.link(whole, target)  # fails where the name is taken, in one step
                return True
            except FileExistsError:
                return False
            except OSError:
                pass  # a card without links
        if target.exists():
            return False
        whole.replace(target)
        return True
    finally:
        whole.unlink(missing_ok=True)


def _same(a: Path, b: Path) -> bool:
    if not b.is_file() or a.stat().st_size != b.stat().st_size:
        return False
    with a.open("rb") as left, b.open("rb") as right:
        return hashlib.file_digest(left, "sha256").digest() == hashlib.file_digest(right, "sha256").digest()
