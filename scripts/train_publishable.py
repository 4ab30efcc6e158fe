"""Train a model that may be published, from local copies of public sets whose licences allow that.

scripts/publishable_sets.yaml names the sets, where they come from, and their licences. They are imported, joined in
one manifest with their sites, split by site, trained on, evaluated at the sites of the split `test`, given
thresholds, and packed as one file with its hash. Each step is a command of leopardnet, which is printed.

Nobody has run this on the full sets. It is tested on small folders in their layout; whether your copies have that
layout, and whether the model is any good, you have to see for yourself.

Example: python scripts/train_publishable.py data/public --out runs/publishable
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml
from pydantic import Field

from leopardnet.core.errors import ConfigError, LeopardnetError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.settings_model import Settings
from leopardnet.core.settings.validate import validate
from leopardnet.data.formats.coco import read_coco
from leopardnet.data.formats.voc import read_voc
from leopardnet.data.reading.join_manifests import join_manifests
from leopardnet.data.reading.label_map import load_label_map

RECIPE = Path(__file__).with_name("publishable_sets.yaml")
READERS: dict[str, Any] = {"voc": read_voc, "coco": read_coco}
EXIT_FINDINGS = 3  # of a command that ran and has something to say
SEED = 7


class PublicSet(Settings):
    """A set of labelled pictures: where its copy lies, how to read it, and its terms."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    format: Literal["voc", "coco"]
    labels: str
    pictures: str
    label_map: str
    site_from: str | None
    licence: str = Field(min_length=2)
    countries: str = Field(min_length=2)
    credit: str = Field(min_length=2)
    max_per_site_and_label: int = Field(ge=1)


class Recipe(Settings):
    """The sets, the settings of the training, and the share of clips that may be lost."""

    sets: tuple[PublicSet, ...] = Field(min_length=1)
    settings: tuple[str, ...]
    lose: tuple[str, ...]


def read_recipe(path: Path) -> Recipe:
    """Return the recipe of a file. Raises ConfigError for a file that cannot be read or is none."""
    try:
        text = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(
            "the file of the sets cannot be read",
            where=path.name,
            found=getattr(error, "strerror", None) or type(error).__name__,
            expected=f"YAML like {RECIPE.name}",
            todo="give the path of such a file with --recipe",
        ) from None
    return validate(Recipe, text, where=path.name)


def refuse_missing(recipe: Recipe, data: Path) -> None:
    """Raise ManifestError unless the labels and pictures of every set are there."""
    missing = {s.name: p for s in recipe.sets for p in (s.pictures, s.labels) if not (data / p).exists()}
    if missing:
        raise ManifestError(
            "a set is missing",
            where=data.name,
            found="no " + ", no ".join(f"{path} (set {name})" for name, path in missing.items()),
            todo=f"get it (addresses and licences are in {RECIPE.name}), or remove it from a copy of that file and "
            "give the copy with --recipe",
        )


def read_set(public: PublicSet, data: Path) -> tuple[Manifest, dict[str, object]]:
    """Return the labelled rows of a set whose pictures are there, and its counts.

    Of each label at each site, at most `max_per_site_and_label` rows are drawn. Raises ManifestError without sites.
    """
    imported = READERS[public.format](
        data / public.labels,
        root=data / public.pictures,
        label_map=load_label_map(public.label_map),
        site_from=public.site_from,
    )
    rows = imported.manifest.table
    labelled = rows[rows["label"].notna()]
    here = labelled[[(data / public.pictures / path).is_file() for path in labelled["path"]]]
    placed = here[here["site"].notna()]
    if placed.empty:
        raise ManifestError(
            "no labelled picture of a set has both a file and a site",
            where=public.name,
            found=f"{len(labelled)} labelled rows, {len(here)} of them with a file, none of these with a site",
            expected="pictures of known sites; without them, a camera that trained the model would also judge it",
            todo=f"set site_from of this set in a copy of {RECIPE.name}, as for `leopardnet import --site-from`",
        )
    shuffled = placed.sample(frac=1.0, random_state=SEED)
    drawn = shuffled.groupby(["site", "label"]).head(public.max_per_site_and_label).sort_index()
    drawn = drawn.assign(sequence_id=drawn["site"] + "/" + drawn["sequence_id"])  # some sets count them per site
    counts = {
        "rows": len(rows),
        "without_label": len(rows) - len(labelled),
        "without_file": len(labelled) - len(here),
    }
    counts |= {"without_site": len(here) - len(placed), "used": len(drawn), "sites": drawn["site"].nunique()}
    return imported.manifest.replace(drawn), counts


def join_sets(recipe: Recipe, data: Path, out: Path) -> Path:
    """Write OUT/manifest.parquet of all sets and OUT/sources.csv with their terms; return the manifest's path."""
    parts, sources = {}, []
    for public in recipe.sets:
        parts[public.name], counts = read_set(public, data)
        terms = public.model_dump(include={"name", "licence", "countries", "credit"})
        sources.append(terms | counts)
        print(f"{public.name}: " + ", ".join(f"{key} {n}" for key, n in counts.items()), flush=True)
    out.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(sources).to_csv(out / "sources.csv", index=False)
    return join_manifests(parts, keep_apart=True).manifest.write(out / "manifest.parquet")


def run_verb(*words: object) -> int:
    """Run a command of leopardnet, which is printed first, and return its exit code, 0 or 3 (findings).

    Any other code ends the script.
    """
    print("$ leopardnet " + " ".join(map(str, words)), flush=True)
    code = subprocess.run([sys.executable, "-m", "leopardnet", *map(str, words)], check=False).returncode
    if code not in (0, EXIT_FINDINGS):
        sys.exit(code)
    return code


def train(recipe: Recipe, data: Path, out: Path) -> Path:
    """Do all steps and return the archive."""
    refuse_missing(recipe, data)
    manifest = join_sets(recipe, data, out)
    run, results, bundle = out / "run", out / "results", out / "bundle"
    licences = "; ".join(f"{s.name}: {s.licence} ({s.credit})" for s in recipe.sets)
    countries = ", ".join(sorted({s.countries for s in recipe.sets}))
    licences = licences.replace("'", "’")  # a quotation mark in the grammar of settings
    stated = [f"experiment.data_licence='{licences}'", f"experiment.countries='{countries}'"]
    run_verb("split", manifest, "--by", "site", "--seed", SEED)
    run_verb("check", manifest)
    run_verb("train", manifest, "--out", run, *recipe.settings, *stated)
    run_verb("predict", manifest, "--split", "test", "--bundle", run / "bundle", "--out", results)
    run_verb("evaluate", results, "--manifest", manifest, "--bundle", run / "bundle", "--out", out / "evaluation")
    lose = [word for share in recipe.lose for word in ("--lose", share)]
    judged = ("--bundle", run / "bundle", "--new-bundle", bundle)
    if run_verb("thresholds", results, "--manifest", manifest, *judged, *lose, "--out", out / "thresholds.json"):
        bundle = run / "bundle"  # no guarantee can be given, so the thresholds stay those of the settings
    archive = out / "model.zip"
    run_verb("bundle", "archive", bundle, "--out", archive)
    return archive


def main() -> None:
    """Train and pack; a LeopardnetError becomes its message and exit code 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with the local copies of the sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for manifest, run, results and archive")
    parser.add_argument("--recipe", type=Path, default=RECIPE, help="YAML of the sets")
    args = parser.parse_args()
    try:
        train(read_recipe(args.recipe), args.data, args.out)
    except LeopardnetError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
