import pytest

from leopardnet.core import install_advice
from leopardnet.core.install_advice import name_install


@pytest.mark.parametrize(
    ("is_tree", "extras", "command"),
    [
        (True, ("train",), 'pip install -c constraints.txt -e ".[train]"'),
        (True, ("train", "mlflow"), 'pip install -c constraints.txt -e ".[train,mlflow]"'),
        (True, (), "pip install -c constraints.txt -e ."),
        (False, ("train",), 'pip install "leopardnet[train]"'),
        (False, (), "pip install --force-reinstall leopardnet"),
    ],
)
def test_the_command_fits_how_leopardnet_was_installed(tmp_path, monkeypatch, is_tree, extras, command):
    monkeypatch.setattr(install_advice, "SOURCE_TREE", tmp_path)
    if is_tree:
        for name in ("pyproject.toml", "constraints.txt"):
            (tmp_path / name).touch()
    assert name_install(*extras) == command
