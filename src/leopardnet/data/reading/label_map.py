"""Label maps in YAML, which give names of a source the labels of a model, in any spelling."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import JOINER as JOINER
from leopardnet.core.labels import is_label_id
from leopardnet.core.settings.config_folder import configs_dir

OnUnknown = Literal["refuse", "other"]
MAX_NAMES = 12  # listed in a message; the rest is counted


@lru_cache(maxsize=65536)
def name_key(name: str) -> str:
    """Return the key by which names are compared: letters and digits in lower case, without accents.

    >>> name_key("AmurLeopard") == name_key("amur_leopard") == name_key("Amur leopard")
    True
    >>> name_key("Panthera pardus (orientalis)"), name_key("東北虎 ")
    ('pantherapardusorientalis', '東北虎')
    """
    plain = unicodedata.normalize("NFKD", name).casefold()
    key = "".join(c for c in plain if c.isalnum())
    return key or name.strip()


@dataclass(frozen=True)
class LabelMap:
    """Labels with their names, and names to ignore.

    `labels` maps each label to its names; a label is always a name of itself. A picture with only names in `ignore`
    has no label. Raises ManifestError if a name has two labels.

    >>> amur = LabelMap("mine", {"leopard": ("Panthera pardus", "AmurLeopard"), "empty": ("blank",)}, ("human",))
    >>> amur.label("panthera_pardus"), amur.label("Amur leopard"), amur.label("human"), amur.knows("puma")
    ('leopard', 'leopard', None, False)
    """

    name: str
    labels: Mapping[str, tuple[str, ...]]
    ignore: tuple[str, ...] = ()
    _by_key: dict[str, str | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_key: dict[str, str | None] = {}
        pairs: list[tuple[str, str | None]] = [(n, x) for x, names in self.labels.items() for n in (x, *names)]
        for name, label in [*pairs, *((n, None) for n in self.ignore)]:
            key = name_key(name)
            if by_key.setdefault(key, label) != label:
                raise ManifestError(
                    "a name has two labels",
                    where=f"label map {self.name}",
                    found=f"{name!r} means {by_key[key] or 'ignore'} and {label or 'ignore'}",
                    expected="one label for each name",
                    todo="remove one of the two; case, accents, spaces and underscores make no difference",
                )
        object.__setattr__(self, "_by_key", by_key)

    @property
    def name_keys(self) -> Set[str]:
        """The keys of all names that the map holds, ignored ones included (see `name_key`)."""
        return self._by_key.keys()

    def knows(self, name: str) -> bool:
        """Return whether the map has the name, under a label or under ignore."""
        return name_key(name) in self._by_key

    def label(self, name: str) -> str | None:
        """Return the label of a name, None for a name to ignore. Raises KeyError for an unknown name."""
        return self._by_key[name_key(name)]


# --- files ---


def list_label_maps() -> tuple[str, ...]:
    """Return the names of the label maps that come with the program.

    >>> "amur" in list_label_maps()
    True
    """
    return tuple(sorted(p.stem for p in (configs_dir() / "label_maps").glob("*.yaml")))


def load_label_map(source: str | Path) -> LabelMap:
    """Read the label map in a YAML file, or the built-in one of this name, such as `amur` or `ntlnp`.

    Raises ManifestError for a map that does not exist, is not YAML, or does not have the form
    `{labels: {leopard: [name, …]}, ignore: [name, …]}`.

    >>> load_label_map("amur").label("Panthera pardus orientalis")
    'leopard'
    """
    path = Path(source)
    if not path.suffix and not path.is_file():
        path = configs_dir() / "label_maps" / f"{source}.yaml"
    if not path.is_file():
        raise ManifestError(
            "there is no such label map",
            found=str(source),
            expected="a YAML file, or one of " + ", ".join(list_label_maps()),
        )
    return parse_label_map(_load_yaml(path), where=path.name)


def parse_label_map(data: Any, *, where: str) -> LabelMap:
    """Check the values of a YAML file and make a label map of them. Raises ManifestError with the key at fault."""
    if not isinstance(data, dict) or not isinstance(data.get("labels"), dict) or not data["labels"]:
        raise ManifestError(
            "this is not a label map",
            where=where,
            found=_describe(data),
            expected="the key `labels`: {labels: {leopard: [Panthera pardus, …]}, ignore: [human, …]}",
        )
    unknown = sorted(str(k) for k in data if k not in ("labels", "ignore"))
    if unknown:
        raise ManifestError(
            "the label map has an unknown key", where=where, found=unknown[0], expected="labels and ignore"
        )
    labels = {
        _check_label(x, where): _check_names(names, f"{where}, labels.{x}") for x, names in data["labels"].items()
    }
    return LabelMap(where.removesuffix(".yaml"), labels, _check_names(data.get("ignore"), f"{where}, ignore"))


def _check_label(value: Any, where: str) -> str:
    if not isinstance(value, str) or not is_label_id(value):
        raise ManifestError(
            "a label in the label map cannot be used",
            where=f"{where}, labels",
            found=repr(value),
            expected="small letters, digits and underscores, in quotes if YAML reads another type",
        )
    return value


def _check_names(value: Any, where: str) -> tuple[str, ...]:
    names = [] if value is None else value
    bad = [names] if not isinstance(names, list) else [n for n in names if not isinstance(n, str) or not n.strip()]
    if bad:
        raise ManifestError(
            "the names in a label map must be a list of texts",
            where=where,
            found=repr(bad[0]),
            expected="such as [tiger, Panthera tigris]",
            todo="put numbers and words such as no and yes in quotes",
        )
    return tuple(names)


def _load_yaml(path: Path) -> Any:
    import yaml

    class OnceLoader(yaml.SafeLoader):
        """The safe loader, which also refuses a repeated key; YAML would silently keep the last one."""

    def construct_mapping(loader: Any, node: Any) -> Any:
        keys = [k.value for k, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise ManifestError(
                    "the label map has a key twice",
                    where=f"{path.name}, line {node.start_mark.line + 1}",
                    found=key,
                    todo="join the two lists",
                )
        return loader.construct_mapping(node, deep=True)

    OnceLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, construct_mapping)
    try:
        return yaml.load(path.read_text(encoding="utf-8-sig"), OnceLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ManifestError(
            "the label map is not readable YAML",
            where=path.name + line,
            found=getattr(error, "problem", None) or type(error).__name__,
            expected="plain YAML in UTF-8",
        ) from None


def _describe(data: Any) -> str:
    if isinstance(data, dict):
        return "keys " + ", ".join(map(str, data)) if data else "nothing"
    return "nothing" if data is None else type(data).__name__
