"""A season in which a leopard crosses a railway, with everything that a dossier of it must say."""

from __future__ import annotations

import json
from datetime import datetime
from fractions import Fraction

import numpy as np
import pandas as pd
import shapely

from leopardnet.core.columns import evidence_columns, predictions_columns
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id, conform
from leopardnet.records.dossier.sources import DossierSources
from leopardnet.records.ranges.range_map import Barrier, RangeMap, RangePolygon
from leopardnet.synth.audio import SAMPLE_RATE_HZ
from leopardnet.synth.write_files import write_still, write_video

LABELS = ("leopard", "sika_deer", "human", "empty")
EXACT = (43.412345, 131.912345)  # of site A; no digit of it may be in a page without exact places
# path, site, local time, state, by, score; the rest of a record follows from the site
CAPTURES = (
    ("a/1.MP4", "A", "2021-12-30 22:34:10", "confirmed", "AB, CD", 0.97),
    ("b/2.JPG", "B", "2021-12-31 01:10:00", "confirmed", "AB", 0.91),
    ("b/3.JPG", "B", "2021-12-31 01:10:20", "suspected", "", 0.62),
    ("c/4.JPG", "C", "2021-12-31 05:00:00", "refuted", "CD", 0.35),
    ("c/5.JPG", "C", "2021-12-31 05:20:00", "suspected", "", 0.55),
)
OTHERS = (("a/6.MP4", "A", "2021-12-31 02:00:00"), ("a/7.MP4", "A", "2021-12-31 09:00:00"))  # a deer, a person
SITES = {  # latitude, longitude, uncertainty, owner, station, exact_place
    "A": (*EXACT, 10.0, "Reserve", "A", ""),
    "B": (43.43, 131.95, np.nan, "Team", "gate", ""),
    "C": (43.47123, 131.98765, 25.0, "Team", "C", "no"),
    "D": (43.35, 131.85, 10.0, "Reserve", "D", ""),
}
RANGE = [(131, 42.8), (131.8, 42.8), (131.9, 43.3), (131, 43.3)]
WHISTLE_S = (0.40, 0.70)


def plant_season(root, *, draw=None, whistle=None):
    """Write the footage below `root` and return the sources of its dossier.

    draw(i, n): uint8 [n, H, W, 3] of file i; whistle: float32 sound of the file with the deer.
    """
    draw = draw or _draw_noise
    whistle = np.zeros(SAMPLE_RATE_HZ * 2, np.float32) if whistle is None else whistle
    rows = [(*c[:3],) for c in CAPTURES] + list(OTHERS)
    for i, (path, _, at) in enumerate(rows):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        moment = datetime.fromisoformat(at)
        if path.endswith(".MP4"):
            write_video(root / path, draw(i, 10), whistle, rate=Fraction(5), captured_at=moment)
        else:
            write_still(root / path, draw(i, 1)[0], moment, "Maker Model")
    records = _list_records()
    return DossierSources(
        records=records,
        predictions=_predict(rows),
        manifest=_list_footage(rows, root),
        deployments=_list_deployments(),
        encounters=_list_encounters(records),
        hints=_list_hints(records),
        flanks=_list_flanks(records),
        labels=None,
        sounds=_list_sounds(),
        sound_labels=_label_sounds(),
        ranges=RangeMap(
            (RangePolygon("leopard", "Known range", shapely.Polygon(RANGE)),),
            (Barrier("Railway", shapely.LineString([(131.5, 43.42), (131.9, 43.37), (132.3, 43.3)])),),
        ),
        model={
            "name": "forest", "bundle_id": "b123", "labels_id": "l456", "thresholds": {"alert": 0.2},
            "promises": ["At most 5 % of the clips with leopard are lost."],
        },
    )  # fmt: skip


def _draw_noise(i, n):
    return np.random.default_rng(i).integers(0, 255, (n, 120, 160, 3), dtype=np.uint8)


def _list_records():
    rows = []
    for path, site, at, state, by, score in CAPTURES:
        latitude, longitude, uncertainty, owner, station, exact = SITES[site]
        rows.append(
            {
                "record_id": f"rec{path[2]}", "clip_id": clip_id(path), "path": path, "label": "leopard",
                "state": state, "by": by or None, "score": score, "site": site, "station": station,
                "deployment": f"{site}1", "owner": owner, "captured_at": pd.Timestamp(at),
                "time_zone": "Asia/Vladivostok", "at_utc": pd.Timestamp(at) - pd.Timedelta(hours=10),
                "clock_uncertainty_s": np.nan if site == "C" else 60.0, "time_source": "exif",
                "latitude": latitude, "longitude": longitude, "coordinate_uncertainty_m": uncertainty,
                "exact_place": exact or None, "range_status": "beyond_barrier", "distance_km": 12.34,
                "distance_error_km": 0.03, "barriers": "Railway", "nearest_record_km": 27.0,
                "nearest_record_id": None, "first_at_site": True, "first_in_area": True, "first_in_years": np.nan,
                "is_notable": True, "rules": "beyond_barrier", "encounter_id": "rec1", "event_id": "e",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _predict(rows):
    scores = [c[5] for c in CAPTURES] + [0.01, 0.01]
    tops = ["leopard"] * len(CAPTURES) + ["sika_deer", "human"]
    table = pd.DataFrame(
        {
            "clip_id": [clip_id(p) for p, *_ in rows], "path": [p for p, *_ in rows],
            "kind": ["video" if p.endswith("MP4") else "still" for p, *_ in rows], "site": [s for _, s, _ in rows],
            "captured_at": [pd.Timestamp(t) for *_, t in rows], "status": "ok", "decision": tops, "rule": "species",
            "score": scores, "alert": None, "n_frames": 1, "best_time_s": 0.0, "evidence_times_s": "[0.0]",
            "bundle_id": "b123", "labels_id": "l456", "p_leopard": scores,
            "p_sika_deer": [0.9 if t == "sika_deer" else 0.02 for t in tops],
            "p_human": [0.9 if t == "human" else 0.01 for t in tops], "p_empty": 0.0,
        }
    )  # fmt: skip
    boxes = json.dumps([{"xyxy": [0.3, 0.3, 0.7, 0.8], "score": 0.9}])
    frames = []
    for row in table.to_dict("records"):
        times = np.arange(10) / 5 if row["kind"] == "video" else [0.0]
        frames += [
            {"clip_id": row["clip_id"], "i_frame": i, "time_s": float(t), "boxes": boxes, "box_source": "d"}
            | {f"p_{x}": row[f"p_{x}"] * (0.4 + 0.6 * np.cos(t / 2)) for x in LABELS}
            for i, t in enumerate(times)
        ]
    columns, more = predictions_columns(LABELS), evidence_columns(LABELS)
    return Predictions(
        conform(table.reindex(columns=[c.name for c in columns]), columns, where="predictions"),
        conform(pd.DataFrame(frames).reindex(columns=[c.name for c in more]), more, where="evidence"),
    )


def _list_footage(rows, root):
    table = pd.DataFrame(
        {
            "path": [p for p, *_ in rows], "kind": ["video" if p.endswith("MP4") else "still" for p, *_ in rows],
            "site": [s for _, s, _ in rows], "deployment": [f"{s}1" for _, s, _ in rows],
            "captured_at": [pd.Timestamp(t) for *_, t in rows], "time_zone": "Asia/Vladivostok",
        }
    )  # fmt: skip
    return Manifest.from_rows(table, root)


def _list_deployments():
    rows = [
        {"deployment": f"{s}1", "site": s, "latitude": v[0], "longitude": v[1], "coordinate_uncertainty_m": v[2],
         "clock_correction_s": 3600.0 if s == "B" else 0.0, "exact_place": v[5] or None, "owner": v[3]}
        for s, v in SITES.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _list_encounters(records):
    return pd.DataFrame(
        [{"encounter_id": "rec1", "label": "leopard", "path_km": 9.4, "min_animals": 1,
          "min_animals_why": "one animal could have made all records in turn", "min_animals_ids": None}]
    ).astype({"min_animals": "Int64"})  # fmt: skip


def _list_hints(records):
    return pd.DataFrame(
        [{"station": "gate", "label": "leopard", "state": "suspected", "start": pd.Timestamp("2021-12-31 01:10"),
          "end": pd.Timestamp("2021-12-31 01:11"), "n_captures": 2, "expected": 0.1, "p_value": 0.004,
          "n_alarm_calls": 1, "n_prey": 3, "n_prey_suspected": 2, "record_ids": json.dumps(["rec2", "rec3"])}]
    )  # fmt: skip


def _list_flanks(records):
    return pd.DataFrame(
        [{"station": "gate", "record_id_1": "rec2", "record_id_2": "rec3", "apart_s": 20.0, "is_together": "yes"}]
    )


def _list_sounds():
    deer, person = (clip_id(path) for path, *_ in OTHERS)
    call = {"kind": "tonal_call", "low_hz": 1800.0, "high_hz": 3600.0, "peak_hz": 2500.0, "source": "ridges 1"}
    rows = [
        {"clip_id": deer, "start_s": WHISTLE_S[0], "end_s": WHISTLE_S[1], "score": 0.9, **call},
        {"clip_id": deer, "start_s": 1.2, "end_s": 1.5, "score": 0.4, **call},
        {"clip_id": person, "start_s": 0.1, "end_s": 1.9, "score": 0.8, **call, "kind": "voice"},
        {"clip_id": "of another season", "start_s": 0.1, "end_s": 0.4, "score": 0.8, **call},
    ]
    return pd.DataFrame(rows)


def _label_sounds():
    deer = clip_id(OTHERS[0][0])
    columns = ["entry_id", "at", "by", "clip_id", "start_s", "end_s", "label", "undoes"]
    rows = [
        [1, "2026-01-01T00:00:00Z", "EF", deer, 0.4, 0.7, "bird", None],
        [2, "2026-01-01T00:00:01Z", "EF", deer, 0.4, 0.7, None, 1],
        [3, "2026-01-01T00:00:02Z", "AB", deer, 0.4, 0.7, "alarm call", None],
    ]
    return pd.DataFrame(rows, columns=columns)
