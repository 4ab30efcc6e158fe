"""The card of a model, the report and the terminal tell the same figures of one evaluation."""

import re

import numpy as np
import pandas as pd
import pytest

from leopardnet.bundle.model_card.card_figures import describe_figures
from leopardnet.cli.printing.print_evaluation import print_evaluation
from leopardnet.core.columns import predictions_columns
from leopardnet.core.tables import clip_id
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.report import write_report

LABELS = ("leopard", "deer", "empty")


@pytest.fixture
def judged(rng):
    """Sixty clips of six sites and their evaluation; about one in four is wrong."""
    truth = np.array(LABELS)[rng.integers(0, 3, 60)]
    probs = rng.dirichlet((0.6, 0.6, 0.6), 60)
    for i, name in enumerate(truth):
        j = LABELS.index(name)
        if i % 4:
            k = int(probs[i].argmax())
            probs[i, [j, k]] = probs[i, [k, j]]
    decision = np.array(LABELS)[probs.argmax(axis=1)]
    table = pd.DataFrame(probs, columns=[f"p_{x}" for x in LABELS]).assign(
        path=[f"s{i % 6}/{i}.avi" for i in range(60)],
        kind="video",
        site=[f"s{i % 6}" for i in range(60)],
        captured_at=pd.NaT,
        status="ok",
        decision=decision,
        rule=np.where(decision == "empty", "empty", "species"),
        score=probs.max(axis=1),
        n_frames=1,
        best_time_s=0.0,
        evidence_times_s="[0.0]",
        bundle_id="b",
        labels_id="l",
    )
    table = table.assign(clip_id=table["path"].map(clip_id), **dict.fromkeys(("reason", "alert", "alerts"), None))
    table = table[[c.name for c in predictions_columns(LABELS) if c.name in table]]
    labels = pd.Series(truth, index=table["clip_id"])
    return table, evaluate_clips(LabelledClips.from_tables(table, labels), targets=("leopard",), n_boot=200)


def test_macro_f1_losses_and_sentences_are_the_same_everywhere(judged, tmp_path, capsys):
    table, found = judged
    print_evaluation(found)
    terminal = re.sub(r"\s+", " ", capsys.readouterr().out)
    card = re.sub(r"\s+", " ", "\n".join(describe_figures(found, "")))
    html = write_report(tmp_path, table, evaluation=found).read_text(encoding="utf-8")
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))

    value, low, high = re.search(r"macro-F1 (\d\.\d\d) \((\d\.\d\d) to (\d\.\d\d)\)", terminal).groups()
    assert f"**Macro-F1 {value} ({low} to {high})**" in card
    assert f"{value} Macro F1 {low} to {high}" in page
    sentences = [f"{x}." for x in found.archive.sentences]
    assert len(sentences) >= 3
    for where in (terminal, card, page.replace("&#39;", "'")):
        assert [x for x in sentences if x not in where] == []
    n, total = re.search(r"Clips of leopard that were called empty: (\d+) of (\d+)", card).groups()
    assert f"leopard: {n} of {total} labelled clips were called empty" in page.lower() or int(n) == 0
    assert re.search(rf"leopard +{n} +{total} ", terminal)
