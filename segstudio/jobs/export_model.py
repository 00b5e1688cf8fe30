"""export model: a run's network as one file for other programs, checked against the original before it is kept."""

import json
import shutil
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.options import Options, option
from segstudio.core.reporter import Phase, Reporter
from segstudio.exporting import EXPORTERS, Exporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.model_card import metadata_of
from segstudio.jobs.model_check import Check, check_exported
from segstudio.jobs.model_scripts import script_of, tuning_script_of
from segstudio.jobs.outside import require_outside
from segstudio.project.project import Project
from segstudio.project.runs import Run

if TYPE_CHECKING:
    import keras

DEFAULT = "keras"
SCRIPT, TUNING = "predict.py", "finetune.py"
FOLDER = (
    "saved_model.pb", "fingerprint.pb", "model.json", "predict.py", "predict_*_savedmodel.py", "finetune.py",
    "finetune_*_savedmodel.py",
    "variables", "variables/variables.*", "assets", "assets.extra", "assets.extra/*.json",
)  # fmt: skip
"""All that an exported folder holds."""

BIGGEST_SAMPLE = 25_000_000
"""Pixels of an image that the check still takes: more takes long and shows nothing else."""


class ExportModelOptions(Options):
    """Which run, as what, and where to."""

    to: str = option("", "To", help="The file to write, or the folder to write it into.", is_path=True)
    format: str = option(
        "", "Format", help=f"{', '.join(EXPORTERS.names())}; when not given, the one that the file's ending says."
    )
    run: str = option("best", "Run", help="best (the champion), last, or the number of a run.")
    samples: int = option(
        6, "Checked on", ge=1, le=100, unit="images", is_advanced=True,
        help="With so many images of the project the file is compared with the original network.",
    )  # fmt: skip


@JOBS.register
class ExportModel(ProjectJob[ExportModelOptions]):
    """Writes the network with its preprocessing inside, its metadata, and scripts that use it and train it further."""

    name: ClassVar[str] = "export-model"
    title: ClassVar[str] = "Export model"
    lane: ClassVar = "compute"
    Options: ClassVar[type[Options]] = ExportModelOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Export.

        Returns:
            `path`, `format`, `run`, `bytes`, `metadata` (the JSON file beside it), `script` (predict.py), `tuning`
            (finetune.py, or None for a format that cannot be trained further);
            `max_difference`: the largest difference of a probability from the original's, over whole images;
            `check`: all that was compared, see Check.

        Raises:
            UserError: When there is no such run or format, nothing can be written there, a package is missing, or the
                file does not predict what the original does: then nothing is written.
        """
        exporter = self._exporter()
        target = exporter.file_in(self._target(project, exporter))
        exporter.require()
        _require_free(target, exporter)
        run = project.runs.resolve(self.options.run)
        images = self._images(project, report)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".tmp-export-") as folder:
            made = Path(folder) / (target.name if exporter.suffix else "model")
            metadata, check = _made(project, run, exporter, made, images, report)
            metadata["check"] = check.to_dict()
            _put_in_place(made, target, exporter)
        inside = target.parent if exporter.suffix else target
        about = inside / f"{target.name if exporter.suffix else 'model'}.json"
        write_atomically(about, json.dumps(metadata, indent=2, ensure_ascii=False).encode("utf-8"))
        script, tuning = _write_scripts(inside, target, exporter, metadata)
        for path in (target, about, script, tuning):
            if path is not None:
                report.artifact(path)
        return {
            "path": str(target),
            "format": exporter.name,
            "run": run.id,
            "bytes": _bytes_of(target),
            "metadata": str(about),
            "script": str(script),
            "tuning": None if tuning is None else str(tuning),
            "max_difference": check.max_difference,
            "check": check.to_dict(),
        }

    def _exporter(self) -> Exporter:
        """The format that is asked for, or that the file's ending says."""
        suffix = Path(self.options.to).suffix.lower()
        said = next((one.name for one in EXPORTERS if one.suffix and one.suffix == suffix), "")
        wanted = self.options.format or said or DEFAULT
        exporter = EXPORTERS[wanted]()
        if said and said != wanted:
            raise UserError(f"{Path(self.options.to).name} is no name for {exporter.title}", "leave the ending out")
        return exporter

    def _target(self, project: Project, exporter: Exporter) -> Path:
        """Where to write; never into the dataset, nor among the project's own files."""
        if not self.options.to:
            raise UserError("export wants a file or a folder to write to", "say it with --to")
        to = Path(self.options.to).expanduser().absolute()
        require_outside(project, to)
        return to

    def _images(self, project: Project, report: Reporter) -> list[np.ndarray]:
        """Images of the project to compare with, of as many sizes as there are."""
        able = [one for one in project.samples.all() if not one.problem and one.width * one.height <= BIGGEST_SAMPLE]
        able.sort(key=lambda one: (one.height * one.width, one.height, one.id))
        places = np.unique(np.linspace(0, len(able) - 1, min(self.options.samples, len(able))).astype(int))
        images = []
        for place in places:
            try:
                images.append(project.read_image(able[place]))
            except (UserError, OSError) as error:
                report.note(able[place].image, str(error))
        if not images:
            raise UserError("there is no image that the exported model could be checked with", "see the Problems panel")
        return images


def _made(
    project: Project, run: Run, exporter: Exporter, path: Path, images: list[np.ndarray], report: Reporter
) -> tuple[dict[str, Any], Check]:
    """Write the file to `path` and check it."""
    from segstudio.ml.device import choose_device
    from segstudio.ml.exportable import exportable
    from segstudio.ml.network import load_network

    # On the CPU, because the file is compared with the original number by number.
    with choose_device("cpu").scope():
        report.progress(0, 1, "loading the network")
        network: keras.Model = load_network(run.best_weights, "float32")
        report.progress(0.1, 1, f"converting to {exporter.title}")
        metadata = metadata_of(project, run, exporter, network.input_shape[1:], network.count_params())
        exporter.write(exportable(network), path, metadata)
        checking = Phase(report, 0.6, 0.4, "checking")
        return metadata, check_exported(network, exporter, path, images, checking, run.threshold)


def _require_free(target: Path, exporter: Exporter) -> None:
    """An earlier export of this format may be replaced; nothing else is.

    Raises:
        UserError: When what lies there is something else, or has something else in it.
    """
    if not target.exists() or (not exporter.suffix and target.is_dir() and not any(target.iterdir())):
        return
    if not _is_ours(target, exporter):
        raise UserError(
            f"{target} exists already, and is no {exporter.title} that SegStudio has exported",
            "choose another name, or move it away",
        )
    others = [] if exporter.suffix else _others_in(target)
    if others:
        named = ", ".join(others[:3]) + (" and more" if len(others) > 3 else "")
        raise UserError(
            f"{target} exists already, and more than an export lies in it: {named}",
            "choose a new folder, or move those files away: the whole folder would be replaced",
        )


def _is_ours(path: Path, exporter: Exporter) -> bool:
    """Whether it is an earlier export of this format."""
    if path.is_file() != bool(exporter.suffix):
        return False
    try:
        return isinstance(exporter.read_metadata(path), dict)
    except Exception:  # each format's reader fails in its own way over what it does not know
        return False


def _others_in(folder: Path) -> list[str]:
    """What lies in an exported folder besides what was written there, in the order of its names."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return sorted(name for name in names if not any(fnmatchcase(name, pattern) for pattern in FOLDER))


def _put_in_place(made: Path, target: Path, exporter: Exporter) -> None:
    _require_free(target, exporter)  # converting takes a while, in which somebody may have put something there
    if made.is_dir() and target.is_dir():
        shutil.rmtree(target)
    made.replace(target)


def _bytes_of(target: Path) -> int:
    files = [target] if target.is_file() else [path for path in target.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files)


def _write_scripts(
    folder: Path, target: Path, exporter: Exporter, metadata: dict[str, Any]
) -> tuple[Path, Path | None]:
    """Write predict.py, and finetune.py where the format can be trained further; returns where they are."""
    file = target.name if exporter.suffix else ""
    channels, threshold, crop = metadata["input"]["channels"], metadata["threshold"], metadata["input"]["crop"]
    own = f"{target.stem}_{exporter.name}"
    script = _write_script(folder / SCRIPT, script_of(exporter, file, channels, threshold, crop), own)
    text = tuning_script_of(exporter, file, channels)
    return script, _write_script(folder / TUNING, text, own) if text else None


def _write_script(path: Path, text: str, own: str) -> Path:
    """Write a script; where there is one of another model, under a name of its own."""
    if path.exists() and path.read_text(encoding="utf-8", errors="replace") != text:
        path = path.with_stem(f"{path.stem}_{own}")
    write_atomically(path, text.encode("utf-8"))
    return path
