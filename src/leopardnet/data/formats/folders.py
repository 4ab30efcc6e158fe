"""Labels from folders: footage sorted into one folder for each label."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.footage.footage_suffixes import kind_by_suffix
from leopardnet.data.reading.folder_pattern import FolderPattern, find_site_level, site_pattern
from leopardnet.data.reading.label_ids import make_label_map, note_ids
from leopardnet.data.reading.label_map import LabelMap, OnUnknown
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.to_manifest import ImportResult, LabelRules, assemble, list_counts
from leopardnet.data.scan.list_files import list_footage

SHOWN_SITES = 5
_PARTS = {"train", "training", "val", "valid", "validation", "test", "testing"}


def read_folders(
    source: Path,
    *,
    root: Path | None = None,
    label_level: int = 1,
    label_map: LabelMap | None = None,
    on_unknown: OnUnknown = "refuse",
    site_from: str | None = None,
    strict: bool = False,
) -> ImportResult:
    """Read the manifest of all footage below `source`, labelled by folder names.

    `label_level` counts folders below `source`: 1 is the top one, -1 the one that holds the file. A file in fewer
    folders has no label; it is counted as a problem, and with `strict` refused. If `site_from` holds `{label}`,
    the pattern names the label instead, also of files that lie above the folders of its other parts. Paths are
    relative to `root` (default: `source`), which must hold `source`.

    Raises ConfigError for a label level of 0, and for a source outside the root.

    >>> ln.read_folders(Path("sorted"), site_from="{label}/{site}/*").manifest  # doctest: +SKIP
    """
    source = Path(source)
    root = source if root is None else Path(root)
    if label_level == 0 or not source.resolve().is_relative_to(root.resolve()):
        raise ConfigError(
            "the label level is 0" if label_level == 0 else "the folder is not inside the root",
            where="label_level" if label_level == 0 else "root",
            expected="1 for the top folder, -1 for the one that holds the file" if label_level == 0 else source,
        )
    files = list_footage(source)
    above = source.resolve().relative_to(root.resolve()).as_posix()
    prefix = "" if above == "." else above + "/"
    pattern = FolderPattern.parse(site_from).cut_below("label") if site_from and "{label}" in site_from else None
    names = [_find_label(p, label_level, pattern, prefix + p) for p in files.sizes]
    problems = Problems(strict=strict)
    for path in (p for p, name in zip(files.sizes, names, strict=True) if not name):
        expected = f"a path like {site_from}" if pattern else f"a folder of a label at level {label_level}"
        error = ManifestError("a file is in no folder of a label", where=prefix + path, expected=expected)
        problems.add(error, source.resolve().name, prefix + path, outcome="kept without a label")
    others = list_counts(Counter(files.other_files))
    notes = [f"files other than footage, left out: {others}"] * bool(others)
    notes += [f"hidden and system files and folders left out: {files.n_system_files}"] * bool(files.n_system_files)
    notes += [f"links to footage that is listed by its own name: {files.n_links}"] * bool(files.n_links)
    columns = {"path": [prefix + p for p in files.sizes], "kind": [kind_by_suffix(p) for p in files.sizes]}
    rules = LabelRules(label_map, on_unknown, site_from)
    return assemble(
        columns,
        names,
        root=root,
        rules=rules,
        source=f"folders {source.resolve().name}",
        where=source.resolve().name,
        notes=notes,
        problems=problems,
    )


def read_labelled_folder(folder: Path, *, site_from: str | None = None) -> ImportResult:
    """Read the footage of a folder with one subfolder per label.

    Sites are those of the folder pattern `site_from`; without it, those of a level of folders that stand under
    several labels (`find_site_level`), which a note shows, or else unknown. Names for one of the program's own
    labels (`blank`, `Panthera pardus`) become that label; other names are kept, as ids in small letters with
    underscores. Footage outside the subfolders has no label. Raises ManifestError where there are fewer than two
    subfolders, or a name cannot be a label.

    >>> ln.read_labelled_folder(Path("pictures")).manifest  # doctest: +SKIP
    """
    names = sorted(p.name for p in Path(folder).iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(names) < 2:
        raise ManifestError(
            "the folder has one subfolder, and to tell labels apart takes two or more"
            if names
            else "the folder has no subfolders to take labels from",
            where=Path(folder).name,
            found=", ".join(names) or "none",
            expected="one subfolder for each label, such as leopard/, tiger/ and empty/",
            todo="sort the pictures into folders, or give a manifest (`leopardnet import --help`)",
        )
    if set(map(str.casefold, names)) <= _PARTS:
        raise ManifestError(
            "these folders are the parts of a split, not labels",
            where=Path(folder).name,
            found=", ".join(names),
            expected="one subfolder for each label, such as leopard/, tiger/ and empty/",
            todo="import them with `leopardnet import folders FOLDER --label-level 2`, then split by site",
        )
    label_map, notes = make_label_map(names), list[str]()
    if site_from is None and (level := find_site_level(list_footage(Path(folder)).sizes)):
        site_from = site_pattern(level[0])
        shown = ", ".join(level[1][:SHOWN_SITES]) + (", …" if len(level[1]) > SHOWN_SITES else "")
        notes.append(
            f"folders of level {level[0]} stand under several labels and are taken for sites ({shown}); "
            f"if they are none, or the sites are elsewhere, say so with --site-from, here {site_from}"
        )
    found = read_folders(folder, label_map=label_map, site_from=site_from)
    ids = note_ids({n: str(label_map.label(n)) for n in names})
    return ImportResult(found.manifest, (*found.notes, *notes, *ids), found.problems)


def _find_label(path: str, level: int, pattern: FolderPattern | None, full_path: str) -> tuple[str, ...]:
    if pattern is not None:
        found = (pattern.match(full_path) or {}).get("label")
        return (found,) if found else ()
    folders = path.split("/")[:-1]
    i = level - 1 if level > 0 else len(folders) + level
    return (folders[i],) if 0 <= i < len(folders) else ()
