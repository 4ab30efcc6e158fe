"""YOLO: data.yaml, lists or folders of pictures, and one text file of boxes for each picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from leopardnet.core.boxes import format_boxes
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import EMPTY
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import atomic_path
from leopardnet.data.formats.label_boxes import label_boxes
from leopardnet.data.formats.yolo_text_files import TextFiles, label_path, read_lines
from leopardnet.data.formats.yolo_yaml import SPLIT_KEYS, Description, read_description
from leopardnet.data.reading.label_map import JOINER, LabelMap, OnUnknown
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.to_manifest import (
    ImportResult,
    LabelRules,
    RelativePaths,
    assemble,
    footage_kind,
    nfc,
    refuse_twice,
    single_files,
)
from leopardnet.data.scan.list_files import list_footage


def read_yolo(
    source: Path,
    *,
    root: Path,
    label_map: LabelMap | None = None,
    on_unknown: OnUnknown = "refuse",
    site_from: str | None = None,
    negatives: Path | None = None,
    strict: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportResult:
    """Read the manifest of the pictures that a data.yaml names, with their boxes as fractions and their splits.

    The boxes of `images/a/1.jpg` are in `labels/a/1.txt`; those of a path without `images` are beside it. A picture
    is empty if its text file exists and holds nothing, or if the text file `negatives` lists its path. A picture
    without a text file has no label, because it may never have been annotated.

    A line with a class that data.yaml does not name, or with a box that is not numbers, is left out and counted,
    and its picture has no label; with `strict` it is refused. Raises ManifestError where no line can be used, and
    for pictures outside the root.

    >>> ln.read_yolo(Path("data.yaml"), root=Path(".")).manifest  # doctest: +SKIP
    """
    source, root = Path(source), Path(root)
    labels = TextFiles(root, Problems(strict=strict))
    config = read_description(source / "data.yaml" if source.is_dir() else source)
    pictures = _list_pictures(config, root)
    listed = _read_negatives(negatives, root)
    boxes = [labels.read(p, config.names) for p in pictures]
    if labels.problems.first is not None and not any(boxes):
        raise labels.problems.first
    state = _Notes()
    names = [
        tuple(dict.fromkeys(b["label"] for b in found or ()))
        if p in labels.unsure
        else state.find_names(p, found, p in listed)
        for p, found in zip(pictures, boxes, strict=True)
    ]
    if on_progress:
        on_progress(len(pictures), len(pictures))
    left = sorted(listed - set(pictures))
    if left:
        raise ManifestError(
            "a negative is not among the pictures",
            where=negatives and Path(negatives).name,
            found=f"{left[0]} ({len(left)} in all)",
            expected="paths that data.yaml names",
        )
    columns = {
        "path": list(pictures),
        "kind": ["still"] * len(pictures),
        "split": list(pictures.values()),
        "boxes": [format_boxes(b) if b else None for b in boxes],
        "box_unit": ["fraction" if b else None for b in boxes],
    }
    rules = LabelRules(label_map, on_unknown, site_from)
    return assemble(
        columns,
        [() if p in labels.unsure else n for p, n in zip(pictures, names, strict=True)],
        species=[JOINER.join(n) or None for n in names],
        root=root,
        rules=rules,
        source=f"yolo {config.file.name}",
        where=config.file.name,
        notes=state.sentences(),
        problems=labels.problems,
    )


class _Notes:
    """Counts pictures without boxes, by what their text files state."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def find_names(self, path: str, boxes: list[dict[str, Any]] | None, is_negative: bool) -> tuple[str, ...]:
        """Return the names of what a picture shows. Raises ManifestError for a negative with boxes."""
        if boxes and is_negative:
            raise ManifestError(
                "a picture is listed as a negative but has boxes",
                where=path,
                found=boxes[0]["label"],
                expected="no boxes",
            )
        if boxes:
            return tuple(dict.fromkeys(b["label"] for b in boxes))
        if boxes is None and not is_negative:
            self.counts["rows without a text file, not taken as empty (list true negatives with --negatives)"] += 1
            return ()
        listed, no_box = "rows listed as negatives, read as empty", "rows with an empty text file, read as empty"
        self.counts[listed if is_negative else no_box] += 1
        return (EMPTY,)

    def sentences(self) -> list[str]:
        """Return one sentence for each count."""
        return [f"{what}: {n}" for what, n in self.counts.items()]


# --- pictures ---


def _list_pictures(config: Description, root: Path) -> dict[str, str | None]:
    """Return the split of each picture, by its path relative to the root."""
    relative = RelativePaths(root)
    found: list[tuple[str, str | None]] = []
    for split, entry in config.splits:
        target = _resolve(config, entry)
        where = f"{config.file.name}, {split or 'images'}: {entry}"
        if target.is_dir():
            is_root = target.resolve() == root.resolve()
            above = "" if is_root else relative(target.resolve().as_posix() + "/.", where=where) + "/"
            paths = [above + p for p in list_footage(target).sizes]
        elif target.is_file():
            paths = [_resolve_line(line, n, target, config, root, relative) for n, line in read_lines(target)]
        else:
            raise ManifestError(
                "data.yaml names pictures that do not exist", where=where, expected="a folder or a list of pictures"
            )
        for path in paths:
            _check_still(path, where)
        found += [(p, split) for p in paths]
    refuse_twice(
        [nfc(p) for p, _ in found], lambda i: f"{config.file.name}, {found[i][1]}: {found[i][0]}", what="a picture"
    )
    return dict(found)


def _check_still(path: str, where: str) -> None:
    if footage_kind(path, where=where) == "video":
        raise ManifestError(
            "YOLO holds pictures only, but here is a video",
            where=where,
            found=path,
            expected="stills",
            todo="move videos out of the folders of pictures, and scan them separately",
        )


def _resolve(config: Description, entry: str) -> Path:
    """Return the place of a split. Some tools write `../train/images` for a folder beside data.yaml."""
    entry = entry.replace("\\", "/")
    target = config.base / entry
    inside = config.base / entry.removeprefix("../")
    return inside if not target.exists() and inside.exists() else target


def _resolve_line(line: str, n: int, file: Path, config: Description, root: Path, relative: RelativePaths) -> str:
    """Return a path of a list, which is relative to the base folder or to the root."""
    where = f"{file.name}, line {n}"
    plain = line.replace("\\", "/").removeprefix("./")
    joined = (config.base / plain).resolve()
    if not PurePosixPath(plain).is_absolute() and not joined.is_relative_to(root.resolve()):
        return relative(plain, where=where)
    return relative(line if PurePosixPath(plain).is_absolute() else joined.as_posix(), where=where)


def _read_negatives(file: Path | None, root: Path) -> set[str]:
    if file is None:
        return set()
    relative = RelativePaths(root)
    if not Path(file).is_file():
        raise ManifestError(
            "there is no such list of negatives", where=file, expected="a text file with one path per line"
        )
    return {relative(line, where=f"{Path(file).name}, line {n}") for n, line in read_lines(Path(file))}


# --- writing ---


def write_yolo(manifest: Manifest, out: Path) -> Path:
    """Write data.yaml, text files, and a list of pictures for each split to `out`; return the path of data.yaml.

    Pictures are not copied: the lists name their paths relative to `out`, so `out` is the root of the footage or
    gets a copy of it. Rows without a split are in train. A row labelled empty gets an empty text file, and a row
    without label and box gets none.

    Raises ManifestError for a label without a box, which YOLO cannot hold, and for an unknown split.
    """
    import yaml

    out = Path(out)
    entries = single_files(manifest, kinds=("still",), format_name="YOLO")
    refuse_twice([label_path(r["path"]) for r in entries], lambda i: entries[i]["path"], what="a text file")
    boxes = [label_boxes(row, "fraction", format_name="YOLO") for row in entries]
    names = sorted({n for group in boxes for n, _ in group or ()})
    splits = {s: [r["path"] for r in entries if (r["split"] or "train") == s] for s in _find_splits(entries)}
    texts = {
        label_path(r["path"]): _format_lines(b, names) for r, b in zip(entries, boxes, strict=True) if b is not None
    }
    texts |= {f"{split}.txt": "".join(f"./{p}\n" for p in paths) for split, paths in splits.items()}
    config = {"names": dict(enumerate(names or ["animal"])), **{split: f"{split}.txt" for split in splits}}
    texts["data.yaml"] = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    for path, text in texts.items():
        with atomic_path(out / path) as part:
            part.write_text(text, encoding="utf-8", newline="")
    return out / "data.yaml"


def _find_splits(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    splits = sorted({row["split"] or "train" for row in entries})
    unknown = [s for s in splits if s not in SPLIT_KEYS.values()]
    if unknown:
        raise ManifestError("YOLO has no split of this name", found=unknown[0], expected="train, val, test")
    return splits


def _format_lines(boxes: Iterable[tuple[str, list[float]]], names: list[str]) -> str:
    lines = []
    for name, (x0, y0, x1, y1) in boxes:
        values = ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0)
        lines.append(" ".join([str(names.index(name)), *(f"{v:.9f}" for v in values)]) + "\n")
    return "".join(lines)
