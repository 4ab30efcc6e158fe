"""Tables for spreadsheets and for Timelapse, written safely."""
