"""Project: a folder with the index and the files of one dataset's review; the dataset itself is never written."""

import contextlib
import json
import os
import re
import secrets
import socket
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from segstudio.core.errors import BadImage, NotAProject, ReadOnlyProject, UserError
from segstudio.core.sample import Sample
from segstudio.core.signal import Signal
from segstudio.formats import read_image
from segstudio.formats.foreground import ForegroundRule
from segstudio.project import accepting, acts, ignored, mirror
from segstudio.project.acts import Acts
from segstudio.project.augmented import AugmentedCopies
from segstudio.project.blob_table import BlobTable
from segstudio.project.champions import Champions
from segstudio.project.clock import now
from segstudio.project.comparisons import Comparisons
from segstudio.project.database import Database
from segstudio.project.histogram_table import HistogramTable
from segstudio.project.ignored import IgnoredRegions
from segstudio.project.lint import Lint
from segstudio.project.looks import Looks
from segstudio.project.masks import Masks
from segstudio.project.predictions import Predictions
from segstudio.project.problems import Problems, storable
from segstudio.project.recipes import Recipes
from segstudio.project.runs import Runs
from segstudio.project.samples import NewSample, Samples
from segstudio.project.settings import Settings
from segstudio.project.stems import assign_stems
from segstudio.project.studies import Studies
from segstudio.project.topics import Topic, Topics

INDEX = "project.sqlite"
"""The file that makes a folder a project."""

_EDITOR_LOCK = ".lock-editor"
_MAY_BE_THERE = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_DATASETS = frozenset({"data", "slices"})
"""Folders in the project's own that may hold its dataset: what it was made from, and slices of volumes in there."""


class Project:
    """An open project; may be used from several threads.

    Attributes:
        folder: Where it lies.
        changed: Emitted once after each transaction, in the thread that made it, with the topics that changed.
        database: The index.
        samples: Images with their states and splits.
        masks: Their masks and revisions.
        ignored: Where they say nothing.
        runs: Trainings.
        champions: Which run is used where none is named.
        looks: How often the test split was looked at.
        comparisons: Arms trained as pairs over several seeds.
        studies: Cross-validations and learning curves.
        predictions: What the runs say of the samples.
        blobs: Where they are worst.
        histograms: What they would be at other thresholds.
        settings: Small values.
        lint: What is unusual in the shape of masks and predictions.
        acts: What was done and can be undone: verdicts, splits, bulk accepts, deleted runs.
        problems: Files that could not be used.
        recipes: What can be done to images to make more of them.
        augmented: Copies that recipes have made.
        notes: What was out of the ordinary at opening, as sentences.
        reviewer: Who works on it, as far as they said: it is written down with each verdict.
    """

    def __init__(self, folder: Path, database: Database, lock: FileLock | None) -> None:
        """For `open` and `create`."""
        self.folder = folder
        self.database = database
        self.changed: Signal[[Topics]] = Signal()
        self.notes = list(database.notes)
        self.reviewer = ""
        self._lock = lock
        self.settings = Settings(self)
        self.acts = Acts(self)
        self.lint = Lint(self)
        self.samples = Samples(self)
        self.problems = Problems(self)
        self.predictions = Predictions(self)
        self.blobs = BlobTable(self)
        self.histograms = HistogramTable(self)
        self.masks = Masks(self)
        self.ignored = IgnoredRegions(self)
        self.runs = Runs(self)
        self.champions = Champions(self)
        self.looks = Looks(self)
        self.recipes = Recipes(self)
        self.augmented = AugmentedCopies(self)
        self.comparisons = Comparisons(self)
        self.studies = Studies(self)
        self.source = _source_path(folder, str(self.settings.get("source", "")))
        self.rule = ForegroundRule.model_validate(self.settings.get("rule", {}))

    @classmethod
    def create(
        cls,
        folder: Path,
        source: Path,
        rows: Iterable[NewSample],
        *,
        rule: ForegroundRule | None = None,
        split: Mapping[str, Any] | None = None,
        notes: Iterable[tuple[str, str]] = (),
        name: str = "",
    ) -> Self:
        """Make a project; its folder becomes one only when everything is in place.

        Args:
            folder: A new or empty folder (it may hold `data/`, the extracted originals).
            source: The dataset's folder; stored relative to the project when it lies inside.
            rows: The samples.
            rule: Which values of the dataset's masks are foreground.
            split: How the split was made, to be shown: fractions, seed, group_by.
            notes: Files that were left out, with the reason.
            name: What the project is called; the folder's name when empty.

        Raises:
            UserError: When the folder is not empty or lies in the dataset.
        """
        folder, source = folder.absolute(), source.absolute()
        check_new_folder(folder, source)
        samples, unnamed = _nameable(rows)
        about = {
            "name": name or folder.name,
            "created": now(),
            "source": _source_text(folder, source),
            "rule": (rule or ForegroundRule()).model_dump(mode="json"),
            "split": dict(split or {}),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            build_index(folder, about, samples, [*notes, *unnamed])
        except OSError as error:
            raise UserError(
                f"{folder} cannot be written: {error.strerror or error}", "choose another folder"
            ) from error
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path, *, is_editor: bool = False) -> Self:
        """Open the project in a folder.

        Args:
            folder: The project's folder.
            is_editor: Whether masks and states will be edited. Only one process may; another one gets the project
                read-only, with the reason.

        Raises:
            NotAProject: When there is none.
            ProjectTooNew: When a later version wrote it.
        """
        folder = folder.absolute()
        if not (folder / INDEX).is_file():
            if (folder / "project.json").is_file():
                rebuild = f"`segstudio check --rebuild {folder}` makes it anew from the files"
                raise NotAProject(f"{folder} is not a SegStudio project any more: its index is missing", rebuild)
            raise NotAProject(f"{folder} is not a SegStudio project", f"it has no file {INDEX}")
        reason = _why_not_writable(folder)
        lock = editor_lock(folder) if is_editor and not reason else None
        if is_editor and not reason and lock is None:
            reason = "it is open for editing in another window"
        try:
            project = cls(folder, Database(folder / INDEX, read_only_reason=reason), lock)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        if lock is not None:
            if not lock.is_locked:
                project.notes.append("this disk has no locks: take care that no second window edits the project")
            project.settings.set("editor", {"pid": os.getpid(), "host": socket.gethostname(), "since": now()})
        elif reason and is_editor:
            project._name_editor()
        project._recover()
        if not project.read_only:
            project.looks.take_over()
        return project

    @property
    def name(self) -> str:
        """What the project is called."""
        return str(self.settings.get("name", self.folder.name))

    @property
    def read_only(self) -> bool:
        """Whether changes are refused."""
        return self.database.read_only

    @property
    def read_only_reason(self) -> str:
        """Why changes are refused; empty when they are not."""
        return self.database.read_only_reason

    def require_writable(self) -> None:
        """Raise ReadOnlyProject when changes are refused."""
        if self.read_only:
            raise ReadOnlyProject(f"the project is open for reading only: {self.read_only_reason}")

    def transaction(self, *topics: Topic) -> AbstractContextManager[sqlite3.Connection]:
        """Changes that happen together; `changed` is emitted once after the commit, in the calling thread.

        A transaction inside another joins it; when it fails, its own part is taken back.
        """
        return self.database.transaction(topics, self.changed.emit)

    def image_path(self, sample: Sample) -> Path:
        """The sample's image in the dataset."""
        return self.source / sample.image

    def read_image(self, sample: Sample) -> NDArray[np.uint8]:
        """The sample's image, upright.

        Returns:
            uint8 (H, W) or (H, W, 3), of the size that the project knows.

        Raises:
            BadImage: When it is missing, damaged, or has another size than when the project was made.
        """
        path = self.image_path(sample)
        if not path.is_file() and not self.source.is_dir():
            raise BadImage(
                f"the dataset folder {self.source} is missing",
                "connect the drive, or say with `segstudio check PROJECT --source FOLDER` where it lies now",
            )
        image: NDArray[np.uint8] = read_image(path)
        height, width = image.shape[:2]
        if (width, height) != (sample.width, sample.height):
            raise BadImage(
                f"{path} is now {width}x{height} pixels, but was {sample.width}x{sample.height} when the project began",
                "put the original image back",
            )
        return image

    def relocate(self, source: Path) -> None:
        """Say where the dataset lies now.

        Raises:
            UserError: When there is no such folder, or it holds none of the images.
        """
        source = source.absolute()
        if not source.is_dir():
            raise UserError(f"{source} is not a folder")
        images = [sample.image for sample in self.samples.all()]
        if images and not any((source / image).is_file() for image in images):
            raise UserError(f"{source} holds none of the images", f"look for the folder that holds {images[0]}")
        self.settings.set("source", _source_text(self.folder, source))
        mirror.write_about(self.folder, mirror.read_about(self.folder) | {"source": _source_text(self.folder, source)})
        self.source = source

    def close(self) -> None:
        """Close it and let another window edit; harmless if twice."""
        self.database.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _recover(self) -> None:
        """Bring in order what a killed process has left, when nobody else can be at work on it."""
        traces = (accepting.BEGUN, acts.UNDER_WAY, ignored.UNDER_WAY)
        if self.read_only or all(self.settings.get(name) is None for name in traces):
            return
        lock = self._lock or editor_lock(self.folder)
        if lock is None or not lock.is_locked:
            return
        try:
            self.ignored.recover()
            self.notes += [words for words in (self.acts.recover(), accepting.recover(self)) if words]
        finally:
            if lock is not self._lock:
                lock.release()

    def _name_editor(self) -> None:
        editor = self.settings.get("editor") or {}
        if "pid" in editor and not _why_not_writable(self.folder):
            where = "" if editor.get("host") == socket.gethostname() else f" on {editor.get('host')}"
            self.database.read_only_reason += f"{where} (process {editor['pid']})"


def build_index(
    folder: Path, about: dict[str, Any], samples: list[NewSample], notes: Iterable[tuple[str, str]] = ()
) -> None:
    """Write the index and its mirror; the index gets its name last.

    Args:
        folder: The project's folder.
        about: What project.json says.
        samples: All samples; they are stored in the natural order of their paths.
        notes: Files that were left out, with the reason.
    """
    samples = sorted(samples, key=lambda sample: natural_key(sample.image))
    stems = [sample.stem for sample in samples]
    if not all(stems):
        stems = assign_stems(sample.image for sample in samples)
    part = folder / f".new-{secrets.token_hex(4)}.sqlite"
    try:
        database = Database.create(part)
        try:
            _fill(database, about, samples, stems, notes)
        finally:
            database.close()
        mirror.write_about(folder, about)
        mirror.write_samples(folder, (_mirrored(sample, stem) for sample, stem in zip(samples, stems, strict=True)))
        part.replace(folder / INDEX)
    finally:
        for left in folder.glob(f"{part.name}*"):
            with contextlib.suppress(OSError):
                left.unlink()


def _fill(
    database: Database,
    about: dict[str, Any],
    samples: list[NewSample],
    stems: list[str],
    notes: Iterable[tuple[str, str]],
) -> None:
    created = now()
    with database.transaction((), lambda _: None) as connection:
        connection.executemany(
            "INSERT INTO setting VALUES (?, ?)",
            [(name, json.dumps(value, ensure_ascii=False)) for name, value in about.items()],
        )
        connection.executemany(
            "INSERT INTO sample (image, truth, stem, position, width, height, state, split, group_name, problem, "
            "foreground, tick) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (one.image, one.truth, stem, position, one.width, one.height, one.state, one.split, one.group,
                 storable(one.problem), one.foreground, position)
                for position, (one, stem) in enumerate(zip(samples, stems, strict=True))
            ),
        )  # fmt: skip
        connection.executemany(
            "INSERT OR IGNORE INTO problem VALUES (?, ?, ?)",
            ((storable(path), storable(reason), created) for path, reason in notes),
        )


def natural_key(path: str) -> list[tuple[int, str]]:
    """What sorts a path as a person would: frame2 before frame10, upper and lower case together."""
    parts = re.split(r"(\d+)", path.casefold())
    # Odd places are digits. The text itself breaks the tie between 1 and 01.
    return [(int(part), part) if place % 2 else (-1, part) for place, part in enumerate(parts)]


def _mirrored(sample: NewSample, stem: str) -> tuple[Any, ...]:
    return (
        sample.image, sample.truth or "", stem, sample.width, sample.height, sample.split, sample.group,
        storable(sample.problem), "" if sample.foreground is None else repr(sample.foreground),
    )  # fmt: skip


def _nameable(rows: Iterable[NewSample]) -> tuple[list[NewSample], list[tuple[str, str]]]:
    """The samples whose names can be stored, and a note for each other one."""
    samples, notes = [], []
    for row in rows:
        try:
            (row.image + (row.truth or "")).encode()
        except UnicodeEncodeError:
            notes.append((row.image, "its name is not valid Unicode: rename the file"))
        else:
            samples.append(row)
    return samples, notes


def check_new_folder(folder: Path, source: Path) -> None:
    """Raise UserError unless a project of the dataset `source` may be made in `folder`."""
    for path in (folder, source):
        try:
            str(path).encode()
        except UnicodeEncodeError:
            raise UserError(f"the name of {path} is not valid Unicode", "rename the folder") from None
    if (folder / INDEX).exists():
        raise UserError(f"{folder} is a project already", "open it, or choose another folder")
    if folder.resolve().is_relative_to(source.resolve()):
        raise UserError(f"{folder} lies in the dataset, which is never written", "choose a folder outside of it")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file", "choose another name")
    may_be_there = _MAY_BE_THERE | (_DATASETS if source.is_relative_to(folder) else set())
    there = folder.iterdir() if folder.is_dir() else iter(())
    others = sorted(path.name for path in there if path.name.lower() not in may_be_there)
    if others:
        raise UserError(f"{folder} is not empty: it has {', '.join(others[:3])}", "choose a new folder")


def _source_text(folder: Path, source: Path) -> str:
    """The source as it is stored: relative when it goes wherever the project goes."""
    return source.relative_to(folder).as_posix() if source.is_relative_to(folder) else str(source)


def _source_path(folder: Path, text: str) -> Path:
    return folder / text  # an absolute path replaces the folder


def _why_not_writable(folder: Path) -> str:
    """Why nothing can be written into the folder, or an empty string."""
    probe = folder / f".tmp-{secrets.token_hex(8)}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return f"its folder cannot be written ({error.strerror or error})"
    if not os.access(folder / INDEX, os.W_OK):
        return f"the file {INDEX} is write-protected"
    return ""


def editor_lock(folder: Path) -> FileLock | None:
    """The right to edit, or None when another process (or window) has it; it ends with the process.

    On a disk that knows no locks it is given to everybody, and `is_locked` is False.
    """
    lock = FileLock(folder / _EDITOR_LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    except (NotImplementedError, OSError):
        pass
    return lock
