"""Where the times of a record come from, by how much the clocks were off, and whether the light fits the hour."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from leopardnet.core.language import format_number, translate, translate_label
from leopardnet.records.dossier.facts import Capture, DossierFacts, Refs, all_refs


@dataclass(frozen=True, slots=True)
class ClockRow:
    """What is known of the clock of one camera, in words."""

    camera: str
    source: str
    correction: str
    uncertainty: str
    light: str
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
    camera = first.site if first.deployment in ("", first.site) else f"{first.site} / {first.deployment}"
    return ClockRow(
        camera=camera.strip(" /") or translate("unknown"),
        source=name_source(first.time_source),
        correction=show_seconds(first.clock_correction_s, unknown, sign=True),
        uncertainty=show_seconds(first.clock_uncertainty_s, unknown),
        light=", ".join(
            f"{translate_label(light)}: {_list_hours(captures, light)}"
            for light in dict.fromkeys(c.light for c in captures if c.light)
        ),
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
    """Return seconds, or hours where they are many; `unknown` for nan.

    >>> show_seconds(-7200.0, "?", sign=True), show_seconds(90.0, "?"), show_seconds(float("nan"), "?")
    ('−2.0 h', '90 s', '?')
    """
    if value != value:
        return unknown
    before = ("+" if value > 0 else "−" if value < 0 else "") if sign else ""
    if abs(value) >= 3600:
        return before + translate("{n} h", n=format_number(abs(value) / 3600, 1))
    return before + translate("{n} s", n=format_number(abs(value)))


def _list_hours(captures: list[Capture], light: str) -> str:
    """Return the first and the last hour at which clips of a light were filmed."""
    times = sorted(f"{c.captured_at:%H:%M}" for c in captures if c.light == light and c.captured_at is not None)
    return "?" if not times else times[0] if times[0] == times[-1] else f"{times[0]} … {times[-1]}"
