"""What several rooms need: features of clips that were never filmed."""

import numpy as np
import pytest

from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.tables import clip_id
from leopardnet.core.types import Clip
from leopardnet.hunt.feature_store import N_CLASSES, FeatureJournal, FeatureStore, FrameFeatures
from leopardnet.hunt.setup import load_setup

N_FEATURES = 1280


@pytest.fixture(scope="session")
def write_store(tmp_path_factory):
    """A function that writes features: path → (a vector for each frame, {ImageNet class: logit}).

    A clip without a vector could not be read. folder: where to, by default a new one.
    """

    def write(clips, folder=None):
        folder = folder or tmp_path_factory.mktemp("store")
        with FeatureJournal.open_keyed(folder, load_setup("lite0").to_key()) as journal:
            for path, (vectors, classes) in clips.items():
                features = np.zeros((len(vectors), N_FEATURES), np.float32)
                for i, vector in enumerate(vectors):
                    features[i, : len(vector)] = vector
                imagenet = np.zeros((len(vectors), N_CLASSES), np.float32)
                for i, value in classes.items():
                    imagenet[:, i] = value
                clip = Clip(clip_id(path), (path,), "still")
                status = ("ok", "") if vectors else ("unreadable", "no frame")
                times_s = np.arange(float(len(vectors)))
                journal.add(QueuedClip(clip, 1, "1:1"), FrameFeatures(clip, *status, times_s, features, imagenet))
            journal.end_wal()
        return FeatureStore(folder)

    return write
