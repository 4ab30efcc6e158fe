"""One offline HTML file per notable record, and an index of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from leopardnet.core.columns import table_labels
from leopardnet.core.language import translate_label, translate_plural, use_language
from leopardnet.core.tables import atomic_path
from leopardnet.core.types import Clip
from leopardnet.pages.environment import environment, read_style
from leopardnet.pages.palette import label_styles
from leopardnet.pages.table_rows import flatten_facts
from leopardnet.records.dossier.drawings.clip_pictures import (
    choose_labels,
    choose_stills,
    show_captures,
    show_sounds,
)
from leopardnet.records.dossier.drawings.local_map import MapPlace, draw_map
from leopardnet.records.dossier.drawings.time_line import TimeMark, draw_time_line
from leopardnet.records.dossier.facts import DossierFacts, gather_facts
from leopardnet.records.dossier.original_files import MEDIA_FILE, OriginalFile, list_originals, write_media
from leopardnet.records.dossier.sources import DossierSources, choose_dossiers
from leopardnet.records.dossier.words import statements as say
from leopardnet.records.dossier.words.clock_check import check_clocks
from leopardnet.records.dossier.words.open_questions import list_open_questions

DOSSIER_FILE, INDEX_FILE = "dossier.html", "index.html"
RECORD_ID = "[0-9a-f]{12}"
_MODEL_FACTS = ("name", "bundle_id", "labels_id", "backbone", "trained_on", "thresholds", "settings")


@dataclass(frozen=True)
class Dossier:
    """A written dossier: its page, what the page says, and the ZIP of its media where one was asked for."""

    path: Path
    facts: DossierFacts
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
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Dossier]:
    """Write a dossier for each notable encounter or lone record, and `index.html`; return them in order of time.

    Each is `<record_id>/dossier.html` below the folder, with the id of the first record. also: record_id of records
    that get one although they are not notable. The other options are those of `write_dossier`.

    >>> ln.write_dossiers(Path("rec"), ln.DossierSources(found.records, predictions, manifest))  # doctest: +SKIP
    """
    remove_dossiers(folder)
    chosen, written = choose_dossiers(sources.records, also), []
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
    write_index(folder, written, language=language)
    return written


def remove_dossiers(folder: Path) -> None:
    """Remove the dossiers that were written to a folder before, with media and index; other files stay."""
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
    files = list_originals(
        clips,
        sources.manifest.root,
        hidden=[c.ref for c in facts.captures if c.is_hidden],
        exact=[c.ref for c in facts.captures if c.place is not None and not c.place.is_coarse],
    )
    (folder / MEDIA_FILE).unlink(missing_ok=True)
    media = write_media(folder, files, sources.manifest.root) if with_media else None
    with use_language(language):
        page = _fill_page(facts, sources, clips, files, has_media=with_media)
    return Dossier(_write(folder / DOSSIER_FILE, page), facts, media)


def write_index(folder: Path, dossiers: Sequence[Dossier], *, language: str = "en") -> Path:
    """Write `index.html`, which lists the dossiers below the folder, and return its path."""
    with use_language(language):
        rows = [
            {
                "link": f"{d.facts.record_id}/{DOSSIER_FILE}",
                "state": d.facts.state,
                "title": title_of(d.facts),
                "said": [*say.say_what(d.facts), *say.say_range(d.facts)],
            }
            for d in dossiers
        ]
        template = environment().get_template("dossier_index.html.j2")
        page = template.render(css=_style(), rows=rows, made_by=_name_program())
    return _write(Path(folder) / INDEX_FILE, page)


def title_of(facts: DossierFacts) -> str:
    """Return the animal, where and when, in a line."""
    sites = list(dict.fromkeys(c.site for c in facts.valid if c.site))
    days = [c.captured_at for c in facts.valid if c.captured_at is not None]
    when = say.show_days(days)
    where = sites[0] if len(sites) == 1 else translate_plural("{n} site", "{n} sites", len(sites)) if sites else ""
    title = ", ".join(part for part in (translate_label(facts.label), where, when) if part)
    return title[:1].upper() + title[1:]


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
            title=title_of(facts),
            facts=facts,
            what=say.say_what(facts),
            when=say.say_when(facts),
            where=say.say_where(facts),
            how_sure=say.say_how_sure(facts),
            range_said=say.say_range(facts),
            encounter=say.say_encounter(facts),
            around=say.say_around(facts),
            sounds_said=say.say_sounds(facts),
            unknown=list_open_questions(facts, sources, missing),
            stills=stills,
            legend=choose_labels(frames, styles, facts.label),
            sounds=show_sounds(facts.sounds, sources.manifest.root),
            map=draw_map(_list_places(facts), sources.ranges, facts.label),
            time_line=draw_time_line(_list_marks(facts)),
            clocks=check_clocks(facts),
            findings=_list_findings(facts, sources),
            model=flatten_facts({k: sources.model[k] for k in _MODEL_FACTS if sources.model.get(k)}),
            promises=sources.model.get("promises") or (),
            files=files,
            media_file=MEDIA_FILE if has_media else "",
            made_by=_name_program(),
            show_time=say.show_time,
        )
    )


def _list_places(facts: DossierFacts) -> list[MapPlace]:
    found: dict[tuple[Any, str], MapPlace] = {}
    for c in sorted(facts.valid, key=lambda c: c.state):  # a confirmed capture stands for others at its site
        if c.place is not None:
            place = MapPlace(c.place.latitude, c.place.longitude, c.place.radius_m, c.site or c.deployment, c.state)  # type: ignore[arg-type]
            found.setdefault((c.place, c.site), place)
    others = [MapPlace(p.latitude, p.longitude, p.radius_m, name, "camera") for name, p in facts.other_places]
    earlier = [MapPlace(p.latitude, p.longitude, p.radius_m, name, "earlier") for name, p in facts.earlier_places]
    return [*found.values(), *earlier, *others]


def _list_marks(facts: DossierFacts) -> list[TimeMark]:
    """Return the sounds and the captures, owner by owner, in lanes; what is confirmed is drawn above the rest."""
    known = sorted((c for c in facts.valid if c.captured_at is not None), key=lambda c: c.owner)
    lane_of = {c.site: " · ".join(x for x in (c.site, c.owner) if x) for c in reversed(known)}
    marks = [
        TimeMark(
            lane_of[c.site],
            c.captured_at,
            c.state,
            f"{c.ref}: {say.show_time(c.captured_at)}",
            c.clock_uncertainty_s,
        )
        for c in known
        if c.captured_at is not None
    ]
    sounds = [
        TimeMark(lane_of[s.site], s.captured_at, "sound", f"{s.ref}: {say.show_time(s.captured_at)}")
        for s in facts.sounds
        if s.captured_at is not None and s.site in lane_of
    ]
    lanes = list(dict.fromkeys(m.lane for m in marks))
    order = ("sound", "suspected", "confirmed")
    return sorted(sounds + marks, key=lambda m: (lanes.index(m.lane), order.index(m.state)))


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
    return f"leopardnet {version('leopardnet')}"


def _write(path: Path, page: str) -> Path:
    with atomic_path(path) as part:
        part.write_bytes(page.encode("utf-8", "replace"))
    return path
