"""Going on from a bundle: its settings, its labels and new ones, its weights, and a head with more rows."""

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="the extra [train] is not installed")

from leopardnet.compose import load_config  # noqa: E402
from leopardnet.core.errors import ConfigError  # noqa: E402
from leopardnet.core.manifest import Manifest  # noqa: E402
from leopardnet.core.settings.inference import RuntimeConfig  # noqa: E402
from leopardnet.network.classifier import predict_logits  # noqa: E402
from leopardnet.training.start.beginning import PLAIN, Beginning, extend_head  # noqa: E402

FROM_DATA = ["debug=smoke", "labels=from_data"]


def rows_of(root, *labels):
    paths = [f"{x}/{i}.jpg" for x in labels for i in range(2)]
    return Manifest.from_rows(
        pd.DataFrame({"path": paths, "kind": "still", "label": [p.split("/")[0] for p in paths]}), root
    )


@pytest.fixture
def goes_on(tiny_bundle):
    return Beginning(bundle=tiny_bundle)


def adopt(beginning, overrides, manifest):
    config = beginning.adopt_network(load_config("train", overrides), overrides)
    return beginning.adopt_settings(config, manifest)


def test_network_and_labels_are_those_of_the_bundle_and_new_labels_come_before_empty(goes_on, tmp_path):
    old = goes_on.bundle.spec
    config = adopt(goes_on, FROM_DATA, rows_of(tmp_path, *goes_on.bundle.labels.names, "boar", "lynx"))
    names = [x.name for x in config.labels.labels]
    animals = [x for x in goes_on.bundle.labels.names if x != "empty"]
    assert names == [*animals, "boar", "lynx", "empty"] and config.labels.targets == old.labels.targets
    assert config.model == old.model and config.preprocess.size_px == old.preprocess.size_px
    same = adopt(goes_on, FROM_DATA, rows_of(tmp_path, *goes_on.bundle.labels.names))
    assert same.labels.label_set() == goes_on.bundle.labels
    plain = load_config("train", FROM_DATA)
    assert PLAIN.adopt_settings(PLAIN.adopt_network(plain, FROM_DATA), rows_of(tmp_path, "a", "b")) == plain


def test_labels_that_are_missing_and_new_are_named(goes_on, tmp_path):
    first, *others = goes_on.bundle.labels.names
    with pytest.raises(ConfigError) as error:
        adopt(goes_on, FROM_DATA, rows_of(tmp_path, *others, "boar"))
    assert f"missing: {first}; new: boar" in str(error.value) and "leopardnet join" in str(error.value)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("model=lite0", "model.backbone is tf_efficientnet_lite0"),
        ("preprocess.size_px=128", "preprocess.size_px is 128"),
        ("optim.mode=scratch", "from random weights"),
    ],
)
def test_another_network_is_refused_with_what_to_do(goes_on, tmp_path, setting, words):
    with pytest.raises(ConfigError) as error:
        adopt(goes_on, [*FROM_DATA, setting], rows_of(tmp_path, *goes_on.bundle.labels.names))
    assert words in str(error.value) and "leave" in str(error.value)


def test_the_network_says_of_old_labels_what_the_bundle_says(goes_on, tmp_path):
    names = goes_on.bundle.labels.names
    config = adopt(goes_on, FROM_DATA, rows_of(tmp_path, *names, "boar"))
    made, size = goes_on.build(config).eval(), config.preprocess.size_px
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, size, size), dtype=np.uint8)
    at = [config.labels.label_set().names.index(x) for x in names]
    logits = predict_logits(made, frames)
    answers = goes_on.bundle.runtime(RuntimeConfig()).answers(frames).logits
    np.testing.assert_allclose(logits[:, at], answers, atol=2e-3 * max(1.0, np.abs(answers).max()))
    is_new = goes_on.find_new(config.labels.label_set().names)
    assert is_new.sum() == 1 and not logits[:, is_new].any()


def test_a_new_row_is_fitted_beside_the_old_ones():
    """Two classes along the first feature; a third, new one along the second."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 40)
    centre = np.array([[-2.0, 0.0], [2.0, 0.0], [0.0, 4.0]])[y]
    x = (centre + rng.normal(0, 0.3, centre.shape)).astype(np.float32)
    weight, bias = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]), np.zeros(3)
    is_new = np.array([False, False, True])
    made, shift = extend_head(weight, bias, x, y, np.ones(120), is_new, c=1.0)
    assert (made[:2] == weight[:2]).all() and (shift[:2] == 0).all() and (weight[2] == 0).all()
    assert ((x @ made.T + shift).argmax(axis=1) == y).all()
    assert extend_head(weight, bias, x, y, np.ones(120), np.zeros(3, bool), c=1.0) == (weight, bias)


def test_what_the_bundle_learned_from_is_known(goes_on, labelled):
    seen, table = goes_on.find_seen(labelled), labelled.table
    assert seen == set(table.loc[table["split"] != "test", "clip_id"])
    assert PLAIN.find_seen(labelled) == frozenset() and PLAIN.key == ""
    assert goes_on.key == goes_on.bundle.id and Beginning({"a": 0.1}).key != Beginning({"a": 0.2}).key
