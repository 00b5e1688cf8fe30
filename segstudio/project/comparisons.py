"""Comparisons: arms trained as pairs over several seeds, and what came out.

    comparisons/NNNN/comparison.json       arms, seeds, what is measured, versions; the result when there is one
                     chosen.json           what every arm learns from and is validated by, in every repeat
                     results.csv           one line for each image, arm and repeat
                     report.html           the same for people
                     cells/<arm>-<repeat>/ one training: metrics.csv manifest.csv predictions/<stem>.png done.json

A cell is finished when it has its done.json; a comparison that was stopped or killed goes on with the others. The files
say all: the index knows nothing of comparisons, so there is nothing to be made anew when it is lost.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segstudio.core.errors import BadImage, UserError
from segstudio.core.files import write_atomically
from segstudio.core.sample import Sample
from segstudio.formats import encode_grey, read_mask_values
from segstudio.project.clock import now
from segstudio.project.numbered import NumberedFolders, json_bytes

FORMAT, VERSION = "segstudio-comparison", 1

ARM_NAME = re.compile(r"\w[\w.+-]{0,39}")
"""What an arm may be called: it is part of a folder's name."""

_ABOUT, _RESULTS, _REPORT = "comparison.json", "results.csv", "report.html"
_CHOSEN = "chosen.json"

Epochs: TypeAlias = list[dict[str, float]]


@dataclass(frozen=True, slots=True)
class Arm:
    """One configuration of a comparison.

    Attributes:
        name: Unique in the comparison; see ARM_NAME.
        preset: What its options began with.
        model: Name of the network.
        options: All options of the training and the network, as plain values; the seed in them does not count.
        recipe: Name of the recipe, or "none".
        recipe_text: The recipe itself as JSON, as it was when the comparison was made; empty for none.
        digest: Of what the recipe does; empty for none.
        seed_offset: Added to the comparison's seeds: other seeds than the other arms' make it a control.
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

    @classmethod
    def from_json(cls, row: Sequence[Any]) -> "Choice":
        """From the list that a file holds; those of older versions are shorter."""
        return cls(*row[:8], *(tuple(one) for one in row[8:]))


@dataclass(frozen=True, slots=True)
class Cell:
    """One training of a comparison: an arm in a repeat.

    Attributes:
        arm: Name of the arm.
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
        """The weights of the best epoch; there only when the comparison keeps weights."""
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
        """The figures of each epoch so far, from metrics.csv; also while it is being trained."""
        try:
            text = (self.folder / "metrics.csv").read_text(encoding="utf-8")
        except OSError:
            return []
        return [
            {name: float(value) for name, value in row.items() if value} for row in csv.DictReader(io.StringIO(text))
        ]

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


@dataclass(frozen=True)
class Comparison:
    """One comparison as its file says it.

    Attributes:
        id: Shown as four digits.
        folder: Where its files lie.
        created: When it was made (ISO 8601, UTC).
        arms: The first is the one that the others are held against.
        repeats: How many pairs of trainings are wanted.
        seed: That of repeat 0; repeat r has seed + r.
        split: What is measured: "test", or "val".
        metric: "iou" or "dice".
        groups: Filter expressions of sub-groups that are looked at too.
        samples: Ids of the samples that are measured.
        images_per_epoch: How many images make an epoch in every arm, so that all take as many steps.
        keeps_weights: Whether the best weights of every cell stay.
        about: Versions and device it was made with.
        looks: With how many repeats a result was seen before: more than one number means that it was extended.
        result: What came out, see the job "compare"; None until every cell is finished. While repeats are added it is
            that of the repeats before.
    """

    id: int
    folder: Path
    created: str
    arms: tuple[Arm, ...]
    repeats: int
    seed: int
    split: str
    metric: str
    groups: tuple[str, ...]
    samples: tuple[int, ...]
    images_per_epoch: int
    keeps_weights: bool = False
    about: dict[str, Any] = field(default_factory=dict)
    looks: tuple[int, ...] = ()
    result: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """Its number as it is shown: "0003"."""
        return f"{self.id:04}"

    @property
    def title(self) -> str:
        """Its arms in words."""
        return " vs ".join(arm.name for arm in self.arms)

    @property
    def is_finished(self) -> bool:
        """Whether there is a result with all the repeats that are wanted."""
        return self.result is not None and self.result.get("repeats") == self.repeats

    @property
    def report(self) -> Path:
        """The HTML page; there when finished."""
        return self.folder / _REPORT

    @property
    def results(self) -> Path:
        """The table of all scores; there when finished."""
        return self.folder / _RESULTS

    def chosen(self) -> dict[str, list[Choice]]:
        """What was chosen for each arm when the comparison was made; nothing when it is older than this file.

        Raises:
            UserError: When the file is damaged.
        """
        path = self.folder / _CHOSEN
        try:
            content = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
            return {arm: [Choice.from_json(row) for row in rows] for arm, rows in content.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise UserError(f"{path} cannot be read: {error}", f"make it again: compare --rerun {self.id}") from error

    def arm(self, name: str) -> Arm:
        """The arm of that name; KeyError when there is none."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise KeyError(name)

    def cell(self, arm: str, repeat: int) -> Cell:
        """One training."""
        seed = self.seed + repeat + self.arm(arm).seed_offset
        return Cell(arm, repeat, seed, self.folder / "cells" / f"{arm}-{repeat}")

    def cells(self) -> list[Cell]:
        """All trainings in the order they are done: repeat by repeat, so that what is finished is paired."""
        return [self.cell(arm.name, repeat) for repeat in range(self.repeats) for arm in self.arms]

    def curves(self) -> dict[str, list[Epochs]]:
        """The figures of every epoch by arm and repeat, as far as there are any."""
        return {arm.name: [self.cell(arm.name, n).metrics() for n in range(self.repeats)] for arm in self.arms}


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


class Comparisons(NumberedFolders[Comparison]):
    """The comparisons of a project; each change emits the topic "comparisons"."""

    place: ClassVar[str] = "comparisons"
    word: ClassVar[str] = "comparison"
    listing: ClassVar[str] = "comparisons"
    about: ClassVar[str] = _ABOUT

    def create(self, chosen: Mapping[str, Sequence[Choice]] | None = None, **settings: Any) -> Comparison:
        """Begin a comparison: a new number and its files.

        Args:
            chosen: What each arm learns from and is validated by.
            settings: Fields of Comparison.
        """
        self._project.require_writable()
        folder = self._new_folder()
        if chosen is not None:  # before there is a comparison: none is ever without
            rows = {arm: [astuple(one) for one in choices] for arm, choices in chosen.items()}
            write_atomically(folder / _CHOSEN, json.dumps(rows, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        return self._saved(Comparison(id=int(folder.name), folder=folder, created=now(), **settings))

    def update(self, comparison: Comparison, **changes: Any) -> Comparison:
        """Change some fields."""
        self._project.require_writable()
        return self._saved(replace(comparison, **changes))

    def save_scores(self, comparison: Comparison, scores: Sequence[Score]) -> None:
        """Write results.csv."""
        write_scores(comparison.results, scores)

    def scores(self, comparison: Comparison) -> Sequence[Score]:
        """Read results.csv; none before the comparison is finished."""
        return read_scores(comparison.results)

    def _saved(self, comparison: Comparison) -> Comparison:
        values = {name: value for name, value in asdict(comparison).items() if name not in ("id", "folder")}
        write_atomically(comparison.folder / _ABOUT, json_bytes({"format": FORMAT, "version": VERSION, **values}))
        self._changed()
        return comparison

    def _read(self, folder: Path) -> Comparison:
        return _read(folder)


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


def _read(folder: Path) -> Comparison:
    path = folder / _ABOUT
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise ValueError("it is something else")
        if content.pop("version") > VERSION:
            raise UserError(f"{path} was written by a later version of SegStudio", "update SegStudio")
        known = {one.name for one in fields(Comparison)}
        values = {name: value for name, value in content.items() if name in known}
        for name in ("groups", "samples", "looks"):
            values[name] = tuple(values[name])
        values["arms"] = tuple(Arm(**arm) for arm in values["arms"])
        return Comparison(id=int(folder.name), folder=folder, **values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "remove its folder, or make the comparison again") from error
