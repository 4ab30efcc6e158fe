"""What the tests of this room share: predictions of the unseen site, made once."""

from __future__ import annotations

import pytest

from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.infer.predict_footage import predict


@pytest.fixture(scope="session")
def unseen(labelled):
    return labelled.where(split="test")


@pytest.fixture(scope="session")
def said(unseen, tiny_bundle):
    return predict(unseen, tiny_bundle, runtime=RuntimeConfig(workers=0))
