"""The verbs that make models: train, pack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import JsonFlag, app, is_first_process, print_json, print_rows, say, stages
from leopardnet.cli.detectors import DetectorOption
from leopardnet.core.errors import BackendError
from leopardnet.core.manifest import Manifest

Root = Annotated[
    Path | None, typer.Option("--root", help="Folder that the manifest's paths are relative to, if it has moved.")
]


@app.command()
def train(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="MANIFEST|FOLDER", help="Manifest with labelled rows, or a folder with one subfolder per label."
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[key=value …]", help="Settings, e.g. experiment=real_dev optim.epochs=8"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Run folder; the model lands in OUT/bundle.")] = Path(
        "runs/latest"
    ),
    root: Root = None,
    detector: DetectorOption = "",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Lose the run that OUT holds, finished or not.")
    ] = False,
    json_: JsonFlag = False,
) -> None:
    """Fine-tune a backbone on labelled frames and pack the result as a bundle.

    Judged on the rows of the split val, or by cross-validation over sites where there is none.

    An interrupted run goes on when the same command is given again.

    Example: leopardnet train pictures/ --out runs/first

    Example: leopardnet train manifest.parquet --out runs/amur model=lite0 optim.epochs=5
    """
    from leopardnet.compose import load_config

    overrides = list(overrides or [])
    with need_train_extra():
        from leopardnet.training.pack.pack import train_bundle
    if source.is_dir():
        if root is not None:
            raise typer.BadParameter("goes with a manifest; a folder is its own root", param_hint="--root")
        from leopardnet.data.formats.folders import labelled_folder

        found = labelled_folder(source)
        rows = found.manifest
        counts = rows.table["label"].value_counts()
        say("labels, from the names of the folders: " + ", ".join(f"{name} {n}" for name, n in counts.items()))
        for note in found.notes:
            say(f"note: {note}")
        overrides = _with_labels_of_data(overrides)
    else:
        rows = Manifest.read(source, root=root)
    config = load_config("train", overrides)
    if detector:
        from leopardnet.detect.detector import choose_detector

        config = config.model_copy(update={"detector": choose_detector(detector, config.detector)})
    with stages() as tell:
        run = train_bundle(rows, config, out=out, overwrite=overwrite, on_progress=tell)
    if not is_first_process():
        return
    if json_:
        print_json({"run": str(out), "bundle": str(out / "bundle"), "best": run.best, "history": run.history})
        return
    kept = int(run.best["epoch"])
    print_rows(
        [
            {
                "epoch": int(r["epoch"]),
                "train loss": r["train_loss"],
                "val macro-F1": r["val_macro_f1"],
                "val NLL": r["val_nll"],
            }
            for r in run.history
        ],
        title="Epochs (0 is the linear probe)",
        caption=f"kept: epoch {kept} (chosen on these clips)",
    )
    say(f"model: {out / 'bundle'}  (what it is and how good: {out / 'bundle' / 'card.md'})")
    say(f"next:  leopardnet predict CLIPS --bundle {out / 'bundle'} --out results/")


def _with_labels_of_data(overrides: list[str]) -> list[str]:
    """The settings, with the labels of the data unless they choose others."""
    chooses = any(x.lstrip("+").startswith(("labels=", "experiment=")) for x in overrides)
    return overrides if chooses else ["labels=from_data", *overrides]


@app.command()
def pack(
    run: Annotated[Path, typer.Argument(help="Run folder made by `leopardnet train`.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where the bundle goes; by default RUN/bundle.")] = None,
) -> None:
    """Pack a finished run as a bundle again.

    Example: leopardnet pack runs/amur --out amur-2021
    """
    with need_train_extra():
        from leopardnet.training.pack.pack import pack as pack_run
    say(repr(pack_run(run, out=out)))


@app.command()
def convert(
    weights: Annotated[Path, typer.Argument(help="A .pt file with a state dict.")],
    like: Annotated[
        Path, typer.Option("--like", help="A bundle of the same network: its labels and settings are taken.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Where the new bundle goes.")],
) -> None:
    """Make a bundle of weights that somebody else saved as .pt: the only verb that opens such a file, and only for plain tensors.

    Example: leopardnet convert weights.pt --like runs/amur/bundle --out amur-converted
    """
    from leopardnet.bundle.bundle import load_bundle

    with need_train_extra():
        from leopardnet.training.pack.convert import convert as run_convert

        made = run_convert(weights, load_bundle(like), out)
    say(repr(made))
    say("note: nobody has judged these weights; evaluate them on labelled clips before you believe them")


@contextmanager
def need_train_extra() -> Iterator[None]:
    """Turn a missing training library into one line that says what to install."""
    try:
        yield
    except ImportError as error:
        raise BackendError(
            "training needs libraries that are not installed",
            found=str(error),
            expected="torch, timm, albumentations, …",
            todo='pip install "leopardnet[train]"',
        ) from None
