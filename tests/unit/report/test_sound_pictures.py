"""The best sound of a clip stands on its card as a picture; no voice, no hidden clip, no broken file."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.columns import SOUNDS
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import no_sounds
from leopardnet.core.tables import conform
from leopardnet.report.sound_pictures import draw_sounds
from leopardnet.report.summarise import summarise
from made_sounds import add_at, make_tone, write_sounding
from reviewed_season import Made, make_predictions

RATE_HZ = 16_000
CLIPS = [
    Made(f"{name}.avi", (0.6, 0.2, 0.0, 0.2), alert="leopard") for name in ("call", "voice", "broken", "silent")
]
CALL, VOICE, BROKEN, SILENT = (clip.clip_id for clip in CLIPS)


def sound(clip_id, start_s, kind="tonal_call", **more):
    row = {
        "clip_id": clip_id,
        "start_s": start_s,
        "end_s": start_s + 0.3,
        "kind": kind,
        "score": 0.7,
        "peak_hz": 1500.0,
    }
    return row | {"source": "tonal 1"} | more


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    root = tmp_path_factory.mktemp("footage")
    samples = np.random.default_rng(1).normal(0, 0.003, 3 * RATE_HZ).astype(np.float32)
    samples = add_at(samples, make_tone(RATE_HZ), 1.0, RATE_HZ)
    for name in ("call", "voice"):
        write_sounding(root / f"{name}.avi", samples, RATE_HZ)
    for name in ("broken", "silent"):
        (root / f"{name}.avi").write_bytes(b"RIFF junk")
    made = make_predictions(CLIPS)
    rows = [
        sound(CALL, 0.2), sound(CALL, 1.0, score=0.9), sound(VOICE, 1.0, "voice"), sound(BROKEN, 1.0),
        sound("gone", 1.0),
    ]  # fmt: skip
    sounds = conform(pd.DataFrame(rows), SOUNDS, where="sounds")
    columns = ["clip_id", "path", "kind", "site", "captured_at"]
    return replace(made, sounds=sounds), Manifest.from_rows(made.table[columns], root)


def test_the_best_sound_of_each_clip_is_drawn_around_its_middle(footage):
    found = draw_sounds(*footage)
    assert list(found) == [CALL]  # a voice is never drawn, a broken file has no picture
    picture = found[CALL]
    assert (picture.left, picture.width) == (33.3, 10.0)  # 1.0 to 1.3 s of 0 to 3 s
    assert picture.uri.startswith("data:image/png;base64,") and len(picture.uri) < 60_000
    assert picture.text == "tonal call at 1.0 s, 1.5 kHz"


def test_the_likeliest_alarm_call_is_the_best_where_a_probe_was_used(footage):
    predictions, manifest = footage
    sounds = predictions.sounds.assign(p_alarm_call=[0.95, 0.1, np.nan, np.nan, np.nan])
    assert draw_sounds(replace(predictions, sounds=sounds), manifest)[CALL].text.startswith("tonal call at 0.2 s")


def test_hidden_clips_and_tables_without_sounds_have_none(footage):
    predictions, manifest = footage
    assert draw_sounds(predictions, manifest, hidden=[CALL]) == {}
    assert draw_sounds(replace(predictions, sounds=no_sounds()), manifest) == {}


def test_the_card_of_the_report_shows_it(footage, tmp_path):
    predictions, manifest = footage
    page = summarise(predictions, tmp_path / "r.html", manifest=manifest).read_text("utf-8")
    assert page.count("data:image/png;base64,") == 1 and "tonal call at 1.0 s, 1.5 kHz" in page
    people = predictions.table.assign(
        has_voice=["yes" if c == CALL else None for c in predictions.table["clip_id"]]
    )
    hidden = summarise(replace(predictions, table=people), tmp_path / "h.html", manifest=manifest).read_text(
        "utf-8"
    )
    assert "data:image/png" not in hidden
    heard = hidden.split('<section id="sounds">')[1].split("</section>")[0]
    assert "broken.avi" in heard and "call.avi" not in heard
