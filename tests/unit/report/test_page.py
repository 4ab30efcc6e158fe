"""The HTML report as a browser parses it, and what it must never contain."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.columns import predictions_columns
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.tables import clip_id
from leopardnet.metrics.conditions.conditions import evaluate_conditions
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.report import write_report
from leopardnet.report.overview import Beside

LABELS = LabelSet((Label("leopard", "Panthera pardus"), Label("sika_deer"), Label("empty")), targets=("leopard",))
HOSTILE = "site/</script><img src=x onerror=alert(1)>&amp;\"'<!--.AVI"
NOTICE = "Rendered footage supports no claim about real animals."


class Page(HTMLParser):
    """Elements with their attributes, the text outside of scripts and styles, and the content of each script."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.text, self.scripts, self._inside = [], "", [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else self._inside
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self._inside = None

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside is None:
            self.text += data

    @property
    def data(self):
        return json.loads(self.scripts[0])

    def ids(self):
        return {a["id"] for _, a in self.elements if "id" in a}


def predictions_of(*rows):
    """(path, probabilities or None, decision, rule, alert or None) per row."""
    columns = [c.name for c in predictions_columns(LABELS.names)]
    table = pd.DataFrame(
        [
            {
                "clip_id": clip_id(path),
                "path": path,
                "kind": "video",
                "site": path.split("/")[0],
                "captured_at": pd.Timestamp("2025-11-02 03:12:00"),
                "status": "unreadable" if p is None else "ok",
                "reason": "no moov index in the file" if p is None else None,
                "decision": decision,
                "rule": rule,
                "score": np.nan if p is None else max(p),
                "alert": alert,
                **{f"p_{x}": np.nan if p is None else p[i] for i, x in enumerate(LABELS.names)},
                "n_frames": 0 if p is None else 2,
                "best_time_s": np.nan if p is None else 1.5,
                "evidence_times_s": None if p is None else "[1.5, 0.5]",
                "bundle_id": "b",
                "labels_id": LABELS.id,
            }
            for path, p, decision, rule, alert in rows
        ],
        columns=columns,
    )
    return table


ROWS = (
    ("north/a.AVI", (0.9, 0.05, 0.05), "leopard", "species", "leopard"),
    ("north/b.AVI", (0.2, 0.1, 0.7), "unsure", "abstained", "leopard"),
    ("south/c.AVI", (0.0, 0.02, 0.98), "empty", "empty", None),
    ("south/broken.AVI", None, "unreadable", "none", None),
    (HOSTILE, (0.05, 0.45, 0.5), "unsure", "abstained", None),
)
EVIDENCE = pd.DataFrame(
    [
        (clip_id("north/a.AVI"), 0, 0.5, 0.3, 0.1, 0.6, None, None),
        (clip_id("north/a.AVI"), 1, 1.5, 0.98, 0.01, 0.01, None, None),
    ],
    columns=["clip_id", "i_frame", "time_s", *(f"p_{x}" for x in LABELS.names), "boxes", "box_source"],
)
BUNDLE = {
    "labels": LABELS.to_dict(),
    "backbone": "lite0",
    "bundle_id": "0123456789ab",
    "preprocess": {"size_px": 256, "resize": "squash"},
    "thresholds": {"empty": 0.8, "species": 0.55, "animal": 0.5, "alert": 0.1, "decides": True},
    "licences": ["Apache-2.0"],
    "hashes": {"model.xml": "f00d" * 16},
}


def write(tmp_path, rows=ROWS, **kwargs):
    out = write_report(tmp_path / "report.html", predictions_of(*rows), **kwargs)
    return out.read_text(encoding="utf-8")


@pytest.fixture
def full_text(tmp_path):
    table = predictions_of(*ROWS)
    truth = pd.Series(["leopard", "leopard", "empty", "sika_deer", "sika_deer"], index=table["clip_id"])
    return write(
        tmp_path,
        evidence=EVIDENCE,
        evaluation=evaluate_clips(LabelledClips.from_tables(table, truth), targets=LABELS.targets, n_boot=50),
        thumbnails={clip_id("north/a.AVI"): b"\xff\xd8jpeg"},
        bundle=BUNDLE,
        manifest_summary=pd.DataFrame({"train": [7, 0], "test": [2, 5]}, index=["leopard", "empty"]),
        history=[{"epoch": 1, "loss": 1.0, "val_macro_f1": 0.3}, {"epoch": 2, "loss": 0.5, "val_macro_f1": None}],
        notices=[NOTICE],
        title="Winter <survey>",
    )


def first_section(tmp_path, said):
    """What stands under "Look at these first", with these labels of people: path → label, '' is disputed."""
    labels = pd.DataFrame({"clip_id": list(map(clip_id, said)), "labels": list(said.values())})
    text = write(tmp_path, beside=Beside(labels if said else None))
    return " ".join(Page(re.search(r'(?s)<section id="first">.*?</section>', text)[0]).text.split())


def test_clips_that_people_judged_are_not_among_those_to_look_at_first(tmp_path):
    """a and b are suspected, b and the hostile name are unsure, and what is unreadable nobody can judge."""
    nobody = first_section(tmp_path, {})
    assert "Suspected targets 2 " in nobody and "judged" not in nobody and "a.AVI" in nobody and "b.AVI" in nobody
    one = first_section(tmp_path, {"north/a.AVI": "leopard"})
    assert "Suspected targets 1; 1 more was judged by people" in one and "a.AVI" not in one and "b.AVI" in one
    disputed = first_section(tmp_path, {"north/a.AVI": ""})
    assert "1 more was judged by people" in disputed and "a.AVI" not in disputed, "it needs no look of the report"
    unsure = first_section(tmp_path, {HOSTILE: "empty"})
    assert "Suspected targets 2 " in unsure and "judged" not in unsure and "</script>" not in unsure
    both = first_section(tmp_path, {"north/a.AVI": "leopard", "north/b.AVI": "empty", HOSTILE: "empty"})
    assert "Suspected targets" not in both and "Least certain" not in both and "broken.AVI" in both

    readable = [row for row in ROWS if row[1] is not None]
    labels = pd.DataFrame({"clip_id": [clip_id(path) for path, *_ in readable], "labels": "empty"})
    text = write(tmp_path, readable, beside=Beside(labels))
    assert "Nothing is left: people have judged every suspected target" in " ".join(Page(text).text.split())


def test_infrared_stands_beside_colour_and_sizes_stand_where_a_detector_was_used(tmp_path):
    table = predictions_of(*ROWS)
    truth = pd.Series(["leopard", "leopard", "empty", "sika_deer", "sika_deer"], index=table["clip_id"])
    clips = LabelledClips.from_tables(table, truth)
    frames = pd.DataFrame({"clip_id": table["clip_id"], "colour": [0, 0, 0, None, 30.0], "boxes": "[]"})
    found = evaluate_clips(clips, targets=LABELS.targets, n_boot=0)
    both = write(tmp_path, evaluation=replace(found, conditions=evaluate_conditions(clips, frames, n_boot=0)))
    assert "Infrared beside colour" in both and "leopard: named right" in both and "no clip" in both
    assert (
        "Fewer than two labels have clips of both lights" in both
        and "Clips of unknown light, which are left out here: 1" in both
    )
    assert "Size of the animal" in both and "no box" in both
    nothing = frames[["clip_id"]]
    old = write(tmp_path, evaluation=replace(found, conditions=evaluate_conditions(clips, nothing, n_boot=0)))
    assert "is not recorded" in old and "clips (sites)" not in old and "Size of the animal" not in old


def test_every_clip_is_in_the_data_and_the_unreadable_ones_too(full_text):
    data = Page(full_text).data
    assert data["path"] == [r[0] for r in ROWS]
    assert data["decision"] == [r[2] for r in ROWS]
    assert data["probs"][0] == [0.9, 0.05, 0.05] and data["probs"][3] is None and data["score"][3] is None
    assert data["reason"][3] == "no moov index in the file"
    assert data["frames"] == {"0": {"t": [0.5, 1.5], "p": [[300, 980], [100, 10], [600, 10]]}}
    assert data["times"][0] == [1.5, 0.5] and list(data["thumbs"]) == ["0"] and data["boxes"] == {}
    assert data["truth"] == [""] * 5 and data["verdict"] == [""] * 5


def test_boxes_are_those_of_the_frame_in_the_picture(tmp_path):
    strong, weak = {"xyxy": [0.2, 0.1, 0.6, 0.5], "score": 0.91}, {"xyxy": [0, 0, 0.1, 0.1], "score": 0.3}
    cells = [json.dumps([weak]), json.dumps([strong, weak])]  # of 0.5 s and of 1.5 s, the best
    text = write(
        tmp_path, evidence=EVIDENCE.assign(boxes=cells), thumbnails={clip_id("north/a.AVI"): b"\xff\xd8jpeg"}
    )
    page = Page(text)
    assert page.data["boxes"] == {"0": [[0.2, 0.1, 0.6, 0.5, 0.91], [0, 0, 0.1, 0.1, 0.3]]}
    assert page.data["frames"]["0"]["b"] == [300, 910]
    drawn = [a["style"] for tag, a in page.elements if tag == "i" and "box" in a.get("class", "").split()]
    assert "left:20.00%;top:10.00%;width:40.00%;height:40.00%" in drawn  # on the card, which needs no script

    nothing = Page(write(tmp_path, evidence=EVIDENCE.assign(boxes=[None, "[]"]))).data
    assert nothing["boxes"] == {"0": []} and nothing["frames"]["0"]["b"] == [None, 0]
    elsewhere = Page(write(tmp_path, evidence=EVIDENCE.assign(boxes=["[]", None]))).data
    assert elsewhere["boxes"] == {}  # no detector was run on the frame in the picture


@pytest.mark.parametrize(
    "cell", ["not json", "3", "[3]", '[{"xyxy": [0, 0, 1]}]', '[{"xyxy": [0, 0, NaN, 1]}]', '[{"score": 1}]']
)
def test_boxes_that_cannot_be_read_are_refused_by_name(tmp_path, cell):
    with pytest.raises(ManifestError, match="box") as error:
        write(tmp_path, evidence=EVIDENCE.assign(boxes=["[]", cell]))
    assert clip_id("north/a.AVI") in str(error.value) and "frame 1" in str(error.value)


@pytest.mark.parametrize(
    ("promises", "words"),
    [
        (
            {"promises": ["At most 0.05 lost: holds whatever sites do."]},
            "At most 0.05 lost: holds whatever sites do.",
        ),
        ({"promises": []}, "The model promises nothing"),
        ({}, None),  # a description of an older program
    ],
)
def test_the_page_says_what_the_thresholds_promise(tmp_path, promises, words):
    text = Page(write(tmp_path, bundle=BUNDLE | promises)).text
    assert ("May clips be archived unseen?" in text) == (words is not None)
    assert words is None or text.count(words) == 2, (
        "on the first page and in words, not among the facts of the model"
    )


def test_a_hidden_clip_has_its_row_and_no_picture(tmp_path):
    ids = [clip_id(r[0]) for r in ROWS]
    text = write(tmp_path, thumbnails={i: b"\xff\xd8jpeg" for i in ids[:3]}, hidden=[ids[0], ids[4]])
    page = Page(text)
    assert page.data["path"] == [r[0] for r in ROWS] and list(page.data["thumbs"]) == ["1", "2"]
    assert page.data["hidden"] == [0, 4]
    assert "picture left out" in page.text and "a.AVI" in page.text  # a suspected leopard keeps its card
    assert "Least certain" not in page.text  # the only other uncertain clip is hidden


def test_a_hostile_file_name_stays_text(full_text):
    page = Page(full_text)
    assert len(page.scripts) == 3  # the data, the texts and the program; none was opened or closed by a name
    assert not any("onerror" in attributes for _, attributes in page.elements)
    assert [a for tag, a in page.elements if tag == "img" and a.get("src") == "x"] == []
    assert HOSTILE.rsplit("/", 1)[1] in page.text  # it is the least certain clip, so it has a card
    assert "<" not in page.scripts[0] and page.data["path"][4] == HOSTILE
    assert "Winter <survey>" in page.text


def test_nothing_is_loaded_from_anywhere(full_text):
    page = Page(full_text)
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in ("src", "href", "srcset", "action", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:image/jpeg;base64,")), (tag, value)
    assert "http://" not in full_text and "https://" not in full_text and "@import" not in full_text
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_notices_and_clips_to_review_come_before_the_table(full_text):
    text = Page(full_text).text
    start, end = text.index("Look at these first"), text.rindex("All clips")
    assert text.index(NOTICE) < start < end
    first = text[start:end]
    # suspected targets by falling probability, then the least certain of the rest, then the unreadable with reasons
    places = [
        first.index(x) for x in ("a.AVI", "b.AVI", "Least certain", HOSTILE[7:12], "broken.AVI", "no moov index")
    ]
    assert places == sorted(places)
    assert "c.AVI" not in first


def test_sections_appear_with_what_they_are_given(tmp_path, full_text):
    page = Page(full_text)
    assert {"first", "clips", "sites", "evaluation", "training", "model", "reading"} <= page.ids()
    for words in (
        "be archived unseen? Shows",
        "Empty clips archived: 1 of 1",
        "Names of animals: 1 given, 1 of them right",
        "Training loss",
        "Panthera pardus",
        "0.55 or more",
        "f00d" * 16,
    ):
        assert words in re.sub(r"\s+", " ", page.text), words
    # one point is still a curve
    assert full_text.count('class="figure"') == 3

    bare = Page(write(tmp_path))
    assert {"first", "clips"} <= bare.ids() and not {"evaluation", "training", "model"} & bare.ids()


def test_links_of_the_page_lead_somewhere(full_text):
    page = Page(full_text)
    targets = {a["href"][1:] for tag, a in page.elements if tag == "a"}
    rows = {f"clip-{c}" for c in page.data["clip_id"]}  # made by the program
    assert targets <= page.ids() | rows and targets & rows


def test_zero_clips(tmp_path):
    page = Page(write(tmp_path, rows=()))
    assert page.data["path"] == [] and "0 clips" in page.text and "Nothing stands out" in page.text


def test_one_unreadable_clip(tmp_path):
    page = Page(write(tmp_path, rows=ROWS[3:4]))
    assert page.data["probs"] == [None] and "no moov index in the file" in page.text


def test_a_title_that_is_not_unicode_does_not_make_the_report_fail(tmp_path):
    assert "north ?" in Page(write(tmp_path, title="north \udcff")).text


def test_a_folder_as_out_holds_report_html_and_no_path_leaks(tmp_path):
    out = write_report(tmp_path / "results", predictions_of(*ROWS))
    assert out == tmp_path / "results" / "report.html" and [p.name for p in out.parent.iterdir()] == ["report.html"]
    assert str(tmp_path) not in out.read_text(encoding="utf-8")


def test_a_wrong_table_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ManifestError, match="columns"):
        write_report(tmp_path / "r.html", predictions_of(*ROWS).drop(columns="status"))
    with pytest.raises(ManifestError, match="a row of the table is repeated"):
        write_report(tmp_path / "r.html", predictions_of(ROWS[0], ROWS[0]))
    with pytest.raises(ManifestError, match="alert names a label"):
        write_report(tmp_path / "r.html", predictions_of((*ROWS[0][:4], "puma")))
    assert list(tmp_path.iterdir()) == []


def test_a_thousand_clips_are_small_and_repeat(tmp_path):
    rows = [
        (f"s{i % 20}/DCIM/IMAG{i:04d}.AVI", (0.3, 0.3, 0.4), "animal", "rolled_up", "leopard") for i in range(1000)
    ]
    times = np.tile(np.arange(16.0), 1000)
    evidence = pd.DataFrame(
        {
            "clip_id": np.repeat([clip_id(r[0]) for r in rows], 16),
            "i_frame": times.astype(int),
            "time_s": times,
            "p_leopard": 0.333,
            "p_sika_deer": 0.333,
            "p_empty": 0.334,
        }
    )
    text = write(tmp_path, rows=rows, evidence=evidence)
    assert len(text) < 1_000_000 and len(Page(text).data["frames"]) == 1000
    assert text == write(tmp_path, rows=rows, evidence=evidence)
