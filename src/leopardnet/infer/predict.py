"""THE main path: from a clip to its prediction, in eight steps, the same for videos, stills and bursts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.config import RuntimeConfig, Sampling
from leopardnet.core.formats import kind_of
from leopardnet.core.manifest import Manifest
from leopardnet.core.types import Clip, ClipPrediction, Frames, ManifestError, MediaError, Status
from leopardnet.infer.bundle import Bundle
from leopardnet.infer.results import Predictions
from leopardnet.infer.runtime import Runtime
from leopardnet.media.preprocess import decode_side_px, to_model_input
from leopardnet.media.sampling import sample_times
from leopardnet.media.video import decode, probe
from leopardnet.score.aggregate import aggregate, evidence_order
from leopardnet.score.calibrate import apply
from leopardnet.score.decide import decide

AHEAD = 4  # clips per worker that may wait, decoded, for the network: bounds memory


def predict(
    source: Manifest | str | Path,
    bundle: Bundle,
    *,
    runtime: RuntimeConfig | None = None,
    sampling: Sampling | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Predictions:
    """One row per clip of a manifest, a folder or a file, in its order; a clip that cannot be read has a row too.

    runtime: backend, device, precision, workers. sampling: other frames than the bundle was made for.

    >>> preds = predict("clips/", load_bundle("runs/amur/bundle"))  # doctest: +SKIP
    >>> preds.table[["path", "decision", "score"]]  # doctest: +SKIP
    """
    manifest = as_manifest(source)
    clips = manifest.clips()
    runtime = runtime or RuntimeConfig()
    network = bundle.runtime(runtime)
    results = []
    for result in judged(clips, manifest.root, bundle, network, sampling or bundle.spec.sampling, runtime.workers):
        results.append(result)
        if on_progress:
            on_progress(len(results), len(clips))
    assert len(results) == len(clips), "every clip has a row"
    return Predictions.from_clips(results, bundle, manifest)


def judged(
    clips: Iterable[Clip], root: Path, bundle: Bundle, network: Runtime, sampling: Sampling, n_workers: int
) -> Iterator[ClipPrediction]:
    """The predictions of the clips, in their order. Threads read ahead; their number changes nothing else."""
    if n_workers <= 1:
        yield from (judge(clip, look(clip, root, bundle, sampling), bundle, network) for clip in clips)
        return
    waiting: deque[tuple[Clip, Future[Seen | MediaError]]] = deque()
    with ThreadPoolExecutor(n_workers) as pool:
        for clip in clips:
            waiting.append((clip, pool.submit(look, clip, root, bundle, sampling)))
            if len(waiting) >= AHEAD * n_workers:
                first, seen = waiting.popleft()
                yield judge(first, seen.result(), bundle, network)
        while waiting:
            first, seen = waiting.popleft()
            yield judge(first, seen.result(), bundle, network)


Seen = tuple[Frames, NDArray[np.uint8]]


def look(clip: Clip, root: Path, bundle: Bundle, sampling: Sampling) -> Seen | MediaError:
    """Steps 1 to 4: the sampled frames of a clip and the model input made of them, or why there are none."""
    spec = bundle.spec.preprocess
    try:
        info = probe(clip, root)
        times_s = sample_times(info, sampling)  # [N]
        frames = decode(clip, root, times_s=times_s, short_side_px=decode_side_px(spec))  # [N, H, W, 3]
        return frames, to_model_input(frames.pixels, spec)  # [N, 3, S, S]
    except MediaError as error:
        return error
    except Exception as error:  # whatever a decoder throws at a broken file costs that file, not the run
        return MediaError(
            "the file cannot be decoded", where=clip.path, found=f"{type(error).__name__}: {error}"[:200]
        )


def judge(clip: Clip, seen: Seen | MediaError, bundle: Bundle, network: Runtime) -> ClipPrediction:
    """Steps 5 to 8: logits, clip probabilities, decision; and which frames carry it."""
    spec, labels = bundle.spec, bundle.labels
    if isinstance(seen, MediaError):
        return unreadable(clip, seen.one_line, bundle)
    frames, x = seen
    logits = network.logits(x)  # [N, C]
    clip_logits = aggregate(logits, spec.aggregate, i_empty=labels.i_empty)  # [C]
    probs = apply(clip_logits[None], spec.calibration)[0]  # [C]
    decision = decide(probs, labels, spec.decide)

    shown = labels.names.index(decision.label) if decision.label in labels.names else int(probs.argmax())
    order = evidence_order(logits, shown, i_empty=labels.i_empty)  # [N]
    status: Status = "partial" if frames.warnings else "ok"
    return ClipPrediction(
        clip, status, "; ".join(frames.warnings), decision, probs, frames.times_s,
        apply(logits, spec.calibration), tuple(order.tolist()),
    )  # fmt: skip


def unreadable(clip: Clip, reason: str, bundle: Bundle) -> ClipPrediction:
    """The row of a clip of which nothing could be seen: no probabilities, and the reason."""
    labels = bundle.labels
    nothing = np.zeros((0, len(labels)), np.float32)
    decision = decide(None, labels, bundle.spec.decide)
    return ClipPrediction(clip, "unreadable", reason, decision, None, np.zeros(0, np.float64), nothing)


def as_manifest(source: Manifest | str | Path) -> Manifest:
    """A manifest, read from its file, scanned from a folder, or made of one footage file. Never without a clip."""
    manifest = source if isinstance(source, Manifest) else _manifest_at(Path(source))
    if not len(manifest):
        raise ManifestError("there is nothing to classify: the manifest has no rows", found=repr(manifest))
    return manifest


def _manifest_at(path: Path) -> Manifest:
    import pandas as pd

    from leopardnet.data.scan import scan

    if path.is_dir():
        return scan(path)
    kind = kind_of(path.name)
    if kind and path.exists():
        real = path.resolve()  # a link that the user names is meant
        return Manifest.from_rows(pd.DataFrame({"path": [real.name], "kind": [kind]}), real.parent)
    if path.suffix.lower() in (".csv", ".parquet"):
        return Manifest.read(path)
    raise ManifestError(
        "there is no such footage", where=path, expected="a folder, a manifest (.parquet or .csv), a video or a picture",
        todo="check the path",
    )  # fmt: skip
