"""A job: everything that decides how clips are classified. A worker process gets it once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.errors import ConfigError, MediaError
from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.settings.detection import NO_DETECTOR, DetectorConfig
from leopardnet.core.settings.inference import DROPPED_EFFORTS, Effort, RuntimeConfig, Sampling
from leopardnet.core.settings.sound import NO_SOUND, SoundConfig
from leopardnet.core.types import Clip, ClipPrediction
from leopardnet.detect.detector import Detector, detector_id, open_detector

if TYPE_CHECKING:
    from leopardnet.infer.evidence import ClipFrames
    from leopardnet.sound.search import SoundJob


@dataclass(frozen=True)
class Job:
    """The model, footage and settings of a run.

    read_frames: replaces `infer.clip.read_frames` in tests; twins: of the footage, see `match_detector`.
    """

    bundle: Bundle
    root: Path
    runtime: RuntimeConfig
    sampling: Sampling
    detector: DetectorConfig = NO_DETECTOR
    effort: Effort = "full"
    read_frames: Callable[[Clip, Job], ClipFrames | MediaError] | None = None
    twins: frozenset[str] = frozenset()
    sound: SoundConfig = NO_SOUND

    def open_detector(self) -> Detector | None:
        """Return the detector, opened once per process; None where the job has none."""
        return open_detector(self.detector, self.root, threads=self.runtime.threads, twins=self.twins)

    @property
    def is_on_graphics_processor(self) -> bool:
        """Whether the network runs on a graphics processor, which one process feeds for all workers."""
        if self.runtime.backend_name != "torch" or self.runtime.device == "cpu":
            return False
        if self.runtime.device != "auto":
            return True
        from leopardnet.network.classifier import choose_device

        return choose_device("auto") != "cpu"

    @property
    def sound_job(self) -> SoundJob:
        """What the search of sound tracks needs of this job."""
        from leopardnet.sound.search import SoundJob

        return SoundJob(self.root, self.sound, self.runtime)

    def results_key(self) -> dict[str, object]:
        """Return what results depend on. The journal keeps the rows of each key apart.

        Sound is no part of it, because it changes no other result: rows without sound get it later.
        """
        runtime = self.runtime
        key: dict[str, object] = {"detector": detector_id(self.detector)} if self.detector.is_on else {}
        # Rows of older versions were decoded in software with the loop filter, and their keys do not say so.
        if runtime.decode != "software":
            key["decode"] = runtime.decode
        if not runtime.loop_filter:
            key["loop_filter"] = False
        return key | {
            "bundle_id": self.bundle.id,
            "sampling": self.sampling.model_dump(mode="json"),
            "effort": self.effort,
            "backend": runtime.backend_name,
            "device": runtime.device,
            "precision": runtime.precision,
        }


def choose_effort(name: str, on_note: Callable[[str], None] = lambda note: None) -> Effort:
    """Return the effort of this name; those of older versions become `full`, with a note. Raises ConfigError.

    >>> choose_effort("auto", print)
    effort 'auto' no longer exists, because it missed short visits: all frames of the sampling are classified
    'full'
    """
    if name in DROPPED_EFFORTS:
        on_note(
            f"effort '{name}' no longer exists, because it missed short visits: all frames of the sampling are "
            "classified"
        )
        return "full"
    if name not in get_args(Effort):
        raise ConfigError("no such effort", where="effort", found=name, expected=", ".join(get_args(Effort)))
    return cast(Effort, name)


# Classifies clips, and yields each with its prediction as it is finished, until the third argument returns True.
Results = Generator[tuple[QueuedClip, ClipPrediction], None, None]
Engine = Callable[[Iterator[QueuedClip], Job, Callable[[], bool]], Results]
