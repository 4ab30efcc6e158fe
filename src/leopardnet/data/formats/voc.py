"""Pascal VOC: one XML file for each picture, as in the NTLNP set, read with a hardened parser, and written."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, ParseError, SubElement, indent

from leopardnet.core.boxes import convert_box, format_boxes, parse_boxes, round_box
from leopardnet.core.errors import ManifestError
from leopardnet.core.footage_suffixes import STILL_SUFFIXES
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import atomic_path
from leopardnet.data.reading.label_map import LabelMap, OnUnknown, rows
from leopardnet.data.reading.to_manifest import (
    ImportResult,
    LabelRules,
    assemble,
    names_of,
    refuse_twice,
    single_files,
)
from leopardnet.data.scan.list_files import list_footage

MAX_XML_BYTES = 16 * 2**20
XML_FOLDERS, PICTURE_FOLDERS = ("annotations", "annotation", "xml", "labels"), ("JPEGImages", "images", "Images")
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_voc(
    source: Path,
    *,
    root: Path,
    label_map: LabelMap | None = None,
    on_unknown: OnUnknown = "refuse",
    site_from: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportResult:
    """The manifest of all XML files below `source` (or of one): a row for each, boxes in pixels as written.

    The picture of an XML file is the one with its stem: beside it, in the folder JPEGImages or images that stands
    for Annotations, or anywhere under the root if only one has that stem; else the one that `filename` names. A
    picture that is not there is still a row, for `check` to find. An XML file without an object is an explicit
    "nothing here" and gets the name empty. The element `path`, from the annotator's computer, is not used.

    Raises ManifestError with the file for broken XML, entities, and boxes that are no numbers.
    """
    source, root = Path(source), Path(root)
    files = _xml_files(source)
    pictures = _Pictures(root, files)
    found: list[tuple[str, str, _Annotation]] = []
    for i, file in enumerate(files):
        where = file.relative_to(source).as_posix() if file != source else file.name
        annotation = _read_xml(file, where)
        found.append((where, pictures.of(file, annotation.filename, where), annotation))
        if on_progress:
            on_progress(i + 1, len(files))
    refuse_twice([path for _, path, _ in found], lambda i: found[i][0], what="a picture")
    annotations = [a for _, _, a in found]
    names = [tuple(dict.fromkeys(b["label"] for b in a.boxes)) or ("empty",) for a in annotations]
    columns = {
        "path": [path for _, path, _ in found],
        "kind": ["still"] * len(found),
        "width_px": [a.width_px for a in annotations],
        "height_px": [a.height_px for a in annotations],
        "boxes": [format_boxes(a.boxes) if a.boxes else None for a in annotations],
        "box_unit": ["px" if a.boxes else None for a in annotations],
    }
    rules = LabelRules(label_map, on_unknown, site_from)
    return assemble(
        columns,
        names,
        root=root,
        rules=rules,
        source=f"voc {source.name}",
        where=source.name,
        notes=_notes(annotations, pictures.counts),
    )


def _notes(annotations: Iterable[_Annotation], counts: Counter[str]) -> list[str]:
    n_bare = sum(not a.boxes for a in annotations)
    n_sizeless = sum(a.width_px is None for a in annotations)
    notes = [f"{rows(n_bare)} without an object, read as empty"] * bool(n_bare)
    notes += [f"{rows(n_sizeless)} without a usable picture size"] * bool(n_sizeless)
    return notes + [f"{rows(n)} {what}" for what, n in counts.items()]


def _xml_files(source: Path) -> list[Path]:
    files = [source] if source.is_file() else sorted(f for f in source.rglob("*.xml") if not f.name.startswith("."))
    if not files:
        raise ManifestError(
            "there are no XML files",
            where=source,
            found="nothing" if not source.exists() else "a folder without any",
            expected="one .xml file for each picture",
        )
    return files


# --- one file ---


@dataclass(frozen=True)
class _Annotation:
    """What one XML file says."""

    filename: str
    width_px: int | None
    height_px: int | None
    boxes: list[dict[str, Any]]


def _read_xml(file: Path, where: str) -> _Annotation:
    tree = _parse(file, where)
    if tree.tag != "annotation":
        raise ManifestError(
            "this XML is no Pascal VOC annotation", where=where, found=f"<{tree.tag}>", expected="<annotation>"
        )
    size = [_size(tree.findtext(f"size/{k}")) for k in ("width", "height")]
    if None in size:
        size = [None, None]
    filename = (tree.findtext("filename") or "").strip().replace("\\", "/").rpartition("/")[2]
    return _Annotation(
        filename,
        size[0],
        size[1],
        [_box(o, f"{where}, object {i + 1}") for i, o in enumerate(tree.iterfind("object"))],
    )


def _parse(file: Path, where: str) -> Element:
    """The root element. Document types and entities are refused: they can read files and fill the memory."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    data = file.read_bytes() if file.stat().st_size <= MAX_XML_BYTES else None
    if data is None:
        raise ManifestError("an XML file is far too large", where=where, expected=f"at most {MAX_XML_BYTES} bytes")
    try:
        root: Element = fromstring(_decoded(data), forbid_dtd=True)
        return root
    except DefusedXmlException as error:
        raise ManifestError(
            "an XML file holds a document type or entities",
            where=where,
            found=type(error).__name__,
            expected="plain elements",
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        raise ManifestError(
            "an XML file is broken", where=where, found=str(error)[:120], todo="export or fetch it again"
        ) from None


def _decoded(data: bytes) -> bytes | str:
    """Text without its declaration where the parser does not know the encoding, as with GBK from Chinese tools."""
    declared = re.match(rb"""\s*<\?xml[^>]*?encoding=["']([\w.-]+)["'][^>]*\?>""", data)
    if declared is None or declared[1].lower() in (b"utf-8", b"utf-16", b"us-ascii", b"iso-8859-1"):
        return data
    return data[declared.end() :].decode(declared[1].decode("ascii"))


def _size(text: str | None) -> int | None:
    try:
        value = int(float(text or 0))
    except (ValueError, OverflowError):
        return None
    return value if value > 0 else None


def _box(obj: Element, where: str) -> dict[str, Any]:
    name = (obj.findtext("name") or "").strip()
    texts = [obj.findtext(f"bndbox/{c}") for c in CORNERS]
    try:
        box = [float(t or "") for t in texts]
    except ValueError:
        box = [math.nan]
    if not name or not all(map(math.isfinite, box)):
        raise ManifestError(
            "an object cannot be used",
            where=where,
            found=f"name {name!r}, box {texts}",
            expected="a name, and xmin, ymin, xmax, ymax as finite numbers",
        )
    return {"xyxy": round_box(box), "label": name}


# --- which picture ---


class _Pictures:
    """Finds the picture of an XML file under the root, and counts the odd cases."""

    def __init__(self, root: Path, xml_files: list[Path]) -> None:
        self.root = root.resolve()
        self.counts: Counter[str] = Counter()
        try:
            stills = [p for p in list_footage(root).sizes if PurePosixPath(p).suffix.lower() in STILL_SUFFIXES]
        except ManifestError:
            if not root.is_dir():
                raise
            stills = []  # labels without pictures are a manifest all the same; `check` finds what is missing
        self.paths = set(stills)
        self.by_stem: dict[str, list[str]] = defaultdict(list)
        self.by_name: dict[str, list[str]] = defaultdict(list)
        for p in stills:
            self.by_stem[PurePosixPath(p).stem].append(p)
            self.by_name[PurePosixPath(p).name].append(p)
        for file in xml_files[:1]:
            self._folder(file)  # a source outside the root is a mistake to say once, first

    def of(self, file: Path, filename: str, where: str) -> str:
        """The relative path of the picture that belongs to an XML file."""
        folders = self._places(self._folder(file))
        stem = file.stem
        for folder in folders:
            beside = [p for p in self.by_stem.get(stem, []) if str(PurePosixPath(p).parent) == folder]
            if len(beside) == 1:
                return self._found(beside[0], filename)
        for group in (self.by_stem.get(stem, []), self.by_name.get(filename, [])):
            if len(group) > 1:
                raise ManifestError(
                    "several pictures could belong to one XML file",
                    where=where,
                    found=", ".join(group[:3]),
                    expected="one",
                    todo="import each folder by itself, with its own --root",
                )
            if group:
                return self._found(group[0], filename)
        self.counts["with pictures that are not under the root"] += 1
        suffix = PurePosixPath(filename).suffix
        name = stem + (suffix if suffix.lower() in STILL_SUFFIXES else ".jpg")
        return name if folders[0] == "." else f"{folders[0]}/{name}"

    def _found(self, path: str, filename: str) -> str:
        if filename and PurePosixPath(path).name != filename:
            self.counts["where the element filename names another file than the one found"] += 1
        return path

    def _folder(self, file: Path) -> PurePosixPath:
        folder = file.resolve().parent
        if not folder.is_relative_to(self.root):
            raise ManifestError(
                "the XML files do not lie under the root",
                where=file.name,
                expected="a root that holds XML files and pictures",
                todo="give the folder above both as --root",
            )
        return PurePosixPath(folder.relative_to(self.root).as_posix())

    def _places(self, folder: PurePosixPath) -> list[str]:
        """Folders to look in: those that stand for the folder of annotations, then the folder itself."""
        parts = folder.parts
        at = next((i for i in reversed(range(len(parts))) if parts[i].lower() in XML_FOLDERS), None)
        swapped = (
            [] if at is None else [str(PurePosixPath(*parts[:at], p, *parts[at + 1 :])) for p in PICTURE_FOLDERS]
        )
        known = [f for f in swapped if (self.root / f).is_dir()]
        return [*known, str(folder), *swapped[:1]] if known or at is None else [swapped[0], str(folder)]


# --- writing ---


def write_voc(manifest: Manifest, out: Path) -> Path:
    """The folder `out`, after writing one XML file for each still to `out/Annotations`, beside the paths' folders.

    `read_voc(out, root=…)` finds the pictures again where `Annotations` in a path stands for `JPEGImages`: a picture
    `JPEGImages/a/1.jpg` goes to `Annotations/a/1.xml`, any other `a/1.jpg` to `a/1.xml`.

    Raises ManifestError for a label without a box (VOC cannot say it), a picture without label and box that is not
    named empty, and two pictures with one stem.
    """
    entries = single_files(manifest, kinds=("still",), format_name="Pascal VOC")
    targets = [_target(row["path"]) for row in entries]
    refuse_twice(targets, lambda i: entries[i]["path"], what="an XML file")
    trees = [_tree(row) for row in entries]
    for target, tree in zip(targets, trees, strict=True):
        with atomic_path(Path(out) / target) as part:
            ElementTree(tree).write(part, encoding="utf-8", xml_declaration=True)
    return Path(out)


def _target(path: str) -> PurePosixPath:
    parts = list(PurePosixPath(path).parts)
    if "JPEGImages" in parts[:-1]:
        parts[parts.index("JPEGImages")] = "Annotations"
    return PurePosixPath(*parts).with_suffix(".xml")


def _tree(row: Mapping[str, Any]) -> Element:
    names, boxes = names_of(row), parse_boxes(row["boxes"])
    boxed = [(b.get("label") or (names[0] if len(names) == 1 else ""), b) for b in boxes]
    lacking = [n for n in names if n != "empty" and n not in {name for name, _ in boxed}]
    if lacking or (not boxes and names != ("empty",)) or any(not name for name, _ in boxed):
        raise ManifestError(
            "Pascal VOC cannot say this row",
            where=row["path"],
            found=f"{lacking[0]} without a box"
            if lacking
            else "a box without a name"
            if boxes
            else "neither label nor box",
            expected="a box for every name, or the label empty",
            todo="write COCO or CSV, which carry labels without boxes",
        )
    tree = Element("annotation")
    SubElement(tree, "filename").text = PurePosixPath(row["path"]).name
    size = SubElement(tree, "size")
    for key, value in (("width", row["width_px"]), ("height", row["height_px"]), ("depth", 3)):
        SubElement(size, key).text = str(value or 0)
    for name, box in boxed:
        obj = SubElement(tree, "object")
        SubElement(obj, "name").text = name
        xyxy = convert_box(
            box["xyxy"],
            row["box_unit"],
            "px",
            width_px=row["width_px"],
            height_px=row["height_px"],
            where=row["path"],
        )
        corners = SubElement(obj, "bndbox")
        for corner, value in zip(CORNERS, xyxy, strict=True):
            SubElement(corners, corner).text = str(int(value)) if value == int(value) else repr(value)
    indent(tree)
    return tree
