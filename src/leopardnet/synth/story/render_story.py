"""Render the story: a season of eight cameras of three owners in which one thing is new, and the truth about it.

A leopard walks beyond a river and a railway, past four places, in one night and back, as happened once; everything
here is invented but that it could happen. Two of the six places are stations with two cameras that stand opposite
each other, four are trails with one. Beside the leopard there is bait: deer that whistle and deer that do not,
birds, wind, a person who whistles, a clock that is 97 minutes slow, a camera that dies in November, an owner who
shows nobody exact places, and leopards within the range, which are no news.

render_story(out)
├── plan_season          season.csv and deployments.csv become plans         season
├── render_plan          the picture, as for all rendered footage            synth.footage
├── mix_sound            whistles, birds, the person, wind                   noises
└── describe_truth       truth.json: what a program may say, and no more     planted_truth
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from leopardnet.core.tables import write_json
from leopardnet.synth.footage import render_plan, start_rendering, write_clip
from leopardnet.synth.plan import FootageSpec, stream
from leopardnet.synth.story.noises import mix_sound
from leopardnet.synth.story.planted_truth import describe_truth
from leopardnet.synth.story.season import DEPLOYMENTS, RANGE, SPEC, StoryClip, plan_season, read_story_text
from leopardnet.synth.truth import CLIP_COLUMNS, Row

FOOTAGE, TRUTH = "footage", "truth.json"


def render_story(
    out: Path,
    *,
    spec: FootageSpec = SPEC,
    n_workers: int = 1,
    on_progress: Callable[[int, int], None] = lambda n_done, n_all: None,
) -> pd.DataFrame:
    """Write `footage/`, `deployments.csv`, `range.geojson` and `truth.json` into `out`; return the table of clips.

    `clips.csv`, the table of `render_footage`, lies beside the folder of footage. spec: sizes of the pictures. The
    files do not depend on the number of workers. on_progress(n_done, n_all) is called after each clip.
    """
    clips = plan_season(spec)
    table = render_clips(out / FOOTAGE, clips, spec=spec, n_workers=n_workers, on_progress=on_progress)
    table.to_csv(out / "clips.csv", index=False, lineterminator="\n")
    for name in (DEPLOYMENTS, RANGE):
        (out / name).write_text(read_story_text(name), encoding="utf-8")
    write_json(describe_truth(clips), out / TRUTH)
    return table


def render_clips(
    out: Path,
    clips: Sequence[StoryClip],
    *,
    spec: FootageSpec = SPEC,
    n_workers: int = 1,
    on_progress: Callable[[int, int], None] = lambda n_done, n_all: None,
) -> pd.DataFrame:
    """Write the files of some clips of the story into `out`; return their rows as `render_footage` does."""
    for folder in {(out / clip.plan.path).parent for clip in clips}:
        folder.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    render = partial(_render_to_disk, out, spec)
    with ExitStack() as stack:
        results: Iterable[Row] = map(render, clips)
        if n_workers > 1:
            pool = stack.enter_context(start_rendering(n_workers))
            futures = [pool.schedule(render, args=(clip,)) for clip in clips]
            results = (future.result() for future in futures)
        for row in results:
            rows.append(row)
            on_progress(len(rows), len(clips))
    return pd.DataFrame(rows, columns=list(CLIP_COLUMNS))


def _render_to_disk(out: Path, spec: FootageSpec, clip: StoryClip) -> Row:
    plan = clip.plan
    rendered = render_plan(spec, plan)
    if plan.kind == "video":
        rng = stream(spec, plan.i_site, plan.i_clip, "noises")
        sound = mix_sound(clip.sounds, float(plan.n_frames / spec.rate), rng)
        rendered = replace(rendered, sound=sound)
    return write_clip(out, spec, rendered)[0]
