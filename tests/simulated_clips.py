"""Simulated predictions and manifests, for tests of evaluation: sites differ, leopards are rare."""

import numpy as np
import pandas as pd

from leopardnet.core.columns import evidence_columns, predictions_columns
from leopardnet.core.labels import JOINER, Label, LabelSet
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.core.tables import clip_id, conform
from leopardnet.score.decide import decide, find_alerts

NAMES = ("leopard", "tiger", "sika_deer", "empty")
LABELS = LabelSet(tuple(Label(n) for n in NAMES), targets=("leopard", "tiger"))


def simulate_clips(
    root, *, n_sites=12, per_site=25, seed=0, sharpness=2.0, bundle_id="b" * 12, n_frames=3, strength=3.0
):
    """Return predictions and manifest of n_sites · per_site clips, ten minutes apart; all labels at all sites."""
    rng = np.random.default_rng(seed)
    n = n_sites * per_site
    site = np.repeat(np.arange(n_sites), per_site)
    y = rng.choice(4, n, p=[0.2, 0.1, 0.2, 0.5])
    z = rng.normal(0, 1, (n, n_frames, 4)) + rng.normal(0, 0.4, (n_sites, 1, 4))[site]
    z[np.arange(n), :, y] += strength
    frames = np.exp(sharpness * z)
    frames = (frames / frames.sum(axis=-1, keepdims=True)).astype(np.float32)
    probs = np.exp(np.log(np.maximum(frames, 1e-30)).mean(axis=1))
    probs = (probs / probs.sum(axis=1, keepdims=True)).astype(np.float32)
    paths = [f"s{s:03d}/{i:05d}.mp4" for i, s in enumerate(site)]
    ids = [clip_id(p) for p in paths]
    at = pd.Timestamp("2021-07-01") + pd.to_timedelta(10 * (np.arange(n) % per_site), unit="min")
    alerts = [find_alerts(p, LABELS, DecideConfig()) for p in probs]
    decisions = [decide(p, LABELS, DecideConfig()) for p in probs]
    table = pd.DataFrame(
        {
            "clip_id": ids,
            "path": paths,
            "kind": "video",
            "site": [f"s{s:03d}" for s in site],
            "captured_at": at,
            "status": "ok",
            "decision": [d.label for d in decisions],
            "rule": [d.rule for d in decisions],
            "score": [d.score for d in decisions],
            "alert": [next(iter(names), None) for names in alerts],
            "alerts": [JOINER.join(names) or None for names in alerts],
            "n_frames": n_frames,
            "bundle_id": bundle_id,
            "labels_id": LABELS.id,
            **{f"p_{x}": probs[:, i].astype(float) for i, x in enumerate(NAMES)},
        }
    )
    flat = frames.reshape(-1, 4).astype(float)
    evidence = pd.DataFrame(
        {
            "clip_id": np.repeat(ids, n_frames),
            "i_frame": np.tile(np.arange(n_frames), n),
            "time_s": np.tile(np.arange(n_frames, dtype=float), n),
            **{f"p_{x}": flat[:, i] for i, x in enumerate(NAMES)},
        }
    )
    rows = pd.DataFrame(
        {"path": paths, "kind": "video", "site": table["site"], "captured_at": at, "label": np.array(NAMES)[y]}
    )
    return (
        Predictions(
            conform(table, predictions_columns(NAMES), where="simulated"),
            conform(evidence, evidence_columns(NAMES), where="simulated"),
        ),
        Manifest.from_rows(rows, root),
    )
