import pytest

from leopardnet.compose import load_config
from leopardnet.core.errors import ManifestError
from leopardnet.training.resolve_settings import derive_labels
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
