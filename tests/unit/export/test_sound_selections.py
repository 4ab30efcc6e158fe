"""Sounds for Raven and Audacity: a file for each clip, none of people, and never over the work of somebody."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ConfigError
from leopardnet.core.tables import clip_id
from leopardnet.data.formats.sound_tables.audacity import parse_audacity
from leopardnet.data.formats.sound_tables.raven import parse_raven
from leopardnet.data.human_labels.sound_labels import SoundEntry, SoundLabelFile
from leopardnet.export.corrections import read_corrections
from leopardnet.export.sound_selections import write_selections

PARSE = {"raven": parse_raven, "audacity": parse_audacity}


def heard(*rows):
    names = ["clip_id", "start_s", "end_s", "kind", "score"]
    return pd.DataFrame(rows, columns=names).assign(low_hz=900.0, high_hz=2100.0, peak_hz=np.nan)


@pytest.fixture
def sounds():
    a, b = clip_id("s1/a.AVI"), clip_id("s1/b.AVI")
    return heard(
        (a, 5.0, 5.5, "tonal_call", 0.871), (a, 2.0, 2.4, "tonal_call", 0.6), (b, 1.0, 2.0, "voice", 0.9),
        ("gone", 1.0, 2.0, "tonal_call", 0.5),
    )  # fmt: skip


@pytest.mark.parametrize("format", PARSE)
def test_each_clip_has_a_file_with_its_sounds_in_order(tmp_path, predicted, sounds, format):
    said = predicted({"path": "s1/a.AVI"}, {"path": "s1/b.AVI"}, {"path": "c.AVI"})
    with SoundLabelFile(tmp_path / "labels.sqlite") as file:
        file.add(
            SoundEntry(key="k", by="AB", clip_id=clip_id("s1/a.AVI"), start_s=2, end_s=2.4, label="alarm call")
        )
        file.add(SoundEntry(key="l", by="AB", clip_id=clip_id("s1/b.AVI"), start_s=1, end_s=2, label="person"))
    options = {"format": format, "corrections": read_corrections(tmp_path / "labels.sqlite")}
    said = replace(said, sounds=sounds)
    done = write_selections(said, tmp_path / "out", **options)
    assert (done.n_rows, done.n_left_out) == (2, 2) and list(done.reasons.values()) == [1, 1]
    (file,) = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert file.relative_to(tmp_path / "out").as_posix().startswith("s1/a.AVI.")
    rows = PARSE[format](file.read_text("utf-8"), where="x")
    assert [(r.start_s, r.label, r.low_hz) for r in rows] == [
        (2.0, "alarm call", 900.0),
        (5.0, "tonal_call 0.87", 900.0),
    ]
    everything = write_selections(said, tmp_path / "all", **options, include_people=True)
    assert everything.n_rows == 3
    with pytest.raises(ConfigError, match="already"):
        write_selections(said, tmp_path / "out", **options)


def test_no_sounds_at_all(tmp_path, predicted, sounds):
    done = write_selections(replace(predicted(), sounds=sounds.iloc[:0]), tmp_path / "out", format="raven")
    assert done.n_rows == done.n_left_out == 0
