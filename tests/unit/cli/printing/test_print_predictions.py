"""The table of predictions in the terminal."""

import pandas as pd

from leopardnet.cli.printing.print_predictions import print_predictions


def clip(path, decision, alerts, *probs):
    row = {"path": path, "decision": decision, "alert": alerts and alerts.split(" + ")[0], "alerts": alerts}
    return {**row, "p_leopard": probs[0], "p_tiger": probs[1], "best_time_s": 1.0, "status": "ok"}


def test_clips_with_alerts_come_first_and_every_alert_is_named(capsys):
    rows = [clip("a.avi", "tiger", None, 0.0, 0.05), clip("b.avi", "tiger", "tiger + leopard", 0.3, 0.6)]
    print_predictions(pd.DataFrame(rows))
    said = capsys.readouterr().out
    assert said.index("b.avi") < said.index("a.avi") and "tiger + leopard" in said and "alerts" in said
    print_predictions(pd.DataFrame(rows[:1]))
    assert "alerts" not in capsys.readouterr().out
