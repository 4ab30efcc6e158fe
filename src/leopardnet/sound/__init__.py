"""The sound track of clips: tonal calls, such as the alarm whistle of deer, and human voices."""
