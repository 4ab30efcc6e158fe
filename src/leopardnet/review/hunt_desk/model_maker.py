"""A model of the labels so far, made in the background while people go on."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

from leopardnet.core.errors import LeopardnetError
from leopardnet.data.human_labels.label_file import LabelFile
from leopardnet.data.human_labels.label_views import labels_for_models
from leopardnet.hunt.feature_store import FeatureStore
from leopardnet.hunt.make_bundle import make_bundle
from leopardnet.review.request_error import RequestError
from leopardnet.review.review_source import ReviewSource

MAX_NAME = 60


class ModelMaker:
    """Makes one model at a time into `models/<number>/bundle` of the workspace."""

    def __init__(self, source: ReviewSource, store: FeatureStore, *, targets: tuple[str, ...]) -> None:
        self._source, self._store, self._targets = source, store, targets
        self._lock = threading.Lock()
        self._state: dict[str, Any] = {"state": "none"}

    def describe(self) -> dict[str, Any]:
        """Return {state: none, working, ready or failed}, and what was made or what went wrong."""
        with self._lock:
            return dict(self._state)

    def make(self, name: str) -> dict[str, Any]:
        """Begin a model of this name and return the state. While one is made, no other is begun.

        Raises RequestError for a name that cannot be one.
        """
        name = re.sub(r"\s+", " ", name).strip()
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise RequestError("the model needs a name", found=repr(name[:MAX_NAME]), expected="a word or two")
        with self._lock:
            if self._state["state"] != "working":
                self._state = {"state": "working"}
                threading.Thread(target=self._work, args=(name,), daemon=True).start()
            return dict(self._state)

    def _work(self, name: str) -> None:
        try:
            state = self._make(name)
        except LeopardnetError as error:
            parts = {k: None if v is None else str(v) for k, v in error.parts.items()}
            state = {"state": "failed", "error": {"what": error.what, **parts}}
        except Exception as error:  # the page must hear of it, and the thread has no other listener
            state = {
                "state": "failed",
                "error": {"what": "the model could not be made", "found": type(error).__name__},
            }
        with self._lock:
            self._state = state

    def _make(self, name: str) -> dict[str, Any]:
        with LabelFile(self._source.labels, read_only=True) as file:
            said = labels_for_models(file.entries())
        place = next_place(self._source.workspace.folder / "models")
        bundle = make_bundle(
            self._store, self._source.manifest, said, place / "bundle", name=name, targets=self._targets
        )
        where, folder = f"models/{place.name}/bundle", self._source.workspace.folder
        shown = folder.name if folder.is_absolute() else folder.as_posix()
        results = f"{shown}/models/{place.name}/results"
        return {
            "state": "ready",
            "bundle": where,
            "next": [
                f"leopardnet predict {shown}/manifest.parquet --bundle {shown}/{where} --out {results}",
                f"leopardnet review {results} --manifest {shown}/manifest.parquet",
            ],
            "bundle_id": bundle.id,
            "card": (bundle.folder / "card.md").read_text("utf-8"),
        }


def next_place(models: Path) -> Path:
    """Return the folder of the next model: `models/1`, or one number above the highest that there is."""
    numbers = [int(p.name) for p in models.iterdir() if p.name.isdigit()] if models.is_dir() else []
    return models / str(max(numbers, default=0) + 1)
