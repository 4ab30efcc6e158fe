import pandas as pd

from leopardnet.core.columns import FINDINGS, evidence_columns, predictions_columns, table_labels


def test_prediction_columns_follow_the_labels():
    for columns in (predictions_columns(("leopard", "empty")), evidence_columns(("leopard", "empty"))):
        assert table_labels(pd.DataFrame(columns=[c.name for c in columns])) == ("leopard", "empty")
    assert [c.name for c in FINDINGS] == ["severity", "rule", "row", "path", "message"]
