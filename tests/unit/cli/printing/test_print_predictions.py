"""The table of predictions in the terminal."""

import pandas as pd

from leopardnet.cli.printing.print_predictions import describe_flood, print_predictions


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


def test_the_highest_probability_of_a_target_stands_first_whatever_the_paths_are(capsys):
    rows = [
        clip(f"{p}.avi", "unsure", alerts, p, 0.9)
        for p, alerts in ((0.2, "leopard"), (0.5, "leopard"), (0.7, None))
    ]
    print_predictions(pd.DataFrame(rows), ("leopard", "lynx"))
    said = capsys.readouterr().out
    assert said.index("0.5.avi") < said.index("0.2.avi") < said.index("0.7.avi"), "an alert, then the probability"
    print_predictions(pd.DataFrame(rows).assign(alert=None, alerts=None), ("leopard",))
    said = capsys.readouterr().out
    assert said.index("0.7.avi") < said.index("0.5.avi") < said.index("0.2.avi")


def test_alerts_that_choose_nothing_are_said():
    rows = [clip(f"{i}.avi", "unsure", "leopard" if i < 9 else None, 0.2, 0.1) for i in range(10)]
    assert "clips with an alert 9 of 10;" in describe_flood(pd.DataFrame(rows))
    assert describe_flood(pd.DataFrame(rows[1:])) is None, "of so few, all may be alerts"
    assert describe_flood(pd.DataFrame([*rows[1:], clip("x", "unsure", None, 0.1, 0.1)])) is None
    unread = [{**clip("y", "unsure", None, 0.1, 0.1), "status": "unreadable"}] * 5
    assert describe_flood(pd.DataFrame([*rows, *unread])) is not None
