"""Tests for shortcuts: the same clips with one thing changed that should matter, or should not.

banner       the strips at the top and the bottom come from a clip of another site: nothing should change
cut          the strips at the top and the bottom are cut away: little should change
masked       the animal is replaced by its background: the animal should no longer be predicted
shuffled     the frames in another order: nothing may change
reencoded    every frame as a JPEG of low quality: little should change

A model that has learned the camera's banner or the place keeps its prediction where the animal is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.bundle.bundle import Bundle
from leopardnet.bundle.runtime import Runtime
from leopardnet.core.boxes import parse_boxes
from leopardnet.core.errors import ManifestError, MediaError
from leopardnet.core.labels import EMPTY, JOINER
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.types import Clip, Frames
from leopardnet.infer.clip import decide_clip
from leopardnet.infer.evidence import Evidence
from leopardnet.media.decode import decode, probe
from leopardnet.media.preprocess import decode_side_px, to_model_input
from leopardnet.media.sampling import sample_times
from leopardnet.media.upright_boxes import place_on_file
from leopardnet.metrics.bootstrap import SiteDraws, encode_sites, estimate_row
from leopardnet.score.decide import name_all, p_nothing

SAME_FRAMES = "as it is, frames that can be masked"
TESTS = ("as it is", "banner", "cut", "shuffled", "reencoded", SAME_FRAMES, "masked")
STRIP = 0.08  # of the height, at the top and at the bottom
QUALITY = 40
SAME_MOMENT_S = 0.05
MARGIN = 0.1  # of the width or height of a box, on every side: a tail may reach out of it
MIN_FRAMES, MAX_FRAMES = 3, 40  # that must show the background behind an animal, and that are searched for it
Pixels = NDArray[np.uint8]
Change = Callable[[Pixels, np.random.Generator], Pixels]  # of the frames of a clip, uint8 [N, H, W, 3]
Boxes = Sequence[Sequence[float]]
_DrawnBoxes = tuple[
    float | None, Boxes, str, tuple[int, int] | None
]  # time, boxes, their unit, size of the picture


def run_shortcut_tests(
    manifest: Manifest,
    bundle: Bundle,
    *,
    n_clips: int | None = None,
    more: Mapping[str, Change] | None = None,
    on_progress: Callable[..., None] | None = None,
) -> pd.DataFrame:
    """Return one row per labelled clip and test: clip_id, label, test, decision, p_label, p_animal, and probs.

    p_label and p_animal are the probabilities of the true label and of any animal, probs those of all labels in
    class order, float32 [C]. `masked` needs the place of the animal: only clips with boxes in the manifest have
    such rows, made from the frames that have a box of certain place. Clips that cannot be read have no rows.
    n_clips: how many clips with an animal are tested, those with boxes first, and as many without; None for all.
    more: further tests by name, drawn from a generator that differs between clips. on_progress(what, n_done,
    n_total).

    >>> rows = run_shortcut_tests(read_manifest("m.parquet").where(split="test"), bundle)  # doctest: +SKIP
    >>> rows.groupby("test")["p_label"].mean()  # doctest: +SKIP
    """
    network, boxes = bundle.runtime(RuntimeConfig.model_validate({})), _read_boxes(manifest)
    clips = _choose_clips([c for c in manifest.clips() if c.label in bundle.labels.names], set(boxes), n_clips)
    rows = []
    for i, clip in enumerate(clips):
        try:
            frames = _decode_frames(clip, manifest, bundle)
        except MediaError:
            continue
        other = _find_other_frame(clip, [*clips[i + 1 :], *clips[:i]], manifest, bundle)
        placed = _place_boxes(boxes.get(clip.clip_id, []), clip, manifest)
        added = [
            (name, change(frames.pixels, np.random.default_rng(i)), frames.times_s)
            for name, change in (more or {}).items()
        ]
        for test, pixels, times_s in [*_change_frames(frames, other, placed, seed=i), *added]:
            rows.append(_classify(clip, test, replace(frames, pixels=pixels, times_s=times_s), bundle, network))
        if on_progress:
            on_progress("testing for shortcuts", i + 1, len(clips))
    return pd.DataFrame(rows, columns=["clip_id", "label", "test", "decision", "p_label", "p_animal", "probs"])


def summarise_shortcuts(
    rows: pd.DataFrame, sites: pd.Series[str], *, n_boot: int = 1000, seed: int = 7
) -> pd.DataFrame:
    """Return the effect of each test on clips with an animal, beside unchanged clips without one.

    rows: of `run_shortcut_tests`; sites: by clip_id. One row per test: n_clips, the means of p_animal and p_label
    with their 95 % intervals over sites, and `right`, the share of clips whose decision is the true label. For
    `masked`, p_animal should fall to that of clips without an animal, and `right` to 0. `as it is` occurs a second
    time for only those frames whose animals can be masked.
    """
    is_animal, is_first = rows["label"] != EMPTY, rows["test"] == TESTS[0]
    parts = {test: is_animal & (rows["test"] == test) for test in TESTS}
    parts["clips without an animal"] = ~is_animal & is_first
    table = {}
    for name, chosen in parts.items():
        part = rows[chosen]
        if not len(part):
            continue
        codes, _ = encode_sites(part["clip_id"].map(sites))
        draws = SiteDraws.of(codes, n_boot=n_boot, seed=seed)
        values = {
            "p_animal": part["p_animal"].to_numpy(np.float64),
            "p_label": part["p_label"].to_numpy(np.float64),
            "right": (part["decision"] == part["label"]).to_numpy(np.float64),
        }
        means = {key: draws.estimate_mean(x) for key, x in values.items()}
        table[name] = {"n_clips": len(part), **estimate_row(means)}
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("test")


def swap_banner(pixels: Pixels, other: Pixels) -> Pixels:
    """Return frames uint8 [N, H, W, 3] with the top and bottom strips of another frame, uint8 [h, w, 3]."""
    changed, height = pixels.copy(), pixels.shape[1]
    n = max(1, round(height * STRIP))
    resized = cv2.resize(other, (pixels.shape[2], height), interpolation=cv2.INTER_AREA)
    changed[:, :n], changed[:, -n:] = resized[:n], resized[-n:]
    return changed


def cut_strips(pixels: Pixels) -> Pixels:
    """Return frames uint8 [N, H, W, 3] without the strips at the top and the bottom."""
    n = max(1, round(pixels.shape[1] * STRIP))
    return pixels[:, n:-n] if pixels.shape[1] > 2 * n else pixels


def mask_animals(pixels: Pixels, boxes: Sequence[Boxes]) -> Pixels:
    """Return frames uint8 [N, H, W, 3] of one clip without the content of their boxes (fractions) and a margin.

    The background is known where the animal is elsewhere in at least three frames: the median of those. Where it is
    not known, the hole is filled from its surroundings, which leaves a blur that a network may well take for an
    animal.
    """
    holes = np.stack([_box_mask(f.shape[:2], found) for f, found in zip(pixels, boxes, strict=True)])  # [N, H, W]
    some = np.unique(np.linspace(0, len(pixels) - 1, MAX_FRAMES).round().astype(int))
    masked = np.ma.masked_array(pixels[some], np.repeat(holes[some][..., None], 3, axis=-1))
    background = np.ma.median(masked, axis=0).filled(0)
    is_known = (~holes[some]).sum(axis=0) >= MIN_FRAMES
    filled = pixels.copy()
    for frame, hole in zip(filled, holes, strict=True):
        frame[hole & is_known] = background[hole & is_known].astype(np.uint8)
        unknown = (hole & ~is_known).astype(np.uint8)
        if unknown.any():
            frame[:] = cv2.inpaint(frame, unknown, 3, cv2.INPAINT_TELEA)
    return filled


def _box_mask(shape: tuple[int, int], boxes: Boxes) -> NDArray[np.bool_]:
    """Return which pixels lie in one of the boxes (fractions) or its margin, bool [H, W]."""
    hole, (height, width) = np.zeros(shape, bool), shape
    for x0, y0, x1, y1 in boxes:
        dx, dy = MARGIN * (x1 - x0), MARGIN * (y1 - y0)
        rows = slice(max(0, int((y0 - dy) * height)), int(np.ceil((y1 + dy) * height)))
        hole[rows, max(0, int((x0 - dx) * width)) : int(np.ceil((x1 + dx) * width))] = True
    return hole


def reencode_as_jpeg(frame: Pixels) -> Pixels:
    """Return a frame uint8 [H, W, 3] after compression to a JPEG of low quality."""
    data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _choose_clips(clips: list[Clip], with_boxes: set[str], n_clips: int | None) -> list[Clip]:
    """Return up to n_clips clips with an animal, those with boxes first, and as many without, by a fixed seed."""
    if n_clips is None:
        return clips
    drawn = [clips[i] for i in np.random.default_rng(7).permutation(len(clips))]
    drawn.sort(key=lambda clip: clip.clip_id not in with_boxes)
    chosen = [
        c for is_empty in (True, False) for c in [c for c in drawn if (c.label == EMPTY) is is_empty][:n_clips]
    ]
    ids = {c.clip_id for c in chosen}
    return [c for c in clips if c.clip_id in ids]


def _change_frames(
    frames: Frames, other: Pixels | None, boxes: list[tuple[float | None, Boxes]], *, seed: int
) -> Iterator[tuple[str, Pixels, NDArray[np.float64]]]:
    """Yield the name of each test that is possible, its frames and their times in seconds."""
    pixels, times_s = frames.pixels, frames.times_s
    yield "as it is", pixels, times_s
    if other is not None:
        yield "banner", swap_banner(pixels, other), times_s
    yield "cut", cut_strips(pixels), times_s
    nearest = [min(boxes, key=lambda box: _seconds_between(box, t), default=None) for t in times_s.tolist()]
    known = [
        i for i, box in enumerate(nearest) if box is not None and _seconds_between(box, times_s[i]) <= SAME_MOMENT_S
    ]
    if known:
        cut = mask_animals(pixels[known], [box[1] for i in known if (box := nearest[i]) is not None])
        yield SAME_FRAMES, pixels[known], times_s[known]
        yield "masked", cut, times_s[known]
    yield "shuffled", pixels[np.random.default_rng(seed).permutation(len(pixels))], times_s
    yield "reencoded", np.stack([reencode_as_jpeg(f) for f in pixels]), times_s


def _seconds_between(box: tuple[float | None, Boxes], time_s: float) -> float:
    """Return the seconds between a box and a frame; a box without a time is that of a still."""
    return 0.0 if box[0] is None else abs(box[0] - time_s)


def _find_other_frame(clip: Clip, others: list[Clip], manifest: Manifest, bundle: Bundle) -> Pixels | None:
    """Return the first frame of a clip of another site, uint8 [H, W, 3]; None if none can be read."""
    for other in (c for c in others if c.site != clip.site):
        try:
            times_s = sample_times(probe(other, manifest.root), bundle.spec.sampling)[:1]
            side_px = decode_side_px(bundle.spec.preprocess)
            frames = decode(other, manifest.root, times_s=times_s, short_side_px=side_px)
        except MediaError:
            continue
        return np.asarray(frames.pixels[0], np.uint8)
    return None


def _decode_frames(clip: Clip, manifest: Manifest, bundle: Bundle) -> Frames:
    """Return the frames that the bundle samples, and those with boxes in the manifest."""
    times_s = sample_times(probe(clip, manifest.root), bundle.spec.sampling)
    labelled = manifest.table.loc[
        manifest.table["clip_id"].eq(clip.clip_id) & manifest.table["boxes"].notna(), "time_s"
    ]
    times_s = np.union1d(times_s, labelled.dropna().to_numpy(np.float64))
    return decode(clip, manifest.root, times_s=times_s, short_side_px=decode_side_px(bundle.spec.preprocess))


def _classify(clip: Clip, test: str, frames: Frames, bundle: Bundle, network: Runtime) -> dict[str, object]:
    logits = network.answers(to_model_input(frames.pixels, bundle.spec.preprocess)).logits
    nothing = np.full_like(logits, np.nan)
    seen = Evidence(frames.times_s, logits, nothing, nothing, nothing, (None,) * len(logits))
    result = decide_clip(clip, seen, bundle)
    assert result.probs is not None, "there are frames"
    labels, i_empty = bundle.labels, bundle.labels.i_empty
    p_label, p_empty = float(result.probs[labels.index(str(clip.label))]), None
    if i_empty is not None:
        p_empty = p_nothing(result.probs, i_empty) if labels.multi else result.probs[i_empty]
    return {
        "clip_id": clip.clip_id,
        "label": clip.label,
        "test": test,
        "decision": JOINER.join(name_all(result.probs, labels, bundle.spec.decide)) or result.decision.label,
        "p_label": p_label,
        "p_animal": 1 - float(p_empty) if p_empty is not None else 1.0,
        "probs": result.probs,
    }


def _read_boxes(manifest: Manifest) -> dict[str, list[_DrawnBoxes]]:
    """Return by clip_id the boxes of each row, with the time of each labelled frame (None for a still).

    Boxes of a whole video have a time of their own; those without one are left out.
    """
    found: dict[str, list[_DrawnBoxes]] = {}
    rows = manifest.table[manifest.table["boxes"].notna()]
    columns = rows[["clip_id", "kind", "time_s", "boxes", "box_unit", "width_px", "height_px"]]
    for clip_id, kind, row_s, cell, unit, width, height in columns.itertuples(index=False, name=None):
        drawn_px = None if pd.isna(width) or pd.isna(height) else (int(width), int(height))
        at: dict[float | None, list[Sequence[float]]] = {}
        for box in parse_boxes(cell):
            time_s = box.get("time_s") if pd.isna(row_s) else float(row_s)
            if time_s is not None or kind not in ("video", "frame"):
                at.setdefault(time_s, []).append(box["xyxy"])
        found.setdefault(clip_id, []).extend((t, xyxys, str(unit), drawn_px) for t, xyxys in at.items())
    return {clip_id: boxes for clip_id, boxes in found.items() if boxes}


def _place_boxes(drawn: list[_DrawnBoxes], clip: Clip, manifest: Manifest) -> list[tuple[float | None, Boxes]]:
    """Return the boxes in fractions of the upright frame, without those whose place is not certain."""
    placed: list[tuple[float | None, Boxes]] = []
    for time_s, xyxys, unit, drawn_px in drawn:
        with suppress(ManifestError, MediaError):
            placed.append((time_s, place_on_file(xyxys, unit, clip=clip, root=manifest.root, drawn_px=drawn_px)))
    return placed
