"""Experiments: trainings that are planned and measured together, in a numbered folder of their own with a lock.

    <place>/NNNN/<word>.json   what is asked, seeds, versions; the result when there is one
                 chosen.json   what the trainings learn from and are validated by
                 results.csv   one line for each image and training that measured it
                 cells/        the trainings, see `segstudio.project.cells`

The files say all, and the index knows nothing of experiments; see comparisons.py and studies.py for the two kinds.
"""

import json
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from filelock import FileLock, Timeout

from segstudio.core.epoch_table import Epochs
from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.project.cells import Cell, Score, json_bytes, read_scores, write_scores
from segstudio.project.clock import now

if TYPE_CHECKING:
    from segstudio.project.project import Project

VERSION = 1
"""Of the files that say what an experiment is."""

PATIENCE = 1.0
"""Seconds to wait for who has an experiment: a listing has it for a moment, to see whether somebody works on it."""

_CHOSEN, _LOCK = "chosen.json", ".lock"
_NUMBERED = re.compile(r"\d{4,}")


@dataclass(frozen=True)
class Experiment(ABC):
    """What all experiments are: every one of their arms, or parts, is trained in every repeat.

    Attributes:
        id: Shown as four digits.
        folder: Where its files lie.
        created: When it was made (ISO 8601, UTC).
    """

    id: int
    folder: Path
    created: str

    @property
    def name(self) -> str:
        """Its number as it is shown: "0003"."""
        return f"{self.id:04}"

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is in a few words."""

    @property
    @abstractmethod
    def is_finished(self) -> bool:
        """Whether there is a result of all the trainings that are wanted."""

    @property
    @abstractmethod
    def result(self) -> dict[str, Any] | None:
        """What came out, as its job says it; None before there is any."""

    @property
    def results(self) -> Path:
        """The table of all scores; there when finished."""
        return self.folder / "results.csv"

    @property
    def chosen_file(self) -> Path:
        """What the trainings learn from, as it was chosen when the experiment was made."""
        return self.folder / _CHOSEN

    @abstractmethod
    def cells(self) -> list[Cell]:
        """All trainings in the order they are done: repeat by repeat."""

    def curves(self) -> dict[str, list[Epochs]]:
        """The figures of every epoch by arm or part, and by repeat, as far as there are any."""
        curves: dict[str, list[Epochs]] = {}
        for cell in self.cells():
            curves.setdefault(cell.arm, []).append(cell.metrics())
        return curves

    def _cell(self, arm: str, repeat: int, seed: int) -> Cell:
        return Cell(arm, repeat, seed, self.folder / "cells" / f"{arm}-{repeat}")

    def _read_chosen(self) -> Any:
        # A path may be no valid text: its bytes are kept as surrogates.
        return json.loads(self.chosen_file.read_bytes().decode("utf-8", "surrogatepass"))


T = TypeVar("T", bound=Experiment)


class Experiments(ABC, Generic[T]):
    """The experiments of one kind in a project; each change emits the topic `place`.

    Attributes:
        experiment: The class of one of them.
        place: The folder below the project's that they lie in.
        word: What one of them is called.
        listing: The command that shows all.
        making: A command that makes one.
        about: The file that makes a folder one of them.
        format: What this file says that it is.
    """

    experiment: type[T]
    place: ClassVar[Literal["comparisons", "studies"]]
    word: ClassVar[str]
    listing: ClassVar[str]
    making: ClassVar[str]
    about: ClassVar[str]
    format: ClassVar[str]

    def __init__(self, project: "Project") -> None:
        self._project = project

    @abstractmethod
    def _typed(self, values: dict[str, Any]) -> dict[str, Any]:
        """Those of the fields that JSON does not hold as they are; KeyError, TypeError or ValueError when damaged."""

    def update(self, one: T, **changes: Any) -> T:
        """Change some fields."""
        self._project.require_writable()
        return self._saved(replace(one, **changes))

    def save_scores(self, one: T, scores: Sequence[Score]) -> None:
        """Write results.csv."""
        write_scores(one.results, scores)

    def scores(self, one: T) -> Sequence[Score]:
        """Read results.csv; none before it is finished."""
        return read_scores(one.results)

    def get(self, number: int) -> T:
        """The one of that number.

        Raises:
            UserError: When there is none, or its file is damaged.
        """
        folder = self._folder(number)
        if not (folder / self.about).is_file():
            raise UserError(f"there is no {self.word} {number:04}", f"`segstudio {self.listing} PROJECT` shows all")
        return self._read(folder)

    def list(self) -> list[T]:
        """All that can be read, the newest first; `problems` has the others."""
        return [one for one in self._read_all() if not isinstance(one, UserError)]

    def problems(self) -> Sequence[UserError]:
        """Why the others cannot be read."""
        return [one for one in self._read_all() if isinstance(one, UserError)]

    def latest(self) -> T | None:
        """The newest one."""
        return next(iter(self.list()), None)

    def remove(self, number: int) -> None:
        """Delete one with all its files."""
        self._project.require_writable()
        with self.claimed(self.get(number)):
            # Without its file it is none any more, whatever interrupts the rest.
            (self._folder(number) / self.about).unlink()
        shutil.rmtree(self._folder(number), ignore_errors=True)
        self._changed()

    @contextmanager
    def claimed(self, one: T, patience: float = PATIENCE) -> Iterator[None]:
        """The right to work on it, for one process at a time; UserError when another one does for so many seconds."""
        lock = FileLock(one.folder / _LOCK, thread_local=False)
        try:
            lock.acquire(timeout=patience)
        except Timeout:
            raise UserError(
                f"{self.word} {one.name} is being worked on by another process", "wait for it, or stop it"
            ) from None
        except (NotImplementedError, OSError):
            pass  # a disk without locks: whoever works on it from two computers must know
        try:
            yield
        finally:
            lock.release()

    def is_running(self, one: T) -> bool:
        """Whether some process is working on it now."""
        try:
            with self.claimed(one, patience=0):
                return False
        except UserError:
            return True

    def _read_all(self) -> Iterator[T | UserError]:
        folders = (path for path in (self._project.folder / self.place).glob("[0-9]*") if path.is_dir())
        for folder in sorted((path for path in folders if _NUMBERED.fullmatch(path.name)), key=_number, reverse=True):
            if (folder / self.about).is_file():
                try:
                    yield self._read(folder)
                except UserError as error:
                    yield error

    def _begin(self, chosen: dict[str, Any] | None, settings: dict[str, Any]) -> T:
        """A new number and its files; `chosen` is what chosen.json holds."""
        self._project.require_writable()
        folder = self._new_folder()
        if chosen is not None:  # before there is an experiment: none is ever without
            content = json.dumps(chosen, ensure_ascii=False)
            write_atomically(folder / _CHOSEN, content.encode("utf-8", "surrogatepass"))
        return self._saved(self.experiment(id=int(folder.name), folder=folder, created=now(), **settings))

    def _saved(self, one: T) -> T:
        values = {name: value for name, value in asdict(one).items() if name not in ("id", "folder")}
        write_atomically(one.folder / self.about, json_bytes({"format": self.format, "version": VERSION, **values}))
        self._changed()
        return one

    def _read(self, folder: Path) -> T:
        """The one in a folder; UserError when its file is damaged or too new."""
        path = folder / self.about
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.pop("format") != self.format:
                raise ValueError("it is something else")
            if content.pop("version") > VERSION:
                raise UserError(f"{path} was written by a later version of SegStudio", "update SegStudio")
            known = {one.name for one in fields(self.experiment)}
            values = {name: value for name, value in content.items() if name in known}
            return self.experiment(id=int(folder.name), folder=folder, **values | self._typed(values))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            hint = f"remove its folder, or make the {self.word} again"
            raise UserError(f"{path} cannot be read: {error}", hint) from error

    def _changed(self) -> None:
        with self._project.transaction(self.place):
            pass  # the files are written; whoever shows them is told as of every other change

    def _folder(self, number: int) -> Path:
        return self._project.folder / self.place / f"{number:04}"

    def _new_folder(self) -> Path:
        parent = self._project.folder / self.place
        parent.mkdir(exist_ok=True)
        number = max((int(path.name) for path in parent.glob("[0-9]*") if path.name.isdecimal()), default=0)
        while True:
            number += 1
            try:
                self._folder(number).mkdir()
            except FileExistsError:
                continue
            return self._folder(number)


def _number(folder: Path) -> int:
    return int(folder.name)
