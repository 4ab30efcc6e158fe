"""Where the times of a record come from, and by how much the clocks were and may be off."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from leopardnet.core.language import format_number, translate
from leopardnet.records.dossier.facts import Capture, DossierFacts, all_refs
from leopardnet.records.dossier.linked_facts import Refs


@dataclass(frozen=True, slots=True)
class ClockRow:
    """What is known of the clock of one camera, in words."""

    camera: str
    source: str
    correction: str
    uncertainty: str
    refs: Refs


def check_clocks(facts: DossierFacts) -> list[ClockRow]:
    """Return a row for each deployment and source of its times, in the order of the captures."""
    groups: dict[tuple[str, str, str], list[Capture]] = defaultdict(list)
    for capture in facts.valid:
        groups[capture.site, capture.deployment, capture.time_source].append(capture)
    return [_describe(captures) for captures in groups.values()]


def _describe(captures: list[Capture]) -> ClockRow:
    first = captures[0]
    unknown = translate("not stated")
    camera = first.deployment or first.site
    if first.site and not camera.startswith(first.site):
        camera = f"{first.site} / {camera}"
    return ClockRow(
        camera=camera or translate("unknown"),
        source=name_source(first.time_source),
        correction=show_seconds(first.clock_correction_s, unknown, sign=True),
        uncertainty=show_seconds(first.clock_uncertainty_s, unknown),
        refs=all_refs(captures),
    )


def name_source(source: str) -> str:
    """Return where a time comes from, in words; the name itself where it is not known.

    >>> name_source("mtime"), name_source("other")
    ('date of the file', 'other')
    """
    names = {
        "exif": translate("EXIF of the picture"),
        "exif_changed": translate("EXIF of the picture, as last changed"),
        "maker_note": translate("the maker's note in the picture"),
        "quicktime": translate("header of the video"),
        "riff": translate("header of the video"),
        "filename": translate("name of the file"),
        "banner": translate("banner in the picture"),
        "mtime": translate("date of the file"),
        "table": translate("a table"),
        "": translate("not stated"),
    }
    return names.get(source, source)


def show_seconds(value: float, unknown: str, *, sign: bool = False) -> str:
    """Return seconds, or minutes or hours where they are many; `unknown` for nan.

    >>> show_seconds(-7200.0, "?", sign=True), show_seconds(5820.0, "?"), show_seconds(90.0, "?")
    ('−2.0 h', '97 min', '90 s')
    """
    if value != value:
        return unknown
    before = ("+" if value > 0 else "−" if value < 0 else "") if sign else ""
    if abs(value) >= 3600 and abs(value) % 360 == 0:
        return before + translate("{n} h", n=format_number(abs(value) / 3600, 1))
    if abs(value) >= 120:
        return before + translate("{n} min", n=format_number(abs(value) / 60, 1 if abs(value) % 60 else 0))
    return before + translate("{n} s", n=format_number(abs(value)))
