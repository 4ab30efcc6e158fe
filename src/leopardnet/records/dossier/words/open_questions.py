"""What is not known of a record: said as plainly as what is known."""

from __future__ import annotations

from collections.abc import Callable, Collection

from leopardnet.core.language import translate, translate_message, translate_plural
from leopardnet.records.dossier.facts import Capture, DossierFacts, all_refs
from leopardnet.records.dossier.sources import DossierSources
from leopardnet.records.dossier.words.statements import Statement
from leopardnet.records.record_table import CONFIRMED, NO_RANGE, SUSPECTED


def list_open_questions(
    facts: DossierFacts, sources: DossierSources, missing: Collection[str] = ()
) -> list[Statement]:
    """Return what is not known, the most important first. missing: files of the record that could not be read."""
    mine = sources.records[sources.records["label"] == facts.label]
    has_history = bool(mine["state"].eq(CONFIRMED).any())
    return [
        *_ask_about_claim(facts),
        *_ask_about_time(facts),
        *_ask_about_place(facts, has_history),
        *[Statement(translate_message(words)) for words in facts.troubles],
        *_ask_about_sound(facts, sources),
        *_ask_about_files(facts, missing),
        Statement(
            translate("Which individual it is, its sex and its age: the program does not recognise individuals.")
        ),
        Statement(translate("What passed where no camera stood, or behind one.")),
    ]


def _ask_about_claim(facts: DossierFacts) -> list[Statement]:
    asked = []
    if facts.refs(SUSPECTED):
        words = translate("Whether the suspected clips show the animal: a model can be sure and wrong.")
        asked.append(Statement(words, facts.refs(SUSPECTED)))
    alone = [c for c in facts.captures if c.state == CONFIRMED and len(c.by) == 1]
    if alone:
        words = translate_plural(
            "{n} clip was confirmed by a single person; nobody has checked that person's word.",
            "{n} clips were confirmed by a single person each; nobody has checked that person's word.",
            len(alone),
        )
        asked.append(Statement(words, all_refs(alone)))
    if taught := _pick(facts, lambda c: c.in_training == "clip"):
        words = translate("These clips taught the model, so its probabilities say nothing new about them.")
        asked.append(Statement(words, all_refs(taught)))
    return asked


def _ask_about_time(facts: DossierFacts) -> list[Statement]:
    asked = []
    for words, captures in (
        (translate("When these clips were filmed."), _pick(facts, lambda c: c.captured_at is None)),
        (
            translate("By how much these clocks were wrong: nobody stated it."),
            _pick(facts, lambda c: c.captured_at is not None and c.clock_uncertainty_s != c.clock_uncertainty_s),
        ),
        (
            translate("In which time zone these clocks ran, so they cannot be compared with others."),
            _pick(facts, lambda c: c.captured_at is not None and not c.time_zone),
        ),
        (
            translate("Whether the times are those of filming: they are dates of files, which copying may change."),
            _pick(facts, lambda c: c.time_source == "mtime"),
        ),
        (
            translate("Whether these clocks were hours wrong: the light of the clips does not fit the sun."),
            _pick(facts, lambda c: c.sun.fits is False),
        ),
    ):
        if captures:
            asked.append(Statement(words, all_refs(captures)))
    return asked


def _ask_about_place(facts: DossierFacts, has_history: bool) -> list[Statement]:
    asked = []
    open_firsts = _pick(facts, lambda c: c.first_at_site is None and c.range_status not in (NO_RANGE, ""))
    for words, captures in (
        (
            translate("Where these cameras stood: no coordinates were given."),
            _pick(facts, lambda c: c.place is None),
        ),
        (
            translate("How exact the coordinates are: nobody stated it, so it is taken from their digits."),
            _pick(facts, lambda c: c.place is not None and c.place.is_assumed),
        ),
        (
            translate("How far this is from the known range: no range was given for the animal."),
            _pick(facts, lambda c: c.range_status in (NO_RANGE, "")),
        ),
        (
            translate("Whether these places had an earlier record: places or times are missing."),
            open_firsts if has_history else [],
        ),
        (
            translate("Whether these places had an earlier record: no record is confirmed that could be earlier."),
            [] if has_history else open_firsts,
        ),
    ):
        if captures:
            asked.append(Statement(words, all_refs(captures)))
    return asked


def _ask_about_sound(facts: DossierFacts, sources: DossierSources) -> list[Statement]:
    if sources.sounds is None:
        return [Statement(translate("What is to be heard: the sound tracks were not searched."))]
    marked = tuple(s.ref for s in facts.sounds if s.state == SUSPECTED)
    return [Statement(translate("What made the sounds that no person has named."), marked)] if marked else []


def _ask_about_files(facts: DossierFacts, missing: Collection[str]) -> list[Statement]:
    asked = []
    if hidden := [c for c in facts.captures if c.is_hidden]:
        words = translate(
            "What these clips show: people, vehicles or voices are in them, so they are left out here."
        )
        asked.append(Statement(words, all_refs(hidden)))
    if missing:
        words = translate_plural(
            "{n} original file could not be read, so it has no checksum: {names}.",
            "{n} original files could not be read, so they have no checksum: {names}.",
            len(missing),
            names=", ".join(sorted(missing)),
        )
        asked.append(Statement(words, all_refs([c for c in facts.captures if c.path in missing])))
    if facts.n_voices:
        words = translate_plural(
            "What a person says nearby: {n} voice was marked and is left out.",
            "What people say nearby: {n} voices were marked and are left out.",
            facts.n_voices,
        )
        asked.append(Statement(words))
    return asked


def _pick(facts: DossierFacts, is_open: Callable[[Capture], bool]) -> list[Capture]:
    return [c for c in facts.valid if is_open(c)]
