"""The verbs that make, check and split a manifest: scan, check, split."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leopardnet.cli.console import EXIT_FINDINGS, app, out, print_json, print_rows, progress_bar, say
from leopardnet.cli.options import (
    DateFormat,
    Deployments,
    Encoding,
    Json,
    ManifestOut,
    ManifestPath,
    MovedRoot,
    open_manifest,
    read_places,
)
from leopardnet.cli.printing.next_step import say_next
from leopardnet.cli.printing.print_check import list_records, print_check
from leopardnet.cli.printing.scan_notes import scan_counts, scan_notes
from leopardnet.core.errors import ConfigError
from leopardnet.core.language import translate_message

if TYPE_CHECKING:
    import pandas as pd

    from leopardnet.core.manifest import Manifest

TABLES = (".parquet", ".csv")


class ContainerTime(StrEnum):
    """The clock that the time in an MP4 header comes from."""

    camera = "camera"
    utc = "utc"


class BannerDates(StrEnum):
    """The order of day and month in dates such as 03/04/2024."""

    dmy = "dmy"
    mdy = "mdy"


class SplitBy(StrEnum):
    """The rows that a split keeps together."""

    site = "site"
    time = "time"
    sequence = "sequence"


def check_table_name(path: Path) -> None:
    """Raise a usage error where no manifest can be written under this name."""
    if path.suffix.lower() not in TABLES:
        raise typer.BadParameter(f"{path.name} must end in {' or '.join(TABLES)}", param_hint="--out")


# --- scan ---


ReadAgain = Annotated[
    bool, typer.Option("--read-again", help="Read files again that have not changed since the last scan.")
]


@app.command(rich_help_panel="Data")
def scan(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="Folder that holds the footage.")],
    out_path: ManifestOut,
    pattern: Annotated[
        str | None, typer.Option(help="Pattern of folder names: {site} {deployment} {sequence} {label} {ignore} *")
    ] = None,
    deployments: Deployments = None,
    encoding: Encoding = None,
    date_format: DateFormat = None,
    time_from: Annotated[
        str,
        typer.Option(
            help="Sources of the capture time, best first: exif, quicktime, riff, filename, banner, mtime."
        ),
    ] = "exif,quicktime,riff",
    filename_time: Annotated[
        str | None,
        typer.Option(help="Format of the time in file names: ymdhms, dmyhms, mdyhms, or such as %Y%m%d_%H%M%S."),
    ] = None,
    banner_dates: Annotated[
        BannerDates | None,
        typer.Option(help="Order of day and month in banners.  [default: as the dates of each card show]"),
    ] = None,
    container_time: Annotated[
        ContainerTime, typer.Option(help="Clock of the times in MP4 headers: the camera's, or UTC.")
    ] = ContainerTime.camera,
    group_bursts: Annotated[
        bool, typer.Option("--group-bursts", help="One row per burst instead of one per still.")
    ] = False,
    burst_gap_s: Annotated[
        float, typer.Option(min=0.0, help="Seconds by which the stills of a burst may be apart.")
    ] = 5.0,
    read_again: ReadAgain = False,
    as_json: Json = False,
) -> None:
    """Make a manifest of all footage in a folder: one row per file, with site and capture time.

    Example: leopardnet scan footage --pattern "{site}/{deployment}/*" --out manifest.parquet
    """
    from leopardnet.data.scan.kept.known_times import choose_file
    from leopardnet.data.scan.scan import scan_report

    check_table_name(out_path)
    places, table_notes = read_places(deployments, encoding, date_format)
    with progress_bar("reading times") as on_progress:
        report = scan_report(
            root,
            pattern=pattern,
            deployments=places,
            filename_time=filename_time,
            group_bursts=group_bursts,
            time_from=_split_words(time_from),
            date_order=banner_dates.value if banner_dates else None,
            container_time=container_time.value,
            burst_gap_s=burst_gap_s,
            known_times=choose_file(root, is_new=read_again),
            on_progress=on_progress,
        )
    report.manifest.write(out_path)
    counts, notes = scan_counts(report), [*table_notes, *scan_notes(report, pattern)]
    if as_json:
        print_json({"manifest": out_path.name, **counts, "notes": notes})
        return
    print_rows([{"found": k, "value": v} for k, v in counts.items()], title=f"Scan → {out_path.name}")
    for note in notes:
        out.print(translate_message(f"note: {note}"), markup=False, highlight=False, soft_wrap=True)
    say_next("check", out_path)
    if not report.manifest.table["label"].notna().any():
        say_next("start", root)


def _split_words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


# --- check ---


@app.command(rich_help_panel="Data")
def check(
    manifest: ManifestPath,
    out_path: Annotated[
        Path | None, typer.Option("--out", help="Table of all findings: .csv, .parquet or .jsonl.")
    ] = None,
    root: MovedRoot = None,
    hash_files: Annotated[bool, typer.Option(help="Read files of equal size to find copies.")] = True,
    perceptual: Annotated[
        bool, typer.Option(help="Decode a small picture of each file to find near-duplicates.")
    ] = True,
    probe: Annotated[bool, typer.Option(help="Read the header of each file.")] = True,
    min_sites: Annotated[int, typer.Option(min=1, help="Warn about labels at fewer sites than this.")] = 3,
    max_distance: Annotated[int, typer.Option(min=0, max=3, help="Bits in which near-duplicates may differ.")] = 3,
    deployments: Deployments = None,
    encoding: Encoding = None,
    date_format: DateFormat = None,
    n_shown: Annotated[int, typer.Option(min=0, help="Findings to print.")] = 20,
    as_json: Json = False,
) -> None:
    """Find what would spoil a model or its figures: broken files, copies, leaks, wrong clocks and boxes.

    With --deployments, times outside their period are reported, too. Exit code 3 where a finding is an error.

    Example: leopardnet check manifest.parquet --out findings.csv
    """
    from leopardnet.core.tables import write_table
    from leopardnet.data.checks.check import check as check_manifest
    from leopardnet.data.checks.check import count_coverage
    from leopardnet.data.checks.file_facts import read_file_facts

    if out_path is not None and out_path.suffix.lower() not in (*TABLES, ".jsonl"):
        raise typer.BadParameter(f"{out_path.name} must end in .csv, .parquet or .jsonl", param_hint="--out")
    rows = open_manifest(manifest, root)
    places, notes = read_places(deployments, encoding, date_format)
    with progress_bar("reading files") as on_progress:
        facts = read_file_facts(
            rows, hash_files=hash_files, perceptual=perceptual, probe=probe, on_progress=on_progress
        )
    findings = check_manifest(rows, facts=facts, min_sites=min_sites, max_distance=max_distance, deployments=places)
    if out_path is not None:
        write_table(findings, out_path)
    labels = count_coverage(rows, facts=facts)
    if as_json:
        print_json({"coverage": list_records(labels), "findings": list_records(findings), "notes": list(notes)})
    else:
        for note in notes:
            say(f"note: {note}")
        print_check(findings, labels, manifest.name, n_shown, out_path)
    if findings["severity"].eq("error").any():
        raise typer.Exit(EXIT_FINDINGS)
    if rows.table[["label", "labels"]].notna().any(axis=None) and rows.table["split"].isna().all():
        say_next("split", manifest)


# --- split ---


@app.command(rich_help_panel="Data")
def split(
    manifest: ManifestPath,
    by: Annotated[
        SplitBy, typer.Option(help="What stays together; `time` cuts each site from early to late.")
    ] = SplitBy.site,
    fractions: Annotated[
        str | None, typer.Option(help="Shares of train, val and test.  [default: 0.7,0.15,0.15]")
    ] = None,
    n_folds: Annotated[int | None, typer.Option(min=2, max=100, help="Split into fold0, fold1, … instead.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same split.")] = 7,
    keep_copies: Annotated[
        bool, typer.Option("--keep-copies", help="Read the files, and keep copies and near-duplicates in one part.")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Continue although a label is missing from a part.")
    ] = False,
    out_path: Annotated[
        Path | None, typer.Option("--out", help="Manifest to write: .parquet or .csv. [default: MANIFEST itself]")
    ] = None,
    root: MovedRoot = None,
    as_json: Json = False,
) -> None:
    """Write a split into the manifest, so that no site, sequence or clip is in two parts.

    Example: leopardnet split manifest.parquet --by site --fractions 0.7,0.15,0.15 --seed 7
    """
    from leopardnet.data.splits.split import split as split_manifest

    if fractions is not None and n_folds is not None:
        raise typer.BadParameter("give fractions or n_folds, not both", param_hint="--n-folds")
    target = out_path or manifest
    check_table_name(target)
    shares = _parse_fractions(fractions or "0.7,0.15,0.15")
    rows = open_manifest(manifest, root)
    result = split_manifest(
        rows,
        by=by.value,
        fractions=shares,
        n_folds=n_folds,
        seed=seed,
        allow_missing=allow_missing,
        keep_together=_find_copies(rows) if keep_copies else None,
    )
    result.write(target)
    if rows.table["split"].notna().any() and target == manifest:
        say("the split that was in the manifest has been replaced")
    _print_split(result, target.name, by, as_json=as_json)
    if result.table[["label", "labels"]].notna().any(axis=None):
        say_next("train", target, "--out", "runs/latest")


def _parse_fractions(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(x) for x in _split_words(text))
    except ValueError:
        raise ConfigError(
            "the fractions are not numbers", where="--fractions", found=text, expected="such as 0.7,0.15,0.15"
        ) from None


def _find_copies(manifest: Manifest) -> pd.Series[Any]:
    from leopardnet.data.checks.file_facts import find_copies, read_file_facts

    with progress_bar("reading files") as on_progress:
        return find_copies(manifest, read_file_facts(manifest, probe=False, on_progress=on_progress))


def _print_split(manifest: Manifest, name: str, by: SplitBy, *, as_json: bool) -> None:
    from leopardnet.data.splits.split import count_by_split

    t = manifest.table
    table, sites = count_by_split(manifest), count_by_split(manifest, count="sites")
    n_of_part = t["split"].value_counts()
    sites_of_part = t.groupby("split")["site"].nunique()
    if as_json:
        print_json(
            {
                "manifest": name,
                "rows": table.to_dict("index"),
                "sites_by_label": sites.to_dict("index"),
                "sites": {str(k): int(v) for k, v in sites_of_part.items()},
                "rows_without_site": int(t["site"].isna().sum()),
            }
        )
        return
    parts = [c for c in table.columns if c != "all"]
    lines = [{"label": label, **row} for label, row in table.to_dict("index").items()]
    lines.append({"label": "all rows", **{p: int(n_of_part.get(p, 0)) for p in parts}, "all": len(t)})
    lines.append({"label": "share", **{p: int(n_of_part.get(p, 0)) / len(t) for p in parts}, "all": 1.0})
    lines.append({"label": "sites", **{p: int(sites_of_part.get(p, 0)) for p in parts}, "all": t["site"].nunique()})
    print_rows(lines, title=f"Split by {by.value} → {name}")
    if t[["label", "labels"]].isna().all(axis=None):
        say("note: no row has a label yet; the split balances none. Split again once the footage is labelled")
    n_without = int(t["site"].isna().sum())
    if n_without:
        say(
            f"rows without a site: {n_without} of {len(t)}; only their deployments, sequences and clips were kept "
            "together, so the same camera may be in two parts"
        )
    if by is not SplitBy.site:
        say("sites are in several parts: figures from this split apply to known cameras, not to new ones")
