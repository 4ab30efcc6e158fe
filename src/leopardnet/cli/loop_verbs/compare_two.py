"""`leopardnet compare`: two models side by side on the same labelled clips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leopardnet.cli.console import app, print_json, print_rows, progress_bar, say
from leopardnet.cli.options import HumanLabels, Json, LabelledManifest, LabelsAs, MovedRoot, read_judges
from leopardnet.core.language import translate, translate_message

if TYPE_CHECKING:
    from leopardnet.core.predictions import Predictions
    from leopardnet.evaluation.audit.compare_models import SideBySide
    from leopardnet.evaluation.audit.judging_labels import JudgingLabels

PICTURES = (".png", ".svg", ".pdf")
Model = "Results folder, training run, or bundle of the {} model. A bundle classifies the labelled clips first."


@app.command()
def compare(
    old: Annotated[Path, typer.Argument(help=Model.format("old"))],
    new: Annotated[Path, typer.Argument(help=Model.format("new"))],
    manifest: LabelledManifest,
    labels: HumanLabels = None,
    labels_as: LabelsAs = "audit",
    new_sites: Annotated[
        bool, typer.Option("--new-sites", help="Count only sites that neither model learned from.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Also draw the comparison: .png, .svg or .pdf.")] = None,
    root: MovedRoot = None,
    as_json: Json = False,
) -> None:
    """Compare two models on the same labelled clips: is the new one better, or can these clips not tell?

    Both are judged on the same clips, with intervals over sites. Clips that either model learned from have no part.
    Where the interval includes no difference, neither is called better, and you see about how many more labels it
    would take.

    Example: leopardnet compare models/1/bundle models/2/bundle --manifest season.parquet --labels results/
    """
    from leopardnet.evaluation.audit.compare_models import compare_predictions

    if out is not None and out.suffix.lower() not in PICTURES:
        raise typer.BadParameter("must end in " + ", ".join(PICTURES), param_hint="--out")
    judges = read_judges(manifest, labels, labels_as, root=root)
    _check_both(old, new)
    before, after = (_read(x, judges) for x in (old, new))
    found = compare_predictions(before, after, judges, new_sites=new_sites)
    if out is not None:
        from leopardnet.core.tables import atomic_path
        from leopardnet.figures.model_difference import model_difference

        with atomic_path(out) as part:
            figure = model_difference(found.found)
            figure.savefig(part, format=out.suffix.lower().removeprefix("."), metadata=_no_date(out))
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found)
    if out is not None:
        say(f"drawn: {out.name}")


def _check_both(old: Path, new: Path) -> None:
    """Look at both models before any clip is classified, which may take long."""
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.core.predictions import Predictions

    for path in (old, new):
        if (path / "bundle.json").is_file():
            load_bundle(path)
        else:
            Predictions.read(path, with_evidence=False)


def _read(path: Path, judges: JudgingLabels) -> Predictions:
    """Return the predictions in a folder or table, or those of a bundle for the clips that have a label."""
    from leopardnet.core.predictions import Predictions

    if not (path / "bundle.json").is_file():
        return Predictions.read(path)
    from leopardnet.infer.predict_footage import predict

    table = judges.manifest.table
    labelled = table.loc[table["label"].notna() | table["labels"].notna(), "clip_id"]
    rows = judges.manifest.replace(table[table["clip_id"].isin(labelled)])
    with progress_bar(f"classifying labelled clips with {path.name}") as on_progress:
        return predict(rows, path, on_progress=on_progress)


def _no_date(out: Path) -> dict[str, None]:
    """Return metadata without the time, so that the same comparison gives the same file."""
    return {"Date": None} if out.suffix.lower() == ".svg" else {}


def _print(found: SideBySide) -> None:
    rows = [
        {
            "figure": d.figure,
            "old": d.old,
            "new": d.new,
            "difference": f"{d.difference.value:+.3f}",
            "95 % interval": "–"
            if d.difference.low is None
            else translate("{low} to {high}", low=f"{d.difference.low:+.3f}", high=f"{d.difference.high:+.3f}"),
            "the new model is": d.verdict,
        }
        for d in found.found.differences
    ]
    print_rows(rows)
    c = found.found
    say(f"right: {c.n_right[0]} of {c.n_clips} before, {c.n_right[1]} after; the models differ in {c.n_differ}")
    said = c.sentence
    for sentence in [said, *found.limits]:
        shown = translate_message(sentence)
        say(f"{shown[:1].upper()}{shown[1:]}.")
