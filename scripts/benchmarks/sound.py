"""Measure how much longer a clip takes with its sound: processor time of `classify` with and without, in turn.

The clips of the other benchmarks get a sound track (AAC at 44.1 kHz in MP4, PCM at 16 kHz in AVI). One clip of each
kind is classified on one thread; the weights are untrained.

Example: python scripts/benchmarks/sound.py --clips runs/bench/clips --runs 5
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from clips import first_of_each, make_clips
from numpy.typing import NDArray
from small_bundle import make_bundle

from leopardnet.bundle.bundle import load_bundle
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.settings.sound import SoundConfig
from leopardnet.core.types import Clip
from leopardnet.infer.clip import classify
from leopardnet.infer.job import Job
from leopardnet.sound.search import search_clip
from leopardnet.synth.audio import SAMPLE_RATE_HZ, make_sound


def add_sound(source: Path, target: Path) -> None:
    """Copy a video with a sound track of the same length: wind, and a whistle."""
    codec, rate_hz = ("pcm_s16le", SAMPLE_RATE_HZ) if source.suffix == ".avi" else ("aac", 44_100)
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        video = new.add_stream_from_template(old.streams.video[0])
        sound = new.add_stream(codec, rate=rate_hz, layout="mono")
        duration_s = float(old.duration or 0) / av.time_base
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = video
                new.mux(packet)
        samples = make_sound(duration_s, wind=0.5, alarm_call=True, rng=np.random.default_rng(0))
        resampler = av.AudioResampler(
            format=sound.codec_context.format, layout="mono", rate=rate_hz, frame_size=1024
        )
        for frame in [*resampler.resample(_to_frame(samples)), *resampler.resample(None)]:
            new.mux(sound.encode(frame))
        new.mux(sound.encode())


def _to_frame(samples: NDArray[np.float32]) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
    frame.sample_rate = SAMPLE_RATE_HZ
    return frame


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, default=Path("runs/bench/clips"), help="made if missing")
    parser.add_argument("--bundle", type=Path, help="default: EfficientNet-Lite0 at 256 px, without training")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    if not all(path.exists() for path in first_of_each(args.clips)):
        make_clips(args.clips)
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        made = args.bundle or make_bundle(here, "model=lite0", "preprocess=squash256", "optim.epochs=0")
        bundle, runtime = load_bundle(made), RuntimeConfig(workers=0, threads=1)
        silent = Job(bundle, here, runtime, bundle.spec.sampling)
        heard, network = replace(silent, sound=SoundConfig()), bundle.runtime(runtime)
        totals = np.zeros(3)
        for source in first_of_each(args.clips):
            add_sound(source, here / source.name)
            clip = Clip(source.stem, (source.name,), "video")
            times: dict[str, list[float]] = {"without": [], "with": [], "sound": []}
            for i in range(args.runs + 1):
                for name, work in (
                    ("without", lambda clip=clip: classify(clip, silent, network)),
                    ("with", lambda clip=clip: classify(clip, heard, network)),
                    ("sound", lambda clip=clip: search_clip(clip, heard.sound_job)),
                ):
                    began = time.process_time()
                    work()
                    if i:  # the first time loads networks
                        times[name].append(1000 * (time.process_time() - began))
            without, with_, sound = (statistics.median(values) for values in times.values())
            totals += without, with_, sound
            print(f"{source.name:16} {without:7.0f} ms, with sound {with_:7.0f} ms; sound alone {sound:5.0f} ms")
        print(f"all: {100 * (totals[1] / totals[0] - 1):+.1f} %; sound alone {100 * totals[2] / totals[0]:.1f} %")


if __name__ == "__main__":
    main()
