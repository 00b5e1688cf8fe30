"""Cells: the trainings that an experiment is made of, what each learns from, and how each predicted.

    cells/<arm>-<repeat>/  metrics.csv manifest.csv predictions/<stem>.png done.json

A cell is finished when it has its done.json.
"""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segstudio.core.epoch_table import METRICS, Epochs, load_epochs
from segstudio.core.errors import BadImage, UserError
from segstudio.core.files import write_atomically
from segstudio.core.sample import Sample
from segstudio.formats import encode_grey, read_mask_values

ARM_NAME = re.compile(r"\w[\w.+-]{0,39}")
"""What an arm may be called: it is part of a folder's name."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One configuration that is trained.

    Attributes:
        name: Unique in the experiment; see ARM_NAME.
        preset: What its options began with.
        model: Name of the network.
        options: All options of the training and the network, as plain values; the seed in them does not count.
        recipe: Name of the recipe, or "none".
        recipe_text: The recipe itself as JSON, as it was when the experiment was made; empty for none.
        digest: Of what the recipe does; empty for none.
        seed_offset: Added to the experiment's seeds: other seeds than the other arms' make it a control.
    """

    name: str
    preset: str
    model: str
    options: dict[str, Any]
    recipe: str = "none"
    recipe_text: str = ""
    digest: str = ""
    seed_offset: int = 0

    @property
    def is_control(self) -> bool:
        """Whether it is trained with seeds of its own, to see what chance alone does."""
        return self.seed_offset != 0


@dataclass(frozen=True, slots=True)
class Choice:
    """One image that an arm learns from or is validated by.

    Attributes:
        sample: Id of the sample.
        image: Its path below the dataset; that of an augmented copy below the project.
        split: "train" or "val".
        revision: Of the mask.
        recipe: Of an augmented copy, the recipe that made it; else empty.
        ignored_sha256: Of the file that said where pixels are ignored; empty where none were.
        before: Number of the revision against which the mask is corrected; None when nothing counts as corrected.
        state: The review state of the sample then.
        donors: Ids of the samples that an augmented copy shows a part of too.
        copy_sha256: Of both files of an augmented copy, so that it is known again; else empty.
    """

    sample: int
    image: str
    split: str
    revision: int
    recipe: str = ""
    ignored_sha256: str = ""
    before: int | None = None
    state: str = ""
    donors: tuple[int, ...] = ()
    copy_sha256: str = ""

    @classmethod
    def from_json(cls, row: Sequence[Any]) -> "Choice":
        """From the list that a file holds; those of older versions are shorter."""
        return cls(*row[:8], *(tuple(one) for one in row[8:9]), *row[9:])


@dataclass(frozen=True, slots=True)
class Cell:
    """One training of an experiment: an arm, or a part of the data, in a repeat.

    Attributes:
        arm: Name of the arm or the part.
        repeat: Number of the repeat, from 0.
        seed: Of fresh weights, order and augmentation; the same one in every arm that is no control.
        folder: Where its files lie.
    """

    arm: str
    repeat: int
    seed: int
    folder: Path

    @property
    def is_done(self) -> bool:
        """Whether it was trained and has predicted."""
        return (self.folder / "done.json").is_file()

    @property
    def best_weights(self) -> Path:
        """The weights of the best epoch; there only when a comparison keeps weights."""
        return self.folder / "best.keras"

    @property
    def manifest(self) -> Path:
        """The list of every image and mask revision it learnt from."""
        return self.folder / "manifest.csv"

    def done(self) -> dict[str, Any]:
        """How it went: seed, epochs, best, steps, batch, initial (hash of the weights it began with), seconds ..."""
        try:
            content = json.loads((self.folder / "done.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def finish(self, **how: Any) -> None:
        """Say that all of its files are in place."""
        write_atomically(self.folder / "done.json", json_bytes(how))

    def metrics(self) -> Epochs:
        """The figures of each epoch so far, see `load_epochs`."""
        return load_epochs(self.folder / METRICS)

    def save_prediction(self, sample: Sample, probability: NDArray[np.uint8]) -> None:
        """Keep what the network says of a sample: uint8 (H, W) at the image's size, 255 times the probability."""
        write_atomically(self._prediction(sample), encode_grey(probability), is_durable=False)

    def has_prediction(self, sample: Sample) -> bool:
        """Whether it predicted this sample."""
        return self._prediction(sample).is_file()

    def prediction(self, sample: Sample) -> NDArray[np.uint8]:
        """What the network says of a sample, uint8 (H, W).

        Raises:
            BadImage: When the file is missing, damaged or of another size.
        """
        path = self._prediction(sample)
        if not path.is_file():
            raise BadImage(f"{path} is missing", "remove the folder of this cell and let the comparison go on")
        probability = read_mask_values(path)
        if probability.shape != (sample.height, sample.width):
            raise BadImage(f"{path} does not have the size of the image", "make the comparison again")
        return probability

    def _prediction(self, sample: Sample) -> Path:
        return self.folder / "predictions" / f"{sample.stem}.png"


@dataclass(frozen=True, slots=True)
class Score:
    """How one cell predicted one image: a line of results.csv.

    Attributes:
        sample: Id of the sample.
        image: Its path.
        group: Its group, or empty.
        state: Its review state.
        revision: Of the mask it was measured against.
        foreground: Share of the area that this mask covers.
        arm: Name of the arm.
        repeat: Number of the repeat.
        seed: Of the training.
        tp: Pixels of foreground in both.
        fp: Pixels of foreground in the prediction alone.
        fn: Pixels of foreground in the mask alone.
        tn: Pixels of background in both.
        iou: See `segstudio.core.metrics.COMPARED_CONVENTION`.
        dice: Likewise.
    """

    sample: int
    image: str
    group: str
    state: str
    revision: int
    foreground: float
    arm: str
    repeat: int
    seed: int
    tp: int
    fp: int
    fn: int
    tn: int
    iou: float
    dice: float


def write_scores(path: Path, scores: Sequence[Score]) -> None:
    """Write a table of scores."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([one.name for one in fields(Score)])
    writer.writerows(astuple(score) for score in scores)
    write_atomically(path, text.getvalue().encode("utf-8"))


def read_scores(path: Path) -> list[Score]:
    """Read what `write_scores` wrote; nothing when there is no such file.

    Raises:
        UserError: When it is damaged.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return [
            Score(**{name: kind(row[name]) for name, kind in _SCORE.items()})
            for row in csv.DictReader(io.StringIO(text))
        ]
    except FileNotFoundError:
        return []
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "let the experiment go on") from error


_SCORE: dict[str, Any] = {one.name: one.type for one in fields(Score)}
"""The columns of results.csv, and what turns the text of each into its value."""


def json_bytes(content: dict[str, Any]) -> bytes:
    """The content of a file that says what an experiment or a cell is."""
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False, default=str).encode("utf-8")
