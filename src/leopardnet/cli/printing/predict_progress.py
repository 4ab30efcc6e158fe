"""The progress of the verb `predict`: how many clips, how fast, and how long it will still take."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from leopardnet.cli.console import say, stages
from leopardnet.core.language import translate, translate_label
from leopardnet.core.processes.pace import Pace

if TYPE_CHECKING:
    import pandas as pd

    from leopardnet.core.types import ClipPrediction

MIN_SHARE = 0.01


class PredictProgress:
    """Counts predictions as they come in, and shows their number and rate."""

    def __init__(self, on_progress: Callable[..., None]) -> None:
        self._on_progress = on_progress
        self.counts: Counter[str] = Counter()
        self.total_s, self.crop_s = 0.0, 0.0
        self._pace = Pace()

    def count(self, result: ClipPrediction) -> None:
        """Count a new prediction and the seconds it took."""
        self.counts[result.status] += 1
        self.total_s, self.crop_s = self.total_s + result.seconds[0], self.crop_s + result.seconds[1]
        self._pace.count(time.monotonic(), self.counts.total())

    def show(self, n_done: int, n_total: int) -> None:
        """Show how many clips are done."""
        self._on_progress(translate("classifying"), n_done, n_total, self.note)

    def say_share(self) -> None:
        """Print the share of the time that boxes took, if it is worth mentioning."""
        share = self.crop_s / self.total_s if self.total_s else 0.0
        if share >= MIN_SHARE:
            per_clip_s = self.crop_s / sum(self.counts.values())
            say(f"boxes and crops: {share:.0%} of the time, {per_clip_s:.2f} s a clip")

    @property
    def per_minute(self) -> float:
        """Clips per minute over the last ten minutes, 0 where it is not known yet."""
        return 60 * (self._pace.per_s or 0.0)

    @property
    def note(self) -> str:
        """The rate, and the numbers of clips that were read in part or not at all."""
        rate = translate("{n} clips/min", n=f"{self.per_minute:.0f}") if self.per_minute else ""
        bad = [f"{self.counts[s]} {translate_label(s)}" for s in ("partial", "unreadable") if self.counts[s]]
        return ", ".join([rate, *bad]).strip(", ")


def count_decoders(table: pd.DataFrame) -> dict[str, int]:
    """Return how many videos of a predictions table each device decoded, and how many software.

    >>> import pandas as pd
    >>> count_decoders(pd.DataFrame({"decoded_by": ["cuda", "software", "cuda", None]}))
    {'cuda': 2, 'software': 1}
    """
    return {str(name): int(n) for name, n in table["decoded_by"].value_counts().sort_index().items()}


def say_decoders(table: pd.DataFrame) -> None:
    """Print how many videos of a predictions table were decoded on a device, and how many were left to software."""
    counts = count_decoders(table)
    say(f"videos by their decoder: {', '.join(f'{name} {n}' for name, n in counts.items()) or 0}")
    if set(counts) == {"software"}:
        say("No hardware decoder was found, or none could decode these videos.")


@contextmanager
def predict_progress() -> Iterator[PredictProgress]:
    """Show the progress of `predict` on stderr for as long as the block lasts."""
    with stages() as on_progress:
        yield PredictProgress(on_progress)
