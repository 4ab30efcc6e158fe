"""`sounds find`: the sound of a card without a model, one row for each file."""

import json

import pandas as pd
import pytest
from command_line import leopardnet

from leopardnet.core.predictions import read_sounds
from made_sounds import add_at, make_noise, make_tone, write_sounding
from made_videos import write_film


def test_a_whistle_is_found_and_every_file_has_a_row(tmp_path):
    card, out = tmp_path / "card", tmp_path / "sounds"
    card.mkdir()
    write_sounding(card / "a.avi", add_at(make_noise(4.0, 16_000), make_tone(16_000), 2.0, 16_000), 16_000)
    write_film(card / "b.mp4", n=5)
    (card / "c.mp4").write_bytes((card / "b.mp4").read_bytes()[:500])
    printed, said = leopardnet("sounds", "find", card, "--out", out, "--workers", "0", "--json")
    assert (
        json.loads(printed)["sound"] | {"heard": 1, "no_track": 1, "unreadable": 1, "calls": 1}
        == json.loads(printed)["sound"]
    )
    tracks = pd.read_csv(out / "tracks.csv")
    assert tracks["path"].tolist() == ["a.avi", "b.mp4", "c.mp4"]
    assert tracks["sound"].tolist() == ["heard", "none", "unreadable"] and isinstance(
        tracks.loc[2, "sound_note"], str
    )
    (sound,) = read_sounds(out).to_dict("records")
    assert sound["clip_id"] == tracks.loc[0, "clip_id"] and sound["start_s"] == pytest.approx(2.0, abs=0.1)
    _, said = leopardnet("sounds", "find", card / "b.mp4", "--out", out, "--workers", "0")
    assert "no clip has a sound track" in said and str(tmp_path) not in (out / "tracks.csv").read_text("utf-8")
