"""One offline HTML file per notable record, and an index of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from leopardnet.core.columns import table_labels
from leopardnet.core.language import format_day, translate, use_language
from leopardnet.core.tables import atomic_path
from leopardnet.core.types import Clip
from leopardnet.pages.environment import environment, read_style
from leopardnet.pages.palette import label_styles
from leopardnet.records.dossier.drawings.clip_pictures import (
    choose_labels,
    choose_stills,
    show_captures,
    show_sounds,
)
from leopardnet.records.dossier.drawings.local_map import MapPlace, draw_map
from leopardnet.records.dossier.drawings.time_line import TimeMark, draw_time_line
from leopardnet.records.dossier.facts import Capture, DossierFacts, gather_facts
from leopardnet.records.dossier.original_files import MEDIA_FILE, OriginalFile, list_files, write_media
from leopardnet.records.dossier.sound_facts import SoundFact
from leopardnet.records.dossier.sources import DossierSources, choose_dossiers
from leopardnet.records.dossier.words import statements as say
from leopardnet.records.dossier.words.clock_check import check_clocks, say_wrong_light
from leopardnet.records.dossier.words.linked_statements import say_around, say_encounter, say_sounds
from leopardnet.records.dossier.words.model_words import describe_model
from leopardnet.records.dossier.words.open_questions import list_open_questions
from leopardnet.records.dossier.words.range_statements import say_range
from leopardnet.records.dossier.words.shown_values import join_refs, show_share, show_shares, show_time
from leopardnet.records.record_table import CONFIRMED

DOSSIER_FILE, INDEX_FILE = "dossier.html", "index.html"
RECORD_ID = "[0-9a-f]{12}"


@dataclass(frozen=True)
class Dossier:
    """A written dossier: its page, what the page says, its original files, and their ZIP if one was asked for."""

    path: Path
    facts: DossierFacts
    files: tuple[OriginalFile, ...]
    media: Path | None = None


def write_dossiers(
    folder: Path,
    sources: DossierSources,
    *,
    also: Collection[str] = (),
    language: str = "en",
    exact_places: bool = False,
    with_media: bool = False,
    people: bool = False,
    every: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Dossier]:
    """Write dossiers on notable encounters and lone records, and `index.html`; return them in order of time.

    Each is `<record_id>/dossier.html` below the folder, with the id of the first record. Those that nobody
    confirmed and that the decision of the model does not name are only listed in the index, as ones to check,
    unless `every`. also: record_id of records that get one although they are not notable. The other options are
    those of `write_dossier`.

    >>> ln.write_dossiers(Path("rec"), ln.DossierSources(found.records, predictions, manifest))  # doctest: +SKIP
    """
    remove_dossiers(folder)
    strong, weak = choose_dossiers(sources, also)
    chosen, weak = ([*strong, *weak], []) if every else (strong, weak)
    written = []
    if on_progress and chosen:
        on_progress(0, len(chosen))  # the first page takes its time, too
    for i, record_id in enumerate(chosen, 1):
        written.append(
            write_dossier(
                folder,
                record_id,
                sources,
                language=language,
                exact_places=exact_places,
                with_media=with_media,
                people=people,
            )
        )
        if on_progress:
            on_progress(i, len(chosen))
    hidden = frozenset[str]() if people else sources.find_people()
    to_check = [gather_facts(i, sources, exact_places=exact_places, hidden=hidden) for i in weak]
    write_index(folder, written, sources, to_check=to_check, language=language)
    return written


def remove_dossiers(folder: Path) -> None:
    """Remove the dossiers that a folder has from before, with their media and the index; other files stay."""
    for page in Path(folder).glob(f"*/{DOSSIER_FILE}"):
        if re.fullmatch(RECORD_ID, page.parent.name):
            for name in (MEDIA_FILE, DOSSIER_FILE):
                (page.parent / name).unlink(missing_ok=True)
            if not any(page.parent.iterdir()):
                page.parent.rmdir()
            (Path(folder) / INDEX_FILE).unlink(missing_ok=True)


def write_dossier(
    folder: Path,
    record_id: str,
    sources: DossierSources,
    *,
    language: str = "en",
    exact_places: bool = False,
    with_media: bool = False,
    people: bool = False,
) -> Dossier:
    """Write `<record_id>/dossier.html` below the folder, on the whole encounter that the record is part of.

    exact_places: give exact coordinates, except where `exact_place` of a deployment is "no". with_media: write
    `media.zip` beside the page, with the original files and their checksums; files that hold a position are left
    out where the place may not be exact. people: show clips with people or voices, too; otherwise they are counted
    and neither shown nor copied. Raises ManifestError for an unknown record.
    """
    folder = Path(folder) / record_id
    hidden = frozenset[str]() if people else sources.find_people()
    facts = gather_facts(record_id, sources, exact_places=exact_places, hidden=hidden)
    known = {clip.clip_id: clip for clip in sources.manifest.clips()}
    clips = {c.ref: known[c.clip_id] for c in facts.captures if c.clip_id in known}
    files = list_files(facts, sources.manifest.root, known, clips)
    (folder / MEDIA_FILE).unlink(missing_ok=True)
    media = write_media(folder, files, sources.manifest.root) if with_media else None
    with use_language(language):
        page = _fill_page(facts, sources, clips, files, has_media=with_media)
    return Dossier(_write(folder / DOSSIER_FILE, page), facts, tuple(files), media)


def write_index(
    folder: Path,
    dossiers: Sequence[Dossier],
    sources: DossierSources,
    *,
    to_check: Sequence[DossierFacts] = (),
    language: str = "en",
) -> Path:
    """Write `index.html`, which lists the dossiers below the folder, and return its path.

    Confirmed ones come first, then those of more clips and of a higher probability. to_check: weaker suspicions,
    which are listed below them.
    """
    with use_language(language):
        rows = [
            {
                "link": f"{facts.record_id}/{DOSSIER_FILE}",
                "facts": facts,
                "title": say.title_of(facts),
                "p": _show_scores(facts),
                "said": [*say.say_what(facts), *say_range(facts, sources.ranges)],
            }
            for facts in sorted((d.facts for d in dossiers), key=_rank)
        ]
        weak = [
            {"facts": facts, "title": say.title_of(facts), "p": _show_scores(facts), "capture": facts.valid[0]}
            for facts in sorted(to_check, key=_rank)
        ]
        template = environment().get_template("dossier_index.html.j2")
        page = template.render(
            css=_style(),
            rows=rows,
            weak=weak,
            is_rendered=sources.are_rendered(set(sources.records["clip_id"])),
            alert_score=sources.alert_score,
            show_share=show_share,
            made_by=_name_program(),
        )
    return _write(Path(folder) / INDEX_FILE, page)


def _fill_page(
    facts: DossierFacts,
    sources: DossierSources,
    clips: Mapping[str, Clip],
    files: Sequence[OriginalFile],
    *,
    has_media: bool,
) -> str:
    """Return the page in the current language."""
    styles = label_styles(table_labels(sources.predictions.table), sources.model.get("labels"))
    stills = show_captures(choose_stills(facts.captures), sources, clips, styles, facts.label)
    frames = sources.predictions.read_frames([s.capture.clip_id for s in stills])
    missing = [f.path for f in files if not f.sha256]
    missing += [c.path for c in facts.captures if c.ref not in clips]
    return (
        environment()
        .get_template("dossier.html.j2")
        .render(
            css=_style(),
            title=say.title_of(facts),
            attention=say.say_attention(facts),
            is_rendered=sources.are_rendered([c.clip_id for c in facts.captures]),
            facts=facts,
            what=say.say_what(facts),
            when=say.say_when(facts),
            where=say.say_where(facts),
            how_sure=say.say_how_sure(facts),
            range_said=say_range(facts, sources.ranges),
            encounter=say_encounter(facts),
            around=say_around(facts),
            sounds_said=say_sounds(facts),
            unknown=list_open_questions(facts, sources, missing),
            stills=stills,
            legend=choose_labels(frames, styles, facts.label),
            sounds=show_sounds(facts.sounds, sources.manifest.root, silent=sources.find_people()),
            map=draw_map(_list_places(facts), sources.ranges, facts.label),
            time_line=draw_time_line(_list_marks(facts)),
            clocks=check_clocks(facts),
            wrong_light=say_wrong_light(facts),
            findings=_list_findings(facts, sources),
            model=describe_model(sources.model, facts.label),
            promises=sources.model.get("promises") or (),
            files=files,
            refs_of=_list_refs(facts),
            has_boxes=any(s.picture is not None and s.picture.boxes for s in stills),
            media_file=MEDIA_FILE if has_media else "",
            made_by=_name_program(),
            show_time=show_time,
            join_refs=join_refs,
        )
    )


def _list_places(facts: DossierFacts) -> list[MapPlace]:
    found: dict[tuple[Any, str], MapPlace] = {}
    for c in sorted(facts.valid, key=lambda c: c.state):  # a confirmed capture stands for others at its site
        if c.place is not None:
            place = MapPlace(c.place.latitude, c.place.longitude, c.place.radius_m, c.site or c.deployment, c.state)  # type: ignore[arg-type]
            found.setdefault((c.place, c.site), place)
    others = [MapPlace(p.latitude, p.longitude, p.radius_m, name, "camera") for name, p in facts.other_places]
    earlier = [
        MapPlace(e.place.latitude, e.place.longitude, e.place.radius_m, e.site, "earlier")
        for e in facts.earlier
        if e.place is not None
    ]
    return [*found.values(), *earlier, *others]


def _list_marks(facts: DossierFacts) -> list[TimeMark]:
    """Return the sounds and the captures, owner by owner, in lanes; what is confirmed is drawn above the rest."""
    known = sorted((c for c in facts.valid if c.captured_at is not None), key=lambda c: c.owner)
    lane_of = {c.site: " · ".join(x for x in (c.site, c.owner) if x) for c in reversed(known)}
    marks = [
        TimeMark(
            lane_of[c.site], c.captured_at, c.state, f"{c.ref}: {show_time(c.captured_at)}", c.clock_uncertainty_s
        )
        for c in known
        if c.captured_at is not None
    ]
    sounds = [
        TimeMark(lane_of[s.site], s.captured_at, "sound", f"{s.ref}: {show_time(s.captured_at)}")
        for s in facts.sounds
        if s.captured_at is not None and s.site in lane_of
    ]
    lanes = list(dict.fromkeys(m.lane for m in marks))
    order = ("sound", "suspected", "confirmed")
    return sorted(sounds + marks, key=lambda m: (lanes.index(m.lane), order.index(m.state)))


def _list_refs(facts: DossierFacts) -> dict[str, list[str]]:
    """Return, by the ref of a capture or a sound, all refs of its clip."""
    rows: list[Capture | SoundFact] = [*facts.captures, *facts.sounds]
    return {x.ref: [y.ref for y in rows if y.clip_id == x.clip_id] for x in rows}


def _rank(facts: DossierFacts) -> tuple[bool, int, float]:
    best = max((c.score for c in facts.shown_first if c.score == c.score), default=0.0)
    return facts.state != CONFIRMED, -len(facts.shown_first), -best


def _show_scores(facts: DossierFacts) -> str:
    return show_shares(c.score for c in facts.shown_first)


def _list_findings(facts: DossierFacts, sources: DossierSources) -> list[dict[str, Any]]:
    """Return what the checks found of these clips and their deployments."""
    if sources.findings is None:
        return []
    names = {c.path for c in facts.captures} | {c.deployment for c in facts.captures if c.deployment}
    rows: list[Any] = sources.findings[sources.findings["path"].isin(names)].to_dict("records")
    return rows


def _style() -> Any:
    return read_style("shared", "report", "dossier")


def _name_program() -> str:
    today = format_day(datetime.now(tz=UTC).date())
    return translate("Written on {day} by leopardnet {version}.", day=today, version=version("leopardnet"))


def _write(path: Path, page: str) -> Path:
    with atomic_path(path) as part:
        part.write_bytes(page.encode("utf-8", "replace"))
    return path
