"""A model against labels: evaluation, thresholds and calibration on labelled clips of one's own."""
