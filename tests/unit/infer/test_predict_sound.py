"""predict searches the sound in the same pass, and old results get theirs without being classified again."""

import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leopardnet.core.errors import MediaError
from leopardnet.core.people import clips_with_people
from leopardnet.core.predictions import Predictions, read_sounds
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.settings.sound import SoundConfig
from leopardnet.infer import clip as main_path
from leopardnet.infer.predict_footage import predict
from made_sounds import add_at, make_noise, make_speech, make_tone, write_sounding
from made_videos import write_film

HERE = RuntimeConfig(workers=0)
RATE_HZ = 16_000


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """A whistle, a voice, a film without sound, a picture, and sound whose picture is cut off."""
    root = tmp_path_factory.mktemp("card")
    noise = make_noise(4.0, RATE_HZ, level=0.005)
    whistle = add_at(noise, make_tone(RATE_HZ, amplitude=0.1), 2.0, RATE_HZ)
    write_sounding(root / "a_whistle.mp4", whistle, RATE_HZ, codec="aac")
    write_sounding(root / "b_voice.avi", add_at(noise, make_speech(RATE_HZ), 1.0, RATE_HZ), RATE_HZ)
    write_film(root / "c_silent.mp4", n=10)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)).save(root / "d.jpg")
    (root / "e_broken.mp4").write_bytes((root / "a_whistle.mp4").read_bytes()[:3000])
    return root


@pytest.fixture(scope="module")
def heard(card, tiny_bundle, tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    predict(card, tiny_bundle, out=out, runtime=HERE)
    return out


def test_the_tables_say_what_was_heard_of_every_clip(heard):
    predictions = Predictions.read(heard)
    table = predictions.table.set_index("path")
    assert table["sound"].tolist()[:3] == ["heard", "heard", "none"]
    assert table.loc["a_whistle.mp4", ["n_calls", "has_voice"]].tolist() == [1, "no"]
    assert table.loc["b_voice.avi", "has_voice"] == "yes" and pd.isna(table.loc["c_silent.mp4", "n_calls"])
    assert table.loc["d.jpg", "sound"] == "none"
    assert table.loc["e_broken.mp4", "sound"] == "unreadable" and table.loc["e_broken.mp4", "sound_note"]
    sounds = predictions.sounds
    assert sounds["kind"].tolist() == ["tonal_call", "voice"]
    assert sounds["clip_id"].tolist() == table["clip_id"].tolist()[:2]
    assert sounds.loc[0, "start_s"] == pytest.approx(2.0, abs=0.1) and pd.isna(sounds.loc[1, "peak_hz"])
    assert clips_with_people(predictions) == {table.loc["b_voice.avi", "clip_id"]}
    assert table["decoded_by"].fillna("").tolist() == ["software"] * 3 + ["", ""], "of videos that were decoded"


def test_a_film_without_a_sound_track_is_not_opened_for_its_sound(card, tiny_bundle, monkeypatch):
    opened = []

    def open_track(path):
        opened.append(path.name)
        raise MediaError("not now")

    monkeypatch.setattr("leopardnet.sound.track.read_track", open_track)
    table = predict(card, tiny_bundle, runtime=HERE).table.set_index("path")
    assert opened == ["a_whistle.mp4", "b_voice.avi", "e_broken.mp4"]
    assert table["sound"].tolist() == ["unreadable", "unreadable", "none", "none", "unreadable"]


def test_in_memory_and_on_disk_and_in_worker_processes_it_is_the_same(heard, card, tiny_bundle, tmp_path):
    memory = predict(card, tiny_bundle, runtime=HERE)
    pd.testing.assert_frame_equal(memory.sounds, read_sounds(heard))
    workers = predict(card, tiny_bundle, out=tmp_path, runtime=RuntimeConfig(workers=1))
    pd.testing.assert_frame_equal(workers.sounds, memory.sounds)
    pd.testing.assert_frame_equal(read_sounds(memory.write(tmp_path / "again")), memory.sounds)


def test_without_sound_nothing_is_searched_and_everything_else_is_the_same(heard, card, tiny_bundle, tmp_path):
    silent = predict(card, tiny_bundle, out=tmp_path, runtime=HERE, sound="none").table
    assert silent[["sound", "n_calls", "has_voice"]].isna().all(axis=None) and len(read_sounds(tmp_path)) == 0
    columns = [c for c in silent.columns if c not in ("sound", "sound_note", "n_calls", "has_voice")]
    pd.testing.assert_frame_equal(silent[columns], Predictions.read(heard).table[columns])


def test_rows_of_before_get_sound_and_are_not_classified_again(heard, card, tiny_bundle, tmp_path, monkeypatch):
    shutil.copy(heard / "journal.sqlite", tmp_path)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as db:
        db.execute("ALTER TABLE clips DROP COLUMN sound")  # as an older version wrote it
    monkeypatch.setattr(main_path, "classify", lambda *_: pytest.fail("this clip was classified"))
    notes = []
    again = predict(card, tiny_bundle, out=tmp_path, runtime=HERE, on_note=notes.append)
    pd.testing.assert_frame_equal(again.sounds, read_sounds(heard))
    assert notes == ["searching the sound of 4 clips that were classified without it"]  # a picture has none
    predict(card, tiny_bundle, out=tmp_path, runtime=HERE, on_note=notes.append)
    assert len(notes) == 1
    deaf = SoundConfig(voice=False)
    other = predict(card, tiny_bundle, out=tmp_path, runtime=HERE, sound=deaf, on_note=notes.append)
    assert len(notes) == 2 and other.sounds["kind"].tolist() == ["tonal_call"]


def test_a_clip_whose_picture_cannot_be_read_may_still_be_heard(tiny_bundle, tmp_path):
    whistle = add_at(make_noise(4.0, RATE_HZ), make_tone(RATE_HZ), 2.0, RATE_HZ)
    path = write_sounding(tmp_path / "a.avi", whistle, RATE_HZ)
    path.write_bytes(path.read_bytes().replace(b"FMP4", b"XXXX"))  # a codec that nobody knows
    (row,) = predict(tmp_path, tiny_bundle, runtime=HERE).table.to_dict("records")
    assert (row["status"], row["sound"], row["n_calls"]) == ("unreadable", "heard", 1)
