"""The sentences at the head of a dossier, in the language of the reader, each with the rows that it rests on.

What persons confirmed is said first and alone; what a model suspects follows with its sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from leopardnet.core.labels import split_labels
from leopardnet.core.language import format_number, translate, translate_label, translate_plural
from leopardnet.records.dossier.facts import Capture, DossierFacts, all_refs
from leopardnet.records.dossier.linked_facts import Refs
from leopardnet.records.dossier.words.shown_values import show_days, show_place, show_share, show_shares, show_time
from leopardnet.records.record_table import CONFIRMED, REFUTED, SUSPECTED


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence, the rows that it rests on, and its state where it is about who says so."""

    text: str
    refs: Refs = ()
    state: str = ""


def title_of(facts: DossierFacts) -> str:
    """Return the animal, where and when, in a line, of the confirmed captures alone if there are any."""
    captures = facts.shown_first
    sites = list(dict.fromkeys(c.site for c in captures if c.site))
    when = show_days([c.captured_at for c in captures if c.captured_at is not None])
    where = sites[0] if len(sites) == 1 else translate_plural("{n} site", "{n} sites", len(sites)) if sites else ""
    title = ", ".join(part for part in (translate_label(facts.label), where, when) if part)
    if facts.state == SUSPECTED:
        return translate("Suspected: {title}", title=title)
    return title[:1].upper() + title[1:]


def say_by_state(facts: DossierFacts, say: Callable[[Sequence[Capture]], list[Statement]]) -> list[Statement]:
    """Return what `say` says of the confirmed captures, then of the suspected ones, with states if both are.

    What the suspected ones only repeat is left out.
    """
    confirmed, suspected = facts.pick(CONFIRMED), facts.pick(SUSPECTED)
    if not (confirmed and suspected):
        return say(confirmed or suspected or facts.captures)
    said = [replace(s, state=CONFIRMED) for s in say(confirmed)]
    known = {s.text for s in said}
    return said + [replace(s, state=SUSPECTED) for s in say(suspected) if s.text not in known]


def say_what(facts: DossierFacts) -> list[Statement]:
    """Say who claims what: what persons confirmed and what the model only suspects are never one number.

    The sentences follow the name of their state, which the page shows in front of them.
    """
    said = []
    confirmed, suspected, refuted = (facts.refs(state) for state in (CONFIRMED, SUSPECTED, REFUTED))
    if confirmed:
        people = ", ".join(sorted({name for c in facts.pick(CONFIRMED) for name in c.by}))
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


def say_attention(facts: DossierFacts) -> str:
    """Say under the title of what nobody confirmed whether anybody looked; '' for what somebody confirmed."""
    if facts.state != SUSPECTED:
        return ""
    if any(c.has_answers for c in facts.valid):
        return translate("People looked, and have not agreed or could not tell.")
    return translate("Nobody has looked yet: this is the word of a model.")


def say_when(facts: DossierFacts) -> list[Statement]:
    """Say from when to when, in the local time of the cameras."""
    return say_by_state(facts, _say_times)


def _say_times(captures: Sequence[Capture]) -> list[Statement]:
    known = [c for c in captures if c.captured_at is not None]
    if not known:
        return [Statement(translate("The time is not known."), all_refs(captures))]
    zones = sorted({c.time_zone for c in known if c.time_zone})
    first, last = (pick(c.captured_at for c in known if c.captured_at is not None) for pick in (min, max))
    span = " – ".join(dict.fromkeys(map(show_time, (first, last))))
    words = translate("{span}, local time of the cameras ({zones}).", span=span, zones=", ".join(zones) or "?")
    ends = tuple(dict.fromkeys(c.ref for t in (first, last) for c in known if c.captured_at == t))
    return [Statement(words, ends)]


def say_where(facts: DossierFacts) -> list[Statement]:
    """Name sites and owners, and the coordinates as they may be shown."""
    return say_by_state(facts, _say_places)


def _say_places(captures: Sequence[Capture]) -> list[Statement]:
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
    """Give the model's probabilities, and its decision where that is another; a person's word is in `say_what`."""
    said = say_by_state(facts, lambda captures: _say_scores(captures, facts.label))
    suspected = facts.pick(SUSPECTED)
    others: dict[tuple[str, str], list[Capture]] = {}
    for c in suspected:
        if c.decision and facts.label not in split_labels(c.decision):
            others.setdefault((c.decision, c.likeliest), []).append(c)
    for (decision, likeliest), mine in others.items():
        words = translate(
            "The model's decision is “{decision}”; likeliest is “{likeliest}” ({p}).",
            decision=translate_label(decision),
            likeliest=translate_label(likeliest),
            p=show_shares(c.likeliest_score for c in mine),
        )
        said.append(Statement(words, all_refs(mine), SUSPECTED))
    if facts.alert_score is not None:
        lowered = [c for mine in others.values() for c in mine if not c.is_alert and c.score >= facts.alert_score]
        if lowered:
            words = translate(
                "Suspected only because the option --alert-score was set to {score}; the model raised no alert.",
                score=format_number(facts.alert_score, 3),
            )
            said.append(Statement(words, all_refs(lowered), SUSPECTED))
    return said


def _say_scores(captures: Sequence[Capture], name: str) -> list[Statement]:
    scores = [(c.score, c.ref) for c in captures if not math.isnan(c.score)]
    if not scores:
        return [Statement(translate("The model gives no probability for it."), all_refs(captures))]
    low, high = min(scores), max(scores)
    label = translate_label(name)
    if show_share(low[0]) == show_share(high[0]):
        words = translate("The model's probability of “{label}” is {p}.", label=label, p=show_share(low[0]))
        return [Statement(words, tuple(ref for _, ref in scores))]
    words = translate(
        "The model's probability of “{label}” is between {low} and {high}.",
        label=label,
        low=show_share(low[0]),
        high=show_share(high[0]),
    )
    return [Statement(words, (low[1], high[1]))]
