"""Where the captures lie to the known range, and what came before them, in the language of the reader."""

from __future__ import annotations

import math
from collections.abc import Sequence

from leopardnet.core.language import format_number, translate, translate_plural
from leopardnet.records.dossier.facts import Capture, DossierFacts, all_refs
from leopardnet.records.dossier.words.shown_values import show_span, show_time
from leopardnet.records.dossier.words.statements import Statement, say_by_state
from leopardnet.records.ranges.range_map import RangeMap
from leopardnet.records.record_table import BEYOND, CANNOT_TELL, INSIDE, NO_RANGE, OUTSIDE


def say_range(facts: DossierFacts, ranges: RangeMap) -> list[Statement]:
    """Say where the captures lie to the range, which barriers are between, and what is earlier or nearest."""
    said = say_by_state(facts, lambda captures: _say_places(captures, facts))
    names = [n for n in dict.fromkeys(r.name for r in ranges.ranges if r.label == facts.label) if n]
    if any(c.range_status not in (NO_RANGE, "") for c in facts.valid) and facts.label in ranges.labels:
        words = translate("The range given to the program has no name.")
        if names:
            words = translate("The range is the one called “{names}” in the file.", names="”, “".join(names))
        said.append(Statement(words))
    if any(c.first_in_area is True for c in facts.valid):
        said += _say_effort(facts)
    if not any(c.rules for c in facts.valid):
        said.append(Statement(translate("Nothing makes this record notable."), all_refs(facts.valid)))
    return said


def _say_places(captures: Sequence[Capture], facts: DossierFacts) -> list[Statement]:
    said = []
    for status in (BEYOND, OUTSIDE, CANNOT_TELL, INSIDE):
        mine = [c for c in captures if c.range_status == status]
        if mine:
            said.append(Statement(_say_status(status, mine), all_refs(mine)))
    return said + _say_firsts(captures, facts)


def _say_effort(facts: DossierFacts) -> list[Statement]:
    if facts.effort is None:
        return [Statement(translate("How long cameras had worked before is not known."))]
    days, n = facts.effort
    words = translate_plural(
        "Before it, {n} camera of this season had worked {days} camera-days; earlier seasons count only as given.",
        "Before it, {n} cameras of this season had worked {days} camera-days; earlier seasons count only as given.",
        n,
        days=format_number(days),
    )
    return [Statement(words)]


def _say_status(status: str, captures: Sequence[Capture]) -> str:
    if status == INSIDE:
        return translate("Inside the known range.")
    barriers = ", ".join(dict.fromkeys(name for c in captures for name in c.barriers))
    if all(math.isnan(c.distance_km) for c in captures):
        return _say_status_alone(status, barriers)
    km = show_span([c.distance_km for c in captures])
    error = format_number(
        max((c.distance_error_km for c in captures if not math.isnan(c.distance_error_km)), default=0.0), 1
    )
    if status == CANNOT_TELL:
        return translate(
            "It cannot be told whether this is inside the known range: its border is {km} km away, and the place "
            "is known to {error} km.",
            km=km,
            error=error,
        )
    if status == OUTSIDE:
        return translate("Outside the known range: {km} km (± {error} km) from its border.", km=km, error=error)
    return translate(
        "Outside the known range, {km} km (± {error} km) from its border, and beyond {barriers}.",
        km=km,
        error=error,
        barriers=barriers,
    )


def _say_status_alone(status: str, barriers: str) -> str:
    """Say where a place lies whose distance is left out, because that of another animal is told."""
    why = translate("The distance is left out: with that of another animal at this camera it would tell the place.")
    if status == CANNOT_TELL:
        said = translate("It cannot be told whether this is inside the known range.")
    elif status == OUTSIDE:
        said = translate("Outside the known range.")
    else:
        said = translate("Outside the known range, and beyond {barriers}.", barriers=barriers)
    return f"{said} {why}"


def _say_firsts(captures: Sequence[Capture], facts: DossierFacts) -> list[Statement]:
    """Say whether confirmed records came before, and how far and how long ago."""
    said = []
    at_site = [c for c in captures if c.first_at_site is True]
    in_area = [c for c in captures if c.first_in_area is True]
    if in_area:
        words = translate("No earlier confirmed record in the area.")
        if facts.area_km is not None:
            km = format_number(facts.area_km)
            words = translate("No earlier confirmed record in the area, {km} km around.", km=km)
        said.append(Statement(words, all_refs(in_area)))
    elif at_site:
        sites = ", ".join(dict.fromkeys(c.site for c in at_site))
        words = translate("No earlier confirmed record at: {sites}.", sites=sites)
        said.append(Statement(words, all_refs(at_site)))
    years = [c for c in captures if c.first_in_years >= 1]
    if years:
        n = format_number(max(c.first_in_years for c in years), 1)
        said.append(Statement(translate("The last one in the area is {n} years old.", n=n), all_refs(years)))
    own = {c.record_id for c in facts.captures}
    near = [c for c in captures if c.nearest_record_km >= 0 and c.nearest_record_id not in own]
    if near:
        km = show_span([c.nearest_record_km for c in near])
        words = translate("The nearest earlier confirmed record is {km} km away.", km=km)
        ids = {c.nearest_record_id for c in near}
        places = [c.place for c in near] + [e.place for e in facts.earlier if e.record_id in ids]
        if any(p is None or p.is_coarse for p in places) or not any(e.record_id in ids for e in facts.earlier):
            words = translate("The nearest earlier confirmed record is about {km} km away.", km=km)
        earlier = tuple(e.ref for e in facts.earlier if e.record_id in ids)
        days = [show_time(e.captured_at) for e in facts.earlier if e.record_id in ids and e.captured_at is not None]
        if days:
            words = translate("{said} Filmed {days}.", said=words, days=", ".join(dict.fromkeys(days)))
        said.append(Statement(words, earlier + all_refs(near)))
    return said
