"""Stretches of sound in the files of other programs: selection tables of Raven, label tracks of Audacity."""
