"""The verbs that need labels: evaluate, events, calibrate, thresholds."""
