"""The verbs that make and use models: train, pack, predict."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leopardnet.cli.console import (
    EXIT_FINDINGS,
    JsonFlag,
    app,
    is_first_process,
    print_json,
    print_rows,
    progress_bar,
    say,
    stages,
)
from leopardnet.core.manifest import Manifest
from leopardnet.core.types import BackendError

if TYPE_CHECKING:
    from leopardnet.infer.results import Predictions

Root = Annotated[
    Path | None, typer.Option("--root", help="Folder that the manifest's paths are relative to, if it has moved.")
]
N_SHOWN = 40


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
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Lose the run that OUT holds, finished or not.")
    ] = False,
    json_: JsonFlag = False,
) -> None:
    """Fine-tune a backbone on labelled frames and pack the result as a bundle.

    Judged on the rows of the split val, or by cross-validation over sites where there is none. An interrupted run goes
    on when the same command is given again.

    Example: leopardnet train pictures/ --out runs/first

    Example: leopardnet train manifest.parquet --out runs/amur model=lite0 optim.epochs=5
    """
    from leopardnet.compose import load_config

    overrides = list(overrides or [])
    with need_train_extra():
        from leopardnet.infer.pack import train_bundle
    if source.is_dir():
        if root is not None:
            raise typer.BadParameter("goes with a manifest; a folder is its own root", param_hint="--root")
        from leopardnet.data.folders import labelled_folder

        found = labelled_folder(source)
        rows = found.manifest
        for note in found.notes:
            say(f"note: {note}")
        overrides = _with_labels_of_data(overrides)
    else:
        rows = Manifest.read(source, root=root)
    config = load_config("train", overrides)
    with stages() as tell:
        run = train_bundle(rows, config, out=out, overwrite=overwrite, on_progress=tell)
    if not is_first_process():
        return
    if json_:
        print_json({"run": str(out), "bundle": str(out / "bundle"), "best": run.best, "history": run.history})
        return
    kept = int(run.best["epoch"])
    print_rows([{"epoch": int(r["epoch"]), "train loss": r["train_loss"], "val macro-F1": r["val_macro_f1"], "val NLL": r["val_nll"]} for r in run.history],
               title="Epochs (0 is the linear probe)", caption=f"kept: epoch {kept} (chosen on these clips)")  # fmt: skip
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
        from leopardnet.infer.pack import pack as pack_run
    say(repr(pack_run(run, out=out)))


@app.command()
def predict(
    source: Annotated[Path, typer.Argument(help="Folder of clips, a manifest, a video or a picture.")],
    bundle: Annotated[Path, typer.Option("--bundle", help="Model folder, e.g. runs/amur/bundle.")],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for predictions.parquet, predictions.csv, evidence.parquet.")
    ],
    split: Annotated[str | None, typer.Option("--split", help="Only the rows of this split, e.g. test.")] = None,
    root: Root = None,
    backend: Annotated[str, typer.Option("--backend", help="openvino or torch.")] = "openvino",
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps (torch only).")] = "auto",
    precision: Annotated[str, typer.Option("--precision", help="f32, or bf16 where the processor has it.")] = "f32",
    workers: Annotated[int, typer.Option("--workers", min=1, help="Threads that decode ahead of the network.")] = 2,
    json_: JsonFlag = False,
) -> None:
    """Classify clips: one row for every clip, whatever its state. Exit code 3 when some could not be read.

    Example: leopardnet predict /media/card/DCIM --bundle runs/amur/bundle --out results/
    """
    from leopardnet.core.config import RuntimeConfig, validate
    from leopardnet.infer.bundle import load_bundle
    from leopardnet.infer.predict import as_manifest
    from leopardnet.infer.predict import predict as run_predict

    settings = {"backend": backend, "device": device, "precision": precision, "workers": workers}
    runtime = validate(RuntimeConfig, settings, where="the options of predict")
    if root is not None and source.is_dir():
        raise typer.BadParameter("goes with a manifest; a folder is its own root", param_hint="--root")
    out.mkdir(parents=True, exist_ok=True)  # found out now, not after hours of work
    model = load_bundle(bundle)
    rows = as_manifest(source if root is None else Manifest.read(source, root=root))
    rows = as_manifest(rows.where(split=split)) if split else rows
    with progress_bar("classifying") as tell:
        predictions = run_predict(rows, model, runtime=runtime, on_progress=tell)
    predictions.write(out)
    if json_:
        print_json({"out": str(out), "n_clips": len(predictions), "n_unreadable": predictions.n_unreadable,
                    "decisions": predictions.table["decision"].value_counts().to_dict(), "bundle_id": model.id})  # fmt: skip
    else:
        print_predictions(predictions)
        say(f"written: {out / 'predictions.parquet'}, predictions.csv, evidence.parquet")
    if predictions.n_unreadable:
        say(f"{predictions.n_unreadable} of {len(predictions)} clips could not be read; their rows say why")
        raise typer.Exit(EXIT_FINDINGS)


def print_predictions(predictions: Predictions) -> None:
    """Print the per-clip probabilities to stdout, alerts first, at most 40 rows."""
    table = predictions.table
    first = table.assign(_calm=table["alert"].isna()).sort_values("_calm", kind="stable")
    names = [c for c in table.columns if str(c).startswith("p_")]
    rows = []
    for row in first.head(N_SHOWN).to_dict("records"):
        probs = {c[2:]: "" if row[c] != row[c] else f"{row[c]:.2f}" for c in names}
        time_s = row["best_time_s"]
        rows.append({"clip": shortened(row["path"]), "decision": row["decision"], **probs,
                     "at s": "" if time_s != time_s else f"{time_s:.1f}", "status": row["status"]})  # fmt: skip
    more = f"{len(table) - len(rows)} more rows in the files" if len(table) > len(rows) else ""
    print_rows(rows, title="Probability of each label, per clip", caption=more)


def shortened(path: str, *, most: int = 32) -> str:
    """A path that fits a column: its beginning names the place, its end the file.

    >>> shortened("site07/2021-10/DCIM/100MEDIA/IMAG0004.AVI")
    'site07/2021-10/…/IMAG0004.AVI'
    """
    if len(path) <= most:
        return path
    *folders, name = path.split("/")
    head = ""
    for folder in folders:
        if len(head) + len(folder) + len(name) + 3 > most:
            break
        head += folder + "/"
    return f"{head}…/{name}" if head or len(name) < most else f"…{name[1 - most :]}"


@contextmanager
def need_train_extra() -> Iterator[None]:
    """Turn a missing training library into one line that says what to install."""
    try:
        yield
    except ImportError as error:
        raise BackendError(
            "training needs libraries that are not installed", found=str(error), expected="torch, timm, albumentations, …",
            todo='pip install "leopardnet[train]"',
        ) from None  # fmt: skip
