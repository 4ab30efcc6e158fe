"""What the captures make up together and what was heard beside them, in the language of the reader."""

from __future__ import annotations

from leopardnet.core.language import format_number, translate, translate_label, translate_message, translate_plural
from leopardnet.records.dossier.facts import DossierFacts, all_refs
from leopardnet.records.dossier.linked_facts import EncounterFact
from leopardnet.records.dossier.words.shown_values import show_time
from leopardnet.records.dossier.words.statements import Statement
from leopardnet.records.record_table import CONFIRMED, SUSPECTED


def say_encounter(facts: DossierFacts) -> list[Statement]:
    """Say how the captures belong together, how many animals there were at least, and why."""
    said, captures = list[Statement](), facts.valid
    sure, open_ = facts.refs(CONFIRMED), facts.refs(SUSPECTED)
    if len(captures) > 1:
        words = translate_plural(
            "{n} clip, linked because one animal could have walked from camera to camera in time.",
            "{n} clips, linked because one animal could have walked from camera to camera in time.",
            len(captures),
        )
        if sure and open_:
            words += " " + translate(
                "Confirmed are {n}, suspected {n_suspected}.",
                n=format_number(len(sure)),
                n_suspected=format_number(len(open_)),
            )
        said.append(Statement(words, all_refs(captures)))
    found = facts.encounter
    if found is None:
        return said
    said += _say_way(facts, found)
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
        said.append(Statement(words, pair.refs, pair.state))
    return said


def _say_way(facts: DossierFacts, found: EncounterFact) -> list[Statement]:
    """Say the way through the confirmed places, and apart from it that through the suspected ones, too."""
    said = []
    if found.confirmed_path_km > 0:
        km = format_number(found.confirmed_path_km, 1 if found.confirmed_path_km % 1 else 0)
        words = translate("The way through these places in order of time is at least {km} km.", km=km)
        said.append(Statement(words, facts.refs(CONFIRMED), CONFIRMED))
    if facts.refs(SUSPECTED) and found.path_km > 0 and found.path_km != found.confirmed_path_km:
        km = format_number(found.path_km, 1 if found.path_km % 1 else 0)
        words = translate("With the suspected clips, the way is at least {km} km.", km=km)
        said.append(Statement(words, all_refs(facts.valid), SUSPECTED))
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
            expected=_show_expected(hint.expected),
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
        sites = {c.site for c in facts.captures if c.ref in hint.refs}
        calls = tuple(s.ref for s in facts.sounds if s.site in sites) if hint.calls is not None else ()
        said.append(Statement(words, hint.refs + calls, hint.state))
    return said


def _show_expected(value: float) -> str:
    return "<" + format_number(0.01, 2) if 0 < value < 0.005 else format_number(value, 2 if value else 0)


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
