from types import SimpleNamespace

import pandas as pd
import pytest

from leopardnet.cli.printing.predict_progress import PredictProgress, say_decoders
from leopardnet.core.language import use_language


def result(status, crop_s):
    return SimpleNamespace(status=status, seconds=(2.0, crop_s))


@pytest.mark.parametrize(
    ("decoders", "said"),
    [
        (["software", "cuda", None, "cuda"], "cuda 2, software 1\n"),
        ([None], "0\n"),
        (["software"], "software 1\nNo hardware decoder was found, or none could decode these videos.\n"),
    ],
)
def test_it_counts_the_videos_that_a_device_decoded_and_those_left_to_software(decoders, said, capsys):
    say_decoders(pd.DataFrame({"decoded_by": decoders}))
    assert capsys.readouterr().err == f"videos by their decoder: {said}"


def test_it_shows_clips_that_could_not_be_read_and_the_share_of_crops(capsys):
    shown = []
    progress = PredictProgress(lambda *values: shown.append(values))
    for i, status in enumerate(("ok", "partial", "unreadable", "unreadable")):
        progress.count(result(status, 0.5))
        progress.show(i + 1, 4)
    assert [values[:3] for values in shown] == [("classifying", n, 4) for n in (1, 2, 3, 4)]
    assert shown[-1][3].endswith("1 partial, 2 unreadable")
    progress.say_share()
    assert "boxes and crops: 25% of the time, 0.50 s a clip" in capsys.readouterr().err


def test_in_russian_no_word_of_the_progress_is_english():
    shown = []
    with use_language("ru"):
        progress = PredictProgress(lambda *values: shown.append(values))
        for status in ("partial", "unreadable"):
            progress.count(result(status, 0.5))
        progress.show(2, 2)
    assert shown == [("классификация", 2, 2, "1 прочитан частично, 1 не читается")]


def test_a_rate_counts_from_the_first_results_on_once_there_are_a_few_more(monkeypatch, capsys):
    seconds = iter([10.0, 10.5, 12.5, 13.5, 14.5, 1000.0])
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    progress = PredictProgress(lambda *_: None)
    assert progress.per_minute == 0.0 and progress.note == ""
    for expected in (0.0, 0.0, 0.0, 0.0, 45.0, 0.0):  # two come together; the last is alone in its ten minutes
        progress.count(result("ok", 0.001))
        assert progress.per_minute == expected
    progress.say_share()
    assert capsys.readouterr().err == ""
