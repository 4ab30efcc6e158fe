"""Tables that are joined by path, and yet describe different footage: cameras count from IMAG0001 on every card."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from leopardnet.core.errors import ManifestError

FACTS = ("path", "kind", "site", "captured_at", "width_px", "height_px")
SAME_S = 60.0  # people write times without seconds
MIN_SHIFTED = 5  # clips from which a clock that was set right can be told from another card
SHIFTED_SHARE = 0.9
SUMMER_TIME_S = 3600.0
MAX_RATIO = 1.02  # of two aspects: sizes are rounded when pictures are scaled


def refuse_other_footage(
    table: pd.DataFrame,
    other: pd.DataFrame,
    *,
    names: tuple[str, str] = ("predictions", "manifest"),
    same_s: float = SAME_S,
    min_share: float = 0.0,
    must_share: bool = False,
) -> None:
    """Raise ManifestError if rows of one `clip_id` cannot be of the same file.

    Columns of FACTS that both tables have are compared: kind, capture time, aspect, and the site where a time is
    missing. Times that differ by one shift per folder, as after a clock correction, are no contradiction where
    nothing else differs. names: of the two tables, for the message; same_s: by which times may differ; min_share:
    of the common clips that must differ; must_share: tables with rows that share no clip are refused, too.
    """
    both = _take_facts(table).join(_take_facts(other).add_suffix("_other"), how="inner")
    if both.empty:
        if must_share and len(table) and len(other):
            _refuse_strangers(table, other, names)
        return
    faults = pd.DataFrame(dict(_find_faults(both, same_s)), index=both.index)
    others = faults.drop(columns="captured_at", errors="ignore").any(axis=None)
    if "captured_at" in faults and not others and _is_clock_correction(both, faults["captured_at"]):
        return
    is_wrong = faults.any(axis=1)
    if is_wrong.any() and is_wrong.mean() >= min_share:
        i = int(is_wrong.to_numpy().argmax())
        first, facts = both.iloc[i], [c for c in faults.columns if faults[c].iloc[i]]
        ours, theirs = (", ".join(_show(first, c + end) for c in facts) for end in ("", "_other"))
        raise ManifestError(
            f"{names[0]} and {names[1]} name the same files, but they are of different footage",
            where=str(first.get("path", first.name)),
            found=f"{ours} in {names[0]}, {theirs} in {names[1]}; "
            f"{is_wrong.sum()} of {len(both)} common clips differ",
            expected="tables of the same card or folder",
            todo="give the tables that belong together; if you have corrected sites or times since, give the "
            "command that made the first table again, which is quick",
        )


def _refuse_strangers(table: pd.DataFrame, other: pd.DataFrame, names: tuple[str, str]) -> None:
    """Raise ManifestError for two tables without a clip in common, with a path of each."""
    raise ManifestError(
        f"{names[0]} and {names[1]} have no clip in common",
        found=" and ".join(
            f"{_first_path(rows)} in {name}" for rows, name in zip((table, other), names, strict=True)
        ),
        expected="tables of the same footage, with paths below the same folder",
        todo="give the manifest that was classified",
    )


def _first_path(rows: pd.DataFrame) -> str:
    return str(rows["path" if "path" in rows.columns else "clip_id"].iloc[0])


def _take_facts(table: pd.DataFrame) -> pd.DataFrame:
    """Return the facts of each clip, by clip_id; a labelled frame stands for its video, a still for its burst."""
    facts = table[["clip_id", *(c for c in FACTS if c in table.columns)]]
    if "kind" in facts.columns:
        whole_first = facts["kind"].eq("frame").sort_values(kind="stable").index
        facts = facts.loc[whole_first]
        facts = facts.assign(kind=facts["kind"].replace({"frame": "video", "burst": "still"}))
    return facts.drop_duplicates("clip_id").set_index("clip_id")


def _find_faults(both: pd.DataFrame, same_s: float) -> Iterator[tuple[str, pd.Series[bool]]]:
    """Yield by fact which clips contradict each other in it."""

    def has_both(column: str) -> pd.Series[bool]:
        return both[column].notna() & both[f"{column}_other"].notna()

    shared = {c for c in FACTS if {c, f"{c}_other"} <= set(both.columns)}
    if "kind" in shared:
        yield "kind", has_both("kind") & (both["kind"] != both["kind_other"])
    same_time = pd.Series(False, index=both.index)
    if "captured_at" in shared:
        is_off = _time_shift_s(both).abs() >= same_s
        same_time = has_both("captured_at") & ~is_off
        yield "captured_at", is_off
    if "site" in shared:
        yield "site", has_both("site") & (both["site"] != both["site_other"]) & ~same_time
    if {"width_px", "height_px"} <= shared:
        ratio = _aspect(both, "") / _aspect(both, "_other")
        yield "width_px", (ratio > MAX_RATIO) | (ratio < 1 / MAX_RATIO)


def _time_shift_s(both: pd.DataFrame) -> pd.Series[float]:
    times = (pd.to_datetime(both[c], errors="coerce") for c in ("captured_at", "captured_at_other"))
    ours, theirs = times
    return (ours - theirs).dt.total_seconds()


def _aspect(both: pd.DataFrame, end: str) -> pd.Series[float]:
    """Return the long side by the short one, so that a turned picture has the same; nan if unknown."""
    sides = both[[f"width_px{end}", f"height_px{end}"]].astype("float64")
    sides = sides.where(sides > 0)
    return sides.max(axis=1, skipna=False) / sides.min(axis=1, skipna=False)


def _is_clock_correction(both: pd.DataFrame, is_off: pd.Series[bool]) -> bool:
    """Return whether nearly all times of each folder are off by one shift, but for the hour of summer time."""
    shift_s = _time_shift_s(both).dropna()
    if not is_off.any() or len(shift_s) < MIN_SHIFTED:
        return False
    folders = both["path"].str.rpartition("/")[0] if "path" in both.columns else pd.Series("", index=both.index)
    n_alike = 0
    for _, shifts in shift_s.groupby(folders.reindex(shift_s.index)):
        apart_s = (shifts - shifts.round().mode().iloc[0]).abs()
        n_alike += int(((apart_s < SAME_S) | ((apart_s - SUMMER_TIME_S).abs() < SAME_S)).sum())
    return n_alike >= SHIFTED_SHARE * len(shift_s)


def _show(row: pd.Series[Any], column: str) -> str:
    value = row[column]
    if column.startswith("captured_at"):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if column.startswith("width_px"):
        return f"{value:.0f} x {row[column.replace('width', 'height')]:.0f} px"
    return f"site {value}" if column.startswith("site") else str(value)
