"""A report of 255 clips in a browser: what it is made of, and how tests read and use it."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
from PIL import Image

from leopardnet.core.columns import predictions_columns
from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.tables import clip_id
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.report import write_report

LABELS = LabelSet((Label("leopard", "Panthera pardus"), Label("sika_deer"), Label("empty")), targets=("leopard",))
HOSTILE = "south/<img src=x onerror=document.title='broken'>.AVI"
N_PLAIN = 250  # three pages of the table
# path, leopard, deer, empty, decision, rule, alert, truth
NAMED = (
    ("north/a.AVI", 0.90, 0.05, 0.05, "leopard", "species", "leopard", "leopard"),
    ("north/b.AVI", 0.20, 0.10, 0.70, "unsure", "abstained", "leopard", "leopard"),
    (HOSTILE, 0.05, 0.45, 0.50, "unsure", "abstained", None, "sika_deer"),
    ("south/d.AVI", 0.01, 0.04, 0.95, "empty", "empty", None, "sika_deer"),
    ("south/broken.AVI", *[np.nan] * 3, "unreadable", "none", None, "empty"),
)
BOX, WEAK_BOX = [0.25, 0.5, 0.75, 0.9], [0.0, 0.0, 0.1, 0.2]
TIMES_S = (0.5, 1.5, 2.5)


def tables():
    plain = [
        (
            f"west/IMAG{i:04d}.AVI",
            0.0,
            0.999 - i / 1000,
            0.001 + i / 1000,
            "sika_deer",
            "species",
            None,
            "sika_deer",
        )
        for i in range(N_PLAIN)
    ]
    rows = [*NAMED, *plain]
    table = pd.DataFrame(
        rows, columns=["path", *[f"p_{x}" for x in LABELS.names], "decision", "rule", "alert", "truth"]
    )
    truth = pd.Series(table.pop("truth").to_numpy(), index=[clip_id(r[0]) for r in rows])
    is_broken = table["decision"] == "unreadable"
    table = table.assign(
        clip_id=truth.index,
        kind="video",
        site=table["path"].str.split("/").str[0],
        captured_at=pd.Timestamp("2025-11-02 03:12:00"),
        alerts=table["alert"].where(table["path"] != "north/b.AVI", "leopard + sika_deer"),
        status=np.where(is_broken, "unreadable", "ok"),
        reason=np.where(is_broken, "no moov index", None),
        score=table[[f"p_{x}" for x in LABELS.names]].max(axis=1),
        n_frames=np.where(is_broken, 0, 3),
        best_time_s=np.where(is_broken, np.nan, 1.5),
        evidence_times_s=np.where(is_broken, None, "[1.5, 0.5]"),
        bundle_id="b",
        labels_id=LABELS.id,
    )
    boxes = ["[]", json.dumps([{"xyxy": BOX, "score": 0.93}, {"xyxy": WEAK_BOX, "score": 0.2}]), "[]"]
    evidence = pd.DataFrame(
        [
            (clip_id("north/a.AVI"), i, t, p, 0.0, 1 - p, b, "md")
            for i, (t, p, b) in enumerate(zip(TIMES_S, (0.2, 0.9, 0.4), boxes, strict=True))
        ],
        columns=["clip_id", "i_frame", "time_s", *(f"p_{x}" for x in LABELS.names), "boxes", "box_source"],
    )
    return table[[c.name for c in predictions_columns(LABELS.names) if c.name in table]], evidence, truth


def jpeg(width_px=400, height_px=300):
    buffer = io.BytesIO()
    Image.new("RGB", (width_px, height_px), (30, 90, 60)).save(buffer, "JPEG")
    return buffer.getvalue()


def write_page(out, **options):
    """Return the address of a report of 255 clips, on disk."""
    table, evidence, truth = tables()
    write_report(
        out,
        table,
        evidence=evidence,
        truth=truth,
        thumbnails={clip_id(r[0]): jpeg() for r in NAMED[:4]},
        evaluation=evaluate_clips(LabelledClips.from_tables(table, truth), targets=LABELS.targets, n_boot=20),
        bundle={"labels": LABELS.to_dict(), "backbone": "lite0", "hashes": {"model.onnx": "f00d"}},
        history=[{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5}],
        hidden=[clip_id("south/d.AVI")],
        title="Winter",
        **options,
    )
    return out.as_uri()


def all_of(driver, css):
    return driver.find_elements("css selector", css)


def one(driver, css):
    (element,) = all_of(driver, css)
    return element


def names(driver):
    return [e.text for e in all_of(driver, "#rows td.file b")]


def choose(driver, select_id, value):
    one(driver, f"#{select_id} option[value='{value}']").click()


def press(driver, *keys):
    from selenium.webdriver import ActionChains

    ActionChains(driver).send_keys(*keys).perform()


def settle(driver):
    """Wait until the table is drawn, and until filters have all clips."""
    from selenium.webdriver.support.wait import WebDriverWait

    is_drawn = "return document.getElementById('table').getAttribute('aria-busy') === 'false'"
    WebDriverWait(driver, 120).until(lambda _: driver.execute_script(is_drawn))
