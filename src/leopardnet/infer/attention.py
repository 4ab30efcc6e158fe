"""Where the frames that decided speak for a label, for a look at mistakes. Needs torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.errors import BackendError, MediaError
from leopardnet.core.install_advice import name_install
from leopardnet.core.labels import split_labels
from leopardnet.core.manifest import Manifest
from leopardnet.media.decode import decode
from leopardnet.media.preprocess import decode_side_px, to_model_input

DEEPEST = 0.7  # the share of red where a frame speaks for a label most
RED = (255, 40, 0)


@dataclass(frozen=True, eq=False)
class Attention:
    """A frame as the network sees it, and where it speaks for labels.

    frame: uint8 [S, S, 3] RGB. maps: by label, what each position adds to its logit, float32 [h, w]; the likeliest
    label first, then the true one where it is known and another.
    """

    frame: NDArray[np.uint8]
    maps: Mapping[str, NDArray[np.float32]]

    def paint(self, label: str) -> NDArray[np.uint8]:
        """Return the frame in grey, uint8 [S, S, 3], red where it speaks for the label.

        All maps of a frame have one scale, so that the stronger one is seen to be stronger.
        """
        most = max(1e-9, *(float(values.max()) for values in self.maps.values()))
        heat = cv2.resize(self.maps[label] / most, self.frame.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        share = DEEPEST * heat.clip(0, 1)[..., None]
        grey = self.frame.mean(axis=-1, keepdims=True)
        return np.asarray(np.rint(grey * (1 - share) + np.array(RED) * share), np.uint8)


def find_attention(
    clips: pd.DataFrame, manifest: Manifest, bundle: Bundle, *, hidden: Collection[str] = ()
) -> dict[str, Attention]:
    """Return by clip_id where the frame at `best_time_s` speaks for the likeliest label, and for the true one.

    clips: rows of a predictions table, perhaps with the column `truth`. Left out are clips in `hidden`, those that
    the manifest lacks and those that cannot be read. The whole frame is looked at, even where a crop decided. Such
    a map is a hint, not a proof, of what the network rests on. Raises BackendError without torch, or for a network
    that has no such map.

    >>> found = find_attention(predictions.table.head(4), manifest, bundle)  # doctest: +SKIP
    """
    try:
        from leopardnet.network.classifier import load_classifier
        from leopardnet.network.evidence_map import map_evidence
    except ImportError as error:
        raise BackendError(
            "a look at where a frame speaks for a label needs libraries that are not installed",
            found=str(error),
            expected="torch and timm",
            todo=name_install("train"),
        ) from None
    spec, names = bundle.spec, bundle.labels.names
    model = load_classifier(
        spec.model, len(names), bundle.folder / "model.safetensors", size_px=spec.preprocess.size_px
    )
    rows = clips[clips["best_time_s"].notna() & ~clips["clip_id"].isin(list(hidden))]
    known = manifest.replace(manifest.table[manifest.table["clip_id"].isin(rows["clip_id"])])
    files, found = {clip.clip_id: clip for clip in known.clips()}, {}
    for row in rows[rows["clip_id"].isin(list(files))].to_dict("records"):
        likeliest = max(names, key=lambda name: float(row[f"p_{name}"]))
        truth = [x for x in split_labels(row.get("truth")) if x in names]
        labels = list(dict.fromkeys([likeliest, *truth]))[:2]
        side, time_s = decode_side_px(spec.preprocess), float(row["best_time_s"])
        try:
            frame = decode(
                files[row["clip_id"]], manifest.root, times_s=np.array([time_s]), short_side_px=side
            ).pixels[:1]
        except MediaError:
            continue
        x = to_model_input(frame, spec.preprocess)
        classes = np.array([bundle.labels.index(name) for name in labels])
        maps = map_evidence(model, np.repeat(x, len(labels), axis=0), classes)
        found[row["clip_id"]] = Attention(
            np.ascontiguousarray(x[0].transpose(1, 2, 0)), dict(zip(labels, maps, strict=True))
        )
    return found
