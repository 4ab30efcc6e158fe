"""Labels of a manifest that a model cannot have."""

from pathlib import Path

import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.training.resolve_settings import derive_labels


def rows(*labels):
    return Manifest.from_rows(
        pd.DataFrame({"path": [f"{i}.jpg" for i in range(len(labels))], "kind": "still", "label": labels}), Path()
    )


def test_labels_in_any_script_make_a_label_set():
    found = derive_labels(rows("рысь", "roe_deer", "empty"))
    assert [x.name for x in found.labels] == ["roe_deer", "рысь", "empty"]


def test_a_name_in_place_of_a_label_is_refused_with_the_label_to_use():
    with pytest.raises(ManifestError, match="'Roe deer'") as error:
        derive_labels(rows("Roe deer", "tiger"))
    assert "such as roe_deer" in str(error.value)
