"""What features depend on: the backbone, the pixels that it sees, and the frames of a clip."""

from __future__ import annotations

from leopardnet.compose import load_group
from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.inference import ModelConfig, PreprocessSpec, Sampling
from leopardnet.core.settings.settings_model import Settings
from leopardnet.core.weights.embedded_backbones import find_embedded, is_installed, list_embedded_models

PREFERRED = ("lite2", "lite0")
FEATURES_VERSION = 1  # raised where the program itself gives other features, so that older ones no longer count


class HuntSetup(Settings):
    """The backbone and the frames of a hunt. A model that is made of it has the same backbone and pixels."""

    model: ModelConfig
    preprocess: PreprocessSpec
    sampling: Sampling

    def to_key(self) -> dict[str, object]:
        """Return what features depend on, with the hash of the weights."""
        sha256 = find_embedded(self.model.backbone).sha256
        return {**self.model_dump(mode="json"), "weights": sha256, "features_version": FEATURES_VERSION}


def load_setup(model: str | None = None, *, sampling: str = "hunt") -> HuntSetup:
    """Return the set-up of an embedded backbone, such as `lite0`. sampling: a name in configs/sampling.

    Without a name it is `lite2`, which finds animals in fewer looks, if its package is installed, or else
    `lite0`, which always is. Raises ConfigError for a model whose weights no package contains.

    >>> load_setup("lite0").preprocess.size_px
    256
    """
    if model is None:
        model = next((x for x in PREFERRED if is_installed(f"tf_efficientnet_{x}")), "lite0")
    if model not in list_embedded_models():
        raise ConfigError(
            "this backbone has no weights that are installed with the program",
            where="--model",
            found=model,
            expected=", ".join(list_embedded_models()),
        )
    backbone = load_group("model", model)
    assert isinstance(backbone, ModelConfig)
    pixels = load_group("preprocess", "squash").model_dump() | {"size_px": backbone.size_px}
    return HuntSetup(model=backbone, preprocess=PreprocessSpec(**pixels), sampling=load_group("sampling", sampling))
