"""Sounds on the review page: shown, named, taken back; hidden in the audit; private where there is a voice."""

import pandas as pd
import pytest

from leopardnet.core.columns import SOUNDS
from leopardnet.core.tables import conform
from leopardnet.data.human_labels.sound_labels import SoundEntry, SoundLabelFile
from reviewed_season import ORIGIN, Made, PlainMedia, enter, say

DEER, UNSURE = (0.0, 0.95, 0.0, 0.05), (0.3, 0.3, 0.1, 0.3)
CLIPS = [
    Made("s1/a.avi", DEER), Made("s1/b.avi", DEER), Made("s1/voice.avi", DEER), Made("s1/still.jpg", DEER),
    Made("s2/c.avi", UNSURE, site="s2", decision="unsure", rule="abstained"),
    Made("s2/d.avi", (0.32, 0.3, 0.1, 0.28), site="s2", decision="unsure", rule="abstained"),
]  # fmt: skip
A, B, VOICE, STILL, C, D = (clip.clip_id for clip in CLIPS)


def sound(clip_id, start_s, end_s, score, kind="tonal_call", **more):
    values = {"low_hz": 900.0, "high_hz": 2100.0, "peak_hz": 1500.0}
    return {"clip_id": clip_id, "start_s": start_s, "end_s": end_s, "score": score, "kind": kind, **values, **more}


FOUND = [
    sound(A, 5.0, 5.4, 0.6), sound(A, 2.0, 2.4, 0.7), sound(B, 1.0, 1.3, 0.9), sound(VOICE, 1.0, 2.0, 0.9, "voice"),
    sound(D, 3.0, 3.2, 0.8), sound("gone", 1.0, 2.0, 0.9),
]  # fmt: skip


class LoudMedia(PlainMedia):
    def spectrogram(self, clip_id, start_s, end_s):
        return f"PNG {self.paths[clip_id]} {start_s:g} {end_s:g}".encode()


@pytest.fixture
def listen(season, open_desk):
    """A function that opens a season with sounds, and returns its desk and a browser."""

    def make(found=FOUND, **desk):
        folder = season(CLIPS)
        table = conform(pd.DataFrame(found).assign(source="tonal 1"), SOUNDS, where="sounds")
        table.to_parquet(folder / "sounds.parquet")
        opened = open_desk(folder, desk=desk)
        return opened, enter(opened, media=LoudMedia(opened.manifest))

    return make


def name(browser, clip_id, span, label, *, key="11111111", queue="sounds"):
    body = {"key": key, "clip_id": clip_id, "start_s": span[0], "end_s": span[1], "label": label, "queue": queue}
    return browser.post("/api/sound_label", json=body, headers=ORIGIN)


def undo(browser, key):
    return browser.post("/api/undo", json={"key": key}, headers=ORIGIN)


def shown(browser, clip_id, queue="sounds"):
    return browser.get(f"/api/clip/{clip_id}?queue={queue}").json()["sounds"]


def done(browser, queue="sounds"):
    answer = browser.get(f"/api/queue/{queue}").json()
    return [c["clip_id"] for c in answer["clips"]], answer["n_done"]


def test_the_list_has_the_best_first_and_a_clip_its_sounds_in_order(listen):
    _, browser = listen()
    assert done(browser) == ([B, D, A], 0)
    first, second = shown(browser, A)
    assert (first["start_s"], second["start_s"], first["score"]) == (2.0, 5.0, 0.7)
    assert first["window_s"] == [0.0, 6.0]  # six seconds, none before the clip begins
    assert second["window_s"] == [2.0, 8.0]  # and none after its end, at 8 s
    assert second["url"] == f"/media/spectrogram/{A}/2000/8000"
    assert browser.get(second["url"]).content == b"PNG s1/a.avi 2 8"
    assert shown(browser, C, "all") == [] == shown(browser, STILL, "all")


def test_a_sound_is_named_and_a_clip_is_done_when_all_are(listen):
    _, browser = listen()
    assert name(browser, A, (2.0, 2.4), "alarm call").json() == {"clip_id": A, "label": "alarm call", "n_open": 1}
    assert done(browser)[1] == 0
    assert [s["label"] for s in shown(browser, A)] == ["alarm call", None]
    assert name(browser, A, (5.0, 5.4), "bird", key="22222222").json()["n_open"] == 0
    assert done(browser)[1] == 1
    assert name(browser, A, (5.0, 5.4), "call", key="22222222").json()["n_open"] == 0  # the same press again
    assert [s["label"] for s in shown(browser, A)] == ["alarm call", "bird"]


def test_undo_takes_back_whatever_was_said_last_clip_or_sound(listen):
    _, browser = listen()
    say(browser, [B], "deer")
    name(browser, A, (2.0, 2.4), "bird", key="33333333")
    assert undo(browser, "44444444").json() == {"undone": [A], "queue": "sounds"}
    assert undo(browser, "44444444").json() == {"undone": [A], "queue": "sounds"}  # the same press again
    assert shown(browser, A)[0]["label"] is None
    assert undo(browser, "55555555").json() == {"undone": [B], "queue": "all"}
    assert undo(browser, "55555555").json() == {"undone": [B], "queue": "all"}
    assert undo(browser, "66666666").status_code == 409


@pytest.mark.parametrize(
    ("clip_id", "span", "label", "status"),
    [
        (A, (2.0, 2.5), "bird", 404),
        (C, (2.0, 2.4), "bird", 404),
        ("nobody", (2.0, 2.4), "bird", 404),
        (A, (2.0, 2.4), "leopard", 400),
        (A, (2.0, -1.0), "bird", 404),
    ],
)
def test_what_cannot_be_is_refused(listen, clip_id, span, label, status):
    _, browser = listen()
    assert name(browser, clip_id, span, label).status_code == status


def test_nothing_can_be_said_in_a_review_for_reading(listen):
    desk, browser = listen()
    desk.read_only = True
    assert name(browser, A, (2.0, 2.4), "bird").status_code == 403


def test_the_audit_hides_the_sounds_and_takes_no_word_on_them(listen):
    _, browser = listen()
    listed = browser.get("/api/queue/audit").json()["clips"]
    for clip in listed:
        answer = browser.get(f"/api/clip/{clip['clip_id']}?queue=audit").json()
        assert answer["sounds"] == [] and answer["n_open_sounds"] == clip["n_open_sounds"] == 0
    assert name(browser, A, (2.0, 2.4), "bird", queue="audit").status_code == 400


def test_a_person_who_is_heard_makes_the_clip_private(listen):
    _, browser = listen()
    address = shown(browser, B)[0]["url"]
    assert browser.get(address).status_code == 200
    name(browser, B, (1.0, 1.3), "person")
    assert browser.get(address).status_code == 403 and shown(browser, B)[0]["url"] is None
    assert browser.get(f"/media/video/{B}").status_code == 403
    undo(browser, "77777777")
    assert browser.get(address).status_code == 200


def test_others_are_heard_but_not_by_who_gives_a_second_opinion(listen):
    desk, browser = listen()
    with SoundLabelFile(desk.source.labels) as other:
        other.add(SoundEntry(key="other", by="CD", clip_id=B, start_s=1.0, end_s=1.3, label="bird"))
    assert (shown(browser, B)[0]["label"], shown(browser, B)[0]["agreed"]) == (None, "bird")
    assert done(browser)[1] == 1
    assert shown(browser, B, "second_opinion")[0]["agreed"] is None


def test_a_call_raises_its_clip_among_the_least_sure_until_somebody_says_it_is_none(listen):
    _, browser = listen()
    assert done(browser, "unsure")[0] == [D, C]
    _, silent = listen([sound(A, 1.0, 2.0, 0.9)])
    assert done(silent, "unsure")[0] == [C, D]


def test_a_sound_before_the_first_picture_is_shown_and_named(listen):
    _, browser = listen([sound(A, -0.5, -0.1, 0.9)])
    (early,) = shown(browser, A)
    assert (early["start_s"], early["end_s"], early["window_s"]) == (-0.5, -0.1, [-0.5, 5.5])
    assert early["url"] == f"/media/spectrogram/{A}/-500/5500"
    assert browser.get(early["url"]).content == b"PNG s1/a.avi -0.5 5.5"
    assert name(browser, A, (-0.5, -0.1), "bird").json()["n_open"] == 0
    assert shown(browser, A)[0]["label"] == "bird"


@pytest.mark.parametrize(
    "span", ["2000/1000", "0/60001", "5/5", "-1/60000", "a/5", "--5/5", "9999999999/10000000000"]
)
def test_a_stretch_of_sound_is_short(listen, span):
    _, browser = listen()
    assert browser.get(f"/media/spectrogram/{A}/{span}").status_code == 400


def test_results_without_sounds_have_no_such_list(season, open_desk):
    browser = enter(open_desk(season(CLIPS)))
    assert browser.get("/api/queue/sounds").status_code == 404
    assert [q["id"] for q in browser.get("/api/session").json()["queues"]][:2] == ["suspected", "unsure"]
