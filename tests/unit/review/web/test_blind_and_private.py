"""An audit hides what the model said, and clips of people stay private: at every address."""

import json

import numpy as np
import pytest

from reviewed_season import LABELS, ORIGIN, Made, PlainMedia, box, enter, say

# A number of its own for each of the model's values, so that any of them is found wherever it stands.
P = {"leopard": 0.7123, "deer": 0.1987, "human": 0.0011, "empty": 0.0879}
AUDITED = Made(
    "s1/a.jpg", tuple(P.values()), alert="leopard", boxes=(box(0.1371, 0.2, 0.5, 0.6), box(0.1, 0.2, 0.3, 0.4))
)
SECRETS = ("0.712", "0.199", "0.1371", "suspected_by", '"decision":"leopard"', '"alerts":["leopard"]')
PRIVATE = {
    "likely": Made("s2/likely.jpg", (0.7, 0.05, 0.25, 0.0), site="s2"),
    "boxed": Made("s3/boxed.avi", (0.9, 0.05, 0.0, 0.05), site="s3", boxes=(box(0, 0, 1, 1, label="person"),)),
}


def addresses(clip, queue):
    yield f"/api/queue/{queue}"
    yield f"/api/clip/{clip.clip_id}?queue={queue}"


def test_an_audit_hides_the_answer_of_the_model_everywhere(season, open_desk):
    desk = open_desk(season([AUDITED]))
    media = PlainMedia(desk.manifest)
    browser = enter(desk, media=media)
    listed = browser.get("/api/queue/audit").json()
    assert [c["clip_id"] for c in listed["clips"]] == [AUDITED.clip_id]
    for address in addresses(AUDITED, "audit"):
        text = browser.get(address).text
        assert [secret for secret in SECRETS if secret in text] == []
        answer = json.loads(text)
        clip = answer.get("clips", [answer])[0]
        assert clip["decision"] is clip["score"] is clip["alerts"] is None and not clip["has_person"]
    clip = browser.get(f"/api/clip/{AUDITED.clip_id}?queue=audit").json()
    assert clip["is_blind"] and clip["probs"] is None and clip["seconds"] == [] and clip["hint"] is None
    assert clip["status"] is clip["reason"] is None
    assert [(f["boxes"], f["probs"]) for f in clip["frames"]] == [([], None)]
    shown = browser.get(f"/api/clip/{AUDITED.clip_id}?queue=suspected").json()
    assert shown["decision"] == "leopard" and len(shown["frames"]) == 2  # elsewhere it is there


def test_frames_of_an_audit_are_not_those_that_the_model_chose(season, open_desk):
    clip = Made("s1/a.avi", tuple(P.values()), boxes=(None,) * 3)
    browser = enter(open_desk(season([clip])))
    times = [
        [f["time_s"] for f in browser.get(f"/api/clip/{clip.clip_id}?queue={queue}").json()["frames"]]
        for queue in ("all", "audit")
    ]
    assert times == [[0.0, 1.0, 2.0], [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5]]  # 8 s in eight parts


def test_the_next_clip_of_an_audit_may_be_gone(season, open_desk, tmp_path):
    clips = [Made(f"{site}/a.jpg", tuple(P.values()), site=site) for site in ("s1", "s2")]
    browser = enter(open_desk(season(clips)))
    first, second = browser.get("/api/queue/audit").json()["clips"]
    (tmp_path / "footage" / second["path"]).unlink()
    assert browser.get(f"/api/clip/{first['clip_id']}?queue=audit").status_code == 200
    assert browser.get(f"/api/clip/{second['clip_id']}?queue=audit").json()["status"] == "missing"


def test_an_audit_cannot_be_sorted_out_by_what_the_model_said(season, open_desk):
    browser = enter(open_desk(season([AUDITED])))
    assert browser.get("/api/queue/audit?decision=leopard").status_code == 400


def test_only_labels_of_the_audit_have_a_chance_and_no_model(season, open_desk):
    clips = [Made(f"s1/{i:02}.jpg", tuple(P.values()), hours=i) for i in range(25)]
    desk = open_desk(season(clips))
    browser = enter(desk)
    audited = [c["clip_id"] for c in browser.get("/api/queue/audit").json()["clips"]]
    assert len(audited) == 3  # of 25, one in ten, rounded up
    say(browser, audited[:1], "deer", key="11111111", queue="all")
    assert (
        browser.get("/api/queue/audit").json()["n_done"] == 0
    )  # what was said with the answer in view is no audit
    assert browser.get("/api/queue/audit").json()["clips"][0]["labels"] == []
    say(browser, audited[:1], "leopard", key="22222222", queue="audit")
    entries = desk.said._file.entries()
    assert entries["inclusion"].fillna(-1).tolist() == [-1, 3 / 25]
    assert entries["bundle_id"].isna().tolist() == [False, True]
    assert browser.get("/api/queue/audit").json()["n_done"] == 1
    others = next(c.clip_id for c in clips if c.clip_id not in audited)
    assert say(browser, [others], "deer", key="33333333", queue="audit").status_code == 400
    assert browser.get(f"/api/clip/{others}?queue=audit").status_code == 400


def test_in_an_audit_nobody_reads_what_others_said(season, open_desk):
    desk = open_desk(season([AUDITED]))
    say(enter(desk, by="CD"), [AUDITED], "leopard", note="clearly", queue="all")
    browser = enter(desk, by="AB")
    assert browser.get(f"/api/clip/{AUDITED.clip_id}?queue=audit").json()["history"] == []
    assert browser.get(f"/api/clip/{AUDITED.clip_id}?queue=second_opinion").json()["history"] == []
    assert len(browser.get(f"/api/clip/{AUDITED.clip_id}?queue=all").json()["history"]) == 1


# --- people ---


def test_clips_of_people_have_a_row_and_no_picture(season, open_desk):
    desk = open_desk(season([AUDITED, *PRIVATE.values()]))
    media = PlainMedia(desk.manifest)
    browser = enter(desk, media=media)
    assert browser.get("/api/session").json()["has_people"]
    summaries = {c["path"]: c for c in browser.get("/api/queue/all").json()["clips"]}
    assert len(summaries) == 3
    for clip in PRIVATE.values():
        assert summaries[clip.path]["has_person"] and summaries[clip.path]["thumb"] is None
        shown = browser.get(f"/api/clip/{clip.clip_id}?queue=all").json()
        assert shown["frames"] == [] and shown["video"] is None and shown["thumb"] is None
        for address in (f"/media/frame/{clip.clip_id}/0", f"/media/video/{clip.clip_id}"):
            assert browser.get(address).status_code == 403
    browser.get(f"/api/clip/{AUDITED.clip_id}?queue=all")
    assert media.ahead == []  # nothing of them is decoded
    assert browser.get(f"/api/clip/{PRIVATE['likely'].clip_id}?queue=audit").status_code == 400  # and no hint of it


def test_what_another_server_hears_hides_a_clip_at_once(season, open_desk):
    results = season([AUDITED])
    here, there = enter(open_desk(results)), enter(open_desk(results), by="CD")
    address = f"/media/frame/{AUDITED.clip_id}/0"
    assert here.get(address).status_code == 200
    say(there, [AUDITED], "human")
    assert here.get(address).status_code == 403


def test_a_clip_that_somebody_calls_a_person_is_private_from_then_on(season, open_desk):
    browser = enter(open_desk(season([AUDITED])))
    address = f"/media/frame/{AUDITED.clip_id}/0"
    assert browser.get(address).status_code == 200
    say(browser, [AUDITED], "human")
    assert browser.get(address).status_code == 403
    browser.post("/api/undo", json={"key": "22222222"}, headers=ORIGIN)
    assert browser.get(address).status_code == 200


def test_people_are_shown_to_who_asks_for_them(season, open_desk):
    desk = open_desk(season(list(PRIVATE.values())), desk={"shows_people": True})
    browser = enter(desk)
    assert browser.get("/api/session").json()["shows_people"]
    assert browser.get(f"/media/frame/{PRIVATE['likely'].clip_id}/0").status_code == 200
    clip = browser.get(f"/api/clip/{PRIVATE['likely'].clip_id}?queue=audit").json()
    assert clip["frames"] and not clip["has_person"]  # the model alone says so, which an audit hides
    assert browser.get(f"/api/clip/{PRIVATE['likely'].clip_id}?queue=all").json()["has_person"]


def test_everybody_has_the_same_audit_with_people_or_without(season, open_desk):
    rng = np.random.default_rng(7)
    clips = [Made(f"s1/{i:03}.jpg", tuple(rng.dirichlet(np.ones(len(LABELS)))), hours=i) for i in range(100)]
    results = season(clips)
    with_people = enter(open_desk(results, desk={"shows_people": True})).get("/api/queue/audit").json()["clips"]
    without = enter(open_desk(results)).get("/api/queue/audit").json()["clips"]
    of_people = {c.clip_id for c in clips if c.p[2] >= 0.2 or c.p[2] == max(c.p)}
    ids = [c["clip_id"] for c in with_people]
    assert len(ids) == 10 and 0 < len(without) < 10
    assert [c["clip_id"] for c in without] == [c for c in ids if c not in of_people]


@pytest.mark.parametrize("labels", [("human",), ("deer", "car")])
def test_people_rule_holds_for_every_word_of_a_label(season, open_desk, labels):
    browser = enter(open_desk(season([AUDITED])))
    say(browser, [AUDITED], *labels)
    assert browser.get("/api/queue/all").json()["clips"][0]["thumb"] is None
