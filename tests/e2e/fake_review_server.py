"""A server for the tests of the review page: the API from memory, drawn pictures, and faults on demand."""

from __future__ import annotations

import io
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files

import uvicorn
from PIL import Image, ImageDraw
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from leopardnet.pages.environment import environment

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
COLOURS = {"leopard": "#e69f00", "sika_deer": "#0072b2", "wild_boar": "#009e73"}
LABELS = [
    *(
        {
            "name": n,
            "title": n.replace("_", " "),
            "colour": c,
            "key": str(i),
            "is_target": i == 1,
            "is_empty": False,
        }
        for i, (n, c) in enumerate(COLOURS.items(), 1)
    ),
    {
        "name": "empty",
        "title": "empty",
        "colour": "var(--empty)",
        "key": None,
        "is_target": False,
        "is_empty": True,
    },
]
BOX = [0.25, 0.5, 0.75, 0.9]
TIMES_S = (0.5, 1.5, 2.5)
HOSTILE = "south/<img src=x onerror=document.title='broken'>.AVI"


def make_clip(n, *, decision="sika_deer", site="north", event=None, **values):
    """Return a clip as the server describes it; `event` is the list of the clips in its event."""
    clip_id = f"{n:04d}"
    probs = {name: 0.9 if name == decision else 0.03 for name in (*COLOURS, "empty")}
    frames = [
        {"time_s": t, "url": f"/media/frame/{clip_id}/{int(1000 * t)}", "boxes": boxes, "probs": probs}
        for t, boxes in zip(TIMES_S, ([], [{"xyxy": BOX, "score": 0.93}], []), strict=True)
    ]
    return {
        "clip_id": clip_id,
        "path": f"{site}/IMAG{n:04d}.AVI",
        "site": site,
        "captured": f"2025-11-02T03:{n // 60 % 60:02d}:{n % 60:02d}",
        "kind": "video",
        "decision": decision,
        "score": 0.9,
        "alerts": [],
        "thumb": f"/media/frame/{clip_id}/1500?width=320",
        "event_id": (event or [clip_id])[0],
        "group": None,
        "has_person": False,
        "status": "ok",
        "reason": None,
        "probs": probs,
        "frames": frames,
        "seconds": [1.5],
        "duration_s": 3.0,
        "video": f"/media/video/{clip_id}",
        "event": event or [clip_id],
        "hint": None,
    } | values


@dataclass
class FakeReview:
    """What the server knows. Tests read it, and change it to make the server fail."""

    queues: dict[str, list[dict]]
    by: str = "AB"
    mode: str = "review"
    entries: list[dict] = field(default_factory=list)  # in order, also those that were taken back
    keys: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    posts: list[tuple[str, dict]] = field(default_factory=list)
    failures: list[tuple[int, dict] | None] = field(default_factory=list)  # of the next posts; None: lost answers
    read_only: bool = False
    session: dict = field(default_factory=dict)  # what differs from the usual session
    videos_asked: list[str] = field(default_factory=list)
    address: str = ""
    other_names: dict[str, str] = field(default_factory=dict)  # typed → saved

    def labels_of(self, clip_id):
        """The labels that count now."""
        given = [e for e in self.entries if e["clip_id"] == clip_id and not e["is_undone"]]
        return next((e["labels"] for e in reversed(given) if e["labels"]), [])

    def summarise(self, clip, queue):
        given = [e for e in self.entries if e["clip_id"] == clip["clip_id"] and not e["is_undone"]]
        shown = clip | {
            "labels": self.labels_of(clip["clip_id"]),
            "starred": bool(given and given[-1]["starred"]),
            "by_others": 0,
        }
        hidden = {"decision": None, "score": None, "alerts": None} if queue == "audit" else {}
        return shown | hidden

    def show(self, clip, queue):
        is_blind = queue == "audit"
        shown = self.summarise(clip, queue)
        shown["history"] = [e for e in self.entries if e["clip_id"] == clip["clip_id"]]
        shown["is_blind"] = is_blind
        if is_blind:
            shown |= {"probs": None, "seconds": [], "hint": None}
            shown["frames"] = [f | {"boxes": [], "probs": None} for f in clip["frames"]]
        return shown

    def find(self, clip_id):
        return next(c for clips in self.queues.values() for c in clips if c["clip_id"] == clip_id)

    def n_done(self, queue):
        return sum(bool(self.labels_of(c["clip_id"])) for c in self.queues[queue])

    # --- answers ---

    def describe(self):
        clips = {c["clip_id"]: c for q in self.queues.values() for c in q}.values()
        return {
            "language": "en",
            "mode": self.mode,
            "labels": LABELS,
            "reserved": ["unsure"],
            "queues": [{"id": q, "n_total": len(c), "n_done": self.n_done(q)} for q, c in self.queues.items()],
            "facets": {
                "sites": sorted({c["site"] for c in clips}),
                "labels": sorted({c["decision"] for c in clips} - {None}),
                "first_day": "2025-11-02",
                "last_day": "2025-11-02",
            },
            "by": self.by,
            "has_people": False,
            "read_only": self.read_only,
            "shows_people": False,
            "model": {"bundle_id": "b", "name": "demo"},
            "keys": self.keys,
            "promise": None,
            "notices": [],
        } | self.session

    def list_queue(self, queue, query):
        found = [
            c
            for c in self.queues[queue]
            if query.get("site", c["site"]) == c["site"]
            and query.get("decision", c["decision"]) == c["decision"]
            and ("label" not in query or query["label"] in self.labels_of(c["clip_id"]))
            and ("starred" not in query or self.summarise(c, queue)["starred"])
        ]
        ids = [c["clip_id"] for c in found]
        start, limit = int(query.get("offset", 0)), int(query.get("limit", 50))
        return {
            "n_total": len(found),
            "n_done": sum(bool(self.labels_of(i)) for i in ids),
            "place": ids.index(self.places[queue]) if self.places.get(queue) in ids else 0,
            "clips": [self.summarise(c, queue) for c in found[start : start + limit]],
        }

    def label(self, body):
        added = []
        body = body | {"labels": [self.other_names.get(name, name) for name in body["labels"]]}
        for clip_id in body["clip_ids"]:
            key = f"{body['key']}:{clip_id}"
            if not any(e["key"] == key for e in self.entries):
                before = self.summarise(self.find(clip_id), body["queue"])
                given = {"note": "", "seconds": [], "starred": before["starred"], "boxes": None} | body
                keep = {k: given[k] for k in ("labels", "queue", "note", "seconds", "starred", "boxes")}
                number = len(self.entries) + 1
                entry = {"entry_id": number, "key": key, "clip_id": clip_id, "by": self.by, "is_undone": False}
                self.entries.append(entry | {"at": "2026-03-01T12:00:00"} | keep)
            added.append({"entry_id": len(self.entries), "clip_id": clip_id})
        return {"entries": added, "labels": body["labels"], "n_done": self.n_done(body["queue"])} | {
            "done": {q: self.n_done(q) for q in self.queues}
        }

    def undo(self):
        open_entries = [e for e in self.entries if not e["is_undone"]]
        if not open_entries:
            return JSONResponse({"what": "there is nothing to take back"}, status_code=409)
        action = open_entries[-1]["key"].partition(":")[0]
        undone = [e for e in open_entries if e["key"].startswith(action)]
        for entry in undone:
            entry["is_undone"] = True
        return JSONResponse({"undone": [e["clip_id"] for e in undone], "queue": undone[0]["queue"]})

    async def post(self, request):
        """Answer a post, unless it is to fail; with a failure of None it is done and its answer lost."""
        name, body = request.path_params["name"], await request.json()
        self.posts.append((name, body))
        failure = self.failures.pop(0) if self.failures and name in ("label", "undo") else ()
        if failure:
            return JSONResponse(failure[1], status_code=failure[0])
        if name == "label":
            answer = JSONResponse(self.label(body))
        elif name == "undo":
            answer = self.undo()
        elif name == "keys":
            self.keys |= body
            answer = JSONResponse({"keys": self.keys})
        elif name == "place":
            self.places[body["queue"]] = body["clip_id"]
            answer = JSONResponse({})
        elif name == "by":
            self.by = body["by"]
            answer = JSONResponse({"by": self.by})
        else:
            answer = JSONResponse({"state": "done", "bundle": f"models/1/{body.get('name', '')}"})
        return Response("lost", status_code=502) if failure is None else answer

    def video(self, request):
        clip_id = request.path_params["clip_id"]
        self.videos_asked.append(clip_id)
        if len(self.videos_asked) == 1:
            return JSONResponse({"state": "working", "share_done": 0.4}, status_code=202)
        return JSONResponse({"what": "this video cannot be decoded", "do": "look at its frames"}, status_code=415)


def draw_frame(clip_id, time_ms, width_px=400):
    """Return a JPEG of a spot that moves with the time."""
    image = Image.new("RGB", (width_px, width_px * 3 // 4), (30, 60 + int(clip_id) * 7 % 90, 60))
    x = time_ms % 3000 / 3000 * width_px
    ImageDraw.Draw(image).ellipse((x, width_px * 0.4, x + 40, width_px * 0.4 + 40), (220, 180, 90))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def make_app(review):
    def page(request):
        html = environment().get_template("review.html.j2").render(language="en")
        return HTMLResponse(html, headers={"content-security-policy": POLICY})

    def static(request):
        name = request.path_params["name"]
        kind = "text/javascript" if name.endswith(".js") else "text/css"
        return Response((files("leopardnet.pages") / name).read_bytes(), media_type=kind)

    def frame(request):
        path = request.path_params
        jpeg = draw_frame(path["clip_id"], path["time_ms"])
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "max-age=600"})

    return Starlette(
        routes=[
            Route("/", page),
            Route("/static/{name:path}", static),
            Route("/api/session", lambda r: JSONResponse(review.describe())),
            Route("/api/hunt", lambda r: JSONResponse(review.session["hunt"])),
            Route(
                "/api/queue/{queue}",
                lambda r: JSONResponse(review.list_queue(r.path_params["queue"], dict(r.query_params))),
            ),
            Route(
                "/api/clip/{clip_id}",
                lambda r: JSONResponse(
                    review.show(review.find(r.path_params["clip_id"]), r.query_params.get("queue"))
                ),
            ),
            Route("/api/{name}", review.post, methods=["POST"]),
            Route("/media/frame/{clip_id}/{time_ms:int}", frame),
            Route("/media/video/{clip_id}", review.video),
        ]
    )


class Serving:
    """A server on a port of its own, which can be stopped and started again at the same address."""

    def __init__(self, app):
        self.app, self.port = app, 0
        self.start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}/"

    def start(self):
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(self.app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.should_exit = True
        self.thread.join()


@contextmanager
def serve(review):
    """Yield a server of this review."""
    serving = Serving(make_app(review))
    review.address = serving.address
    try:
        yield serving
    finally:
        serving.stop()
