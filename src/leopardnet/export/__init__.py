"""Results for other programs and other people: every format from one predictions table, and nothing given away with it.

Start reading in `export.py`. `parcel.py` decides which rows may leave and joins what is known about them; every other module
writes one format from that.
"""
