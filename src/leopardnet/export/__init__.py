"""Export of predictions for other programs and other people, without giving away people, places or paths.

Start reading in `write_results.py`. `outgoing.py` selects the clips that may leave and joins what is known about
them; every other module writes one format from that.
"""
