"""Human voices on a sound track: that somebody speaks, never what is said.

The network is Silero VAD 6.2 (MIT licence, `silero/LICENSE`), which tells speech from everything else every 32 ms.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft

from leopardnet.core.settings.sound import SoundConfig
from leopardnet.core.types import FoundSound
from leopardnet.sound.search_names import VOICE as SOURCE
from leopardnet.sound.search_names import VOICE_KIND as KIND
from leopardnet.sound.spectrogram import make_hann
from leopardnet.sound.track import Track

MODEL = Path(__file__).with_name("silero") / "silero_vad_16k.onnx"
RATE_HZ, STEP, CONTEXT = 16_000, 512, 64  # the network hears 512 samples at a time, and the 64 before them
BLOCK_STEPS = 1024
WINDOW, HOP = 256, 128  # of the spectrum with which the network begins; behind each step the sound is mirrored
MAGNITUDE = "/stft/Sqrt"  # the node of the network behind that spectrum
AT_ONCE = 64  # steps whose spectrum stays in the cache of a processor
MIN_VOICE_S = 0.2  # animals, insects and wind are taken for speech for 0.13 s at most, see docs/sound.md
MAX_PAUSE_S = 0.5  # a shorter pause does not end a voice


def find_voices(track: Track, settings: SoundConfig) -> list[FoundSound]:
    """Return the stretches in which somebody speaks, in order of time. Pauses of half a second belong to them.

    >>> find_voices(Track(np.zeros(16000, np.float32), 16000), SoundConfig())
    []
    """
    speech = measure_speech(track)
    step_s = STEP / RATE_HZ
    is_speech = np.concatenate([[False], speech >= settings.min_voice, [False]])
    edges = np.flatnonzero(np.diff(is_speech.astype(np.int8))).reshape(-1, 2)  # [runs, first and behind the last]
    voices: list[tuple[int, int]] = []
    for first, last in edges[(edges[:, 1] - edges[:, 0]) * step_s >= MIN_VOICE_S].tolist():
        if voices and (first - voices[-1][1]) * step_s < MAX_PAUSE_S:
            voices[-1] = (voices[-1][0], last)
        else:
            voices.append((first, last))
    return [
        FoundSound(
            start_s=round(track.start_s + first * step_s, 3),
            end_s=round(track.start_s + last * step_s, 3),
            kind=KIND,
            low_hz=None,
            high_hz=None,
            peak_hz=None,
            slope_hz_s=None,
            snr_db=None,
            score=round(float(speech[first:last].max()), 3),
            source=SOURCE,
        )
        for first, last in voices
    ]


def measure_speech(track: Track) -> NDArray[np.float32]:
    """Return how likely each 32 ms are speech, float32 [N], 0 to 1; silence fills up the last."""
    samples = track.samples
    if track.rate_hz != RATE_HZ:
        from scipy.signal import resample_poly

        samples = resample_poly(samples, RATE_HZ, track.rate_hz).astype(np.float32)
    n = -(-len(samples) // STEP)
    if not n or not samples.any():
        return np.zeros(n, np.float32)
    padded = np.zeros(CONTEXT + n * STEP, np.float32)
    padded[CONTEXT : CONTEXT + len(samples)] = samples
    heard = sliding_window_view(padded, CONTEXT + STEP)[::STEP]
    memory = cell = np.zeros((1, 1, 128), np.float32)
    network, parts = _load_network(), []
    for i in range(0, n, BLOCK_STEPS):
        magnitude = _measure_magnitude(heard[i : i + BLOCK_STEPS])
        answer = network({"magnitude": magnitude, "h": memory, "c": cell})
        speech, memory, cell = (np.array(x) for x in answer.values())
        parts.append(speech.reshape(-1))
    return np.concatenate(parts)


def _measure_magnitude(heard: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the spectrum of four windows of each step, float32 [n, 129, 4]. heard: samples [n, CONTEXT + STEP].

    The network does the same with a convolution, which takes half of its time.
    """
    window = make_hann(WINDOW).astype(np.float32)
    magnitude = np.empty((len(heard), WINDOW // 2 + 1, (STEP + CONTEXT) // HOP), np.float32)
    for i in range(0, len(heard), AT_ONCE):
        part = heard[i : i + AT_ONCE]
        mirrored = np.concatenate([part, part[:, -2 : -CONTEXT - 2 : -1]], axis=1)
        spectrum = fft.rfft(sliding_window_view(mirrored, WINDOW, axis=1)[:, ::HOP] * window, axis=2)
        magnitude[i : i + AT_ONCE] = np.abs(spectrum).transpose(0, 2, 1)
    return magnitude


@lru_cache(maxsize=1)
def _load_network() -> Any:
    """Return what follows the spectrum, on OpenVINO, once per process, on one thread and in full precision."""
    import openvino as ov
    from openvino import opset13

    network = ov.Core().read_model(MODEL)
    by_name = {node.get_friendly_name(): node for node in network.get_ops()}
    magnitude = opset13.parameter([-1, WINDOW // 2 + 1, (STEP + CONTEXT) // HOP], np.float32, name="magnitude")
    magnitude.output(0).set_names({"magnitude"})
    for place in by_name[MAGNITUDE].output(0).get_target_inputs():
        place.replace_source_output(magnitude.output(0))
    rest = ov.Model(network.get_results(), [magnitude, by_name["h"], by_name["c"]])
    options = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    return ov.Core().compile_model(rest, "CPU", options)
