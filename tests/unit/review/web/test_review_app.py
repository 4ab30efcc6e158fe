"""What the page asks and says, as a browser does it: sessions, queues, clips, labels, undo, places, keys."""

import json
import sqlite3

import pandas as pd
import pytest
from PIL import Image

from leopardnet.core.manifest import Manifest
from leopardnet.review.review_desk import ReviewDesk
from leopardnet.review.review_source import open_review
from reviewed_season import LABELS, ORIGIN, Made, box, enter, say

LEOPARD = Made("s1/a.jpg", (0.7, 0.2, 0.0, 0.1), alert="leopard", boxes=(box(0.1, 0.2, 0.5, 0.6),))
DEER = Made("s1/b.jpg", (0.0, 0.55, 0.0, 0.45), hours=0.2)
EMPTY = Made("s2/c.jpg", (0.01, 0.01, 0.0, 0.98), site="s2", hours=30)
BROKEN = Made(
    "s2/d.avi",
    (0.25, 0.25, 0.25, 0.25),
    site="s2",
    hours=31,
    decision="unreadable",
    rule="none",
    status="unreadable",
)
CLIPS = [LEOPARD, DEER, EMPTY, BROKEN]


@pytest.fixture
def desk(season, open_desk):
    return open_desk(season(CLIPS))


@pytest.fixture
def browser(desk):
    return enter(desk)


def queue_of(browser, queue, **query):
    answer = browser.get(f"/api/queue/{queue}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def paths(answer):
    return [clip["path"] for clip in answer["clips"]]


def test_the_session_says_what_there_is(browser):
    session = browser.get("/api/session", headers={"accept-language": "ru-RU,ru;q=0.9,en;q=0.8"}).json()
    assert (session["language"], session["mode"], session["by"]) == ("ru", "review", "AB")
    assert [x["name"] for x in session["labels"]] == ["leopard", "deer", "human", "empty"]
    assert [x["key"] for x in session["labels"]] == ["1", "2", "3", None]
    assert [x["name"] for x in session["labels"] if x["is_target"]] == ["leopard"]
    assert {q["id"]: q["n_total"] for q in session["queues"]} == {
        "suspected": 1,
        "unsure": 1,  # the deer: its 0.55 is below 0.9
        "plan": 2,  # 0.7 of leopard and 0.55 of deer at s1; at s2 all is settled
        "same_box": 0,
        "unreadable": 1,
        "empties": 1,
        "audit": 2,  # one of each site
        "second_opinion": 0,
        "all": 4,
    }
    assert session["facets"]["sites"] == ["s1", "s2"]
    assert (session["facets"]["first_day"], session["facets"]["last_day"]) == ("2025-06-02", "2025-06-03")
    assert session["model"] == {"bundle_id": "model-1", "name": None}
    assert session["keys"] == {} and not session["read_only"] and not session["has_people"]


def test_a_queue_is_filtered_and_read_part_by_part(browser):
    every = queue_of(browser, "all")
    assert paths(every) == [c.path for c in CLIPS] and (every["n_total"], every["n_done"]) == (4, 0)
    assert paths(queue_of(browser, "all", offset=1, limit=2)) == ["s1/b.jpg", "s2/c.jpg"]
    assert paths(queue_of(browser, "all", site="s2")) == ["s2/c.jpg", "s2/d.avi"]
    assert paths(queue_of(browser, "all", first="2025-06-03")) == ["s2/c.jpg", "s2/d.avi"]
    assert paths(queue_of(browser, "all", last="2025-06-02")) == ["s1/a.jpg", "s1/b.jpg"]
    assert paths(queue_of(browser, "all", decision="deer")) == ["s1/b.jpg"]
    assert paths(queue_of(browser, "all", site="nowhere")) == []
    say(browser, [DEER], "deer")
    say(browser, [EMPTY], key="22222222", starred=True)
    assert paths(queue_of(browser, "all", label="deer")) == ["s1/b.jpg"]
    assert paths(queue_of(browser, "all", starred=1)) == ["s2/c.jpg"]


def test_a_wrong_part_or_day_is_refused_in_words(browser):
    for query in ("offset=-1", "offset=x", "limit=1e3", "first=yesterday", "offset=99999999999"):
        answer = browser.get(f"/api/queue/all?{query}")
        assert answer.status_code == 400 and answer.json()["what"], query


def test_a_clip_shows_what_the_model_saw(browser):
    clip = browser.get(f"/api/clip/{LEOPARD.clip_id}", params={"queue": "suspected"}).json()
    assert clip["decision"] == "leopard" and clip["score"] == 0.7 and clip["alerts"] == ["leopard"]
    assert clip["probs"] == dict(zip(LABELS, (0.7, 0.2, 0.0, 0.1), strict=True))
    assert [f["boxes"] for f in clip["frames"]] == [[{"xyxy": [0.1, 0.2, 0.5, 0.6], "score": 0.9}]]
    assert clip["frames"][0]["url"] == f"/media/frame/{LEOPARD.clip_id}/0?width=960"
    assert clip["seconds"] == [0.0] and clip["event"] == [LEOPARD.clip_id, DEER.clip_id]
    assert clip["video"] is None and clip["captured"] == "2025-06-02T10:00:00" and not clip["is_blind"]
    assert browser.get(clip["frames"][0]["url"]).headers["content-type"] == "image/jpeg"


def test_the_next_clips_are_decoded_ahead(desk):
    from reviewed_season import PlainMedia

    media = PlainMedia(desk.manifest)
    enter(desk, media=media).get(f"/api/clip/{LEOPARD.clip_id}?queue=all")
    assert media.ahead == [(DEER.clip_id, [0.0]), (EMPTY.clip_id, [0.0]), (BROKEN.clip_id, [0.0])]


def test_a_label_is_on_the_disk_before_the_answer(browser, tmp_path):
    answer = say(browser, [DEER], "deer", "leopard", queue="unsure", seconds=[1.5], note="two", starred=True,
                 boxes=[{"xyxy": [0.1, 0.1, 0.2, 0.2], "label": "deer", "time_s": 1.5}])  # fmt: skip
    saved = {"entries": [{"entry_id": 1, "clip_id": DEER.clip_id}], "labels": ["deer", "leopard"], "n_done": 1}
    found = answer.json()
    done = found.pop("done")
    assert found == saved and (done["all"], done["unsure"], done["audit"]) == (1, 1, 0), "of every list, at once"
    assert done == {q["id"]: q["n_done"] for q in browser.get("/api/session").json()["queues"]}
    with sqlite3.connect(tmp_path / "results/labels.sqlite") as db:
        columns = "path, labels, by, queue, inclusion, bundle_id, seconds, note, starred, boxes"
        (row,) = db.execute(f"SELECT {columns} FROM entries").fetchall()
    assert row[:9] == ("s1/b.jpg", '["deer", "leopard"]', "AB", "unsure", None, "model-1", "[1.5]", "two", 1)
    assert json.loads(row[9]) == [{"xyxy": [0.1, 0.1, 0.2, 0.2], "label": "deer", "time_s": 1.5}]
    shown = browser.get(f"/api/clip/{DEER.clip_id}").json()
    assert shown["labels"] == ["deer", "leopard"] and shown["starred"]
    assert [(h["by"], h["labels"], h["note"], h["is_undone"]) for h in shown["history"]] == [
        ("AB", ["deer", "leopard"], "two", False)
    ]


def test_a_frame_with_a_box_is_shown_again_until_the_box_is_taken_away(season, open_desk):
    clip = Made("s1/v.avi", (0.7, 0.2, 0.0, 0.1), boxes=(None, None))
    browser = enter(open_desk(season([clip])))
    drawn = [{"xyxy": [0.1, 0.1, 0.2, 0.2], "time_s": 0.5}, {"xyxy": [0, 0, 1, 1], "time_s": 1.0}]

    def look(queue="all"):
        shown = browser.get(f"/api/clip/{clip.clip_id}", params={"queue": queue}).json()
        return [f["time_s"] for f in shown["frames"]], [h["boxes"] for h in shown["history"]]

    assert say(browser, [clip], key="11111111-b1", boxes=drawn).status_code == 200
    assert look() == ([0.0, 0.5, 1.0], [drawn])
    assert {0.5, 1.0} < set(look("audit")[0])
    assert say(browser, [clip], "leopard", key="11111111-b2").status_code == 200  # says nothing about boxes
    assert look() == ([0.0, 0.5, 1.0], [drawn, None])
    browser.post("/api/by", json={"by": "CD"}, headers=ORIGIN)
    assert look() == ([0.0, 1.0], [drawn, None])  # what another person drew is in the history alone
    browser.post("/api/by", json={"by": "AB"}, headers=ORIGIN)
    assert say(browser, [clip], key="11111111-b3", boxes=[]).status_code == 200
    assert look() == ([0.0, 1.0], [drawn, None, []])
    browser.post("/api/undo", json={"key": "11111111-b4"}, headers=ORIGIN)
    assert look()[0] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("typed", "saved"),
    [
        ("человек", "human"),
        ("person", "human"),
        ("машина", "vehicle"),
        ("леопард", "leopard"),
        ("амурский_тигр", "tiger"),
        ("пусто", "empty"),
        ("рысь", "рысь"),
        ("unknown", "unknown"),
    ],
)
def test_another_name_is_saved_as_the_usual_label(browser, typed, saved):
    assert say(browser, [DEER], typed).json()["labels"] == [saved]
    assert browser.get(f"/api/clip/{DEER.clip_id}").json()["labels"] == [saved]


def test_other_names_make_no_label_twice_and_nothing_beside_empty(browser):
    assert say(browser, [DEER], "леопард", "leopard").json()["labels"] == ["leopard"]
    refused = say(browser, [DEER], "deer", "пусто")
    assert refused.status_code == 400 and "not empty" in refused.text


def test_the_names_of_the_source_stay(season, open_desk):
    desk = open_desk(season(CLIPS), desk={"targets": ("amur_leopard",)})
    assert say(enter(desk), [DEER], "amur_leopard").json()["labels"] == ["amur_leopard"]


def test_a_repeated_request_adds_nothing_twice(browser, desk):
    first, second = (say(browser, [LEOPARD, DEER], "deer").json() for _ in range(2))
    assert first == second and desk.said.version == 2


def test_a_star_and_a_note_leave_the_label(browser):
    say(browser, [DEER], "deer")
    say(browser, [DEER], key="22222222", starred=True)
    say(browser, [DEER], key="33333333", note="a fawn")
    clip = browser.get(f"/api/clip/{DEER.clip_id}").json()
    assert clip["labels"] == ["deer"] and clip["starred"]
    say(browser, [DEER], key="44444444", starred=False)
    assert not browser.get(f"/api/clip/{DEER.clip_id}").json()["starred"]


def undo(browser, key):
    return browser.post("/api/undo", json={"key": key}, headers=ORIGIN)


def test_undo_goes_back_action_by_action_over_sessions(season, open_desk):
    results = season(CLIPS)
    browser = enter(open_desk(results))
    say(browser, [LEOPARD], "leopard", key="11111111", queue="suspected")
    say(browser, [DEER, EMPTY], "empty", key="22222222")
    browser = enter(open_desk(results))  # another day
    assert undo(browser, "33333333").json() == {"undone": [DEER.clip_id, EMPTY.clip_id], "queue": "all"}
    assert undo(browser, "33333333").json() == {"undone": [DEER.clip_id, EMPTY.clip_id], "queue": "all"}  # again
    assert [c["labels"] for c in queue_of(browser, "all")["clips"]] == [["leopard"], [], [], []]
    assert undo(browser, "44444444").json() == {"undone": [LEOPARD.clip_id], "queue": "suspected"}
    assert undo(browser, "55555555").status_code == 409
    history = browser.get(f"/api/clip/{LEOPARD.clip_id}").json()["history"]
    assert [h["is_undone"] for h in history] == [True]


def test_what_was_taken_back_leaves_what_was_said_before(browser):
    say(browser, [DEER], "deer", key="11111111")
    say(browser, [DEER], "leopard", key="22222222")
    undo(browser, "33333333")
    assert queue_of(browser, "all", label="deer")["clips"][0]["labels"] == ["deer"]
    say(browser, [DEER], "empty", key="44444444")
    undo(browser, "55555555")
    undo(browser, "66666666")
    assert queue_of(browser, "all")["n_done"] == 0


def test_two_people_never_take_back_each_others_labels(season, open_desk):
    desk = open_desk(season(CLIPS))
    first, second = enter(desk, by="AB"), enter(desk, by="ВГ")
    say(first, [DEER], "deer", key="11111111")
    say(second, [DEER], "leopard", key="22222222")
    assert undo(first, "33333333").json()["undone"] == [DEER.clip_id]
    assert undo(first, "44444444").status_code == 409
    clip = second.get(f"/api/clip/{DEER.clip_id}").json()
    assert clip["labels"] == ["leopard"] and clip["by_others"] == 0


def test_a_place_and_keys_are_kept_per_person(season, open_desk):
    results = season(CLIPS)
    browser = enter(open_desk(results), by="AB")
    body = {"queue": "all", "clip_id": EMPTY.clip_id}
    assert browser.post("/api/place", json=body, headers=ORIGIN).status_code == 200
    assert browser.post("/api/keys", json={"empty": "0"}, headers=ORIGIN).json()["keys"]["empty"] == "0"
    again = open_desk(results)
    assert queue_of(enter(again, by="AB"), "all")["place"] == 2
    assert queue_of(enter(again, by="AB"), "all", site="s2")["place"] == 0
    assert queue_of(enter(again, by="CD"), "all")["place"] == 0
    assert enter(again, by="AB").get("/api/session").json()["keys"]["empty"] == "0"
    for wrong in ({"undo": "0"}, {"undo": "w", "star": "w"}, ["x"], {"empty": 3}, {"empty": ""}):
        assert browser.post("/api/keys", json=wrong, headers=ORIGIN).status_code == 400, wrong


WRONG = [
    ({"clip_ids": ["0" * 16]}, 404),
    ({"clip_ids": []}, 400),
    ({"clip_ids": "all"}, 400),
    ({"labels": []}, 400),
    ({"labels": ["Roe deer"]}, 400),
    ({"labels": ["empty", "deer"]}, 400),
    ({"labels": ["deer", "deer"]}, 400),
    ({"labels": ["unknown", "deer"]}, 400),
    *(({"labels": [name]}, 400) for name in ("unsure", "unreadable", "animal", "clip_id", "site", "_deer")),
    ({"boxes": [{"xyxy": [0, 0, 1, 1], "label": "unsure"}]}, 400),
    ({"queue": "nowhere"}, 404),
    ({"key": "short"}, 400),
    ({"key": "a" * 20 + ";"}, 400),
    ({"seconds": [-1.0]}, 400),
    ({"seconds": [float("nan")]}, 400),
    ({"boxes": [{"xyxy": [0, 0, 2, 1]}]}, 400),
    ({"boxes": [{"xyxy": [0.5, 0, 0.5, 1]}]}, 400),
    ({"inclusion": 1.0}, 400),
]


def test_a_wrong_label_request_is_refused_and_nothing_is_kept(browser, desk):
    good = {"key": "11111111", "clip_ids": [DEER.clip_id], "labels": ["deer"], "queue": "all"}
    bodies = [(json.dumps(good | change), status) for change, status in WRONG]
    bodies += [(text, 400) for text in (b"", b"{", b"[" * 5000, b"null", b"3")]
    for text, status in bodies:
        answer = browser.post("/api/label", content=text, headers=ORIGIN | {"content-type": "application/json"})
        assert answer.status_code == status and answer.json()["what"], text
    assert desk.said.version == 0


def test_without_a_name_nobody_labels(desk):
    browser = enter(desk, by="")
    answer = say(browser, [DEER], "deer")
    assert answer.status_code == 400 and answer.json()["what"] == "please say who labels"
    for name in ("", "   ", "a/b", "x\x00", "n" * 41):
        assert browser.post("/api/by", json={"by": name}, headers=ORIGIN).status_code == 400
    assert browser.post("/api/by", json={"by": " Анна  К. "}, headers=ORIGIN).json() == {"by": "Анна К."}
    assert browser.get("/api/session").json()["by"] == "Анна К."


def test_a_read_only_review_shows_and_keeps_nothing(season, open_desk, tmp_path):
    results = season(CLIPS)
    desk = open_desk(results, read_only=True, desk={"read_only": True})
    browser = enter(desk)
    assert browser.get("/api/session").json()["read_only"]
    assert len(queue_of(browser, "all")["clips"]) == 4
    assert browser.get(f"/api/clip/{DEER.clip_id}").status_code == 200
    place = {"queue": "all", "clip_id": DEER.clip_id}
    answers = [say(browser, [DEER], "deer"), undo(browser, "22222222")]
    answers += [browser.post(f"/api/{x}", json=b, headers=ORIGIN) for x, b in (("place", place), ("keys", {}))]
    assert [a.status_code for a in answers] == [403] * 4
    assert not list(tmp_path.rglob("*.sqlite*"))


def test_a_clip_whose_file_is_gone_keeps_its_row_and_says_so(season, open_desk, tmp_path):
    desk = open_desk(season(CLIPS))
    (tmp_path / "footage" / DEER.path).unlink()
    browser = enter(desk)
    clip = browser.get(f"/api/clip/{DEER.clip_id}").json()
    assert clip["status"] == "missing" and "cannot be found" in clip["reason"] and clip["frames"] == []
    assert str(tmp_path) not in json.dumps(clip)
    answer = browser.get(f"/media/frame/{DEER.clip_id}/0")
    assert answer.status_code == 404 and "cannot be opened" in answer.json()["what"]
    assert say(browser, [DEER], "deer").status_code == 200


def test_a_locked_file_of_labels_is_503_and_the_same_key_works_later(browser, desk, tmp_path, monkeypatch):
    desk.said._file._db.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(tmp_path / "results/labels.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = say(browser, [DEER], "deer")
    assert answer.status_code == 503 and answer.json()["what"] == "another program holds the file of labels"
    assert "save again" in answer.json()["do"]
    other.execute("ROLLBACK")
    other.close()
    assert say(browser, [DEER], "deer").json()["n_done"] == 1


def test_a_full_disk_is_507_and_the_same_key_works_later(browser, desk):
    db = desk.said._file._db
    n_pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {n_pages}")
    note = {"note": "x" * 4000}
    answers = [say(browser, [DEER], "deer", key=f"1111111{i}", **note) for i in range(4)]
    assert answers[-1].status_code == 507 and "not saved" in answers[-1].json()["what"]
    n_kept = desk.said.version
    assert n_kept < 4
    db.execute("PRAGMA max_page_count = 1000000")
    assert say(browser, [DEER], "deer", key="11111113", **note).status_code == 200
    assert desk.said.version == n_kept + 1


def test_a_fault_of_ours_is_an_answer_in_words(browser, desk, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device", "/secret/place")

    monkeypatch.setattr(desk.source.workspace, "keep", fail)
    answer = browser.post("/api/place", json={"queue": "all", "clip_id": DEER.clip_id}, headers=ORIGIN)
    assert answer.status_code == 500 and answer.json()["found"] == "No space left on device"
    assert "/secret" not in answer.text and "content-security-policy" in answer.headers


def test_labels_of_another_desk_are_seen_at_once(season, open_desk):
    results = season(CLIPS)
    here, there = open_desk(results), open_desk(results)
    assert any("both may be used" in notice for notice in there.notices) is False  # one process is one reviewer
    say(enter(there, by="CD"), [DEER], "deer")
    clip = queue_of(enter(here), "all")["clips"][1]
    assert clip["by_others"] == 1 and clip["labels"] == []


def test_other_addresses_and_methods_are_refused_as_json(browser):
    assert browser.get("/api/nothing").json()["what"] == "there is no such page"
    assert browser.get("/api/label").status_code == 405
    assert browser.get("/api/queue/nothing").status_code == 404
    assert browser.get("/api/clip/nothing").status_code == 404
    assert browser.get("/static/report.css").headers["content-type"].startswith("text/css")
    assert browser.get("/static/nothing.js").status_code == 404


def keys_of(browser):
    return {x["name"]: x["key"] for x in browser.get("/api/session").json()["labels"] if x["key"]}


def test_labels_that_people_add_keep_their_keys(browser):
    fixed = {"leopard": "1", "deer": "2", "human": "3"}
    for i, name in enumerate(("wild_boar", "lynx", "badger")):  # not the order of the alphabet
        say(browser, [DEER], name, key=f"{i}1111111-aaaa")
        say(browser, [LEOPARD], name, key=f"{i}2222222-aaaa")
    assert keys_of(browser) == fixed | {"badger": "4"}  # what no longer counts for a clip has no place
    say(browser, [DEER], "wild_boar", key="31111111-aaaa")
    assert keys_of(browser) == fixed | {"badger": "4", "wild_boar": "5"}
    say(browser, [DEER], "human", key="41111111-aaaa")
    assert keys_of(browser) == fixed | {"badger": "4"}


def test_a_word_of_leopardnet_is_a_label_where_the_labels_of_the_footage_hold_it(tmp_path):
    Image.new("RGB", (32, 24)).save(tmp_path / "a.jpg")
    rows = pd.DataFrame({"path": ["a.jpg"], "kind": "still", "label": ["animal"]})
    Manifest.from_rows(rows, tmp_path).write(tmp_path / "manifest.csv")
    desk = ReviewDesk(open_review(tmp_path / "manifest.csv"))
    browser = enter(desk)
    assert "animal" in browser.get("/api/session").json()["reserved"]
    assert say(browser, list(desk.index.clip_ids), "animal").status_code == 200
    desk.close()
