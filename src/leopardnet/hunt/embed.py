"""`embed`: the features of a few frames of every clip, without labels, without torch, and without a network.

One worker process per core reads whole clips, as in `predict`. Each finished clip is in `features.sqlite` at once,
so an interrupted run continues where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leopardnet.bundle.runtime import compile_openvino, run_singly
from leopardnet.core.errors import MediaError
from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.types import Clip
from leopardnet.core.weights.embedded_backbones import read_embedded
from leopardnet.data.checks.match_files import refuse_other_files
from leopardnet.hunt.backbone_graph import build_feature_graph
from leopardnet.hunt.feature_store import FeatureJournal, FeatureStore, FrameFeatures
from leopardnet.hunt.setup import HuntSetup, load_setup
from leopardnet.media.decode import open_clip
from leopardnet.media.preprocess import decode_side_px, to_model_input
from leopardnet.media.sampling import sample_times
from leopardnet.media.video.hardware import SOFTWARE, open_device, settle_decoder
from leopardnet.media.workers.clip_errors import decoder_error, out_of_memory_error
from leopardnet.media.workers.clip_pool import ClipPool
from leopardnet.media.workers.read_ahead import advise_next


@dataclass(frozen=True)
class HuntJob:
    """The footage and the set-up of a run."""

    root: Path
    setup: HuntSetup
    runtime: RuntimeConfig


class FeatureNetwork:
    """An embedded backbone on OpenVINO."""

    def __init__(self, setup: HuntSetup, runtime: RuntimeConfig) -> None:
        model, size_px = setup.model, setup.preprocess.size_px
        state = read_embedded(model.backbone)
        graph = build_feature_graph(state, model.backbone, size_px=size_px, gem_p=model.gem_p)
        self._run = run_singly(compile_openvino(graph, runtime, name=model.name, is_single=True))

    def see(self, frames: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return features float32 [N, F] and ImageNet logits float32 [N, 1000] of frames uint8 [N, 3, S, S]."""
        answers = [self._run(frame[None]) for frame in frames]
        imagenet, features = (np.concatenate(x) for x in zip(*answers, strict=True))
        return features, imagenet


def embed(
    manifest: Manifest,
    out: str | Path,
    *,
    setup: HuntSetup | None = None,
    runtime: RuntimeConfig | None = None,
    retry_failed: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[int, int], None] = lambda n_done, n_total: None,
) -> FeatureStore:
    """Compute the features of all clips that have none yet, into `out/features.sqlite`, and return all of them.

    A clip is one of a run's set-up and the size and time of its files; a changed file is read again.
    What decodes videos is no part of that: a device gives nearly the same frames, and the order is no result.
    retry_failed: read unreadable clips again. Raises RunStopped where `should_stop` returned True before the last
    clip, and ManifestError where the times of the manifest are of other footage.

    >>> embed(scan("clips/"), "review-clips/")  # doctest: +SKIP
    """
    refuse_other_files(manifest.table, manifest.root)
    job = HuntJob(manifest.root, setup or load_setup(), settle_decoder(runtime or RuntimeConfig()))
    with FeatureJournal.open_keyed(out, job.setup.to_key()) as journal:
        engine = partial(_embed_all, job=job, should_stop=should_stop)
        journal.fill(
            manifest.page_clips(), manifest.root, engine, retry_failed=retry_failed, on_progress=on_progress
        )
        journal.end_wal()
    return FeatureStore(out, run_id=journal.run_id)


def _embed_all(
    clips: Iterator[QueuedClip], job: HuntJob, should_stop: Callable[[], bool]
) -> Generator[tuple[QueuedClip, FrameFeatures], None, None]:
    if job.runtime.workers == 0:
        network = FeatureNetwork(job.setup, job.runtime)
        for item in clips:
            if should_stop():
                return
            yield item, embed_clip(item.clip, job, network)
        return
    with ClipPool(job, start=_start, read=_embed_one, give_up=_give_up) as pool:
        yield from pool.process(advise_next(clips, job.root), should_stop)


def embed_clip(clip: Clip, job: HuntJob, network: FeatureNetwork) -> FrameFeatures:
    """Return the features of one clip; those of an unreadable one have no frame and say why."""
    spec = job.setup.preprocess
    try:
        with open_clip(clip, job.root) as opened:
            times_s = sample_times(opened.info, job.setup.sampling)
            frames = opened.decode(times_s, short_side_px=decode_side_px(spec), decoder=job.runtime.decode)
        features, imagenet = network.see(to_model_input(frames.pixels, spec))
    except MediaError as error:
        return _give_up(job, clip, error.one_line)
    except MemoryError:
        return _give_up(job, clip, out_of_memory_error(clip, job.runtime).one_line)
    except Exception as error:  # a decoder may raise anything on a broken file; the run goes on
        return _give_up(job, clip, decoder_error(clip, error).one_line)
    reason = "; ".join(frames.warnings)
    return FrameFeatures(clip, "partial" if reason else "ok", reason, frames.times_s, features, imagenet)


def _give_up(job: HuntJob, clip: Clip, reason: str) -> FrameFeatures:
    nothing = np.zeros((0, 0), np.float32)
    return FrameFeatures(clip, "unreadable", reason, np.zeros(0), nothing, nothing)


# --- in the worker ---

_work: tuple[HuntJob, FeatureNetwork] | None = None


def _start(job: HuntJob) -> None:
    global _work
    job = replace(job, runtime=job.runtime.model_copy(update={"threads": job.runtime.threads or 1}))
    _work = job, FeatureNetwork(job.setup, job.runtime)
    if job.runtime.decode != SOFTWARE:
        open_device(job.runtime.decode)  # before the memory of this process is limited


def _embed_one(clip: Clip) -> FrameFeatures:
    assert _work is not None, "the process was started"
    return embed_clip(clip, *_work)
