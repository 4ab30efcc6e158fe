"""The list of sounds in the report: confirmed alarm calls apart, the likeliest first, nothing private."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.columns import SOUNDS
from leopardnet.core.people import clips_with_people
from leopardnet.core.predictions import no_sounds
from leopardnet.core.tables import conform
from leopardnet.data.human_labels.label_file import LabelFile
from leopardnet.data.human_labels.said_now import list_said
from leopardnet.data.human_labels.sound_labels import SoundEntry, SoundLabelFile
from leopardnet.report.sound_section import list_sounds
from leopardnet.report.summarise import summarise
from reviewed_season import Made, make_predictions

CLIPS = [Made(f"{name}.avi", (0.6, 0.2, 0.0, 0.2)) for name in "abcd"]
A, B, C, D = (clip.clip_id for clip in CLIPS)


def sound(clip_id, start_s, score, kind="tonal_call"):
    row = {"clip_id": clip_id, "start_s": start_s, "end_s": start_s + 0.3, "kind": kind, "score": score}
    return row | {"peak_hz": 1500.0, "source": "tonal 1"}


@pytest.fixture
def predictions():
    """Two sounds in a, one in b, one in c beside a voice; d has none that the search found."""
    rows = [
        sound(A, 1.0, 0.6),
        sound(A, 2.0, 0.9),
        sound(B, 1.0, 0.8),
        sound(C, 1.0, 0.7),
        sound(C, 2.0, 1, "voice"),
    ]
    return replace(make_predictions(CLIPS), sounds=conform(pd.DataFrame(rows), SOUNDS, where="sounds"))


@pytest.fixture
def said(tmp_path):
    """b has an alarm call, d one that the search missed; the faint sound of a is a bird; a person is heard in c."""
    named = [(B, 1.0, "alarm call"), (D, 5.0, "alarm call"), (A, 1.0, "bird"), (C, 1.0, "person")]
    LabelFile(tmp_path / "labels.sqlite").close()
    with SoundLabelFile(tmp_path / "labels.sqlite") as file:
        for i, (clip_id, start_s, label) in enumerate(named):
            file.add(
                SoundEntry(key=str(i), by="AB", clip_id=clip_id, start_s=start_s, end_s=start_s + 0.3, label=label)
            )
        return file.entries()


def facts(rows):
    return [(row.path, row.start_s, row.said) for row in rows]


def test_confirmed_alarm_calls_stand_apart_and_the_likeliest_first(predictions, said):
    found = list_sounds(predictions, said, hidden=clips_with_people(predictions, None, list_said(None, said)))
    assert facts(found.confirmed) == [("b.avi", 1.0, "alarm call"), ("d.avi", 5.0, "alarm call")]
    assert {row.by for row in found.confirmed} == {"AB"}
    assert facts(found.others) == [("a.avi", 2.0, ""), ("a.avi", 1.0, "bird")]
    assert found.n_others == 2


def test_a_probe_has_the_last_word_on_the_order_and_nobody_need_have_listened(predictions):
    sounds = predictions.sounds.assign(p_alarm_call=[0.99, 0.1, np.nan, 0.05, np.nan])
    found = list_sounds(replace(predictions, sounds=sounds))
    assert [row.start_s for row in found.others] == [1.0, 1.0, 2.0, 1.0] and found.confirmed == ()
    assert [row.path for row in found.others] == ["a.avi", "b.avi", "a.avi", "c.avi"]


def test_the_report_has_the_list_and_none_without_sounds(predictions, said, tmp_path):
    page = summarise(predictions, tmp_path / "r.html", said_of_sounds=said).read_text("utf-8")
    section = page.split('<section id="sounds">')[1].split("</section>")[0]
    assert section.index("confirmed by people") < section.index("b.avi") < section.index("the likeliest call first")
    assert "2.0–2.3" in section and "bird" in section and "c.avi" not in section
    shown = summarise(predictions, tmp_path / "p.html", said_of_sounds=said, people=True).read_text("utf-8")
    assert "c.avi" in shown.split('<section id="sounds">')[1].split("</section>")[0]
    quiet = summarise(replace(predictions, sounds=no_sounds()), tmp_path / "q.html").read_text("utf-8")
    assert 'id="sounds"' not in quiet
