"""What was planted in the story: everything that a program should find in it, as `truth.json` holds it.

Clips are named by their paths, times are true local time. A record, an encounter or a hint that is not named here
is a mistake of whoever reports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from leopardnet.synth.story.noises import read_noises
from leopardnet.synth.story.season import DEPLOYMENTS, StoryClip, read_story_table

NOTICE = "This footage was rendered by a program, and its places are invented. It says nothing about real animals."
_HOME = "T4"  # the one place within the range
# From the corner of the range that is nearest to all places beyond it (43.58 N, 131.72 E): geodesics on WGS84.
_DISTANCES_KM = {"T1": 32.379, "S1": 34.903, "T2": 37.920, "T3": 31.934, "S2": 40.115}


def describe_truth(clips: Sequence[StoryClip]) -> dict[str, Any]:
    """Return the truth about the planned clips: JSON values."""
    cameras = read_story_table(DEPLOYMENTS).set_index("deployment")
    leopards = sorted((c for c in clips if c.plan.label == "leopard"), key=lambda c: c.true_time)
    away = [c for c in leopards if c.plan.site != _HOME]
    sites = list(dict.fromkeys(c.plan.site for c in away))
    feast = [c for c in away if c.plan.site == "S2"]
    last = max(c.true_time for c in clips if c.plan.deployment == "T3")
    return {
        "notice": NOTICE,
        "labels": {c.plan.path: c.plan.label for c in clips},
        "true_times": {c.plan.path: c.true_time.isoformat() for c in clips},
        "record": {
            "label": "leopard",
            "path": away[0].plan.path,
            "captured_at": away[0].true_time.isoformat(),
            "site": away[0].plan.site,
            "range_status": "beyond_barrier",
            "barriers": ["Birch River", "Eastern Railway"],
            "distance_km": _DISTANCES_KM,
        },
        "inside_range": [c.plan.path for c in leopards if c.plan.site == _HOME],
        "encounter": {
            "paths": [c.plan.path for c in away],
            "start": away[0].true_time.isoformat(),
            "end": away[-1].true_time.isoformat(),
            "sites": sites,
            "owners": sorted({cameras.at[c.plan.deployment, "owner"] for c in away}),
            "min_animals": 1,
        },
        "flanks": _pair_flanks(away),
        "whistles": _find_noises(clips, {"whistle"}),
        "bait": _find_noises(clips, {"chirp", "trill", "person"}),
        "hint": {
            "station": "S2",
            "start": feast[0].true_time.isoformat(),
            "end": feast[-1].true_time.isoformat(),
            "paths": [c.plan.path for c in feast],
            "prey": _find_prey(clips, feast),
        },
        "visit": {"cameras": sites},
        "clock": {"deployment": "T2", "correction_s": 97 * 60},
        "died": {"deployment": "T3", "last_file": last.isoformat()},
        "without_exact_place": [str(name) for name, row in cameras.iterrows() if row["exact_place"] == "no"],
    }


def _find_prey(clips: Sequence[StoryClip], feast: Sequence[StoryClip]) -> list[str]:
    """Return the clips of deer at the place of these clips, from a day before them to a day after."""
    day, first, last = timedelta(days=1), feast[0].true_time, feast[-1].true_time
    deer = (c for c in clips if c.plan.label == "sika_deer" and c.plan.site == feast[0].plan.site)
    return [c.plan.path for c in deer if first - day <= c.true_time <= last + day]


def _pair_flanks(clips: Sequence[StoryClip]) -> list[list[str]]:
    """Return the pairs of clips that two cameras of one station took within a minute."""
    return [
        [a.plan.path, b.plan.path]
        for a in clips
        for b in clips
        if a.plan.site == b.plan.site
        and a.plan.deployment < b.plan.deployment
        and abs((a.true_time - b.true_time).total_seconds()) <= 60
    ]


def _find_noises(clips: Sequence[StoryClip], kinds: set[str]) -> dict[str, list[list[float]]]:
    """Return the seconds from and to which these noises are heard, by the path of the clip."""
    heard = {c.plan.path: [[n.start_s, n.end_s] for n in read_noises(c.sounds) if n.kind in kinds] for c in clips}
    return {path: seconds for path, seconds in heard.items() if seconds}
