"""Where the times of a record come from, and by how much the clocks were and may be off."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from leopardnet.core.language import format_number, translate, translate_plural
from leopardnet.records.dossier.facts import Capture, DossierFacts, all_refs
from leopardnet.records.dossier.linked_facts import Refs
from leopardnet.records.dossier.sun_facts import SunFact
from leopardnet.records.dossier.words.shown_values import show_time
from leopardnet.records.dossier.words.statements import Statement


@dataclass(frozen=True, slots=True)
class ClockRow:
    """What is known of the clock of one camera, in words. sun: whether light and clock agree."""

    camera: str
    source: str
    correction: str
    uncertainty: str
    sun: str
    refs: Refs


def check_clocks(facts: DossierFacts) -> list[ClockRow]:
    """Return a row for each deployment and source of its times, in the order of the captures."""
    groups: dict[tuple[str, str, str], list[Capture]] = defaultdict(list)
    for capture in facts.valid:
        groups[capture.site, capture.deployment, name_source(capture.time_source)].append(capture)
    return [_describe(captures) for captures in groups.values()]


def say_wrong_light(facts: DossierFacts) -> list[Statement]:
    """Say of each clip whose light contradicts the sun what it looks like, and where the sun stood by its clock."""
    said = []
    for c in facts.valid:
        if c.sun.fits is not False:
            continue
        words = (
            translate(
                "{site}, {time}: infrared, as cameras film in the dark, but by this clock the sun stood {deg}° "
                "above the horizon ({day}). The clock may be hours wrong.",
                **_show_sun(c),
            )
            if c.sun.is_infrared
            else translate(
                "{site}, {time}: in colour, but by this clock the sun stood {deg}° below the horizon ({day}). The "
                "clock may be hours wrong, or the camera has a white flash.",
                **_show_sun(c),
            )
        )
        said.append(Statement(words, (c.ref,), c.state))
    return said


def _show_sun(capture: Capture) -> dict[str, str]:
    return {
        "site": capture.site or translate("no site"),
        "time": show_time(capture.captured_at),
        "deg": format_number(abs(capture.sun.altitude_deg)),
        "day": show_daylight(capture.sun),
    }


def show_daylight(sun: SunFact) -> str:
    """Return sunrise and sunset of a day in words; only with a known altitude.

    >>> import pandas as pd
    >>> show_daylight(SunFact(rise=pd.Timestamp("2021-12-31 08:45"), set=pd.Timestamp("2021-12-31 17:47")))
    'sunrise 08:45, sunset 17:47'
    """
    if sun.rise is None and sun.set is None:
        return translate("the sun does not set") if sun.is_up else translate("the sun does not rise")
    parts = []
    if sun.rise is not None:
        parts.append(translate("sunrise {time}", time=f"{sun.rise:%H:%M}"))
    if sun.set is not None:
        parts.append(translate("sunset {time}", time=f"{sun.set:%H:%M}"))
    return ", ".join(parts)


def _say_light(captures: list[Capture]) -> str:
    """Return whether the light of some clips fits the sun, in a few words."""
    known = [c for c in captures if c.sun.altitude_deg == c.sun.altitude_deg]
    if not known:
        return translate("not checked: no place or no time zone")
    if not any(c.sun.light for c in known):
        return translate("not checked: the light is not known")
    day = show_daylight(known[0].sun)
    n_wrong = sum(c.sun.fits is False for c in known)
    n_right = sum(c.sun.fits is True for c in known)
    if n_wrong:
        words = translate_plural("{n} clip does not fit the sun", "{n} clips do not fit the sun", n_wrong)
        return f"{words}; {day}"
    if n_right:
        words = translate_plural("{n} clip fits the sun", "{n} clips fit the sun", n_right)
        return f"{words}; {day}"
    return translate("tells nothing: filmed near sunrise or sunset ({day})", day=day)


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
        sun=_say_light(captures),
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
