import pytest

from leopardnet.compose import load_config
from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.training.resolve_settings import derive_labels, resolve_settings
from leopardnet.training.training_run import train

SMOKE = ["debug=smoke", "experiment.tracker=none"]


def test_labels_come_from_the_data_where_asked(labelled, tmp_path):
    config = load_config("train", ["labels=from_data", *SMOKE])
    run = train(labelled, config, out=tmp_path)
    assert [x.name for x in run.config.labels.labels] == ["leopard", "sika_deer", "tiger", "empty"]
    assert run.config.labels.targets == ("leopard",) and run.config.labels.empty == "empty"


def test_independent_labels_of_the_data_include_those_of_rows_with_several(manifest_of):
    m = manifest_of(path=["a.jpg", "b.jpg"], kind="still", label=["empty", None], labels=[None, "deer + leopard"])
    found = derive_labels(m, targets=("leopard",), multi=True)
    assert [x.name for x in found.labels] == ["deer", "leopard", "empty"] and found.multi
    assert found.targets == ("leopard",) and found.empty == "empty"
    with pytest.raises(ManifestError, match="too few labels"):
        derive_labels(m)


@pytest.mark.parametrize(
    ("names", "is_refused"),
    [
        (["leopard", "unreadable"], True),
        (["leopard", "unsure"], True),
        (["leopard", "animal"], True),
        (["animal", "empty"], False),
        (["leopard", "empty"], False),
    ],
)
def test_no_model_is_trained_on_labels_that_are_decisions(manifest_of, names, is_refused):
    manifest = manifest_of(path=["a.jpg", "b.jpg"], kind="still", label=names)
    config = load_config("train", ["labels=from_data", *SMOKE])
    if is_refused:
        with pytest.raises(ConfigError, match=r"name of a decision(.|\n)*" + names[1]):
            resolve_settings(config, manifest)
    else:
        assert resolve_settings(config, manifest).labels.label_set().names == tuple(names)
