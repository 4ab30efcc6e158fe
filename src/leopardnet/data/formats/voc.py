"""Pascal VOC: one XML file for each picture, as in the NTLNP set. Files are read with a hardened parser."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, ParseError, SubElement, indent

from leopardnet.core.boxes import format_boxes, round_box
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import EMPTY
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import atomic_path
from leopardnet.data.formats.label_boxes import label_boxes
from leopardnet.data.formats.voc_pictures import Pictures
from leopardnet.data.reading.label_map import JOINER, LabelMap, OnUnknown
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.to_manifest import ImportResult, LabelRules, assemble, refuse_twice, single_files

MAX_XML_BYTES = 16 * 2**20
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_voc(
    source: Path,
    *,
    root: Path,
    label_map: LabelMap | None = None,
    on_unknown: OnUnknown = "refuse",
    site_from: str | None = None,
    strict: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportResult:
    """Read the manifest of all XML files below `source` (or of one): a row for each, with boxes in pixels.

    The picture of an XML file is the one with its stem: beside it, in the folder JPEGImages or images that
    corresponds to Annotations, or anywhere under the root if it is the only one; else the one that `filename`
    names. A missing picture is a row too, which `check` finds. An XML file without an object states that the
    picture is empty. The element `path`, from the annotator's computer, is not used.

    A picture whose XML file is broken or holds entities, or that has two XML files of other names, has a row
    without a label. An object without a name or a box of numbers is left out, and so is an XML file that several
    pictures fit. All are counted, and with `strict` refused. Raises ManifestError where no XML
    file can be read.

    >>> ln.read_voc(Path("NTLNP"), root=Path("NTLNP")).manifest  # doctest: +SKIP
    """
    source, root, problems = Path(source), Path(root), Problems(strict=strict)
    files = _xml_files(source)
    pictures = Pictures(root, files)
    found: list[tuple[str, str, _Annotation]] = []
    for i, file in enumerate(files):
        where = file.relative_to(source).as_posix() if file != source else file.name
        annotation = _read_xml(file, where, problems)
        if annotation is not None:
            try:
                found.append((where, pictures.find(file, annotation.filename, where), annotation))
            except ManifestError as error:
                problems.add(error, where, "", outcome="left out")
        if on_progress:
            on_progress(i + 1, len(files))
    found = _join_repeats(found, problems)
    annotations = [a for _, _, a in found]
    if problems.first is not None and not any(a.is_read for a in annotations):
        raise problems.first
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
        [a.names if a.is_sure else () for a in annotations],
        species=[JOINER.join(a.names) or None for a in annotations],
        root=root,
        rules=rules,
        source=f"voc {source.name}",
        where=source.name,
        notes=_notes(annotations, pictures.counts),
        problems=problems,
    )


def _join_repeats(
    found: Sequence[tuple[str, str, _Annotation]], problems: Problems
) -> list[tuple[str, str, _Annotation]]:
    """Return the first of several XML files of a picture; it is not sure where another holds other names."""
    first = dict[str, tuple[str, str, _Annotation]]()
    for where, path, annotation in found:
        kept = first.setdefault(path, (where, path, annotation))
        if kept[2] is annotation:
            continue
        is_same = set(annotation.names) == set(kept[2].names)
        error = ManifestError(
            "a picture stands twice", where=f"{kept[0]} and {where}", found=repr(path), expected="each once"
        )
        problems.add(error, where, "", outcome="the first is used" if is_same else "its row has no label")
        is_sure = kept[2].is_sure and annotation.is_sure and is_same
        first[path] = (kept[0], path, replace(kept[2], is_sure=is_sure))
    return list(first.values())


def _notes(annotations: Iterable[_Annotation], counts: Counter[str]) -> list[str]:
    n_bare = sum(not a.boxes and a.names == (EMPTY,) for a in annotations)
    n_sizeless = sum(a.width_px is None and a.is_read for a in annotations)
    notes = [f"rows without an object, read as empty: {n_bare}"] * bool(n_bare)
    notes += [f"rows without a usable picture size: {n_sizeless}"] * bool(n_sizeless)
    return notes + [f"{what}: {n}" for what, n in counts.items()]


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
    """The content of one XML file. It is not sure if something in the picture has no name."""

    filename: str
    width_px: int | None
    height_px: int | None
    names: tuple[str, ...]
    boxes: list[dict[str, Any]]
    is_sure: bool = True
    is_read: bool = True


def _read_xml(file: Path, where: str, problems: Problems) -> _Annotation | None:
    """Return the content of an XML file; None where it is another kind of XML."""
    try:
        tree = _parse(file, where)
    except ManifestError as error:
        problems.add(error, where, "", outcome="its picture is kept without a label")
        return _Annotation("", None, None, (), [], is_sure=False, is_read=False)
    if tree.tag != "annotation":
        other = ManifestError(
            "this XML is not a Pascal VOC annotation", where=where, found=f"<{tree.tag}>", expected="<annotation>"
        )
        problems.add(other, where, "", outcome="left out")
        return None
    size = [_parse_size(tree.findtext(f"size/{k}")) for k in ("width", "height")]
    if None in size:
        size = [None, None]
    filename = (tree.findtext("filename") or "").strip().replace("\\", "/").rpartition("/")[2]
    names: list[str] = []
    boxes: list[dict[str, Any]] = []
    n_objects = 0
    for n_objects, element in enumerate(tree.iterfind("object"), start=1):
        name = (element.findtext("name") or "").strip()
        names += [name] * bool(name)
        try:
            boxes.append(_read_box(element, name, f"{where}, object {n_objects}"))
        except ManifestError as error:
            outcome = "kept without the box" if name else "left out, and its picture has no label"
            problems.add(error, where, f"object {n_objects}", outcome=outcome)
    distinct = tuple(dict.fromkeys(names)) if n_objects else (EMPTY,)
    return _Annotation(filename, size[0], size[1], distinct, boxes, is_sure=len(names) == n_objects)


def _parse(file: Path, where: str) -> Element:
    """Return the root element. Document types and entities are refused: they can read files and fill memory."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    if file.stat().st_size > MAX_XML_BYTES:
        raise ManifestError("an XML file is far too large", where=where, expected=f"at most {MAX_XML_BYTES} bytes")
    try:
        root: Element = fromstring(_decode(file.read_bytes()), forbid_dtd=True)
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
            "an XML file is broken", where=where, found=str(error)[:120], todo="export or download it again"
        ) from None


def _decode(data: bytes) -> bytes | str:
    """Decode an encoding that the parser does not know, such as GBK, and cut the XML declaration."""
    declared = re.match(rb"""\s*<\?xml[^>]*?encoding=["']([\w.-]+)["'][^>]*\?>""", data)
    if declared is None or declared[1].lower() in (b"utf-8", b"utf-16", b"us-ascii", b"iso-8859-1"):
        return data
    return data[declared.end() :].decode(declared[1].decode("ascii"))


def _parse_size(text: str | None) -> int | None:
    try:
        value = int(float(text or 0))
    except (ValueError, OverflowError):
        return None
    return value if value > 0 else None


def _read_box(obj: Element, name: str, where: str) -> dict[str, Any]:
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


# --- writing ---


def write_voc(manifest: Manifest, out: Path) -> Path:
    """Write one XML file for each still, and return the folder `out`.

    A picture `JPEGImages/a/1.jpg` becomes `Annotations/a/1.xml`, and any other `a/1.jpg` becomes `a/1.xml`, so that
    `read_voc(out, root=…)` finds the pictures again.

    Raises ManifestError for a label without a box, a picture without label and box, and two pictures with one stem.
    """
    entries = single_files(manifest, kinds=("still",), format_name="Pascal VOC")
    targets = [_xml_path(row["path"]) for row in entries]
    refuse_twice(targets, lambda i: entries[i]["path"], what="an XML file")
    trees = [_make_tree(row) for row in entries]
    for target, tree in zip(targets, trees, strict=True):
        with atomic_path(Path(out) / target) as part:
            ElementTree(tree).write(part, encoding="utf-8", xml_declaration=True)
    return Path(out)


def _xml_path(path: str) -> PurePosixPath:
    parts = list(PurePosixPath(path).parts)
    if "JPEGImages" in parts[:-1]:
        parts[parts.index("JPEGImages")] = "Annotations"
    return PurePosixPath(*parts).with_suffix(".xml")


def _make_tree(row: Mapping[str, Any]) -> Element:
    boxes = label_boxes(row, "px", format_name="Pascal VOC")
    if boxes is None:
        raise ManifestError(
            "Pascal VOC cannot hold this row",
            where=row["path"],
            found="neither label nor box",
            expected="a box for every label, or the label empty",
            todo="write COCO or CSV, which hold rows without a label",
        )
    tree = Element("annotation")
    SubElement(tree, "filename").text = PurePosixPath(row["path"]).name
    size = SubElement(tree, "size")
    for key, value in (("width", row["width_px"]), ("height", row["height_px"]), ("depth", 3)):
        SubElement(size, key).text = str(value or 0)
    for label, xyxy in boxes:
        obj = SubElement(tree, "object")
        SubElement(obj, "name").text = label
        corners = SubElement(obj, "bndbox")
        for corner, value in zip(CORNERS, xyxy, strict=True):
            SubElement(corners, corner).text = str(int(value)) if value == int(value) else repr(value)
    indent(tree)
    return tree
