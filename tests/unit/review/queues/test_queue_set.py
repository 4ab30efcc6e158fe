"""Which clips each queue has, and in which order: worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.review.clip_index import ClipIndex
from leopardnet.review.frame_evidence import FrameEvidence
from leopardnet.review.queues.label_errors import list_label_errors
from leopardnet.review.queues.model_queues import (
    draw_empties,
    list_suspected,
    list_unreadable,
    list_unsure,
    order_by_doubt,
)
from leopardnet.review.queues.people_queues import draw_audit, list_second_opinion
from leopardnet.review.queues.plan_looks import plan_looks
from leopardnet.review.queues.promise_needs import count_promise
from leopardnet.review.queues.queue_rows import QueueRows, draw_numbers, draw_per_site
from leopardnet.review.queues.queue_set import QueueSet
from leopardnet.review.queues.same_box import list_same_boxes
from leopardnet.review.request_error import RequestError
from leopardnet.review.spoken_labels import SpokenLabels
from reviewed_season import Made, box, make_predictions

WEEK = 7 * 24


def index_of(clips, tmp_path):
    made = make_predictions(clips)
    columns = ["clip_id", "path", "kind", "site", "captured_at"]
    index = ClipIndex.build(Manifest.from_rows(made.table[columns], tmp_path), made)
    made.write(tmp_path / "results")
    return index, FrameEvidence.read(tmp_path / "results/evidence.parquet", index)


def names(index, queue):
    return [index.texts("path")[r].removesuffix(".jpg") for r in queue.rows]


def nobody(index):
    return SpokenLabels(None, index)


@pytest.fixture
def label(tmp_path):
    """A function that writes labels, (person, path without suffix, labels) each, and returns the file."""

    def write(*said):
        file = LabelFile(tmp_path / "labels.sqlite")
        for by, name, labels in said:
            clip = Made(f"{name}.jpg", ())
            entry = LabelEntry(
                key=f"{by}-{name}-{labels}", clip_id=clip.clip_id, path=clip.path, labels=labels, by=by, queue="all"
            )
            file.add(entry)
        return file

    return write


# --- what the model said ---


def test_suspected_unsure_and_unreadable(tmp_path):
    clips = [
        Made("weak.jpg", (0.2, 0.7, 0.0, 0.1), alert="leopard", hours=1),
        Made("strong.jpg", (0.6, 0.3, 0.0, 0.1), alert="leopard", hours=2),
        Made("sure.jpg", (0.01, 0.95, 0.0, 0.04), hours=3),
        Made("least.jpg", (0.0, 0.4, 0.3, 0.3), hours=4),
        Made("less.jpg", (0.0, 0.8, 0.1, 0.1), hours=5),
        Made("group.jpg", (0.0, 0.93, 0.07, 0.0), decision="animal", rule="rolled_up", hours=6),
        Made("broken.jpg", (0.25,) * 4, decision="unreadable", rule="none", status="unreadable", hours=7),
    ]
    index, _ = index_of(clips, tmp_path)
    order = order_by_doubt(index)
    assert names(index, list_suspected(index, order)) == ["strong", "weak"]
    assert names(index, list_unsure(index, order)) == ["least", "less", "group"]
    assert names(index, list_unreadable(index)) == ["broken"]


def test_empties_are_one_in_twenty_of_each_site(tmp_path):
    clips = [
        Made(f"{site}/{i:02}.jpg", (0, 0, 0, 1.0), site=site, hours=i)
        for site, n in (("a", 41), ("b", 3))
        for i in range(n)
    ]
    clips.append(Made("a/deer.jpg", (0, 1.0, 0, 0), site="a", hours=99))
    index, _ = index_of(clips, tmp_path)
    drawn = draw_empties(index, "seed")
    sites = [index.texts("site")[r] for r in drawn.rows]
    assert sorted(sites) == ["a", "a", "a", "b"] and "a/deer" not in names(index, drawn)
    assert {index.texts("site")[r]: round(c, 6) for r, c in drawn.inclusion.items()} == {
        "a": round(3 / 41, 6),
        "b": round(1 / 3, 6),
    }


# --- random samples ---


def test_a_sample_has_the_smallest_numbers_of_each_site():
    rows, sites = np.arange(5), np.array([0, 0, 0, 1, 1])
    drawn = draw_per_site(rows, sites, np.array([0.5, 0.1, 0.3, 0.9, 0.2]), 2)
    assert drawn.rows.tolist() == [1, 4, 2]  # two of three, one of two, by their numbers
    assert drawn.inclusion == {1: 2 / 3, 2: 2 / 3, 4: 1 / 2}
    assert len(draw_per_site(rows[:0], sites[:0], np.zeros(0), 2)) == 0


def test_numbers_of_a_sample_are_spread_and_depend_on_clip_and_seed_alone():
    ids = [f"{i:016x}" for i in range(4000)]
    numbers = draw_numbers(ids, "s")
    assert abs(numbers.mean() - 0.5) < 0.03 and abs((numbers < 0.1).mean() - 0.1) < 0.03
    assert draw_numbers(ids[::-1], "s").tolist() == numbers[::-1].tolist()
    assert np.corrcoef(numbers, draw_numbers(ids, "t"))[0, 1] < 0.1


def test_the_audit_has_one_clip_of_every_site_and_hides_private_ones_after_the_draw(tmp_path):
    clips = [
        Made(f"{s}/{i}.jpg", (0, 1.0, 0, 0), site=s, hours=i) for s, n in (("a", 20), ("b", 1)) for i in range(n)
    ]
    clips.append(Made("nowhere.jpg", (0, 1.0, 0, 0), site=None))
    index, _ = index_of(clips, tmp_path)
    drawn = draw_audit(index, "seed", np.zeros(len(index), bool))
    assert sorted(str(index.texts("site")[r]) for r in drawn.rows) == ["None", "a", "a", "b"]
    assert sorted(drawn.inclusion.values()) == [0.1, 0.1, 1.0, 1.0]
    is_private = np.zeros(len(index), bool)
    is_private[drawn.rows[0]] = True
    assert draw_audit(index, "seed", is_private).rows.tolist() == drawn.rows[1:].tolist()


# --- people ---


def test_a_second_opinion_begins_with_what_two_people_dispute(tmp_path, label):
    index, _ = index_of([Made(f"{x}.jpg", (0, 1.0, 0, 0), hours=i) for i, x in enumerate("abcde")], tmp_path)
    said = SpokenLabels(
        label(("P", "a", ["deer"]), ("Q", "a", ["tiger"]), ("Q", "b", ["deer"]), ("P", "c", ["deer"]),
              ("Q", "d", ["deer"]), ("R", "d", ["deer"]), ("Q", "e", [])),
        index,
    )  # fmt: skip
    assert names(index, list_second_opinion(index, said, "P", "seed")) == ["a", "b"]  # c is P's own; d has two
    assert names(index, list_second_opinion(index, said, "Q", "seed")) == ["a", "c"]
    assert set(names(index, list_second_opinion(index, said, "new", "seed"))) == {"a", "b", "c"}


# --- the promise ---


def test_clips_of_no_known_site_are_no_site_of_a_promise(tmp_path):
    clips = [Made(f"{n}.jpg", (0.9, 0.1, 0.0, 0.0), site=s) for n, s in (("a", "s1"), ("b", None), ("c", None))]
    index, _ = index_of(clips, tmp_path)
    with LabelFile(tmp_path / "labels.sqlite") as file:
        for clip in clips:
            of = {"key": clip.path, "clip_id": clip.clip_id, "path": clip.path, "by": "P"}
            file.add(LabelEntry(labels=["leopard"], queue="audit", inclusion=0.5, **of))
        found = count_promise(index, SpokenLabels(file, index), ["leopard"])
    assert found == {"label": "leopard", "n_needed": 59, "n_have": 1}


# --- the plan ---


def deer(name, p, *, site="s", hours=0.0):
    return Made(f"{name}.jpg", (0.0, p, 0.0, 1 - p), site=site, hours=hours)


def test_the_plan_has_the_likeliest_clip_of_each_doubtful_cell(tmp_path):
    clips = [
        deer("a1", 0.60, site="a"),  # the likeliest of a's first week: doubt 0.4
        deer("a2", 0.45, site="a", hours=1),  # more doubtful, but the week has deer or not by a1
        deer("b1", 0.50, site="b"),  # doubt 0.5
        deer("c1", 0.99, site="c"),  # settled
        deer("c2", 0.70, site="c", hours=WEEK),  # doubt 0.3, but deer are certain at c
        deer("d1", 0.02, site="d"),  # settled: none
    ]
    index, _ = index_of(clips, tmp_path)
    assert names(index, plan_looks(index, nobody(index))) == ["b1", "a1", "c2"]


def test_the_plan_takes_turns_among_sites_and_weeks(tmp_path):
    clips = [
        Made("a1.jpg", (0.5, 0.0, 0.0, 0.5), site="a"),  # leopard: doubt 0.5
        Made("a2.jpg", (0.0, 0.55, 0.0, 0.45), site="a", hours=1),  # deer of the same week: doubt 0.45
        Made("b1.jpg", (0.0, 0.1, 0.0, 0.9), site="b"),  # deer: doubt 0.1
        Made("a3.jpg", (0.0, 0.2, 0.0, 0.8), site="a", hours=WEEK),  # deer a week later: doubt 0.2
    ]
    index, _ = index_of(clips, tmp_path)
    assert names(index, plan_looks(index, nobody(index))) == ["a1", "a3", "b1", "a2"]


def test_what_nobody_can_tell_decides_no_cell_of_the_plan(tmp_path, label):
    clips = [Made("a1.jpg", (0.0, 0.6, 0.0, 0.4)), Made("a2.jpg", (0.0, 0.3, 0.0, 0.7), hours=1)]
    index, _ = index_of(clips, tmp_path)
    assert names(index, plan_looks(index, nobody(index))) == ["a1"]
    said = SpokenLabels(label(("P", "a1", ["unknown"])), index)
    assert names(index, plan_looks(index, said)) == ["a2"]  # the deer may still be there


def test_what_people_said_settles_cells_of_the_plan(tmp_path, label):
    index, _ = index_of([deer("a1", 0.6), deer("a2", 0.45, hours=1)], tmp_path)
    assert names(index, plan_looks(index, SpokenLabels(label(("P", "a1", ["deer"])), index))) == []
    # without the deer of a1, the other clip decides
    said = SpokenLabels(label(("P", "a1", ["empty"])), index)
    said.refresh()
    assert names(index, plan_looks(index, said)) == ["a2"]


# --- the same box ---


def static(name, *xyxy, hours=0.0, site="s"):
    return Made(f"{name}.jpg", (0.0, 0.9, 0.0, 0.1), hours=hours, site=site, boxes=(box(*xyxy),))


STUMP = (0.1, 0.1, 0.3, 0.3)


def same(clips, tmp_path):
    index, evidence = index_of(clips, tmp_path)
    return index, list_same_boxes(index, evidence.best_boxes(index))


def test_a_box_that_comes_again_and_again_is_one_group(tmp_path):
    clips = [static(f"{i}", 0.1 + i / 1000, 0.1, 0.3 + i / 1000, 0.3, hours=i) for i in range(6)]
    clips += [static("else", 0.5, 0.5, 0.7, 0.7, hours=9), static("other", *STUMP, site="t")]
    index, queue = same(clips, tmp_path)
    assert sorted(names(index, queue)) == ["0", "1", "2", "3", "4", "5"]
    assert set(queue.groups.values()) == {"box 1"}
    assert sorted(queue.group_rows(int(queue.rows[0]))) == sorted(queue.rows.tolist())


@pytest.mark.parametrize(
    ("clips", "why"),
    [
        ([static(str(i), *STUMP, hours=i) for i in range(5)], "five clips"),
        ([static(str(i), *STUMP, hours=i / 60) for i in range(9)], "one visit"),
        ([static(str(i), 0.1 + i / 20, 0.1, 0.3 + i / 20, 0.3, hours=i) for i in range(6)], "it moves"),
        ([static(str(i), 0, 0, 1, 0.9, hours=i) for i in range(9)], "the whole frame"),
        ([Made(f"{i}.jpg", (0, 1.0, 0, 0), hours=i, boxes=("[]",)) for i in range(9)], "nothing was found"),
        ([Made(f"{i}.jpg", (0, 1.0, 0, 0), hours=i) for i in range(9)], "no detector"),
    ],
)
def test_what_is_no_group_of_boxes(clips, why, tmp_path):
    assert len(same(clips, tmp_path)[1]) == 0, why


def test_the_overlap_that_counts_is_85_percent(tmp_path):
    """Two boxes of height 1/5 shifted by d of their width 1/5 overlap by (1/5 - d) / (1/5 + d)."""
    near, far = 0.016, 0.017  # 0.852 and 0.843
    for shift, n in ((near, 6), (far, 0)):
        clips = [static(f"{i}", *STUMP, hours=i) for i in range(5)]
        clips.append(static("x", 0.1 + shift, 0.1, 0.3 + shift, 0.3, hours=9))
        assert len(same(clips, tmp_path)[1]) == n


def test_the_largest_group_comes_first_and_a_thousand_boxes_are_quick(tmp_path, rng):
    small = [static(f"s{i}", 0.6, 0.6, 0.8, 0.8, hours=100 + i) for i in range(7)]
    noise = rng.normal(0, 0.001, (1000, 4))
    large = [static(f"l{i}", *(np.array(STUMP) + noise[i]), hours=i) for i in range(1000)]
    _, queue = same(small + large, tmp_path)
    groups = [queue.groups[int(r)] for r in queue.rows]
    assert groups[0] == "box 1" and groups[-1] == "box 2" and groups.count("box 2") == 7
    assert groups.count("box 1") > 990
    assert len({*queue.rows.tolist()}) == len(queue)


# --- all of them ---


def queue_set(index, evidence, tmp_path, **options):
    private = np.zeros(len(index), bool)
    return QueueSet(index, evidence, nobody(index), "seed", private, tmp_path, **options)


def test_without_a_model_there_are_no_queues_of_it(tmp_path):
    rows = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "kind": "still"})
    index = ClipIndex.build(Manifest.from_rows(rows, tmp_path))
    queues = queue_set(index, FrameEvidence.read(None, index), tmp_path)
    assert queues.ids == ("audit", "second_opinion", "all")
    assert queues.open("all", "").rows.tolist() == [0, 1]
    with pytest.raises(RequestError, match="no such queue"):
        queues.open("suspected", "")


def test_a_table_of_label_errors_is_a_queue_in_its_order(tmp_path):
    index, evidence = index_of([deer("a", 1.0), deer("b", 1.0, hours=1)], tmp_path)
    assert "label_errors" not in queue_set(index, evidence, tmp_path).ids
    file = tmp_path / "label_errors.parquet"
    ids = [index.clip_ids[1], "gone", index.clip_ids[0]]
    pd.DataFrame({"clip_id": ids}).to_parquet(file)
    queues = queue_set(index, evidence, tmp_path)
    assert "label_errors" in queues.ids and names(index, queues.open("label_errors", "")) == ["b", "a"]
    pd.DataFrame({"clip_id": ids, "label": "tiger", "likelier": ["deer", "", "empty"]}).to_parquet(file)
    hints = list_label_errors(index, file).hints
    assert hints == {
        1: "labelled tiger; by the other clips it is rather deer",
        0: "labelled tiger; by the other clips it is rather empty",
    }
    pd.DataFrame({"path": ["a.jpg"]}).to_parquet(file)
    with pytest.raises(ManifestError, match="no table of probable label errors"):
        list_label_errors(index, file)


def test_a_queue_of_another_room_is_asked_again_whenever_it_is_opened_anew(tmp_path):
    index, evidence = index_of([deer("a", 1.0), deer("b", 1.0, hours=1)], tmp_path)
    lists = iter([QueueRows(np.array([0])), QueueRows(np.array([1, 0]))])
    queues = queue_set(index, evidence, tmp_path, others={"hunt": lambda: next(lists)})
    assert queues.ids[0] == "hunt"
    assert [len(queues.open("hunt", "", anew=anew)) for anew in (False, False, True)] == [1, 1, 2]
