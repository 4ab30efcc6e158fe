"""A job: everything that decides how clips are classified. A worker process gets it once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.errors import MediaError
from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.settings.detection import NO_DETECTOR, DetectorConfig
from leopardnet.core.settings.inference import Effort, RuntimeConfig, Sampling
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
    read_frames: Callable[[Clip, Job, int], ClipFrames | MediaError] | None = None
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
        boxes = {"detector": detector_id(self.detector)} if self.detector.is_on else {}
        return boxes | {
            "bundle_id": self.bundle.id,
            "sampling": self.sampling.model_dump(mode="json"),
            "effort": self.effort,
            "backend": runtime.backend_name,
            "device": runtime.device,
            "precision": runtime.precision,
        }


# Classifies clips, and yields each with its prediction as it is finished, until the third argument returns True.
Results = Generator[tuple[QueuedClip, ClipPrediction], None, None]
Engine = Callable[[Iterator[QueuedClip], Job, Callable[[], bool]], Results]
