"""The best sound of a clip stands on its card as a picture and can be played; no voice, no hidden clip."""

import base64
import io
import re
import wave
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
    made = replace(made, table=made.table.assign(has_voice="no"))
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
    shown = found[CALL].stretch
    assert (shown.left, shown.width) == (33.33, 10.0)  # 1.0 to 1.3 s of 0 to 3 s
    assert shown.uri.startswith("data:image/png;base64,") and len(shown.uri) < 60_000
    assert found[CALL].text == "tonal call at 1.0 s, 1.5 kHz"


def listen(text):
    """The samples, rate and length in seconds of each sound that a page holds."""
    found = []
    for source in re.findall(r'<audio [^>]*src="data:audio/wav;base64,([^"]+)"', text):
        with wave.open(io.BytesIO(base64.b64decode(source))) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            found.append((samples, file.getframerate(), file.getnframes() / file.getframerate()))
    return found


def test_the_drawn_seconds_can_be_played_beside_the_card(footage, tmp_path):
    predictions, manifest = footage
    text = summarise(predictions, tmp_path / "r.html", manifest=manifest).read_text("utf-8")
    (samples, rate_hz, length_s), *more = listen(text)
    assert len(more) == 2  # of this clip in the list of sounds, where it has two
    assert (rate_hz, length_s) == (RATE_HZ, 3.0) and np.abs(samples).max() == 32767
    loudest = np.abs(samples).reshape(-1, RATE_HZ // 10).max(axis=1).argmax()  # in tenths of a second
    assert 10 <= loudest <= 12  # the tone from 1.0 to 1.3 s
    link = text.index("</a>", text.index('<a class="card"'))
    assert text.index("<audio") > link and "media-src data:" in text
    assert "2 of 3 sounds are pictures here" in text  # the file of the third is broken
    assert "whatever its loudness was" in text and "cannot be played here" not in text


def test_a_page_without_sounds_has_no_player_and_says_nothing_of_one(footage, tmp_path):
    predictions, manifest = footage
    silent = replace(predictions, sounds=no_sounds())
    text = summarise(silent, tmp_path / "r.html", manifest=manifest).read_text("utf-8")
    assert "<audio" not in text and "sounds are pictures" not in text


@pytest.mark.parametrize("has_voice", ["yes", None])
def test_no_voice_can_be_played_though_people_are_shown_nor_what_nobody_searched_for_voices(
    footage, tmp_path, has_voice
):
    predictions, manifest = footage
    is_call = predictions.table["clip_id"] == CALL
    table = predictions.table.assign(has_voice=predictions.table["has_voice"].mask(is_call, has_voice))
    page = summarise(replace(predictions, table=table), tmp_path / "p.html", manifest=manifest, people=True)
    text = page.read_text("utf-8")
    assert "data:image/png" in text and "<audio" not in text and "data:audio" not in text
    assert "cannot be played here" in text and "whatever its loudness was" not in text


def test_what_a_person_called_a_voice_cannot_be_played(footage, tmp_path):
    predictions, manifest = footage
    said = pd.DataFrame({"clip_id": [CALL], "start_s": [1.0], "end_s": [1.3], "label": ["person"], "by": ["A"]})
    page = summarise(predictions, tmp_path / "p.html", manifest=manifest, human_labels=said, people=True)
    assert "data:audio" not in page.read_text("utf-8")


def test_a_long_sound_is_cut_and_only_the_first_cards_have_a_player(tmp_path):
    clips = [Made(f"{i:02}.avi", (0.6, 0.2, 0.0, 0.2), alert="leopard" if i < 10 else None) for i in range(15)]
    samples = np.random.default_rng(1).normal(0, 0.01, 20 * RATE_HZ).astype(np.float32)
    write_sounding(tmp_path / "00.avi", samples, RATE_HZ, picture_s=1.0)
    for clip in clips[1:]:
        (tmp_path / clip.path).hardlink_to(tmp_path / "00.avi")
    made = make_predictions(clips)
    rows = [sound(c.clip_id, 1.0, "network:dog", end_s=19.0) for c in clips]
    columns = ["clip_id", "path", "kind", "site", "captured_at"]
    manifest = Manifest.from_rows(made.table[columns], tmp_path)
    sounds = conform(pd.DataFrame(rows), SOUNDS, where="sounds")
    predictions = replace(made, table=made.table.assign(has_voice="no"), sounds=sounds)
    text = summarise(predictions, tmp_path / "r.html", manifest=manifest).read_text("utf-8")
    played = listen(text)
    assert len(played) == 8 + 8  # of 15 sounds in the list, and of ten suspicions and five unsure clips
    assert "8 of 15 sounds are pictures here" in text
    assert text.count("data:image/png") == 8 + 15
    assert {length_s for _, _, length_s in played} == {6.0}
    assert len(text) < 16 * 6 * 2 * RATE_HZ * 4 / 3 + 2_000_000


def test_the_likeliest_alarm_call_is_the_best_where_a_probe_was_used(footage):
    predictions, manifest = footage
    sounds = predictions.sounds.assign(p_alarm_call=[0.95, 0.1, np.nan, np.nan, np.nan])
    assert draw_sounds(replace(predictions, sounds=sounds), manifest)[CALL].text.startswith("tonal call at 0.2 s")


def test_hidden_clips_and_tables_without_sounds_have_none(footage):
    predictions, manifest = footage
    assert draw_sounds(predictions, manifest, hidden=[CALL]) == {}
    assert draw_sounds(replace(predictions, sounds=no_sounds()), manifest) == {}


def test_the_card_and_the_list_of_the_report_show_it(footage, tmp_path):
    predictions, manifest = footage
    page = summarise(predictions, tmp_path / "r.html", manifest=manifest).read_text("utf-8")
    assert page.count("data:image/png;base64,") == 3 and "tonal call at 1.0 s, 1.5 kHz" in page
    people = predictions.table.assign(
        has_voice=["yes" if c == CALL else None for c in predictions.table["clip_id"]]
    )
    hidden = summarise(replace(predictions, table=people), tmp_path / "h.html", manifest=manifest).read_text(
        "utf-8"
    )
    assert "data:image/png" not in hidden
    heard = hidden.split('<section id="sounds">')[1].split("</section>")[0]
    assert "broken.avi" in heard and "call.avi" not in heard
