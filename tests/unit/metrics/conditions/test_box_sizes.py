"""Clips of animals by the size of their best box."""

import json

import pandas as pd

from leopardnet.metrics.conditions.box_sizes import count_by_size, find_box_sizes, list_size_rows
from leopardnet.metrics.labelled_clips import LabelledClips


def clips_of(truth, said):
    ids = [str(i) for i in range(len(truth))]
    table = pd.DataFrame({"clip_id": ids, "site": "a", "decision": said})
    table["rule"] = ["empty" if x == "empty" else "species" for x in said]
    for name in ("leopard", "empty"):
        table[f"p_{name}"] = [0.9 if name == x else 0.1 for x in said]
    return LabelledClips.from_tables(table, pd.Series(truth, index=ids))


def frames_of(*boxes):
    cells = [None if box is None else json.dumps(box) for box in boxes]
    return pd.DataFrame({"clip_id": [str(i) for i in range(len(boxes))], "boxes": cells})


def box(width, height):
    return {"xyxy": [0.0, 0.0, width, height], "score": 0.9}


def test_animals_are_counted_in_the_order_of_size_and_sizes_without_one_are_absent():
    clips = clips_of(["leopard"] * 4 + ["empty"], ["leopard", "empty", "empty", "leopard", "empty"])
    # 6 %, nothing found, 0.5 %, not searched, and an empty clip, which has no part
    sizes = find_box_sizes(frames_of([box(0.2, 0.3)], [], [box(0.1, 0.05)], None, [box(0.5, 0.5)]))
    counts = count_by_size(clips, sizes)
    assert counts.to_dict("index") == {
        "no box": {"n_clips": 1, "n_right": 0, "n_archived": 1},
        "under 1 %": {"n_clips": 1, "n_right": 0, "n_archived": 1},
        "5 to 20 %": {"n_clips": 1, "n_right": 1, "n_archived": 0},
    }
    assert list(counts.index) == ["no box", "under 1 %", "5 to 20 %"]
    assert list_size_rows(counts)[2] == {
        "box of the picture": "5 to 20 %",
        "clips of animals": 1,
        "named right": 1,
        "lost": 0,
    }


def test_without_a_detector_there_is_nothing():
    clips = clips_of(["leopard"], ["leopard"])
    for frames in (frames_of(None), pd.DataFrame({"clip_id": ["0"]}), pd.DataFrame()):
        assert count_by_size(clips, find_box_sizes(frames)).empty
    assert list_size_rows(count_by_size(clips, find_box_sizes(pd.DataFrame()))) == []
