"""A watch on a promise: whether the sites of new footage still look like those that set it.

A promise is about sites like those labelled. `make_reference` keeps what those look like, without paths or names:
for each block of clips and each feature the sorted numbers of its sites (`site_numbers`). `watch_season` bets
against "new sites are exchangeable with these" (`site_bets`), once for each block and feature.

Each of these bets w · 20 to 1 against a false alarm, w its part of the chance: an alarm is raised when the money
of one of them reaches 20 / w. By the union bound the chance that this ever happens in a season, of any length and
however often one looks, is at most the sum of w / 20, 5 %. No assumption is made about how features of a site, or
clips of a site, depend on each other. What is assumed of unshifted seasons: that sites with enough clips, and those
of the promise with as many, could have come in any order. A site of the promise that is filmed again counts as any
other; it then falls among its like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.metrics.bootstrap import Floats
from leopardnet.metrics.guarantees.site_bets import LAWS, follow_money, most_money
from leopardnet.metrics.guarantees.site_numbers import BLOCKS, number_sites

FALSE_ALARMS = 0.05  # the share of unshifted seasons with an alarm, at most
FEWEST_SITES = 5  # of a promise; with fewer, nothing unusual can be told from the usual
Reference = Mapping[str, Mapping[str, Sequence[float]]]
Status = Literal["quiet", "alarm", "too_early", "not_watched"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """What differs, and since when.

    feature, block: names as in the reference. direction: 'lower', 'higher', or 'wider' where the new sites differ
    from the others in both directions. since_site, since_at: the first site at which it shows, and the time of the
    clip that completed its block, ISO format, empty if unknown; raised_site, raised_at: where the alarm was raised.
    n_clips: clips up to then. sites: those since then that are unlike the sites of the promise.
    """

    feature: str
    block: str
    direction: str
    since_site: str
    since_at: str
    raised_site: str
    raised_at: str
    n_clips: int
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Watch:
    """Whether the promise applies to a season.

    evidence: the most money against it that any bet ever had, times its part of the chance; 20 is an alarm.
    n_clips, n_sites: of the season, those that could be looked at: readable, with a site. n_reference: sites behind
    the promise. why: what is missing, where it is not watched.
    """

    status: Status
    evidence: float
    n_clips: int
    n_sites: int
    n_reference: int
    alarm: Alarm | None = None
    why: str = ""

    @property
    def applies(self) -> bool:
        """Whether nothing speaks against the promise; true as well where nothing could."""
        return self.alarm is None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Bet:
    """The bet on one feature of one block; `reference` and `new` in the order of `sites`, `at` their clips."""

    block: str
    feature: str
    weight: float
    reference: Floats
    new: Floats
    sites: NDArray[np.object_]
    at: NDArray[np.intp]


def make_reference(features: pd.DataFrame, sites: pd.Series[str]) -> dict[str, dict[str, list[float]]]:
    """Return what the sites of a promise look like: sorted numbers by block and feature; empty where none can be.

    features: of clips in the order of time (`measure_clips`); sites: of the same index.
    """
    reference: dict[str, dict[str, list[float]]] = {}
    for name, block in BLOCKS.items():
        values = number_sites(features, sites, block).values
        columns = {str(f): np.sort(x[~np.isnan(x)]).tolist() for f, x in zip(features, values.T, strict=True)}
        enough = {f: values for f, values in columns.items() if len(values) >= FEWEST_SITES}
        if enough:
            reference[name] = enough
    return reference


def watch_season(
    reference: Reference, features: pd.DataFrame, sites: pd.Series[str], times: pd.Series[Any] | None = None
) -> Watch:
    """Return whether new sites look like those of the promise. Rows that come later never take an alarm back.

    features: of readable clips in the order in which they came; sites, times: of the same index; sites are None or
    nan where unknown.
    """
    reference = {b: f for b, f in reference.items() if b in BLOCKS}
    n_reference = max((len(v) for f in reference.values() for v in f.values()), default=0)
    n_clips, n_sites = int(sites.notna().sum()), int(sites.nunique())
    if not n_reference:
        why = f"it rests on fewer than {FEWEST_SITES} sites with enough clips"
        return Watch("not_watched", 1.0, n_clips, n_sites, 0, why=why)
    if len(sites) and not n_sites:
        return Watch("not_watched", 1.0, 0, 0, n_reference, why="the clips have no site")
    evidence, could_alarm = 1.0, False
    first: tuple[int, int, _Bet, Floats] | None = None
    for bet in _list_bets(reference, features, sites):
        money, paid = follow_money(bet.reference, bet.new)
        share = bet.weight * money
        evidence = max(evidence, float(share.max(initial=0.0)))
        could_alarm |= bet.weight * most_money(len(bet.reference), len(bet.new)) >= 1 / FALSE_ALARMS
        won = np.flatnonzero(share >= 1 / FALSE_ALARMS)
        if len(won) and (first is None or bet.at[won[0]] < first[0]):
            first = (int(bet.at[won[0]]), int(won[0]), bet, paid)
    if first is not None:
        alarm = _describe_alarm(*first, sites, times)
        return Watch("alarm", evidence, n_clips, n_sites, n_reference, alarm)
    return Watch("quiet" if could_alarm else "too_early", evidence, n_clips, n_sites, n_reference)


def _list_bets(reference: Reference, features: pd.DataFrame, sites: pd.Series[str]) -> Iterator[_Bet]:
    """Yield the bets; what each may lose is fixed by the reference, whatever the new clips hold."""
    total = sum(BLOCKS[name].weight for name in reference)
    for name, known in reference.items():
        numbers = number_sites(features, sites, BLOCKS[name])
        for feature, values in known.items():
            weight = BLOCKS[name].weight / total / len(known)
            if feature in features:
                new = numbers.values[:, features.columns.get_loc(feature)]
                use = ~np.isnan(new)
                old = np.array(values, np.float64)
                yield _Bet(name, feature, weight, old, new[use], numbers.sites[use], numbers.at[use])


def _describe_alarm(
    at: int, i: int, bet: _Bet, paid: Floats, sites: pd.Series[str], times: pd.Series[Any] | None
) -> Alarm:
    """Return what the bet that won was on. The change begins where what its best bettor was paid is largest."""
    sums = np.cumsum(np.log(paid[: i + 1])[::-1], axis=0)[::-1]  # from each site to the alarm, [i + 1, L]
    since, law = np.unravel_index(int(sums.argmax()), sums.shape)
    mean = LAWS[law][0]
    odd = [bet.sites[j] for j in range(int(since), i + 1) if paid[j, law] > 1]

    def say_time(j: int) -> str:
        time = None if times is None else times.iloc[bet.at[j]]
        return "" if time is None or pd.isna(time) else pd.Timestamp(time).isoformat(sep=" ", timespec="minutes")

    return Alarm(
        feature=bet.feature,
        block=bet.block,
        direction="wider" if mean == 0 else "lower" if mean < 0 else "higher",
        since_site=bet.sites[since],
        since_at=say_time(int(since)),
        raised_site=bet.sites[i],
        raised_at=say_time(i),
        n_clips=int(sites.iloc[: at + 1].notna().sum()),
        sites=tuple(odd),
    )
