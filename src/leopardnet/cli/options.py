"""Arguments and options that several verbs share, each with its name and help in one place."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from leopardnet.cli.console import choose_language, say
from leopardnet.core.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from leopardnet.core.manifest import Manifest
    from leopardnet.core.predictions import Predictions
    from leopardnet.evaluation.audit.judging_labels import JudgingLabels

# --- files and folders ---

ManifestPath = Annotated[
    Path, typer.Argument(metavar="MANIFEST", help="Manifest made by `leopardnet scan` or `leopardnet import`.")
]
PredictionsPath = Annotated[
    Path, typer.Argument(help="Folder that `leopardnet predict` wrote, or the predictions.parquet or .csv in it.")
]
ManifestOut = Annotated[Path, typer.Option("--out", help="Manifest to write: .parquet or .csv.")]
LabelledManifest = Annotated[
    Path, typer.Option("--manifest", help="Manifest of the clips, with their true labels.")
]
ManifestOption = Annotated[
    Path | None,
    typer.Option("--manifest", help="Manifest of the footage: deployments, time zones, bursts and human labels."),
]
Bundle = Annotated[Path, typer.Option("--bundle", help="Bundle (model folder), such as runs/amur/bundle.")]
BundleOption = Annotated[
    Path | None, typer.Option("--bundle", help="Bundle (model folder) that made the predictions.")
]
BundleOut = Annotated[Path, typer.Option("--out", help="Folder of the new bundle.")]
MovedRoot = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of the footage, if it has moved since the manifest was written."),
]
FootageRoot = Annotated[
    Path | None, typer.Option("--root", help="Folder that the paths in the predictions are relative to.")
]
Deployments = Annotated[
    Path | None,
    typer.Option(
        "--deployments",
        help="Table of deployments (CSV, Excel, Parquet): site, time_zone, clock_correction, start, end.",
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option("--encoding", help="Encoding of tables of deployments and corrections. [default: detected]"),
]
DateFormat = Annotated[
    str | None,
    typer.Option(
        "--date-format",
        help="Form of dates in the deployments table: dmy, mdy, or such as '%d/%m/%y %H:%M'. [default: detected]",
    ),
]
Decode = Annotated[
    str, typer.Option("--decode", help="Who decodes videos: software, auto, hardware, or the name of a device.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


def _choose_here(ctx: typer.Context, name: str | None) -> str | None:
    """Return the language that was asked for: by the option of the verb, or else by the one before it."""
    return choose_language(name) or ctx.find_root().params.get("language")


Language = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="en|ru",
        help="Language of the page and of messages. [default: that of the browser or the system]",
        callback=_choose_here,
    ),
]

# --- imports ---

ImportRoot = Annotated[
    Path,
    typer.Option(
        "--root", exists=True, file_okay=False, help="Folder that the paths in the source are relative to."
    ),
]
LabelMap = Annotated[
    str | None,
    typer.Option(
        "--label-map",
        metavar="NAME|FILE",
        help="Map from the source's names to labels: a YAML file, or a built-in map such as amur or ntlnp.",
    ),
]
OnUnknown = Annotated[
    Literal["refuse", "other"],
    typer.Option(
        "--on-unknown", help="For a name that is not in the map: refuse the import, or use the label 'other'."
    ),
]
SiteFrom = Annotated[
    str | None,
    typer.Option(
        *("--site-from", "--pattern"),
        metavar="PATTERN",
        help="Take sites from folders, as in '{site}/{deployment}/*'.",
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse the import if any row has a fault, instead of counting such rows.")
]
TimeZone = Annotated[
    str | None,
    typer.Option(
        "--time-zone", metavar="ZONE", help="Zone of times that state none, such as Asia/Vladivostok or +10:00."
    ),
]

# --- models ---

Detector = Annotated[
    str,
    typer.Option(
        "--detector",
        metavar="NAME|FILE",
        help="Source of boxes: embedded (once installed), motion, none, a file of MegaDetector results (.json), or "
        "a network (.onnx).",
    ),
]
People = Annotated[bool, typer.Option("--people", help="Include clips and pictures of people and vehicles.")]
Outside = Annotated[
    list[str] | None,
    typer.Option(
        "--outside",
        metavar="LABEL",
        help="Label in the manifest that the model was not trained on, such as wild_boar. May be repeated.",
    ),
]
GapMinutes = Annotated[
    float, typer.Option("--gap-minutes", help="A clip this many minutes later, or more, begins a new event.")
]
EventMode = Annotated[
    Literal["chained", "fixed"],
    typer.Option(
        "--mode",
        help="Measure the gap from the last clip of an event (chained: a long visit is one event) or from its "
        "first clip (fixed: it is several).",
    ),
]
HumanLabels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="labels.sqlite of `leopardnet review`, or its folder. Then labels of the random audit alone count, "
        "each by its chance; clips picked by score or by hand say nothing of the others.",
    ),
]
LabelsAs = Annotated[
    Literal["audit", "chosen"],
    typer.Option(
        "--labels-as",
        help="With --labels: what counts. audit: random labels alone; chosen: all of them, also those picked by "
        "score. The figures are then named biased, and nothing is promised.",
    ),
]
Lose = Annotated[
    list[str] | None,
    typer.Option(
        "--lose",
        metavar="LABEL=SHARE",
        help="Share of a label's clips that may be lost: leopard=0.01 is one leopard clip in a hundred; 'animal' "
        "is any label but empty. May be repeated.",
    ),
]
KeepNames = Annotated[
    float | None,
    typer.Option(
        "--keep-names",
        min=0.0,
        max=1.0,
        help="Name a species only where it is clearly ahead of all other animals, so that each known species keeps "
        "this share of its names, such as 0.95; the others become 'animal'.",
    ),
]
Confidence = Annotated[
    float, typer.Option("--confidence", help="Confidence of the guarantee; at 0.95, 19 of 20 guarantees hold.")
]

PromiseLevel = Annotated[
    Literal["any_sites", "like_sites"] | None,
    typer.Option(
        "--level",
        help="Level of the guarantee: it holds whatever sites do (any_sites), or if no site is unlike those "
        "labelled (like_sites). Without this option, the strongest that your clips support.",
    ),
]


def parse_losses(texts: list[str] | None) -> dict[str, float]:
    """Return the tolerable loss of each label. Raises ConfigError for a wrong text and for a label given twice.

    >>> parse_losses(["leopard=1%", "animal=0.05"])
    {'leopard': 0.01, 'animal': 0.05}
    """
    losses: dict[str, float] = {}
    for text in texts or ():
        label, _, share = text.partition("=")
        if label in losses:
            raise ConfigError(
                "a label has two tolerable losses", where="--lose", found=text, todo="give each label once"
            )
        with suppress(ValueError):
            losses[label] = float(share.removesuffix("%")) / (100 if share.endswith("%") else 1)
        if not 0 < losses.get(label, 0) < 1:
            raise ConfigError(
                "this is not a tolerable loss",
                where="--lose",
                found=text,
                expected="LABEL=SHARE with a share between 0 and 1, for example leopard=0.01 or leopard=1%",
            )
    return losses


def read_judges(
    manifest: Path, labels: Path | None, labels_as: LabelsAs, *, root: Path | None = None
) -> JudgingLabels:
    """Return the manifest with the labels that judge, and how they were chosen; without `labels` its own."""
    from leopardnet.evaluation.audit.judging_labels import JudgingLabels, read_judging_labels
    from leopardnet.metrics.judges.label_choice import UNKNOWN_CHOICE

    rows = read_moved(manifest, root)
    if labels is not None:
        return read_judging_labels(rows, labels, labels_as=labels_as)
    if labels_as != "audit":
        raise typer.BadParameter("goes with --labels", param_hint="--labels-as")
    return JudgingLabels(rows, UNKNOWN_CHOICE)


def refuse_biased_promise(labels_as: str, option: str, *, is_given: bool) -> None:
    """Raise BadParameter where labels that were chosen by score would set a promise, by an option."""
    if is_given and labels_as == "chosen":
        raise typer.BadParameter(
            f"a model promises nothing on labels chosen by score; leave {option} out", param_hint="--labels-as"
        )


def read_places(
    path: Path | None, encoding: str | None, date_format: str | None
) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
    """Return the deployments table, None where no file is given, and notes on how it was read."""
    from leopardnet.data.scan.deployments import read_deployments_table

    if path is None and date_format:
        raise typer.BadParameter("is for dates of --deployments, which is not given", param_hint="--date-format")

    return read_deployments_table(path, encoding=encoding, date_format=date_format) if path else (None, ())


def read_moved(manifest: Path, root: Path | None) -> Manifest:
    """Return the manifest, with its footage under `root` where one is given.

    Raises ManifestError where the files under `root` are those of another card.
    """
    from leopardnet.data.checks.match_files import refuse_other_root

    rows = open_manifest(manifest, root)
    if root is not None:
        refuse_other_root(rows.table, root)
    return rows


def open_manifest(path: Path, root: Path | None = None) -> Manifest:
    """Return the manifest of a file, and print how it was read, where that is not as it was written."""
    from leopardnet.data.reading.tables.saved_manifest import read_manifest

    return say_notes(read_manifest(path, root=root))


def say_notes(manifest: Manifest) -> Manifest:
    """Print how the file of a manifest was read, where that is not as it was written, and return the manifest."""
    for note in manifest.notes:
        say(f"note: {note}")
    return manifest


def read_footage(predictions: Predictions, manifest: Path | None, root: Path | None) -> Manifest:
    """Return the footage of predictions, by its manifest or by the folder that their paths are relative to.

    Raises ConfigError where neither is given, and ManifestError for those of another card.
    """
    from leopardnet.core.manifest import Manifest
    from leopardnet.data.checks.match_files import refuse_other_root

    if manifest is not None:
        return read_moved(manifest, root)
    if root is None:
        raise ConfigError(
            "the folder of the clips is not known",
            expected="--root or --manifest",
            todo="give the folder that the paths of the predictions are relative to",
        )
    refuse_other_root(predictions.table, root, name="the predictions")
    rows = predictions.table[["path", "kind", "site", "captured_at"]]
    return Manifest.from_rows(rows.assign(kind=rows["kind"].replace("burst", "still")), root)
