"""Studies: many trainings of one configuration on different parts of the data, and what came out.

A cross-validation measures every sample by networks that have not learnt from it; a learning curve learns from more and
more samples.

    studies/NNNN/study.json              what is asked, seeds, versions; the result when there is one
                 chosen.json             the samples, the revision of each mask, and their roles in every training
                 results.csv             one line for each image and training that measured it
                 cells/<part>-<repeat>/  one training: metrics.csv manifest.csv predictions/<stem>.png done.json

A cell is finished when it has its done.json; a study that was stopped or killed goes on with the others. As with
comparisons the files say all, and the index knows nothing of them.
"""

from dataclasses import astuple, dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal

from segstudio.core.errors import UserError
from segstudio.core.way import Flips, flips_words
from segstudio.project.cells import Arm, Cell, Choice
from segstudio.project.experiments import Experiment, Experiments

LEARNT, VALIDATES, MEASURED, VALIDATES_AND_MEASURED, LEFT_OUT = "tvmx-"
"""The roles of a sample in a training: it is learnt from, chooses the best epoch, is measured, both of these, or none.

What is measured where it has chosen the best epoch has scores that are a little too high."""

_LETTERS = {LEARNT: LEARNT, VALIDATES: VALIDATES + VALIDATES_AND_MEASURED, MEASURED: MEASURED + VALIDATES_AND_MEASURED}


class Kind(StrEnum):
    """What a study asks."""

    FOLDS = "cross-validation"
    CURVE = "learning curve"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the trainings of a study learn from, are validated by and measure.

    Attributes:
        samples: Each with the revision of its mask; their split is that in the project.
        roles: By the folder of a cell, a letter for each of the samples.
        copies: Augmented copies that are learnt from wherever their sample and all their donors are.
    """

    samples: tuple[Choice, ...]
    roles: dict[str, str]
    copies: tuple[Choice, ...] = ()

    def of(self, cell: Cell, role: str) -> list[Choice]:
        """The samples that have this role in a training; copies follow those that are learnt from."""
        letters = self.roles[cell.folder.name]
        found = [one for one, own in zip(self.samples, letters, strict=True) if own in _LETTERS[role]]
        if role == LEARNT and self.copies:
            learnt = {one.sample for one in found}
            found += [one for one in self.copies if learnt.issuperset((one.sample, *one.donors))]
        return found


@dataclass(frozen=True)
class Study(Experiment):
    """One study as its file says it.

    Attributes:
        kind: What it asks.
        arm: What is trained.
        parts: The names of the trainings of one repeat.
        repeats: How often each is made.
        seed: That of repeat 0; repeat r has seed + r.
        settings: What else was asked for, by the names of the job's options.
        images_per_epoch: How many images make an epoch in every training; all of its own once when 0.
        about: Versions and device it was made with.
        result: What came out, see the jobs; None until every training is finished.
    """

    kind: Kind
    arm: Arm
    parts: tuple[str, ...]
    repeats: int
    seed: int
    settings: dict[str, Any] = field(default_factory=dict)
    images_per_epoch: int = 0
    about: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] | None = None

    @property
    def title(self) -> str:
        """What it is in a few words."""
        what = "folds" if self.kind is Kind.FOLDS else "sizes"
        repeats = f", {self.repeats} repeats" if self.repeats > 1 else ""
        return f"{len(self.parts)} {what}{repeats}{flips_words(self.flips)}"

    @property
    def flips(self) -> Flips:
        """Which mirror images every training has predicted too, see `core.way`; the mean is what is measured."""
        flips: Flips = self.settings.get("flips", "off")
        return flips

    @property
    def is_finished(self) -> bool:
        """Whether there is a result."""
        return self.result is not None

    def cell(self, part: str, repeat: int) -> Cell:
        """One training."""
        return self._cell(part, repeat, self.seed + repeat)

    def cells(self) -> list[Cell]:
        """All trainings in the order they are done: repeat by repeat."""
        return [self.cell(part, repeat) for repeat in range(self.repeats) for part in self.parts]

    def chosen(self) -> Chosen:
        """What its trainings learn from and measure.

        Raises:
            UserError: When the file is missing or damaged.
        """
        try:
            content = self._read_chosen()
            samples, copies = (tuple(map(Choice.from_json, content[name])) for name in ("samples", "copies"))
            return Chosen(samples, dict(content["roles"]), copies)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{self.chosen_file} cannot be read: {error}", "make the study again") from error


class Studies(Experiments[Study]):
    """The studies of a project; each change emits the topic "studies"."""

    experiment = Study
    place: ClassVar[Literal["studies"]] = "studies"
    word: ClassVar[str] = "study"
    listing: ClassVar[str] = "studies"
    making: ClassVar[str] = "segstudio cross-validate PROJECT"
    about: ClassVar[str] = "study.json"
    format: ClassVar[str] = "segstudio-study"

    def create(self, chosen: Chosen, **settings: Any) -> Study:
        """Begin a study: a new number and its files.

        Args:
            chosen: What its trainings learn from; the cells are named as `Study.cells` names them.
            settings: Fields of Study.
        """
        rows = {name: [astuple(one) for one in getattr(chosen, name)] for name in ("samples", "copies")}
        return self._begin({**rows, "roles": chosen.roles}, settings)

    def _typed(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"kind": Kind(values["kind"]), "arm": Arm(**values["arm"]), "parts": tuple(values["parts"])}
