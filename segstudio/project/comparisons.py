"""Comparisons: arms trained as pairs over several seeds, and what came out.

    comparisons/NNNN/comparison.json       arms, seeds, what is measured, versions; the result when there is one
                     chosen.json           what every arm learns from and is validated by, in every repeat
                     results.csv           one line for each image, arm and repeat
                     report.html           the same for people
                     cells/<arm>-<repeat>/ one training: metrics.csv manifest.csv predictions/<stem>.png done.json

A cell is finished when it has its done.json; a comparison that was stopped or killed goes on with the others. The files
say all: the index knows nothing of comparisons, so there is nothing to be made anew when it is lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from segstudio.core.errors import UserError
from segstudio.core.way import Flips, flips_words
from segstudio.project.cells import Arm, Cell, Choice
from segstudio.project.experiments import Experiment, Experiments


@dataclass(frozen=True)
class Comparison(Experiment):
    """One comparison as its file says it.

    Attributes:
        arms: The first is the one that the others are held against.
        repeats: How many pairs of trainings are wanted.
        seed: That of repeat 0; repeat r has seed + r.
        split: What is measured: "test", or "val".
        metric: "iou" or "dice".
        groups: Filter expressions of sub-groups that are looked at too.
        samples: Ids of the samples that are measured.
        images_per_epoch: How many images make an epoch in every arm, so that all take as many steps.
        keeps_weights: Whether the best weights of every cell stay.
        flips: Which mirror images every cell has predicted too, see `core.way`; the mean is what is measured.
        about: Versions and device it was made with.
        looks: With how many repeats a result was seen before: more than one number means that it was extended.
        result: What came out, see the job "compare"; None until every cell is finished. While repeats are added it is
            that of the repeats before.
    """

    arms: tuple[Arm, ...]
    repeats: int
    seed: int
    split: str
    metric: str
    groups: tuple[str, ...]
    samples: tuple[int, ...]
    images_per_epoch: int
    keeps_weights: bool = False
    flips: Flips = "off"
    about: dict[str, Any] = field(default_factory=dict)
    looks: tuple[int, ...] = ()
    result: dict[str, Any] | None = None

    @property
    def title(self) -> str:
        """Its arms in words."""
        return " vs ".join(arm.name for arm in self.arms) + flips_words(self.flips)

    @property
    def is_finished(self) -> bool:
        """Whether there is a result with all the repeats that are wanted."""
        return self.result is not None and self.result.get("repeats") == self.repeats

    @property
    def report(self) -> Path:
        """The HTML page; there when finished."""
        return self.folder / "report.html"

    def chosen(self) -> dict[str, list[Choice]]:
        """What was chosen for each arm when the comparison was made; nothing when it is older than this file.

        Raises:
            UserError: When the file is damaged.
        """
        try:
            return {arm: [Choice.from_json(row) for row in rows] for arm, rows in self._read_chosen().items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            hint = f"make it again: compare --rerun {self.id}"
            raise UserError(f"{self.chosen_file} cannot be read: {error}", hint) from error

    def arm(self, name: str) -> Arm:
        """The arm of that name; KeyError when there is none."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise KeyError(name)

    def cell(self, arm: str, repeat: int) -> Cell:
        """One training."""
        return self._cell(arm, repeat, self.seed + repeat + self.arm(arm).seed_offset)

    def cells(self) -> list[Cell]:
        """All trainings in the order they are done: repeat by repeat, so that what is finished is paired."""
        return [self.cell(arm.name, repeat) for repeat in range(self.repeats) for arm in self.arms]


class Comparisons(Experiments[Comparison]):
    """The comparisons of a project; each change emits the topic "comparisons"."""

    experiment = Comparison
    place: ClassVar[Literal["comparisons"]] = "comparisons"
    word: ClassVar[str] = "comparison"
    listing: ClassVar[str] = "comparisons"
    making: ClassVar[str] = "segstudio compare PROJECT --recipe NAME"
    about: ClassVar[str] = "comparison.json"
    format: ClassVar[str] = "segstudio-comparison"

    def create(self, chosen: Mapping[str, Sequence[Choice]] | None = None, **settings: Any) -> Comparison:
        """Begin a comparison: a new number and its files.

        Args:
            chosen: What each arm learns from and is validated by.
            settings: Fields of Comparison.
        """
        rows = {arm: [astuple(one) for one in choices] for arm, choices in (chosen or {}).items()}
        return self._begin(None if chosen is None else rows, settings)

    def _typed(self, values: dict[str, Any]) -> dict[str, Any]:
        typed: dict[str, Any] = {name: tuple(values[name]) for name in ("groups", "samples", "looks")}
        return typed | {"arms": tuple(Arm(**arm) for arm in values["arms"])}
