"""Numbered folders: experiments that are files alone, each in a folder of its own with a number, a file and a lock."""

import json
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from filelock import FileLock, Timeout

from segstudio.core.errors import UserError

if TYPE_CHECKING:
    from segstudio.project.project import Project

PATIENCE = 1.0
"""Seconds to wait for who has an experiment: a listing has it for a moment, to see whether somebody works on it."""

_LOCK = ".lock"
_NUMBERED = re.compile(r"\d{4,}")


class InFolder(Protocol):
    """What lies in a numbered folder."""

    @property
    def folder(self) -> Path:
        """Where its files lie."""

    @property
    def name(self) -> str:
        """Its number as it is shown: "0003"."""


T = TypeVar("T", bound=InFolder)


class NumberedFolders(ABC, Generic[T]):
    """The experiments of one kind in a project; each change emits the topic `place`.

    Attributes:
        place: The folder below the project's that they lie in.
        word: What one of them is called.
        listing: The command that shows all.
        about: The file that makes a folder one of them.
    """

    place: ClassVar[str]
    word: ClassVar[str]
    listing: ClassVar[str]
    about: ClassVar[str]

    def __init__(self, project: "Project") -> None:
        self._project = project

    @abstractmethod
    def _read(self, folder: Path) -> T:
        """The one in a folder; UserError when its file is damaged or too new."""

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


def json_bytes(content: dict[str, Any]) -> bytes:
    """The content of a file that says what an experiment is."""
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False, default=str).encode("utf-8")
