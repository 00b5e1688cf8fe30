"""What a training starts from besides scratch and ImageNet: an earlier run, or the file of an exported model."""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.exporting.keras_file import KerasFile
from segstudio.exporting.savedmodel import SavedModel
from segstudio.jobs.training_samples import names_run
from segstudio.models import MODELS
from segstudio.project.project import Project
from segstudio.project.runs import Run, read_options

SAVED_MODEL = "saved_model.pb"
"""By this file a folder is a SavedModel."""

OF_ELSEWHERE = frozenset(
    {"preset", "start", "weights", "device", "precision", "samples", "limit", "recipe", "augmentation",
     "recipe_digest", "start_digest"}
)  # fmt: skip
"""Options in an exported file that say something of the machine and the project it came from."""


@dataclass(frozen=True)
class Start:
    """Weights to begin with.

    Attributes:
        word: What the run that begins says of it: the number of a run, or the file's path.
        title: What a person calls it.
        weights: A .keras file, or the folder of a SavedModel.
        model: Name of its network; empty when nothing tells.
        options: All options it was trained with, as far as they hold here.
        preset: Name of the preset it began with; may be one that is not here.
        run: The run, or None for a file.
        digest: sha256 of the file; empty for a run, whose weights are the project's own.
    """

    word: str
    title: str
    weights: Path
    model: str
    options: dict[str, Any]
    preset: str
    run: Run | None = None
    digest: str = ""


def names_file(start: object) -> bool:
    """Whether it means a file: a path to a .keras file or to a SavedModel, there or not."""
    text = str(start)
    if not text or names_run(text) or text in ("imagenet", "scratch"):
        return False
    return text.lower().endswith(".keras") or "/" in text or "\\" in text or Path(text).expanduser().is_dir()


def start_of(project: Project, values: Mapping[str, Any], report: Reporter) -> Start | None:
    """What is named as the start, or None for fresh weights and those of ImageNet.

    The window's one button is there before the first training too: Retrain without a model is a first training.

    Raises:
        UserError: When there is no such run or file, or it is no model.
    """
    word = str(values.get("start", ""))
    if names_file(word):
        return of_file(Path(word).expanduser())
    if not names_run(word):
        return None
    if values.get("samples") == "retrain" and project.runs.best() is None:
        report.log("there is no model yet: training the first one")
        return None
    return of_run(project.runs.resolve(word))


def weights_of(project: Project, start: str) -> Path | None:
    """The weights that a settled start names, or None for fresh weights and those of ImageNet."""
    if names_file(start):
        return Path(start)
    return project.runs.resolve(start).best_weights if names_run(start) else None


def of_run(run: Run) -> Start:
    """The best weights of a run."""
    return Start(str(run.id), f"run {run.name}", run.best_weights, run.model, run.options, run.preset, run)


def of_file(path: Path) -> Start:
    """A model that was exported, or the best.keras of a run, also of another project.

    Raises:
        UserError: When it is not there, or is something else.
    """
    if path.is_dir() and not (path / SAVED_MODEL).is_file():
        raise UserError(f"the folder {path} is no SavedModel", f"one holds a file {SAVED_MODEL}")
    if not path.exists():
        raise UserError(f"there is no model file {path}", "name a .keras file or the folder of a SavedModel")
    if path.is_file() and not zipfile.is_zipfile(path):
        raise UserError(f"{path.name} is no Keras file", "name a .keras file or the folder of a SavedModel")
    model, options, preset = _about(path)
    kept = {name: value for name, value in options.items() if name not in OF_ELSEWHERE}
    return Start(str(path), path.name, path, model, kept, preset, None, digest_of(path))


def network_of_file(path: Path) -> str:
    """The name of the network in a model's file, or empty when nothing tells; at once, for a form."""
    return _about(path)[0] if path.exists() else ""


def digest_of(path: Path) -> str:
    """sha256 of a file; of a folder, that of its files' names and bytes."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    whole = hashlib.sha256()
    for one in sorted(each for each in path.rglob("*") if each.is_file()):
        with one.open("rb") as file:
            whole.update(one.relative_to(path).as_posix().encode() + b"\0")
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def _about(path: Path) -> tuple[str, dict[str, Any], str]:
    """Network, options and preset by the card that an export carries, or by the run's folder that the file lies in."""
    try:
        card = (SavedModel() if path.is_dir() else KerasFile()).read_metadata(path)
        model, run = str(card["network"]["model"]), card["run"]
        if model in MODELS:
            return model, dict(run["options"]), str(run["preset"])
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile):
        pass
    try:
        said = read_options(path.parent)
        if str(said["model"]) in MODELS:
            return str(said["model"]), dict(said["options"]), str(said["preset"])
    except (OSError, KeyError, ValueError, TypeError):
        pass
    return "", {}, ""
