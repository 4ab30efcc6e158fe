"""The sounds of a clip in a real browser: seen, played from there with sound, named by key, taken back."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
from browser import headless_chromium
from test_report_page import all_of, press
from test_review_page import click, shown, text, wait_for, wait_text

from leopardnet.core.columns import SOUNDS
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import conform
from leopardnet.data.human_labels.sound_labels import read_sound_labels
from made_sounds import add_at, make_tone, write_sounding
from reviewed_season import Made, make_predictions

RATE_HZ = 16_000
CLIPS = [Made("s1/a.avi", (0.0, 0.9, 0.0, 0.1)), Made("s1/b.avi", (0.0, 0.9, 0.0, 0.1), hours=1.0)]
A, B = (clip.clip_id for clip in CLIPS)
PLAYS = """
const v = document.getElementById('video');
return !v.hidden && !v.error && v.currentTime > 1.55 && [v.muted, v.currentTime];
"""
PICTURE = "const i = document.querySelector('#spectrogram img'); return i && i.naturalWidth;"
MARKS = "return [...document.querySelectorAll('#spectrogram .heard-mark')].map((m) => [m.style.left, m.className]);"


def make_results(folder):
    """Two clips of four seconds, a call in each; in the first, something else before it."""
    samples = np.random.default_rng(0).normal(0, 0.003, 4 * RATE_HZ).astype(np.float32)
    samples = add_at(samples, make_tone(RATE_HZ), 2.0, RATE_HZ)
    (folder / "cards" / "s1").mkdir(parents=True)
    for clip in CLIPS:
        write_sounding(folder / "cards" / clip.path, samples, RATE_HZ)
    found = [(A, 0.5, 0.8, 0.6), (A, 2.0, 2.3, 0.9), (B, 2.0, 2.3, 0.8)]
    table = pd.DataFrame(found, columns=["clip_id", "start_s", "end_s", "score"]).assign(
        kind="tonal_call", source="tonal 1", peak_hz=1500.0
    )
    made = make_predictions(CLIPS)
    results = made.write(folder / "results")
    conform(table, SOUNDS, where="sounds").to_parquet(results / "sounds.parquet")
    columns = ["clip_id", "path", "kind", "site", "captured_at"]
    Manifest.from_rows(made.table[columns], folder / "cards").write(folder / "manifest.parquet")
    return results


def test_a_sound_is_seen_heard_named_and_taken_back(tmp_path):
    results = make_results(tmp_path)
    command = ["review", results, "--manifest", tmp_path / "manifest.parquet", "--no-browser", "--by", "AB"]
    server = subprocess.Popen(
        [sys.executable, "-m", "leopardnet", *map(str, command), "--language", "en"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        with headless_chromium(tmp_path / "profile") as chromium:
            chromium.get(server.stdout.readline().strip())
            wait_for(chromium, lambda: shown(chromium))
            click(chromium, "[data-queue=sounds]")
            wait_text(chromium, "#queue-title", "Sounds")
            wait_for(chromium, lambda: shown(chromium) == A)
            wait_for(chromium, lambda: chromium.execute_script(PICTURE))
            assert [b.text for b in all_of(chromium, "#heard button")] == [
                "0.5 s · tonal call · 1.5 kHz · 0.60",
                "2.0 s · tonal call · 1.5 kHz · 0.90",
            ]
            assert chromium.execute_script(MARKS)[0][1] == "heard-mark current"
            press(chromium, "i")
            wait_for(
                chromium,
                lambda: [c for _, c in chromium.execute_script(MARKS)] == ["heard-mark", "heard-mark current"],
            )
            press(chromium, "l")
            is_muted, at_s = wait_for(chromium, lambda: chromium.execute_script(PLAYS))
            assert not is_muted and at_s < 4.0  # from half a second before the call
            press(chromium, "w")
            wait_for(chromium, lambda: "→ alarm call" in text(chromium, "#heard"))
            assert shown(chromium) == A  # the other sound has no name yet
            press(chromium, "y")
            wait_for(chromium, lambda: shown(chromium) == B)
            press(chromium, "z")
            wait_for(chromium, lambda: shown(chromium) == A)
            wait_for(chromium, lambda: "bird" not in text(chromium, "#heard"))
            problems = [e for e in chromium.get_log("browser") if e["source"] != "network"]
            assert problems == [], json.dumps(problems)
    finally:
        server.terminate()
        server.wait()
    said = read_sound_labels(results / "labels.sqlite")
    assert said[["clip_id", "start_s", "label", "by"]].to_numpy().tolist() == [[A, 2.0, "alarm call", "AB"]]
