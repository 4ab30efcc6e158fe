"""`leopardnet labels`: what people said in the review page, counted, and as a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leopardnet.cli.console import app, print_json, print_rows, say
from leopardnet.cli.dataset import check_table_name
from leopardnet.cli.options import Json, open_manifest

if TYPE_CHECKING:
    import pandas as pd


@app.command(rich_help_panel="Data")
def labels(
    source: Annotated[Path, typer.Argument(metavar="LABELS", help="labels.sqlite, or the folder that holds it.")],
    manifest: Annotated[
        Path | None, typer.Option("--manifest", help="Manifest of the footage, to write its rows with the labels.")
    ] = None,
    out_path: Annotated[
        Path | None, typer.Option("--out", help="With --manifest: the labelled manifest, .parquet or .csv.")
    ] = None,
    clip: Annotated[
        str | None, typer.Option("--clip", help="Everything that was said of one clip; its path or clip_id.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Count what people said in the review page, and write it as the labels of a manifest.

    Example: leopardnet labels results/ --manifest season.parquet --out labelled.parquet
    """
    from leopardnet.data.human_labels.label_file import LabelFile, find_label_file
    from leopardnet.data.human_labels.label_views import label_manifest, labels_by_clip, measure_agreement

    if (manifest is None) != (out_path is None):
        raise typer.BadParameter("--manifest and --out belong together", param_hint="--manifest")
    if out_path is not None:
        check_table_name(out_path)
    with LabelFile(find_label_file(source), read_only=True) as file:
        entries = file.entries()
    if clip is not None:
        _print_history(entries, clip, as_json=as_json)
        return
    agreed, agreement = labels_by_clip(entries), measure_agreement(entries)
    if as_json:
        print_json(_summary(agreed, agreement))
    else:
        _print_summary(agreed, agreement)
    if manifest is not None and out_path is not None:
        rows = open_manifest(manifest)
        labelled = label_manifest(rows, agreed)
        labelled.write(out_path)
        n_known = int(agreed["clip_id"].isin(rows.table["clip_id"]).sum())
        say(f"{out_path.name}: {labelled!r}")
        say(f"labelled clips of this manifest: {n_known} of {len(agreed)}")


def _summary(agreed: pd.DataFrame, agreement: pd.DataFrame) -> dict[str, Any]:
    stand = agreed[~agreed["is_disputed"]]
    counts = {str(k): int(v) for k, v in stand["labels"].value_counts().items()}
    drawn = stand[stand["inclusion"].notna()]
    return {
        "n_clips": len(agreed),
        "labels": counts,
        "n_disputed": int(agreed["is_disputed"].sum()),
        "n_random": len(drawn),
        **_count_boxes(stand),
        "agreement": agreement.to_dict("records"),
    }


def _count_boxes(stand: pd.DataFrame) -> dict[str, int]:
    from leopardnet.core.boxes import parse_boxes
    from leopardnet.data.human_labels.drawn_boxes import name_drawn_boxes

    cells = stand[stand["boxes"].notna()]
    n_drawn = sum(len(parse_boxes(cell)) for cell in cells["boxes"])
    named = (name_drawn_boxes(*row) for row in cells[["boxes", "labels"]].itertuples(index=False))
    n_named = sum(len(boxes) for frames in named for boxes in frames.values())
    return {"n_boxes": n_named, "n_boxes_left_out": n_drawn - n_named}


def _print_summary(agreed: pd.DataFrame, agreement: pd.DataFrame) -> None:
    found = _summary(agreed, agreement)
    stand = agreed[~agreed["is_disputed"]]
    n_random = stand.loc[stand["inclusion"].notna(), "labels"].value_counts()
    rows = [
        {"labels": name, "clips": n, "of a random sample": int(n_random.get(name, 0))}
        for name, n in found["labels"].items()
    ]
    say(f"labelled clips: {found['n_clips']}; people disagree about {found['n_disputed']}")
    if rows:
        print_rows(rows)
    if found["n_boxes"] or found["n_boxes_left_out"]:
        n, n_out = found["n_boxes"], found["n_boxes_left_out"]
        say(f"boxes around animals: {n}, and of none of the labels of the clip: {n_out}")
    if len(agreement):
        names = {"by_a": "person", "by_b": "and", "n_clips": "clips of both", "agreement": "same", "kappa": "kappa"}
        shown = agreement.rename(columns=names).astype(object)
        print_rows([{k: "–" if v != v else v for k, v in row.items()} for row in shown.to_dict("records")])


def _print_history(entries: pd.DataFrame, clip: str, *, as_json: bool) -> None:
    from leopardnet.core.errors import ManifestError

    rows = entries[(entries["clip_id"] == clip) | (entries["path"] == clip)]
    if rows.empty:
        raise ManifestError(
            "nobody has said anything of this clip",
            found=clip,
            expected="the path of a clip relative to its root, or its clip_id",
        )
    taken = set(entries["undoes"].dropna())
    shown = [
        {
            "entry": row["entry_id"],
            "at": row["at"],
            "by": row["by"],
            "labels": row["labels"] if isinstance(row["labels"], str) else f"takes back entry {row['undoes']}",
            "queue": row["queue"],
            "note": row["note"] if isinstance(row["note"], str) else "",
            "stands": "taken back" if row["entry_id"] in taken else "",
        }
        for row in rows.to_dict("records")
    ]
    if as_json:
        print_json(shown)
    else:
        print_rows(shown)
