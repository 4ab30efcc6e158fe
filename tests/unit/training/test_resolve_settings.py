from leopardnet.compose import load_config
from leopardnet.training.training_run import train

SMOKE = ["debug=smoke", "experiment.tracker=none"]


def test_labels_come_from_the_data_where_asked(labelled, tmp_path):
    config = load_config("train", ["labels=from_data", *SMOKE])
    run = train(labelled, config, out=tmp_path)
    assert [x.name for x in run.config.labels.labels] == ["leopard", "sika_deer", "tiger", "empty"]
    assert run.config.labels.targets == ("leopard",) and run.config.labels.empty == "empty"
