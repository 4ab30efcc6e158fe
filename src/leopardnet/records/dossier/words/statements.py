"""The sentences of a dossier, in the language of the reader, each with the rows that it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from leopardnet.core.language import (
    format_day,
    format_number,
    translate,
    translate_label,
    translate_message,
    translate_plural,
)
from leopardnet.records.dossier.facts import Capture, DossierFacts, Refs, all_refs
from leopardnet.records.dossier.shown_places import Place
from leopardnet.records.ranges.coarse_places import COARSE_DIGITS
from leopardnet.records.record_table import BEYOND, CANNOT_TELL, CONFIRMED, INSIDE, OUTSIDE, REFUTED, SUSPECTED


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence, the rows that it rests on, and its state where it is about who says so."""

    text: str
    refs: Refs = ()
    state: str = ""


def say_what(facts: DossierFacts) -> list[Statement]:
    """Say who claims what: what persons confirmed and what the model only suspects are never one number.

    The sentences follow the name of their state, which the page shows in front of them.
    """
    said = []
    confirmed, suspected, refuted = (facts.refs(state) for state in (CONFIRMED, SUSPECTED, REFUTED))
    if confirmed:
        people = ", ".join(sorted({name for c in facts.captures if c.state == CONFIRMED for name in c.by}))
        words = translate_plural(
            "in {n} clip, by {people}.", "in {n} clips, by {people}.", len(confirmed), people=people or "?"
        )
        said.append(Statement(words, confirmed, CONFIRMED))
    if suspected:
        words = translate_plural(
            "in {n} clip, by the model alone: no person has confirmed it.",
            "in {n} clips, by the model alone: no person has confirmed them.",
            len(suspected),
        )
        said.append(Statement(words, suspected, SUSPECTED))
    if refuted:
        words = translate_plural(
            "in {n} clip, as people said; it counts nowhere.",
            "in {n} clips, as people said; they count nowhere.",
            len(refuted),
        )
        said.append(Statement(words, refuted, REFUTED))
    return said


def say_when(facts: DossierFacts) -> list[Statement]:
    """Say from when to when, in the local time of the cameras."""
    known = [c for c in facts.valid if c.captured_at is not None]
    if not known:
        return [Statement(translate("The time is not known."), all_refs(facts.valid))]
    zones = sorted({c.time_zone for c in known if c.time_zone})
    first, last = (pick(c.captured_at for c in known if c.captured_at is not None) for pick in (min, max))
    span = show_time(first) if first == last else f"{show_time(first)} – {show_time(last)}"
    words = translate("{span}, local time of the cameras ({zones}).", span=span, zones=", ".join(zones) or "?")
    ends = tuple(dict.fromkeys(c.ref for t in (first, last) for c in known if c.captured_at == t))
    return [Statement(words, ends)]


def say_where(facts: DossierFacts) -> list[Statement]:
    """Name sites and owners, and the coordinates as they may be shown."""
    captures = facts.valid
    sites = list(dict.fromkeys(c.site for c in captures if c.site))
    owners = list(dict.fromkeys(c.owner for c in captures if c.owner))
    words = translate_plural("At {n} site: {names}.", "At {n} sites: {names}.", len(sites), names=", ".join(sites))
    said = [Statement(words if sites else translate("The site is not known."), all_refs(captures))]
    if owners:
        said.append(Statement(translate("Cameras of: {owners}.", owners=", ".join(owners)), all_refs(captures)))
    at: dict[tuple[float, float], list[Capture]] = {}
    for capture in captures:
        if capture.place is not None:
            at.setdefault((capture.place.latitude, capture.place.longitude), []).append(capture)
    for mine in at.values():
        place = max((c.place for c in mine if c.place is not None), key=lambda p: p.radius_m)
        names = ", ".join(dict.fromkeys(c.site for c in mine if c.site))
        said.append(Statement(f"{names}: {show_place(place)}" if names else show_place(place), all_refs(mine)))
    return said


def say_how_sure(facts: DossierFacts) -> list[Statement]:
    """Give the model's probabilities; a person's word is said by `say_what`."""
    scores = [(c.score, c.ref) for c in facts.valid if not math.isnan(c.score)]
    if not scores:
        return [Statement(translate("The model gives no probability for it."), all_refs(facts.valid))]
    low, high = min(scores), max(scores)
    label = translate_label(facts.label)
    if len(scores) == 1:
        words = translate("The model's probability of “{label}” is {p}.", label=label, p=show_share(low[0]))
        return [Statement(words, (low[1],))]
    words = translate(
        "The model's probability of “{label}” is between {low} and {high}.",
        label=label,
        low=show_share(low[0]),
        high=show_share(high[0]),
    )
    return [Statement(words, (low[1], high[1]))]


def say_range(facts: DossierFacts) -> list[Statement]:
    """Say where the captures lie to the range, which barriers are between, and what is earlier or nearest."""
    said = []
    for status in (BEYOND, OUTSIDE, CANNOT_TELL, INSIDE):
        captures = [c for c in facts.valid if c.range_status == status]
        if captures:
            said.append(Statement(_say_status(status, captures), all_refs(captures)))
    said += say_firsts(facts)
    if not any(c.rules for c in facts.valid):
        said.append(Statement(translate("Nothing makes this record notable."), all_refs(facts.valid)))
    return said


def _say_status(status: str, captures: Sequence[Capture]) -> str:
    if status == INSIDE:
        return translate("Inside the known range.")
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
    barriers = ", ".join(dict.fromkeys(name for c in captures for name in c.barriers))
    return translate(
        "Outside the known range, {km} km (± {error} km) from its border, and beyond {barriers}.",
        km=km,
        error=error,
        barriers=barriers,
    )


def say_firsts(facts: DossierFacts) -> list[Statement]:
    """Say whether confirmed records came before, and how far and how long ago."""
    said = []
    at_site = [c for c in facts.valid if c.first_at_site is True]
    in_area = [c for c in facts.valid if c.first_in_area is True]
    if in_area:
        said.append(Statement(translate("No earlier confirmed record in the area."), all_refs(in_area)))
    elif at_site:
        sites = ", ".join(dict.fromkeys(c.site for c in at_site))
        words = translate("No earlier confirmed record at: {sites}.", sites=sites)
        said.append(Statement(words, all_refs(at_site)))
    years = [c for c in facts.valid if c.first_in_years >= 1]
    if years:
        n = format_number(max(c.first_in_years for c in years), 1)
        said.append(Statement(translate("The last one in the area is {n} years old.", n=n), all_refs(years)))
    own = {c.record_id for c in facts.captures}
    near = [c for c in facts.valid if c.nearest_record_km >= 0 and c.nearest_record_id not in own]
    if near:
        km = show_span([c.nearest_record_km for c in near])
        words = translate("The nearest earlier confirmed record is {km} km away.", km=km)
        if any(c.place is not None and c.place.is_coarse for c in near):
            words = translate("The nearest earlier confirmed record is about {km} km away.", km=km)
        said.append(Statement(words, all_refs(near)))
    return said


def say_encounter(facts: DossierFacts) -> list[Statement]:
    """Say how the captures belong together, how many animals there were at least, and why."""
    said, captures = [], facts.valid
    if len(captures) > 1:
        words = translate_plural(
            "{n} clip, linked because one animal could have walked from camera to camera in time.",
            "{n} clips, linked because one animal could have walked from camera to camera in time.",
            len(captures),
        )
        said.append(Statement(words, all_refs(captures)))
    found = facts.encounter
    if found is None:
        return said
    if found.path_km > 0:
        km = format_number(found.path_km, 1)
        words = translate("The way through these places in order of time is at least {km} km.", km=km)
        said.append(Statement(words, all_refs(captures)))
    why = translate_message(found.why)
    if found.min_animals is None:
        said.append(Statement(translate("How many animals: cannot be told ({why}).", why=why), found.refs))
    elif found.min_animals:
        words = translate_plural(
            "At least {n} animal ({why}).", "At least {n} animals ({why}).", found.min_animals, why=why
        )
        said.append(Statement(words, found.refs or facts.refs(CONFIRMED)))
    else:
        said.append(Statement(translate("No number of animals: {why}.", why=why)))
    for pair in facts.flanks:
        words = translate(
            "Two cameras of station {station} within {s} s: perhaps both flanks of one animal.",
            station=pair.station,
            s=format_number(pair.apart_s),
        )
        if not pair.is_sure:
            words += " " + translate("Their clocks may be wrong by more than that.")
        said.append(Statement(words, pair.refs))
    return said


def say_around(facts: DossierFacts) -> list[Statement]:
    """Say which stations are worth a visit, with the chance of so many captures, and which sounds were heard."""
    said = []
    for hint in facts.hints:
        words = translate(
            "{n_captures} captures at {station} from {start} to {end}; its history leads to expect {expected}, and "
            "chance alone crowds them so with probability {p}. Worth a visit.",
            n_captures=format_number(hint.n_captures),
            station=hint.station,
            start=show_time(hint.start),
            end=show_time(hint.end),
            expected=format_number(hint.expected, 2),
            p=format_number(hint.p_value, 3),
        )
        if hint.calls is not None:
            words += " " + translate(
                "Clips with an alarm call around that time: {n} confirmed, {n_suspected} marked by the program.",
                **_show_counts(hint.calls),
            )
        if hint.prey is not None:
            words += " " + translate(
                "Events with prey around that time: {n} confirmed, {n_suspected} suspected by the model alone.",
                **_show_counts(hint.prey),
            )
        said.append(Statement(words, hint.refs, hint.state))
    return said


def _show_counts(counts: tuple[int, int]) -> dict[str, str]:
    return {"n": format_number(counts[0]), "n_suspected": format_number(counts[1])}


def say_sounds(facts: DossierFacts) -> list[Statement]:
    """Count the sounds that a person named, and those that only a program marked."""
    said = []
    for label in dict.fromkeys(s.label for s in facts.sounds if s.state == CONFIRMED):
        mine = [s for s in facts.sounds if s.label == label and s.state == CONFIRMED]
        words = translate_plural(
            "{n} sound is “{label}”, as {people} said.",
            "{n} sounds are “{label}”, as {people} said.",
            len(mine),
            label=translate_label(label),
            people=", ".join(sorted({name for s in mine for name in s.by})),
        )
        said.append(Statement(words, tuple(s.ref for s in mine), CONFIRMED))
    marked = [s for s in facts.sounds if s.state == SUSPECTED]
    if marked:
        words = translate_plural(
            "{n} sound was marked by the program alone; what made it is not known.",
            "{n} sounds were marked by the program alone; what made them is not known.",
            len(marked),
        )
        said.append(Statement(words, tuple(s.ref for s in marked), SUSPECTED))
    return said


def show_time(moment: pd.Timestamp | None) -> str:
    """Return a day and minute in the form of the language."""
    return "?" if moment is None else f"{format_day(moment.date())} {moment:%H:%M}"


def show_share(value: float) -> str:
    """Return a probability with two decimals."""
    return format_number(value, 2)


def show_span(values: Iterable[float]) -> str:
    """Return the least and the largest of some distances, once where they are one."""
    known = [v for v in values if not math.isnan(v)]
    shown = (
        list(dict.fromkeys(format_number(v, 0 if v == round(v) else 1) for v in (min(known), max(known))))
        if known
        else ["?"]
    )
    return "–".join(shown)


def show_place(place: Place) -> str:
    """Return coordinates with their uncertainty, in words."""
    n = COARSE_DIGITS if place.is_coarse else 5
    north, east = format_number(abs(place.latitude), n), format_number(abs(place.longitude), n)
    latitude = translate("{n}° N", n=north) if place.latitude >= 0 else translate("{n}° S", n=north)
    longitude = translate("{n}° E", n=east) if place.longitude >= 0 else translate("{n}° W", n=east)
    at = f"{latitude}, {longitude}"
    if place.is_coarse:
        km = format_number(math.ceil(place.radius_m / 1000))
        return translate("within {km} km of {place} (the exact place is left out).", km=km, place=at)
    return translate("{place}, to {m} m.", m=format_number(place.radius_m), place=at)


def show_days(moments: Sequence[pd.Timestamp]) -> str:
    """Return the first and the last day, once where they are one; '' for none."""
    if not moments:
        return ""
    first, last = format_day(min(moments).date()), format_day(max(moments).date())
    return first if first == last else f"{first} – {last}"
