"""A season of made-up results for the tests of the review: clips, media, and a browser that came in."""

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from starlette.testclient import TestClient

from leopardnet.core.columns import evidence_columns, predictions_columns
from leopardnet.core.errors import MediaError
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id, conform
from leopardnet.review.web.guard import Door, local_hosts
from leopardnet.review.web.review_app import create_app

LABELS = ("leopard", "deer", "human", "empty")
PORT = 8123
ORIGIN = {"origin": f"http://127.0.0.1:{PORT}"}
START = pd.Timestamp("2025-06-02 10:00")  # a Monday


@dataclass
class Made:
    """One made-up clip. p: of LABELS; hours: after START; boxes: of each of its frames, None for no detector."""

    path: str
    p: tuple
    site: str | None = "s1"
    hours: float = 0.0
    decision: str = ""
    rule: str = "species"
    alert: str | None = None
    status: str = "ok"
    boxes: tuple = (None,)

    @property
    def clip_id(self):
        return clip_id(self.path)


def make_predictions(clips, *, bundle_id="model-1"):
    """The predictions table of made-up clips, and a frame at 0, 1, … s for each of their cells of boxes."""
    rows, frames = [], []
    for clip in clips:
        p = clip.p if clip.status != "unreadable" else (np.nan,) * len(LABELS)
        best = LABELS[int(np.argmax(clip.p))]
        rows.append(
            {
                "clip_id": clip.clip_id,
                "path": clip.path,
                "kind": "still" if clip.path.endswith(".jpg") else "video",
                "site": clip.site,
                "captured_at": START + pd.Timedelta(hours=clip.hours),
                "status": clip.status,
                "decision": clip.decision or best,
                "rule": "empty" if (clip.decision or best) == "empty" else clip.rule,
                "score": np.nan if clip.status == "unreadable" else max(clip.p),
                "alert": clip.alert,
                "alerts": clip.alert,
                "n_frames": len(clip.boxes),
                "best_time_s": 0.0,
                "evidence_times_s": "[0.0]",
                "duration_s": 8.0,
                "bundle_id": bundle_id,
                "labels_id": "l",
                **{f"p_{x}": v for x, v in zip(LABELS, p, strict=True)},
            }
        )
        for i, cell in enumerate(clip.boxes):
            frame = {"clip_id": clip.clip_id, "i_frame": i, "time_s": float(i), "boxes": cell}
            frames.append(frame | {f"p_{x}": v for x, v in zip(LABELS, p, strict=True)})
    columns, frame_columns = predictions_columns(LABELS), evidence_columns(LABELS)
    return Predictions(
        conform(pd.DataFrame(rows), columns, where="predictions"),
        conform(pd.DataFrame(frames), frame_columns, where="evidence"),
    )


def box(*xyxy, score=0.9, **more):
    return json.dumps([{"xyxy": list(xyxy), "score": score, **more}])


class PlainMedia:
    """Pictures and videos of a manifest without any work: files are served as they are."""

    def __init__(self, manifest):
        self.paths = dict(zip(manifest.table["clip_id"], manifest.table["path"], strict=True))
        self.root, self.ahead, self.is_working = Path(manifest.root), [], False

    def frame(self, clip_id, time_s, width, enhanced):
        if not self.paths[clip_id].endswith(".jpg"):
            raise MediaError("no video stream", where=self.paths[clip_id])
        file = io.BytesIO()
        Image.new("RGB", (width, 10), (255, 0, 0) if enhanced else (0, 0, 0)).save(file, "JPEG")
        return file.getvalue()

    def prefetch(self, clips, *, width):
        self.ahead = list(clips)

    def prepare_videos(self, clip_ids):
        pass

    def video(self, clip_id, *, is_refused=False):
        @dataclass
        class Playable:
            path: Path
            media_type: str = "video/mp4"

        @dataclass
        class Working:
            share_done: float = 0.25

        return Working() if self.is_working or is_refused else Playable(self.root / self.paths[clip_id])

    def close(self):
        pass


def enter(desk, *, by="AB", media=None, door=None, **options):
    """A browser that came in by the printed address, with the name of a person."""
    door = door or Door(PORT, local_hosts(PORT))
    app = create_app(desk, media or PlainMedia(desk.manifest), door, **options)
    browser = TestClient(app, base_url=f"http://127.0.0.1:{PORT}", raise_server_exceptions=False)
    assert browser.get("/", params={"token": door.token}).status_code == 200
    if by:
        assert browser.post("/api/by", json={"by": by}, headers=ORIGIN).status_code == 200
    return browser


def say(browser, clips, *labels, key="11111111-aaaa", queue="all", **more):
    """Label clips; the answer of the server."""
    ids = [clip if isinstance(clip, str) else clip.clip_id for clip in clips]
    body = {"key": key, "clip_ids": ids, "labels": list(labels), "queue": queue, **more}
    return browser.post("/api/label", json=body, headers=ORIGIN)
