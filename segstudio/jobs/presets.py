"""Presets: a network and how to train it, each a file in resources/presets; and the options of a training.

A form, the command line and a saved run see one flat set of options: those of every training and those of its network.
"""

import functools
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import field_validator

from segstudio.core.errors import UserError
from segstudio.core.files import resource
from segstudio.core.options import AUTO, Options, checked, option, zero_for_auto
from segstudio.losses import LOSSES
from segstudio.models import MODELS

DEFAULT = "mobilenetv2-unet-fast"


class TrainOptions(Options):
    """How to train, whatever the network; `options_of` adds the network's own."""

    preset: str = option(DEFAULT, "Preset", help="What all other options begin with.")
    start: str = option(
        "scratch", "Start from",
        help="imagenet, scratch, best, last, the number of a run, or an exported model: its .keras file or folder.",
    )  # fmt: skip
    epochs: int = option(20, "Epochs", ge=1, le=10_000, help="How many times every image is seen.")
    batch: int = option(
        8, "Batch", ge=0, le=1024, unit="images", zero=AUTO,
        help="Images per step; halved when memory runs out. auto: what this machine is quick with and has memory for.",
    )  # fmt: skip
    learning_rate: float = option(1e-3, "Learning rate", gt=0, le=1, help="Of the Adam optimizer.")
    schedule: Literal["constant", "cosine", "plateau"] = option(
        "constant", "Schedule",
        help="How the learning rate changes. cosine: it falls to nearly nothing by the last epoch; plateau: it is "
        "halved whenever validation no longer becomes better.",
    )  # fmt: skip
    loss: str = option(
        "bce", "Loss", choices=LOSSES.names(),
        help=f"What training makes small. {'; '.join(f'{one.name}: {one.summary}' for one in LOSSES)}.",
    )  # fmt: skip
    balance: Literal["none", "frequency"] = option(
        "none", "Class balance", is_advanced=True,
        help="frequency: rare foreground counts as much as frequent background, by their shares in the masks to learn "
        "from; finds more of it, and more that is none. Overlap losses need no balance.",
    )  # fmt: skip
    warm_up: int = option(
        0, "Warm-up", ge=0, le=1000, unit="epochs", is_advanced=True, zero="none",
        help="Epochs in which the learning rate rises step by step: large first steps can spoil pretrained weights.",
    )  # fmt: skip
    plateau: int = option(
        5, "Plateau", ge=1, le=1000, unit="epochs", is_advanced=True, only_with="schedule=plateau",
        help="With the schedule plateau: after how many epochs without a better one the learning rate is halved.",
    )  # fmt: skip
    patience: int = option(
        0, "Early stop", ge=0, le=10_000, unit="epochs", is_advanced=True, zero="never",
        help="Training ends when so many epochs in a row were not better on validation. 0: never.",
    )  # fmt: skip
    keep: Literal["best", "last", "average"] = option(
        "best", "Keep", is_advanced=True,
        help="Which weights are kept. best: of the epoch that validates best; with few images to validate by that is "
        "much of chance. last: of the last epoch, which nothing has chosen; goes well with the schedule cosine. "
        "average: a moving average of the weights over the steps, smoother than any of them, as it is after the last "
        "epoch.",
    )  # fmt: skip
    averaged_epochs: float = option(
        3.0, "Averaged", gt=0, le=1000, unit="epochs", is_advanced=True, only_with="keep=average",
        help="With keep=average: about so many epochs are in the average.",
    )  # fmt: skip
    clipping: float = option(
        0.0, "Clip norm", ge=0, le=1000, is_advanced=True, zero="any",
        help="A single odd batch can throw training off: no step follows a gradient longer than this (its norm over "
        "all weights); 1 is usual. 0: no limit.",
    )  # fmt: skip
    frozen_epochs: int = option(
        0, "Frozen epochs", ge=0, le=10_000, unit="epochs", is_advanced=True, zero="none",
        help="First epochs in which a pretrained encoder stays as it is while the rest learns to use it, at the "
        "learning rate; then all learn together. 0: all from the first epoch.",
    )  # fmt: skip
    tuned_rate: float = option(
        1e-4, "Tuned rate", gt=0, le=1, is_advanced=True, only_with="frozen_epochs",
        help="The learning rate once the encoder learns too, when it was kept first; smaller, or it forgets what it "
        "knows of pictures.",
    )  # fmt: skip
    recipe: str = option(
        "flip", "Recipe", help="What augments images: a recipe's name, or its file (.json); none leaves them."
    )
    augmentation: Literal["off", "on-the-fly", "queued", "both"] = option(
        "on-the-fly",
        "Augmentation",
        help="on-the-fly: by the recipe, anew every epoch; queued: with the copies that a job made by it and that were "
        "not rejected; both: those copies, and the images themselves anew every epoch.",
    )
    samples: Literal["all", "reviewed", "retrain"] = option(
        "all",
        "Learn from",
        help="all: every usable mask; reviewed: accepted and corrected ones; retrain: reviewed ones once they fill a "
        "batch, all until then.",
    )
    limit: int = option(
        0, "At most", ge=0, unit="samples", is_advanced=True, zero="all",
        help="Learn from so many samples alone, to see what more of them bring; always the same ones, and those of a "
        "smaller limit among them. 0: all.",
    )  # fmt: skip
    correction_weight: float = option(
        3.0, "Corrections", ge=1, le=20, unit="times", has_slider=True,
        help="A pixel that a person has changed since the last training counts so many times as much: there the model "
        "was wrong, and somebody has looked. 1: no more than others.",
    )  # fmt: skip
    unreviewed_weight: float = option(
        1.0, "Unreviewed", ge=0.05, le=1, unit="times", is_advanced=True, has_slider=True,
        help="What pixels of samples count that nobody has reviewed yet, where their masks are less sure than reviewed "
        "ones. 1: no less than others.",
    )  # fmt: skip
    crop: int = option(
        0, "Crop", ge=0, le=1 << 15, unit="px", is_advanced=True, zero="whole image",
        help="For large images with fine detail: learns from square parts with sides of so many pixels of the image, "
        "scaled to the network's size; as large as that they keep the image's own resolution. Half of them are laid "
        "around foreground. Validation looks at fixed parts, prediction at overlapping ones. 0: the whole image.",
    )  # fmt: skip
    crops: int = option(
        4, "Crops", ge=1, le=1000, unit="an image", is_advanced=True, only_with="crop",
        help="With crop: so many different parts of each image make an epoch.",
    )  # fmt: skip
    fine_tuning: float = option(
        0.1, "Retrain's rate", gt=0, le=1, is_advanced=True,
        help="Retrain goes on from good weights with this share of the learning rate: large steps would undo them.",
    )  # fmt: skip
    tensorboard: bool = option(
        False, "TensorBoard", is_advanced=True,
        help="Write logs for TensorBoard into the run's folder too: tensorboard --logdir PROJECT/runs.",
    )  # fmt: skip
    device: str = option("auto", "Device", is_advanced=True, help="auto, cpu, gpu or gpu:N.")
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = option(
        "auto", "Precision", is_advanced=True, help="auto: what this device is fastest in without loss."
    )
    seed: int = option(0, "Seed", ge=0, le=2**31 - 1, is_advanced=True, help="Of weights, order and augmentation.")
    start_digest: str = option(
        "", "Start's digest", is_advanced=True,
        help="sha256 of the file that it starts from: a run says it, and a training that is given one refuses another.",
    )  # fmt: skip
    recipe_digest: str = option(
        "", "Recipe's digest", is_advanced=True,
        help="Of what the recipe does: a run says it, and a training that is given one refuses another recipe.",
    )  # fmt: skip

    _is_batch_auto = field_validator("batch", mode="before")(zero_for_auto)


@functools.cache
def options_of(model: str) -> type[TrainOptions]:
    """The options of training one network: those of TrainOptions, and the network's own."""
    network = MODELS[model].Options
    name = f"{network.__name__.removesuffix('Options')}TrainOptions"
    return type(name, (network, TrainOptions), {"__module__": __name__, "__doc__": TrainOptions.__doc__})


@dataclass(frozen=True)
class Preset:
    """A file of resources/presets.

    Attributes:
        name: The file's name; also on the command line.
        title: What the window calls it.
        description: One or two sentences: what for, and how long.
        model: Name of the network.
        values: The options it sets; the others keep their defaults.
    """

    name: str
    title: str
    description: str
    model: str
    values: dict[str, Any]

    def options(self, **changes: Any) -> TrainOptions:
        """All options: the defaults, changed by the preset, changed by `changes`; UserError for a bad one."""
        return checked(options_of(self.model), {"preset": self.name, **self.values, **changes})


@functools.cache
def presets() -> dict[str, Preset]:
    """All presets by name, the fast ones first."""
    found = [
        _read(path.stem, path.read_text(encoding="utf-8"))
        for path in resource("presets").iterdir()
        if path.suffix == ".toml"
    ]
    return {preset.name: preset for preset in sorted(found, key=lambda one: ("fast" not in one.name, one.name))}


def preset(name: str) -> Preset:
    """The preset of that name; UserError with the nearest names when there is none."""
    try:
        return presets()[name]
    except KeyError:
        near = get_close_matches(name, presets(), n=3) or list(presets())
        raise UserError(f"there is no preset called {name!r}", f"did you mean {', '.join(near)}?") from None


def _read(name: str, text: str) -> Preset:
    content = tomllib.loads(text)
    values = content.get("network", {}) | content.get("training", {})
    return Preset(name, content["title"], content["description"], content["model"], values)
