"""Does the model look at the animal? The same clips with one thing changed that should matter, or should not.

banner       the strips at the top and the bottom come from a clip of another site: nothing should change
masked       the animal is replaced by what is behind it: what was said of it should be gone
shuffled     the frames in another order: nothing may change
reencoded    every frame as a JPEG of low quality: little should change

A model that has learned the camera's clock, or the place, keeps its answer where the animal is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.bundle.bundle import Bundle
from leopardnet.bundle.runtime import Runtime
from leopardnet.core.boxes import parse_boxes
from leopardnet.core.errors import MediaError
from leopardnet.core.labels import EMPTY
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.types import Clip, Frames
from leopardnet.infer.clip import decide_clip
from leopardnet.infer.evidence import Evidence
from leopardnet.media.decode import decode, probe
from leopardnet.media.preprocess import decode_side_px, to_model_input
from leopardnet.media.sampling import sample_times
from leopardnet.metrics.bootstrap import SiteDraws, estimate_columns

TESTS = ("as it is", "banner", "shuffled", "reencoded", "as it is, frames that can be masked", "masked")
SAME_FRAMES = TESTS[4]
STRIP = 0.08  # of the height, above and below
QUALITY = 40
SAME_MOMENT_S = 0.05
MARGIN = 0.1  # of a box, on every side: a tail hangs out
MIN_BEHIND, MOST_BEHIND = 3, 40  # frames that must show what is behind an animal, and that are asked
Pixels = NDArray[np.uint8]
Boxes = Sequence[Sequence[float]]


def shortcut_table(
    manifest: Manifest, bundle: Bundle, *, most: int | None = None, on_progress: Callable[..., None] | None = None
) -> pd.DataFrame:
    """One row per labelled clip and test: clip_id, label, test, decision, p_label (the true label's probability), p_animal.

    `masked` needs to know where the animal is: it has rows of clips of which the manifest holds boxes (in fractions, or in
    px with the picture's size), and judges only the frames that have one. Clips that cannot be read have no rows. most:
    clips with an animal that are tested, those with boxes first, and as many without; on_progress(what, n_done, n_total).

    >>> shortcut_table(read_manifest("m.parquet").where(split="test"), bundle).groupby("test")["p_label"].mean()  # doctest: +SKIP
    """
    network, boxes = bundle.runtime(RuntimeConfig()), _boxes_by_clip(manifest)
    clips = _some([c for c in manifest.clips() if c.label in bundle.labels.names], set(boxes), most)
    rows = []
    for i, clip in enumerate(clips):
        try:
            frames = _frames(clip, manifest, bundle)
        except MediaError:
            continue
        other = _frame_elsewhere(clip, [*clips[i + 1 :], *clips[:i]], manifest, bundle)
        for test, pixels, times_s in _changed(frames, other, boxes.get(clip.clip_id, []), seed=i):
            rows.append(_judged(clip, test, replace(frames, pixels=pixels, times_s=times_s), bundle, network))
        if on_progress:
            on_progress("looking for shortcuts", i + 1, len(clips))
    return pd.DataFrame(rows, columns=["clip_id", "label", "test", "decision", "p_label", "p_animal"])


def shortcut_summary(
    rows: pd.DataFrame, sites: pd.Series[str], *, n_boot: int = 1000, seed: int = 7
) -> pd.DataFrame:
    """What each test does to clips with an animal, and beside them what clips without one get: what `masked` should fall to.

    rows: of `shortcut_table`; sites: by clip_id. One row per test: n_clips, the means of p_animal and p_label with their 95 %
    intervals over sites, and `right`, the share of clips whose decision is the true label: of `masked` it should be 0. As it is
    is there a second time, with only those frames whose animals can be masked.
    """
    is_animal, whole = rows["label"] != EMPTY, rows["test"] == TESTS[0]
    parts = {test: is_animal & (rows["test"] == test) for test in TESTS} | {
        "clips without an animal": ~is_animal & whole
    }
    table = {}
    for name, chosen in parts.items():
        part = rows[chosen]
        if not len(part):
            continue
        draws = SiteDraws.of(part["clip_id"].map(sites), n_boot=n_boot, seed=seed)
        right = (part["decision"] == part["label"]).to_numpy(np.float64)
        values = {
            "p_animal": part["p_animal"].to_numpy(np.float64),
            "p_label": part["p_label"].to_numpy(np.float64),
            "right": right,
        }
        columns = [estimate_columns(key, [draws.mean(x)]) for key, x in values.items()]
        table[name] = {"n_clips": len(part)} | {k: float(v[0]) for column in columns for k, v in column.items()}
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("test")


def swap_banner(pixels: Pixels, other: Pixels) -> Pixels:
    """Frames uint8 [N, H, W, 3] with the strips at the top and the bottom of another frame uint8 [h, w, 3]."""
    changed, height = pixels.copy(), pixels.shape[1]
    n = max(1, round(height * STRIP))
    fitted = cv2.resize(other, (pixels.shape[2], height), interpolation=cv2.INTER_AREA)
    changed[:, :n], changed[:, -n:] = fitted[:n], fitted[-n:]
    return changed


def mask_animals(pixels: Pixels, boxes: Sequence[Boxes]) -> Pixels:
    """Frames uint8 [N, H, W, 3] of one clip without what is in the boxes (fractions) of each, and a little around them.

    What is behind it is known where the animal stands elsewhere in at least three frames: the median of those. Where it is
    not, the hole is filled with what is around it, which leaves a blur that a network may well take for an animal.
    """
    holes = np.stack(
        [_hole(frame.shape[:2], found) for frame, found in zip(pixels, boxes, strict=True)]
    )  # [N, H, W]
    some = np.unique(np.linspace(0, len(pixels) - 1, MOST_BEHIND).round().astype(int))
    masked = np.ma.masked_array(pixels[some], np.repeat(holes[some][..., None], 3, axis=-1))
    behind = np.ma.median(masked, axis=0).filled(0)
    is_known = (~holes[some]).sum(axis=0) >= MIN_BEHIND
    filled = pixels.copy()
    for frame, hole in zip(filled, holes, strict=True):
        frame[hole & is_known] = behind[hole & is_known].astype(np.uint8)
        unknown = (hole & ~is_known).astype(np.uint8)
        if unknown.any():
            frame[:] = cv2.inpaint(frame, unknown, 3, cv2.INPAINT_TELEA)
    return filled


def _hole(shape: tuple[int, int], boxes: Boxes) -> NDArray[np.bool_]:
    hole, (height, width) = np.zeros(shape, bool), shape
    for x0, y0, x1, y1 in boxes:
        dx, dy = MARGIN * (x1 - x0), MARGIN * (y1 - y0)
        rows = slice(max(0, int((y0 - dy) * height)), int(np.ceil((y1 + dy) * height)))
        hole[rows, max(0, int((x0 - dx) * width)) : int(np.ceil((x1 + dx) * width))] = True
    return hole


def reencode_as_jpeg(frame: Pixels) -> Pixels:
    """A frame uint8 [H, W, 3] after a JPEG of low quality."""
    data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _some(clips: list[Clip], boxed: set[str], most: int | None) -> list[Clip]:
    """At most `most` clips with an animal, those with boxes first, and as many without: drawn, the same ones every time."""
    if most is None:
        return clips
    drawn = [clips[i] for i in np.random.default_rng(7).permutation(len(clips))]
    drawn.sort(key=lambda clip: clip.clip_id not in boxed)
    kept = {
        c.clip_id for wanted in (True, False) for c in [c for c in drawn if (c.label == EMPTY) is wanted][:most]
    }
    return [c for c in clips if c.clip_id in kept]


def _changed(
    frames: Frames, other: Pixels | None, boxes: list[tuple[float | None, Boxes]], *, seed: int
) -> Iterator[tuple[str, Pixels, NDArray[np.float64]]]:
    pixels, times_s = frames.pixels, frames.times_s
    yield "as it is", pixels, times_s
    if other is not None:
        yield "banner", swap_banner(pixels, other), times_s
    nearest = [min(boxes, key=lambda box: _apart(box, t), default=None) for t in times_s.tolist()]
    known = [i for i, box in enumerate(nearest) if box is not None and _apart(box, times_s[i]) <= SAME_MOMENT_S]
    if known:
        cut = mask_animals(pixels[known], [box[1] for i in known if (box := nearest[i]) is not None])
        yield SAME_FRAMES, pixels[known], times_s[known]
        yield "masked", cut, times_s[known]
    yield "shuffled", pixels[np.random.default_rng(seed).permutation(len(pixels))], times_s
    yield "reencoded", np.stack([reencode_as_jpeg(f) for f in pixels]), times_s


def _apart(box: tuple[float | None, Boxes], time_s: float) -> float:
    """Seconds between a box and a frame; a box without a time is that of a still."""
    return 0.0 if box[0] is None else abs(box[0] - time_s)


def _frame_elsewhere(clip: Clip, others: list[Clip], manifest: Manifest, bundle: Bundle) -> Pixels | None:
    """The first frame of a clip of another site, uint8 [H, W, 3]; None where there is no such clip that can be read."""
    for other in (c for c in others if c.site != clip.site):
        try:
            times_s = sample_times(probe(other, manifest.root), bundle.spec.sampling)[:1]
            side_px = decode_side_px(bundle.spec.preprocess)
            return decode(other, manifest.root, times_s=times_s, short_side_px=side_px).pixels[0]
        except MediaError:
            continue
    return None


def _frames(clip: Clip, manifest: Manifest, bundle: Bundle) -> Frames:
    times_s = sample_times(probe(clip, manifest.root), bundle.spec.sampling)
    labelled = manifest.table.loc[
        manifest.table["clip_id"].eq(clip.clip_id) & manifest.table["boxes"].notna(), "time_s"
    ]
    times_s = np.union1d(times_s, labelled.dropna().to_numpy(np.float64))
    return decode(clip, manifest.root, times_s=times_s, short_side_px=decode_side_px(bundle.spec.preprocess))


def _judged(clip: Clip, test: str, frames: Frames, bundle: Bundle, network: Runtime) -> dict[str, object]:
    logits = network.answers(to_model_input(frames.pixels, bundle.spec.preprocess)).logits
    nothing = np.full_like(logits, np.nan)
    result = decide_clip(clip, Evidence(frames.times_s, logits, nothing, nothing, (None,) * len(logits)), bundle)
    assert result.probs is not None, "there are frames"
    p_label = float(result.probs[bundle.labels.index(str(clip.label))])
    return {
        "clip_id": clip.clip_id,
        "label": clip.label,
        "test": test,
        "decision": result.decision.label,
        "p_label": p_label,
        "p_animal": 1 - float(result.probs[bundle.labels.i_empty]) if bundle.labels.i_empty is not None else 1.0,
    }


def _boxes_by_clip(manifest: Manifest) -> dict[str, list[tuple[float | None, Boxes]]]:
    """By clip: the moment of each labelled frame (None for a still) and its boxes in fractions."""
    found: dict[str, list[tuple[float | None, Boxes]]] = {}
    rows = manifest.table[manifest.table["boxes"].notna()]
    columns = rows[["clip_id", "time_s", "boxes", "box_unit", "width_px", "height_px"]]
    for clip_id, time_s, cell, unit, width, height in columns.itertuples(index=False, name=None):
        if unit == "px" and (pd.isna(width) or pd.isna(height)):
            continue
        scale = (width, height, width, height) if unit == "px" else (1, 1, 1, 1)
        boxes = [[v / s for v, s in zip(b["xyxy"], scale, strict=True)] for b in parse_boxes(cell)]
        if boxes:
            found.setdefault(clip_id, []).append((None if pd.isna(time_s) else float(time_s), boxes))
    return found
