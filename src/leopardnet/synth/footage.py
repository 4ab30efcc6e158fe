"""Rendered footage with known truth, for tests, the demo and benchmarks: camera-trap clips drawn from a seed.

render_footage(out, spec)
├── plan_site        label, container, night, weather of every clip      plan
├── render_clip
│   ├── paint_view   the forest behind and in front of the animal        place/
│   ├── Animal       the animal: body, coat, picture, movement           animal/
│   ├── Wind …       wind, rain, insects, exposure, sensor               weather
│   ├── stamp_banner clock, temperature and camera                       banner
│   └── make_sound                                                       audio
└── write_video, write_still, clips.csv, frames.csv                      write_files, truth

No picture of a real animal is used. Scores on this footage show that the program works. They say nothing about
how well a model does in the field.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray
from pebble import ProcessPool

from leopardnet.core.errors import ConfigError
from leopardnet.core.footage.rendered import MARK
from leopardnet.core.labels import EMPTY
from leopardnet.core.processes.orphans import end_with_parent
from leopardnet.synth.animal.animal import UNSEEN, Animal, Sighting, make_animal
from leopardnet.synth.audio import make_sound
from leopardnet.synth.banner import banner_height, stamp_banner
from leopardnet.synth.place.plants import Lens, Thing
from leopardnet.synth.place.scene import View, paint_view, site_lens
from leopardnet.synth.place.site import Site, make_site
from leopardnet.synth.plan import ClipPlan, FootageSpec, plan_site, stream
from leopardnet.synth.truth import CLIP_COLUMNS, FRAME_COLUMNS, RenderedClip, Row, clip_row, frame_rows
from leopardnet.synth.weather import (
    Insect,
    Precipitation,
    Sensor,
    Wind,
    draw_precipitation,
    exposure_gains,
    start_precipitation,
)
from leopardnet.synth.write_files import write_still, write_video

Rows = tuple[Row, list[Row]]

__all__ = ["ClipPlan", "FootageSpec", "RenderedClip", "plan_site", "render_clip", "render_footage"]


def render_clip(spec: FootageSpec, i_site: int, i_clip: int) -> RenderedClip:
    """Render one clip, or one still: stills have the numbers from `spec.clips_per_site` on.

    The same (spec, site, clip) gives the same bytes, alone or within a set. Raises ConfigError for other numbers.

    >>> clip = render_clip(FootageSpec(n_sites=1, width_px=96, height_px=64, duration_s=(0.2, 0.2)), 0, 0)
    >>> clip.pixels.shape
    (2, 64, 96, 3)
    """
    plans = plan_site(spec, i_site)
    if not 0 <= i_clip < len(plans):
        raise ConfigError("no such clip", where="i_clip", found=i_clip, expected=f"0 to {len(plans) - 1}")
    return render_plan(spec, plans[i_clip])


def render_plan(spec: FootageSpec, plan: ClipPlan) -> RenderedClip:
    """Render a clip or still as it is planned; its numbers choose the site and the random streams.

    spec: gives sizes, rate and seed.
    """
    site = make_site(spec.seed, plan.i_site)
    view, animal, wind = _prepare_clip(spec, plan, site)
    times_s = np.array([float(i / spec.rate) for i in range(plan.n_frames)])
    pixels, sightings = _render_frames(spec, plan, site, view, animal, wind, times_s)
    least = spec.min_visible_share * spec.width_px * spec.height_px
    seen = [s.area_px >= least for s in sightings]
    rng = stream(spec, plan.i_site, plan.i_clip, "sound")
    duration_s = 0.0 if plan.kind == "still" else float(plan.n_frames / spec.rate)
    return RenderedClip(
        plan=plan,
        camera=site.camera,
        pixels=pixels,
        times_s=times_s,
        labels=tuple(plan.label if shown else EMPTY for shown in seen),
        boxes=np.stack([s.box if shown else UNSEEN.box for s, shown in zip(sightings, seen, strict=True)]),
        visible=np.array([s.visible if shown else 0 for s, shown in zip(sightings, seen, strict=True)], np.float32),
        sound=make_sound(duration_s, wind=_wind_strength(plan) / 4, alarm_call=plan.alarm_call, rng=rng),
    )


def _wind_strength(plan: ClipPlan) -> float:
    """Return how far leaves move, in pixels of a picture 640 px wide."""
    return 3.6 if plan.disturbance == "wind" else 0.5


def _prepare_clip(spec: FootageSpec, plan: ClipPlan, site: Site) -> tuple[View, Animal | None, Wind]:
    rng = stream(spec, plan.i_site, plan.i_clip, "animal")
    lens = site_lens(site, (spec.width_px, spec.height_px))
    movement, body, z_m = make_animal(plan.label, spec.width_fraction, lens, rng)
    if plan.facing:
        movement = replace(movement, facing=plan.facing, behaviour="walk")
    scene_rng = stream(spec, plan.i_site, plan.i_clip, "scene")
    view = paint_view(
        site,
        season=plan.season,
        night=plan.night,
        size_px=(spec.width_px, spec.height_px),
        animal_m=z_m,
        nearer=_make_occluders(plan, z_m, lens, site, scene_rng),
        rng=scene_rng,
    )
    wind = Wind((spec.width_px, spec.height_px), strength=_wind_strength(plan), rng=scene_rng)
    if plan.label == EMPTY:
        return view, None, wind
    duration_s = float(plan.n_frames / spec.rate)
    return view, Animal(movement, body, view, night=plan.night, duration_s=duration_s, rng=rng), wind


def _make_occluders(plan: ClipPlan, z_m: float, lens: Lens, site: Site, rng: Generator) -> list[Thing]:
    """Draw trunks and grass between camera and animal."""
    if not plan.occluded:
        return []
    things = []
    for _ in range(int(rng.integers(2, 5))):
        z = max(1.0, z_m * float(rng.uniform(0.6, 0.93)))
        x = float(rng.uniform(-0.45, 0.45)) * z * lens.width_px / lens.focal_px
        trunk = rng.random() < 0.4
        size = float(rng.uniform(0.04, 0.09) if trunk else rng.uniform(0.25, 0.5))
        colour = site.bark[1] if trunk else (118.0, 116.0, 66.0)
        kind = site.bark[0] if trunk else "grass"
        things.append(Thing(kind, x, z, size, int(rng.integers(2**31)), colour, sway=0.0 if trunk else 0.9))
    return things


def _render_frames(
    spec: FootageSpec,
    plan: ClipPlan,
    site: Site,
    view: View,
    animal: Animal | None,
    wind: Wind,
    times_s: NDArray[np.float64],
) -> tuple[NDArray[np.uint8], list[Sighting]]:
    rng = stream(spec, plan.i_site, plan.i_clip, "weather")
    size_px, n = (spec.width_px, spec.height_px), len(times_s)
    gains = exposure_gains(n, spec.fps, stepping=plan.disturbance == "exposure", night=plan.night, rng=rng)
    sensor = Sensor(size_px, night=plan.night, rng=rng)
    falling = (
        start_precipitation(snow=plan.season == "winter", rng=rng) if plan.disturbance == "precipitation" else None
    )
    insect = Insect(float(times_s[-1]), rng) if plan.disturbance == "insect" else None
    celsius = int(rng.integers(*{"summer": (12, 27), "autumn": (0, 14), "winter": (-22, -2)}[plan.season]))
    pixels = np.empty((n, spec.height_px, spec.width_px, 3), np.uint8)
    sightings = []
    n_rows = spec.height_px - banner_height(spec.height_px)
    for i, t_s in enumerate(times_s.tolist()):
        picture = wind.blow(view.behind, view.sway_behind, t_s)
        front = wind.blow(view.front, view.sway_front, t_s)
        sightings.append(animal.draw(picture, t_s, front[..., 3], n_rows) if animal else UNSEEN)
        picture = _draw_foreground(picture, front)
        _draw_disturbance(picture, falling, insect, t_s, night=plan.night)
        pixels[i] = sensor.expose(picture, float(gains[i]), rng)
        stamp_banner(pixels[i], site.camera, plan.site, plan.captured_at, t_s, celsius=celsius)
    return pixels, sightings


def _draw_foreground(picture: NDArray[np.uint8], front: NDArray[np.uint8]) -> NDArray[np.uint8]:
    clear = cv2.bitwise_not(cv2.extractChannel(front, 3))
    dimmed = cv2.multiply(picture, cv2.merge([clear] * 3), scale=1 / 255)
    return cv2.add(dimmed, cv2.cvtColor(front, cv2.COLOR_RGBA2RGB))


def _draw_disturbance(
    picture: NDArray[np.uint8], falling: Precipitation | None, insect: Insect | None, t_s: float, *, night: bool
) -> None:
    if falling is not None:
        draw_precipitation(picture, falling, t_s, night=night)
    if insect is not None:
        insect.draw(picture, t_s, night=night)


# A set -----------------------------------------------------------------------------------------------------


def render_footage(
    out: Path, spec: FootageSpec, *, n_workers: int = 1, on_progress: Callable[[int, int], None] | None = None
) -> pd.DataFrame:
    """Write all clips, `clips.csv` and `frames.csv` into `out`, and return the table of clips.

    Paths are as on the card of a camera: `site01/2021-07/DCIM/100MEDIA/IMAG0001.MP4`. The files do not depend on
    the number of workers. `on_progress(n_done, n_all)` is called after each clip.

    >>> ln.render_footage(Path("footage"), ln.FootageSpec(n_sites=2, clips_per_site=1))  # doctest: +SKIP
    """
    items = [(i_site, i_clip) for i_site in range(spec.n_sites) for i_clip in range(spec.n_items)]
    for i_site in range(spec.n_sites):
        for plan in plan_site(spec, i_site):
            (out / plan.path).parent.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    rows: dict[tuple[int, int], Rows] = {}
    with closing(_render_items(out, spec, items, n_workers)) as results:
        for item, result in results:
            rows[item] = result
            if on_progress is not None:
                on_progress(len(rows), len(items))
    clips = pd.DataFrame([rows[item][0] for item in items], columns=list(CLIP_COLUMNS))
    frames = pd.DataFrame([row for item in items for row in rows[item][1]], columns=list(FRAME_COLUMNS))
    clips.to_csv(out / "clips.csv", index=False, lineterminator="\n")
    frames.to_csv(out / "frames.csv", index=False, lineterminator="\n")
    return clips


def _render_items(
    out: Path, spec: FootageSpec, items: list[tuple[int, int]], n_workers: int
) -> Iterator[tuple[tuple[int, int], Rows]]:
    if n_workers <= 1:
        for item in items:
            yield item, _render_to_disk(out, spec, item)
        return
    with start_rendering(n_workers) as pool:
        parts = _group_by_scene(spec, items)
        futures = [pool.schedule(_render_together, args=(out, spec, part)) for part in parts]
        for future in as_completed(futures):
            yield from future.result()


def _group_by_scene(spec: FootageSpec, items: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Return the items in groups with the same forest in the same light, which a process draws once."""
    groups: dict[tuple[int, str, bool], list[tuple[int, int]]] = {}
    for i_site, part in groupby(items, key=lambda item: item[0]):
        plans = plan_site(spec, i_site)
        for item in part:
            groups.setdefault((i_site, plans[item[1]].season, plans[item[1]].night), []).append(item)
    return list(groups.values())


def _render_together(
    out: Path, spec: FootageSpec, items: list[tuple[int, int]]
) -> list[tuple[tuple[int, int], Rows]]:
    return [(item, _render_to_disk(out, spec, item)) for item in items]


@contextmanager
def start_rendering(n_workers: int) -> Iterator[ProcessPool]:
    """Start processes that render. They end with the block, in the middle of a clip where it is left early."""
    pool = ProcessPool(n_workers, initializer=_start_worker, context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.stop()
        pool.join()


def _start_worker() -> None:
    """Prepare a process that renders: one thread for each, and an end with its parent."""
    end_with_parent()
    cv2.setNumThreads(1)


def _render_to_disk(out: Path, spec: FootageSpec, item: tuple[int, int]) -> Rows:
    return write_clip(out, spec, render_clip(spec, *item))


def write_clip(out: Path, spec: FootageSpec, clip: RenderedClip) -> Rows:
    """Write the file of a clip below the folder `out`; return its row of `clips.csv` and those of `frames.csv`."""
    path = out / clip.plan.path
    if clip.plan.kind == "still":
        write_still(path, clip.pixels[0], clip.plan.captured_at, clip.camera, mark=MARK)
    else:
        write_video(path, clip.pixels, clip.sound, rate=spec.rate, captured_at=clip.plan.captured_at, mark=MARK)
    return clip_row(spec, clip), frame_rows(clip)
