"""The page of an evaluation: one screen, what is said first, and nothing about no clips."""

from dataclasses import replace

import numpy as np
import pandas as pd

from leopardnet.cli.printing.print_evaluation import print_evaluation
from leopardnet.metrics.conditions.conditions import evaluate_conditions
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.labelled_clips import LabelledClips


def page(
    capsys, rows, labels=("leopard", "deer", "empty"), colours=None, *, full=False, alerts=None, captured_at=None
):
    """Rows of truth, site, decision, rule; each decision is the likeliest label where it is one.

    colours: of each clip, for figures by light; alerts, captured_at: of each clip, too.
    """
    p = (
        np.array([[0.8 if x == row[2] else 0.1 for x in labels] for row in rows])
        + np.arange(len(rows))[:, None] / 1e4
    )
    table = pd.DataFrame({"clip_id": [str(i) for i in range(len(rows))], "site": [row[1] for row in rows]})
    table = table.assign(decision=[row[2] for row in rows], rule=[row[3] for row in rows], alert=alerts)
    table = table if captured_at is None else table.assign(captured_at=pd.to_datetime(captured_at))
    table = table.assign(**{f"p_{x}": p[:, i] / p.sum(axis=1) for i, x in enumerate(labels)})
    clips = LabelledClips.from_tables(table, pd.Series([row[0] for row in rows], index=table["clip_id"]))
    found = evaluate_clips(clips, targets=clips.animals, n_boot=50)
    if colours is not None:
        frames = pd.DataFrame({"clip_id": table["clip_id"], "colour": colours})
        found = replace(found, conditions=evaluate_conditions(clips, frames, n_boot=50))
    print_evaluation(found, full=full)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_losses_come_first_and_labels_without_clips_have_no_figures(capsys):
    rows = [("leopard", f"s{i:02d}", "leopard", "species") for i in range(12)]
    rows += [("leopard", "s00", "empty", "empty"), ("empty", "s01", "empty", "empty")]
    text = page(capsys, rows)
    assert text[0] == "14 labelled clips from 12 sites." and text[1].startswith("May the clips called empty")
    # 1 of 13 lost, at one of twelve sites; deer: no clip
    assert next(x for x in text if x.startswith("leopard  ")).split()[:4] == ["leopard", "1", "13", "12"]
    assert "Empty clips archived: 1 of 1, 1.000." in text and "Names of animals: 12 given, 12 of them right" in str(
        text
    )
    assert "no clip here shows deer" in " ".join(text) and not any(line.startswith("deer") for line in text)
    assert len(text) <= 25 and max(map(len, text)) <= 100


def test_events_are_counted_where_times_tell_them_apart(capsys):
    rows = [("leopard", "a", "leopard", "species")] * 2 + [("empty", "b", "empty", "empty")]
    heading = next(x for x in page(capsys, rows) if x.startswith("shows"))
    assert "in events" not in heading and "at sites" in heading
    text = page(capsys, rows, captured_at=["2021-07-01 10:00", "2021-07-01 10:01", None])
    assert "in events" in next(x for x in text if x.startswith("shows"))
    assert next(x for x in text if x.startswith("leopard  ")).split()[:5] == ["leopard", "0", "2", "1", "1"]


def test_the_promise_to_ask_for_is_about_what_the_model_looks_for(capsys):
    rows = [(x, "a", x, "species") for x in ("deer", "leopard", "tiger")] + [("empty", "b", "empty", "empty")]
    labels = ("deer", "leopard", "tiger", "empty")
    for alerts, asked in (
        (None, "leopard"),
        ([None, "leopard", "tiger", None], "leopard"),
        ([None, None, "tiger", None], "tiger"),
    ):
        text = page(capsys, rows, labels, alerts=alerts)
        assert f"For a promise of your own: leopardnet thresholds … --lose {asked}=0.05" in text
        assert text[next(i for i, x in enumerate(text) if x.startswith("shows")) + 2].startswith(asked)
    text = page(capsys, [x for x in rows if x[0] != "leopard"], labels)
    assert any(x.endswith("--lose deer=0.05") for x in text), "no clip shows a leopard"


def test_where_nothing_is_called_empty_nothing_lost_is_no_good_news(capsys):
    rows = [("leopard", "a", "leopard", "species"), ("empty", "b", "unsure", "abstained")]
    text = page(capsys, rows)
    assert text[1] == "May clips be archived unseen? None was called empty, so none would be."
    assert not any("at most" in line for line in text) and "Left to look at: 2 of 2 clips" in " ".join(text)
    assert "Sites: 2, too few" in " ".join(text)


def test_clips_of_no_known_site_are_no_site(capsys):
    rows = [("leopard", None, "leopard", "species"), ("empty", None, "empty", "empty")] * 2
    text = page(capsys, rows, colours=[0, 30, 30, 0])
    assert text[0] == "4 labelled clips from no known site." and "No intervals: no site is known." in " ".join(text)
    leopard = next(x for x in text if x.startswith("leopard  ")).split()
    assert leopard[:4] == ["leopard", "0", "2", "0"]  # lost, of clips, at known sites
    some = page(capsys, [*rows, ("leopard", "ridge", "leopard", "species")])
    assert some[0] == "5 labelled clips from 1 site; 4 of no known site."
    assert "Sites: 1, too few to rely on intervals." in " ".join(some)


def test_the_short_page_fits_a_screen_and_begins_with_the_first_label(capsys):
    labels = (*(f"animal{i:02d}" for i in range(20)), "empty")
    rows = [(x, site, x, "empty" if x == "empty" else "species") for x in labels for site in "ab"]
    rows += [("animal07", "a", "empty", "empty")] + [("animal19", "a", "empty", "empty")] * 2
    text = page(capsys, rows, labels, colours=[0, 30] * (len(rows) // 2) + [0])
    assert len(text) <= 25 and max(map(len, text)) <= 100
    # of 20 animals the first, and the one that lost most; of 21 labels the first three
    shown = [line.split()[0] for line in text if line.startswith("animal") and line.split()[1].isdigit()]
    assert shown == ["animal00", "animal19", *(f"animal{i:02d}" for i in range(3))]
    assert "More labels in metrics.json: 18; clips of these lost: 1." in text
    assert "More labels in names.csv and per_label.csv: 18." in text
    assert any(line.startswith("Macro-F1 by infrared light minus") for line in text)


def test_of_many_labels_the_first_dozen_is_shown_in_full(capsys):
    labels = (*(f"animal{i:02d}" for i in range(20)), "empty")
    rows = [(x, site, x, "empty" if x == "empty" else "species") for x in labels for site in "ab"]
    rows += [("animal19", "a", "empty", "empty")]
    text = page(capsys, rows, labels, full=True)
    assert "More labels in names.csv and per_label.csv: 9." in text
    assert "More labels in metrics.json: 10; clips of these lost: 0." in text
    shown = [line.split()[0] for line in text if line.startswith("animal") and line.split()[1].isdigit()]
    assert shown == [
        "animal00",
        "animal19",
        *(f"animal{i:02d}" for i in range(1, 9)),
        *(f"animal{i:02d}" for i in range(12)),
    ]


def test_infrared_stands_beside_colour_without_being_asked_for(capsys):
    rows = [("leopard", "a", "leopard", "species"), ("leopard", "b", "empty", "empty")] * 2
    rows += [("empty", "a", "empty", "empty")] * 2
    text = page(capsys, rows, colours=[30, 0, 30, 0, 0, 30], full=True)
    lines = {line.split("  ")[0]: line for line in text}
    assert lines["clips (sites)"].split() == ["clips", "(sites)", "3", "(2)", "3", "(1)"]
    assert "0 of 2, 2 lost" in lines["leopard: named right"] and "2 of 2, 0 lost" in lines["leopard: named right"]
    # by night both leopards are called empty: F1 0 and 1/2, by day 1 and 1
    assert text[-1].startswith("Macro-F1 by infrared light minus that in colour, over leopard, empty: -0.75")
    assert max(map(len, text)) <= 100
    without = page(capsys, rows, colours=[None] * 6)
    assert "not recorded" in " ".join(without) and "clips (sites)" not in " ".join(without)
