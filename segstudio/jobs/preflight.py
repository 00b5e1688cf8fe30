"""preflight: would this training fail, or be in vain, and what would it take? Known in seconds, before it begins."""

import shutil
import time
from typing import Any, ClassVar

from segstudio.core.dry_run import DryRun
from segstudio.core.duration import duration
from segstudio.core.errors import UserError
from segstudio.core.options import AUTO, Options, checked, option
from segstudio.core.reporter import Phase, Reporter
from segstudio.core.wording import count_text
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.dataset_lint import Finding, Severity, in_order, lint
from segstudio.jobs.deciding import Decision, decisions_of, of_machine, tried, with_numbers
from segstudio.jobs.fitting import network_of
from segstudio.jobs.presets import TrainOptions
from segstudio.jobs.starts import Start
from segstudio.jobs.train import Request, Train, recipe_asked, settled
from segstudio.jobs.training_samples import Chosen, select
from segstudio.jobs.trial import Exhausted
from segstudio.project.project import Project

LINT = 0.4
"""Share of the progress bar for looking at samples."""

VALIDATING = 1 / 3
"""What an image takes to validate, of what it takes to learn from: forwards alone."""

SAVES = 1.5
"""Weights are written so often in an epoch: the last ones, and the best ones in every second or so."""

LONG = 12 * 3600.0
"""Seconds; a training beyond this is worth a word."""

WEIGHT_BYTES = 40
"""For each number of a network: last weights with the optimizer's two moments, best weights, and each once more while
it is written."""


class PreflightOptions(TrainOptions):
    """The training to look at before it begins."""

    step: bool = option(
        True, "Dry run", help="Try some steps for memory and time; without it, samples and options alone are checked."
    )


@JOBS.register
class Preflight(ProjectJob[PreflightOptions]):
    """Looks for what is wrong with samples, splits and options, and tries some steps; no run is made."""

    name: ClassVar[str] = "preflight"
    title: ClassVar[str] = "Pre-flight check"
    lane: ClassVar = "compute"
    Options: ClassVar[type[Options]] = PreflightOptions

    def __init__(self, request: Request, *, has_step: bool) -> None:
        self.request = request
        self.has_step = has_step

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "Preflight":
        """The job from plain values: those of a training, and whether to try a step."""
        if earlier := {"resume", "rebuild"} & values.keys():
            raise UserError(f"{min(earlier)} is not a known option", "what was begun once has been tried already")
        has_step = checked(PreflightOptions, {name: values[name] for name in ("step",) if name in values}).step
        training = Train.from_values({name: value for name, value in values.items() if name != "step"})
        return cls(training.request, has_step=has_step)

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Check.

        Returns:
            `ok` (nothing stops it), `findings` [{kind, severity, text, help, samples, count}], the gravest first,
            `decisions` [{option, value, reason, is_automatic}], `options` {size, batch} as they are settled,
            `estimate` {seconds, seconds_per_step, seconds_per_save, seconds_to_begin, steps, epochs, bytes, free,
            is_estimated} or None without a dry run, `train`, `val`, `copies` (how many), `preset`, `model`, `seconds`.

        Raises:
            Cancelled: When it was stopped.
        """
        started = time.monotonic()
        checked_ = _Check(project, self.request, report)
        checked_.perform(has_step=self.has_step)
        return checked_.result() | {"seconds": time.monotonic() - started}


class _Check:
    """One check, as it comes to know more and more."""

    def __init__(self, project: Project, request: Request, report: Reporter) -> None:
        self._project = project
        self._request = request
        self._report = report
        self._model = ""
        self._options: TrainOptions | None = None
        self._chosen: Chosen | None = None
        self._found: DryRun | None = None
        self._findings: list[Finding] = []
        self._decisions: list[Decision] = []

    def perform(self, *, has_step: bool) -> None:
        """Look; whatever is the world's fault is a finding, and ends only what needs it."""
        # One stage takes a moment and the next ten seconds, and nobody knows before how many.
        self._report.pace(is_even=False)
        try:
            start, self._model, asked = settled(self._project, self._request.values, self._report, has_weights=False)
            self._options = asked
            recipe = recipe_asked(self._project, asked, is_asked="recipe" in self._request.values)
        except UserError as error:
            self._blocks("options", error)
            return
        try:
            if asked.start == "imagenet":
                network_of(self._model, asked).require_weights()
        except UserError as error:
            self._blocks("weights", error)
        try:
            self._chosen = chosen = select(self._project, asked, self._report, recipe)
        except UserError as error:
            self._blocks("samples", error)
            return
        self._findings += lint(self._project, chosen, Phase(self._report, 0, LINT))
        self._findings += _batch(asked, chosen)
        if has_step:
            self._try(asked, start, chosen)
        self._decisions = decisions_of(self._project, self._options, asked, start, chosen, self._found)
        if self._found is not None:
            self._decisions += of_machine(asked, self._found)
        self._report.progress(1, 1, "checked")

    def result(self) -> dict[str, Any]:
        """What `Preflight.run` returns, without `seconds`."""
        options, chosen = self._options, self._chosen
        return {
            "ok": not any(one.severity == "blocks" for one in self._findings),
            "findings": [one.to_dict() for one in in_order(self._findings)],
            "decisions": [one.to_dict() for one in self._decisions],
            "options": {name: getattr(options, name) for name in ("size", "batch")} if options else {},
            "estimate": self._estimate(),
            "train": len(chosen.train) if chosen else 0,
            "val": len(chosen.val) if chosen else 0,
            "copies": len(chosen.copies) if chosen else 0,
            "preset": options.preset if options else "",
            "model": self._model,
        }

    def _blocks(self, kind: str, error: UserError) -> None:
        self._findings.append(Finding(kind, "blocks", error.message, error.hint))

    def _try(self, asked: TrainOptions, start: Start | None, chosen: Chosen) -> None:
        phase = Phase(self._report, LINT, 1 - LINT)
        try:
            self._found = tried(self._project, self._model, asked, start, chosen, phase)
        except Exhausted as error:
            self._blocks("memory", error)
            return
        except UserError as error:
            self._blocks("device", error)
            return
        self._options = with_numbers(asked, self._found)
        self._findings += [*self._memory(self._found), *self._time(), *self._disk(self._found)]

    def _memory(self, found: DryRun) -> list[Finding]:
        needs = f"it needs about {_gigabytes(found.bytes)} of memory"
        if found.fitting_batch == found.batch:
            free = f" of {_gigabytes(found.budget)} that are free" if found.budget else ""
            return [Finding("memory", "fine", f"{needs}{free}")]
        text = f"{needs} with batches of {found.batch}, and {_gigabytes(found.budget)} are free"
        severity: Severity = "blocks" if found.bytes > found.budget else "warns"
        help_text = "choose a smaller size or a slimmer network, or close other programs"
        if found.fitting_batch:
            help_text = f"choose a batch of {found.fitting_batch}, or a smaller size"
        return [Finding("memory", severity, text, help_text)]

    def _time(self) -> list[Finding]:
        estimate = self._estimate()
        assert estimate is not None
        text = (
            f"about {duration(estimate['seconds'])} for {count_text(estimate['epochs'], 'epoch')} of "
            f"{count_text(estimate['steps'], 'step')}, {_seconds(estimate['seconds_per_step'])} each"
        )
        if estimate["seconds"] <= LONG:
            return [Finding("time", "fine", text)]
        return [Finding("time", "warns", text, "a smaller size, fewer epochs or a smaller network take less")]

    def _disk(self, found: DryRun) -> list[Finding]:
        needs, free = WEIGHT_BYTES * found.parameters, shutil.disk_usage(self._project.folder).free
        if needs < free:
            return []
        text = f"the weights take {_gigabytes(needs)} on the disk, and {_gigabytes(free)} are free"
        return [Finding("disk", "blocks", text, "make room on the disk of the project")]

    def _estimate(self) -> dict[str, Any] | None:
        options, chosen, found = self._options, self._chosen, self._found
        if options is None or chosen is None or found is None:
            return None
        looks = (len(chosen.train) + len(chosen.copies)) * (options.crops if options.crop else 1)
        steps = -(-looks // options.batch)
        epoch = found.seconds_per_step * (steps + VALIDATING * len(chosen.val) / options.batch)
        epoch += SAVES * found.seconds_per_save
        return {
            "seconds": found.seconds_to_begin + options.epochs * epoch,
            "seconds_per_step": found.seconds_per_step,
            "seconds_per_save": found.seconds_per_save,
            "seconds_to_begin": found.seconds_to_begin,
            "steps": steps,
            "epochs": options.epochs,
            "bytes": found.bytes,
            "free": found.budget,
            "is_estimated": found.is_estimated,
        }


def _batch(options: TrainOptions, chosen: Chosen) -> list[Finding]:
    images = len(chosen.train) + len(chosen.copies)
    if options.batch <= images:
        return []
    text = f"a batch of {options.batch} is more than the {images} images there are: an epoch is one step"
    return [Finding("batch", "warns", text, f"choose a smaller batch, or {AUTO}, to learn in more than one step")]


def _seconds(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else duration(seconds)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
