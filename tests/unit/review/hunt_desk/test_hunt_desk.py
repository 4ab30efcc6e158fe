"""A review of footage that no model has seen: its order, its random clips, its look-alikes, and a model of it."""

import time
from concurrent.futures import Future

import pandas as pd
import pytest

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id
from leopardnet.review.clip_index import ClipFilter
from leopardnet.review.hunt_desk.hunt_queues import HuntQueues
from leopardnet.review.hunt_desk.model_maker import ModelMaker
from leopardnet.review.label_request import LabelRequest, UndoRequest
from leopardnet.review.review_desk import ReviewDesk
from leopardnet.review.review_source import open_review
from leopardnet.review.web.hunt_answers import hunt_routes
from reviewed_season import enter

SPOTTED = 288  # a class of ImageNet
LEOPARDS = [f"s{i % 2}/leopard{i}.jpg" for i in range(4)]
DEER = [f"s{i % 2}/deer{i}.jpg" for i in range(40)]
BROKEN = "s0/broken.jpg"


@pytest.fixture
def hunt(tmp_path, write_store):
    """Four leopards, of which two resemble spotted cats, forty deer, and a clip that cannot be read."""
    clips = {p: ([[3.0, i % 2, 0.0]], {SPOTTED: 9.0} if i < 2 else {}) for i, p in enumerate(LEOPARDS)}
    clips |= {p: ([[0.0, i % 2, 3.0]], {}) for i, p in enumerate(DEER)} | {BROKEN: ([], {})}
    table = pd.DataFrame({"path": list(clips), "kind": "still", "site": [p[:2] for p in clips]})
    Manifest.from_rows(table, tmp_path / "footage").write(tmp_path / "manifest.parquet")
    source = open_review(tmp_path / "manifest.parquet")
    store = write_store(clips, tmp_path)
    queues = HuntQueues(store, targets=("leopard",))
    queues._clusters.result(timeout=60)
    desk = ReviewDesk(source, targets=("leopard",), queues=queues.queues())
    maker = ModelMaker(source, store, targets=("leopard",))
    yield desk, queues, maker
    desk.close()


def paths(desk, queue="hunt"):
    return [desk.index.texts("path")[r] for r in desk.queues.open(queue, "AB", anew=True).rows]


def left(desk):
    """The clips of the hunt that nobody labelled."""
    return [p for p in paths(desk) if not desk.said.is_done[desk.index.row_of[clip_id(p)]]]


def say(desk, path, *labels, queue="hunt"):
    say.n = getattr(say, "n", 0) + 1
    request = LabelRequest(key=f"press-{say.n:05}", clip_ids=[clip_id(path)], labels=list(labels), queue=queue)
    return desk.save(request, "AB")


def drawn(desk):
    return {desk.index.texts("path")[r] for r in desk.queues.open("audit", "").rows}


def test_what_resembles_the_target_comes_first_and_what_cannot_be_read_last(hunt):
    desk, _, _ = hunt
    order = paths(desk)
    assert len(order) == len(set(order)) == 45 and (order[-1] == BROKEN or BROKEN in drawn(desk))
    first = [p for p in order if p not in drawn(desk)]
    assert set(first[:2]) == set(LEOPARDS[:2]) - drawn(desk) or drawn(desk) & set(LEOPARDS[:2])
    row = desk.index.row_of[clip_id(BROKEN)]
    hints = desk.queues.open("hunt", "AB").hints
    assert "could not be read: no frame" in hints[row] or BROKEN in drawn(desk)


def test_what_cannot_be_read_is_a_list_with_the_reasons(hunt):
    desk, _, _ = hunt
    row = desk.index.row_of[clip_id(BROKEN)]
    assert paths(desk, "unreadable") == [BROKEN] and desk.queues.open("unreadable", "AB").hints[row] == "no frame"


def test_lists_that_are_still_being_found_say_so_and_fill_by_themselves(hunt):
    desk, queues, _ = hunt

    def counts():
        return {q["id"]: (q["n_total"], q["is_ready"]) for q in desk.describe("AB")["queues"]}

    found, queues._clusters = queues._clusters, Future()
    desk.queues._known.clear()  # as when the page is opened at once
    assert counts()["centres"] == counts()["groups"] == (0, False) and counts()["all"] == (45, True)
    queues._clusters = found
    assert counts()["groups"] == (44, True) and counts()["centres"][0] > 0


def test_the_sites_that_a_promise_still_needs_are_counted_with_the_labels(hunt):
    desk, queues, _ = hunt
    assert queues.describe(desk)["promise"]["n_have"] == 0
    say(desk, sorted(drawn(desk))[0], "leopard", queue="audit")
    assert queues.describe(desk)["promise"]["n_have"] == 1


def test_a_found_target_teaches_the_order_at_once_and_labelled_clips_stand_first(hunt):
    desk, queues, _ = hunt
    found = next(p for p in LEOPARDS if p not in drawn(desk))
    for path in [p for p in DEER if p not in drawn(desk)][:3]:
        say(desk, path, "deer")
    before = left(desk)
    say(desk, found, "leopard")
    after = [p for p in left(desk) if p not in drawn(desk)]
    others = [p for p in LEOPARDS if p != found and p not in drawn(desk)]
    assert found not in after and set(after[: len(others)]) == set(others)
    assert len(before) == 42 and paths(desk)[3] == found
    counts = desk.list_queue("hunt", "AB", only=ClipFilter(), offset=0, limit=5)
    assert (counts["n_total"], counts["n_done"]) == (45, 4)  # its progress can be seen
    assert queues.describe(desk)["n_labels"] == {"deer": 3, "leopard": 1}
    desk.undo(UndoRequest(key="undo-00001"), "AB")
    assert found in left(desk) and queues.describe(desk)["n_labels"] == {"deer": 3}


def test_all_targets_are_named(hunt):
    desk, queues, _ = hunt
    described = HuntQueues(queues.store, targets=("leopard", "tiger")).describe(desk)
    assert (described["target"], described["targets"]) == ("leopard", ["leopard", "tiger"])
    described = HuntQueues(queues.store, targets=()).describe(desk)
    assert (described["target"], described["targets"]) == (None, [])


def test_a_label_that_is_taken_back_gives_the_clip_its_place_again(hunt):
    desk, queues, _ = hunt
    chosen = [p for p in DEER if p not in drawn(desk)][:3]
    for path in chosen:
        say(desk, path, "deer")
    queues.refit()
    assert not set(chosen) & set(left(desk))  # found with three labels
    desk.undo(UndoRequest(key="undo-00009"), "AB")
    assert set(chosen) & set(left(desk)) == {chosen[2]} and len(paths(desk)) == 45


def test_every_tenth_clip_is_of_the_audit_and_counts_for_it(hunt):
    desk, _, _ = hunt
    order, sample = paths(desk), drawn(desk)
    assert [i for i, p in enumerate(order[:40]) if p in sample] == [8, 18, 28, 38]
    say(desk, order[8], "deer")
    say(desk, order[0], "leopard")
    rows = desk.said._file.entries()[["path", "queue", "inclusion"]].astype(object)
    (_, queue, chance), (_, other, none) = rows.values.tolist()
    site = order[8][:2]
    n_site, n_drawn = sum(p.startswith(site) for p in order), sum(p.startswith(site) for p in sample)
    assert (queue, other) == ("audit", "hunt") and chance == n_drawn / n_site and none != none
    say(desk, order[8], "leopard", queue="audit")
    assert desk.describe("AB")["promise"] == {"label": "leopard", "n_needed": 59, "n_have": 1}
    assert desk.undo(UndoRequest(key="undo-00002"), "AB")["queue"] == "hunt"


def test_a_label_unlike_those_of_its_lookalikes_is_shown(hunt):
    desk, _, _ = hunt
    for path in DEER[:11]:
        say(desk, path, "leopard" if path == DEER[5] else "deer", queue="all")
    assert paths(desk, "lookalikes") == [DEER[5]]
    row = desk.index.row_of[clip_id(DEER[5])]
    hint = desk.queues.open("lookalikes", "AB").hints[row]
    assert hint == "10 of the 10 clips that look most like it are labelled deer"
    say(desk, DEER[5], "deer", queue="lookalikes")
    assert paths(desk, "lookalikes") == []


def test_look_alikes_stand_together_and_their_middle_first(hunt):
    desk, _, _ = hunt
    assert sorted(paths(desk, "centres")) == sorted([*LEOPARDS, *DEER])  # fewer clips than clusters: each its own
    groups = desk.queues.open("groups", "AB", anew=True)
    kinds = {}
    for row in groups.rows:
        kinds.setdefault(groups.groups[int(row)], []).append(desk.index.texts("path")[row][3:7])
    sizes = [len(clips) for clips in kinds.values()]
    assert (
        len(groups) == 44 and sizes == sorted(sizes, reverse=True) and all(len(set(k)) == 1 for k in kinds.values())
    )


def wait_for(browser):
    deadline = time.monotonic() + 60
    while (state := browser.get("/api/model").json())["state"] == "working" and time.monotonic() < deadline:
        pass
    return state


def test_a_model_is_made_in_the_background_and_numbered(hunt, tmp_path):
    desk, queues, maker = hunt
    browser = enter(desk, mode="hunt", routes=hunt_routes(desk, queues, maker))
    headers = {"origin": str(browser.base_url)}
    assert browser.get("/api/model").json() == {"state": "none"}
    assert browser.post("/api/model", json={"name": "first"}, headers=headers).status_code == 202
    failed = wait_for(browser)
    assert failed["state"] == "failed" and failed["error"]["what"] == "there is too little to learn from"
    for path in [p for p in DEER if p not in drawn(desk)][:6]:
        say(desk, path, "deer")
    for path in [p for p in LEOPARDS if p not in drawn(desk)]:
        say(desk, path, "leopard")
    for n in (1, 2):
        browser.post("/api/model", json={"name": "first"}, headers=headers)
        ready = wait_for(browser)
        assert (ready["state"], ready["bundle"]) == ("ready", f"models/{n}/bundle") and "Made in review" in ready[
            "card"
        ]
        bundle = Bundle.load(tmp_path / ready["bundle"])
        assert bundle.id == ready["bundle_id"] and bundle.labels.names == ("deer", "leopard")
    assert (
        browser.post("/api/model", json={"name": " "}, headers=headers).json()["what"] == "the model needs a name"
    )
    hunted = browser.get("/api/hunt").json()
    assert (hunted["target"], hunted["targets"]) == ("leopard", ["leopard"])
    assert browser.post("/api/refit", json={}, headers=headers).json() == {"is_refitted": True}
