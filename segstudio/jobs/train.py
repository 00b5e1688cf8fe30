"""train: a network on the project's masks, with all that is needed to tell later what it learnt from."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from segstudio.augmentation.recipe import NONE, Recipe, read_recipe
from segstudio.core.dry_run import precision_reason
from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.manifest import load_manifest
from segstudio.core.options import Options, checked
from segstudio.core.reporter import Cancelled, Reporter
from segstudio.core.wording import count_text, rate_text
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.challenge import introduced
from segstudio.jobs.dataset_lint import lint
from segstudio.jobs.deciding import Decision, decisions_of, machine_decisions, reasons_of, settled_automatic
from segstudio.jobs.fitting import computing_on, fit_network, network_of
from segstudio.jobs.presets import DEFAULT, TrainOptions, options_of, preset
from segstudio.jobs.rebuild import (
    StoppingAfter,
    compared_with,
    epochs_to_stop_after,
    recalled_examples,
    recalled_options,
    recalled_start,
    warn_of_versions,
)
from segstudio.jobs.run_card import begin_card, complete_card
from segstudio.jobs.run_reporter import RunReporter
from segstudio.jobs.starts import Start, names_file, start_of
from segstudio.jobs.suspecting import suspect_by_losses
from segstudio.jobs.training_samples import Chosen, choose, examples, names_run, recall, recipe_name
from segstudio.models import MODELS
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.steering import RunSteering, forget_wishes
from segstudio.project.topics import Topics

if TYPE_CHECKING:
    from segstudio.ml.data import Example
    from segstudio.ml.device import Device
    from segstudio.ml.fit import Outcome

RESUMABLE = frozenset({"epochs", "device", "patience"})
"""Options that may change when a run is resumed."""


@dataclass(frozen=True)
class Request:
    """What was asked for, before a preset or an earlier run fills in the rest.

    Attributes:
        values: The options that were given, by name.
        resume: The run to go on with ("last", or a number), or empty.
        rebuild: The run to make again, or empty.
    """

    values: dict[str, Any]
    resume: str = ""
    rebuild: str = ""


@JOBS.register
class Train(ProjectJob[TrainOptions]):
    """One training: from scratch, from ImageNet, from an earlier run; or the rest of a run that was killed.

    Options that are not given come from the preset; when it starts from a run, from that run.
    """

    name: ClassVar[str] = "train"
    title: ClassVar[str] = "Train"
    lane: ClassVar = "compute"
    topics: ClassVar[Topics] = frozenset({"runs", "masks", "predictions", "samples"})
    Options: ClassVar[type[Options]] = TrainOptions

    def __init__(self, request: Request) -> None:
        self.request = request

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "Train":
        """The job from plain values; what can be checked without the project is checked here."""
        given = {name: value for name, value in values.items() if name not in ("resume", "rebuild")}
        if given.get("weights"):
            given["weights"] = str(Path(given["weights"]).expanduser().absolute())
        if names_file(given.get("start", "")):
            given["start"] = str(Path(given["start"]).expanduser().absolute())
        if str(given.get("recipe", "")).lower().endswith(".json"):
            given["recipe"] = str(Path(given["recipe"]).expanduser().absolute())
        request = Request(given, str(values.get("resume", "")), str(values.get("rebuild", "")))
        if not request.resume and not request.rebuild and not _names_weights(given.get("start", "")):
            _from_preset(given)
        return cls(request)

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Train.

        Returns:
            `run`, `epochs`, `best` {epoch, val_iou, val_loss} of the weights that are kept, `keep` (which those are),
            `model` (their path), `status`,
            `baseline` (the figures before training when it started from a run, else None), `preset`, `device`,
            `precision`, `seconds`, `learnt_from` (which masks, in words), `ended` (in words, why it ended by itself
            before its last epoch; else empty), `initial` (hash of the weights it began with; empty when resumed),
            `suspicious` (how many masks were never learnt, or forgotten again); and
            how it did against the champion: `champion`, `meeting`, `verdict`, see `introduced`. With `rebuild` there is
            no meeting, and `rebuilt` says whether the run is the same again, see `compared_with`.

        Raises:
            UserError: When there is nothing to learn from, or the training cannot go on.
            Cancelled: When it was stopped before the first epoch was done.
        """
        project.require_writable()
        begin = _rebuilt if self.request.rebuild else _resumed if self.request.resume else _begun
        training = begin(project, self.request, report)
        result = training.perform(project, report)
        run = project.runs.get(int(result["run"]))
        report.pace(is_even=False)  # what follows is no training
        result |= training.concluded(project, run, report)
        complete_card(project, run, result["initial"])
        return result


@dataclass(frozen=True)
class Training:
    """A training that can begin: its run exists and its examples are chosen.

    Attributes:
        run: Its row and folder.
        options: All options.
        recipe: The recipe that they name, as it was when the run began; None when nothing is augmented.
        start: What it starts from, or None for fresh weights and those of ImageNet.
        train: What to learn from.
        val: What to choose the best epoch by.
        is_resumed: Whether it goes on from its last checkpoint.
        learnt_from: What `train` is, in words; empty when resumed.
        original: The run that is made again, or None.
    """

    run: Run
    options: TrainOptions
    recipe: Recipe | None
    start: Start | None
    train: "list[Example]"
    val: "list[Example]"
    is_resumed: bool = False
    learnt_from: str = ""
    original: Run | None = None

    def concluded(self, project: Project, run: Run, report: Reporter) -> dict[str, Any]:
        """What follows for a run that has ended: how it does against the champion, or against the original."""
        if self.original is None:
            device, is_stopped = self.options.device, run.status == "stopped"
            return introduced(project, run, report, device=device, is_stopped=is_stopped)
        rebuilt = compared_with(project, self.original, run, warn_of_versions(self.original, report))
        report.log(rebuilt["words"])
        champion = project.runs.best()
        return {
            "champion": champion.id if champion else None,
            "meeting": None,
            "verdict": rebuilt["words"],
            "rebuilt": rebuilt,
        }

    def perform(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Do it; however it ends, the run's row says so.

        A resumed run that comes to nothing keeps the weights that it had, and may be used as before.
        """
        started, paused = time.monotonic() - self.run.seconds, 0.0
        reporter, weights = RunReporter(project, self.run, report), _stamp(self.run.best_weights)

        def ended(status: str, message: str = "", **fields: Any) -> Run:
            seconds = time.monotonic() - started - paused
            run = project.runs.update(self.run.id, status=status, message=message, seconds=seconds, **fields)
            if self.is_resumed and _stamp(run.best_weights) != weights:
                _forget_predictions(project, run, reporter)
            return run

        def broken_off(status: str, message: str) -> None:
            if not self._keeps_weights:
                ended(status, message)
                return
            reached = _reached(project, self.run)
            epoch = reached.get("epochs", self.run.epochs)
            ended("stopped", f"resumed, and broken off after epoch {epoch}: {message}", **reached)

        try:
            outcome = self._fit(project, reporter)
        except Cancelled:
            which = "another" if self._keeps_weights else "the first"
            broken_off("cancelled", f"stopped before {which} epoch was done")
            raise
        except UserError as error:
            broken_off("failed", str(error))
            raise
        except BaseException as error:
            broken_off("failed", f"{type(error).__name__}: {error}")
            raise
        paused = outcome.paused
        best = {f"best_{name}": outcome.best[name] for name in ("epoch", "val_iou", "val_loss")}
        status = "stopped" if outcome.is_stopped else "finished"
        run = ended(status, outcome.ended, epochs=outcome.rows[-1]["epoch"], **best)
        suspicious = suspect_by_losses(project, run, reporter)
        return _result(run, outcome) | {"learnt_from": self.learnt_from, "suspicious": suspicious}

    @property
    def _keeps_weights(self) -> bool:
        """Whether the run has good weights however this training ends."""
        return self.is_resumed and self.run.best_weights.is_file()

    def _fit(self, project: Project, report: Reporter) -> "Outcome":
        # TensorFlow is loaded here, in the worker, and nowhere before.
        device, precision = computing_on(self.options)
        project.runs.update(self.run.id, device=device.title, precision=precision)
        project.runs.explain(self.run, reasons_of(_of_machine(self.options, device, precision)))
        report.log(f"{device.title}, {precision}")
        report.artifact(self.run.options_file)  # whoever wants to steer the run knows now where it lies
        begin_card(project, self.run, self.start)
        if self.original is not None and (last := epochs_to_stop_after(self.original)):
            report = StoppingAfter(report, last)
        return fit_network(
            self.run.model,
            self._options(project, report),
            self.train,
            self.val,
            self.run.folder,
            report,
            cache=project.folder / "cache" / "training" / self.run.name,
            recipe=self.recipe,
            start=self.start.weights if self.start else None,
            is_resumed=self.is_resumed,
            has_baseline=self.start is not None,
            steering=RunSteering(project, self.run),
            is_watched=True,
            explain=lambda option, reason: project.runs.explain(self.run, {option: reason}),
        )

    def _options(self, project: Project, report: Reporter) -> TrainOptions:
        """The options; with a smaller rate for the one-click retraining, at whose options nobody looks.

        Its weights are good in all their layers: it is one phase, with a share of the rate that the encoder had last.
        """
        options = self.options
        if options.samples != "retrain" or not names_run(self.run.start):
            return options
        rate = options.fine_tuning * (options.tuned_rate if options.frozen_epochs else options.learning_rate)
        reason = f"fine-tuning: learning rate {rate_text(rate)}, {options.fine_tuning:g} of the last options' rate"
        project.runs.explain(self.run, {"learning_rate": reason})
        report.log(reason)
        return options.replaced(learning_rate=rate, frozen_epochs=0)


def _of_machine(options: TrainOptions, device: "Device", precision: str) -> list[Decision]:
    reason = precision_reason(precision, is_gpu=device.is_gpu)
    return machine_decisions(options, device.title, precision, reason, os.cpu_count() or 1, is_gpu=device.is_gpu)


def _begun(project: Project, request: Request, report: Reporter) -> Training:
    """A new run."""
    start, model, options = settled(project, request.values, report)
    recipe = recipe_asked(project, options, is_asked="recipe" in request.values)
    digest = recipe.digest if recipe else ""
    if options.recipe_digest not in ("", digest):
        raise UserError(
            f"recipe {options.recipe} does something else than the digest that was given says",
            "name the recipe.json of the run that it was taken from, or leave recipe_digest out",
        )
    options = options.replaced(recipe_digest=digest)
    chosen = choose(project, options, report, recipe)
    _require_learnable(project, chosen, report)
    asked, (options, found) = options, settled_automatic(project, model, options, start, chosen, report)
    reasons = reasons_of(decisions_of(project, options, asked, start, chosen, found))
    _tell_of_loading(report)
    train, val = examples(project, chosen)
    word = start.word if start else options.start
    run = project.runs.create(options.preset, model, options.model_dump(), word, reasons=reasons)
    if recipe:
        write_atomically(run.recipe, recipe.to_json().encode())
    return Training(run, options, recipe, start, train, val, learnt_from=chosen.learnt_from)


def _require_learnable(project: Project, chosen: Chosen, report: Reporter) -> None:
    """Never start what will fail: what the index and earlier looks at the files know is asked again.

    Raises:
        UserError: When nothing can be learnt from what was chosen.
    """
    for finding in lint(project, chosen, report, looks=0):
        if finding.severity == "blocks":
            raise UserError(finding.text, finding.help)
        if finding.severity == "warns":
            report.log(f"beware: {finding.text}")


def recipe_asked(project: Project, options: TrainOptions, *, is_asked: bool) -> Recipe | None:
    """The recipe that augments, or that made the copies; None when nothing does.

    Args:
        project: Whose recipes.
        options: They name it.
        is_asked: Whether it was named for this training; one of an earlier run may be gone, then the run has it still.

    Raises:
        UserError: When there is none of that name, with the nearest names; when a step is wrong.
    """
    if options.augmentation == "off" or options.recipe == NONE:
        return None
    try:
        recipe = project.recipes.get(options.recipe)
    except UserError:
        alike = [] if is_asked else project.runs.list()
        kept = next(
            (run for run in alike if run.options.get("recipe") == options.recipe and run.recipe.is_file()), None
        )
        if kept is None:
            raise
        recipe = _kept_recipe(kept, options)
    recipe.require_valid()
    return recipe


def _kept_recipe(run: Run, options: TrainOptions) -> Recipe:
    return replace(read_recipe(run.recipe), name=recipe_name(options))


def settled(
    project: Project, values: dict[str, Any], report: Reporter, *, has_weights: bool = True
) -> tuple[Start | None, str, TrainOptions]:
    """What a training shall be, before anything is loaded, read or begun.

    Args:
        project: Whose.
        values: The options that were given.
        report: Hears of decisions.
        has_weights: Whether ImageNet's weights must be there if it starts from them.

    Returns:
        What it starts from, or None for fresh weights and those of ImageNet; the network's name; all options.

    Raises:
        UserError: For options that are wrong, a run or file that is not there, ImageNet's weights that cannot be had.
    """
    start = start_of(project, values, report)
    if start is None and names_run(values.get("start", "")):
        values = {name: value for name, value in values.items() if name != "start"}
    model, options = _options(project, start, values)
    if has_weights and options.start == "imagenet":
        network_of(model, options).require_weights()
    return start, model, options


def _tell_of_loading(report: Reporter) -> None:
    """Say what takes so long now; until the first step is done nothing tells how long the rest will take."""
    report.pace(is_even=False)
    report.progress(0, 1, "starting TensorFlow")


def _options(project: Project, start: Start | None, values: dict[str, Any]) -> tuple[str, TrainOptions]:
    """The network's name and all options.

    Fine-tuning keeps the network of the run it starts from, and trains as the newest run of that network did.
    """
    if start is None or "preset" in values:
        model, options = _from_preset(values)
    elif not start.model:
        raise UserError(
            f"nothing tells which network {start.title} is", "say it with a preset of that network: --preset NAME"
        )
    else:
        able = (run.options for run in project.runs.list() if run.model == start.model and run.epochs)
        latest = next(able, start.options)
        training = {name: latest[name] for name in TrainOptions.model_fields if name in latest}
        base = {**start.options, **training, "preset": start.preset, "recipe_digest": "", "start_digest": ""}
        known = {name: value for name, value in base.items() if name in options_of(start.model).model_fields}
        model, options = start.model, checked(options_of(start.model), {**known, **values})
    digest = start.digest if start else ""
    if options.start_digest not in ("", digest):
        raise UserError(
            f"{options.start} is another file than the digest that was given says",
            "name the file that the run started from, or leave start_digest out",
        )
    options = options.replaced(start_digest=digest)
    weights = project.settings.get("weights", "")
    if options.start == "imagenet" and weights and not getattr(options, "weights", weights):
        options = options.replaced(weights=weights)
    return model, options


def _from_preset(values: dict[str, Any]) -> tuple[str, TrainOptions]:
    chosen = preset(str(values.get("preset", DEFAULT)))
    options = chosen.options(**{name: value for name, value in values.items() if name != "preset"})
    if options.start == "imagenet" and not MODELS[chosen.model].is_pretrained:
        raise UserError(f"{chosen.model} has no ImageNet weights", "use --start scratch")
    if options.start not in ("imagenet", "scratch") and not _names_weights(options.start):
        raise UserError(
            f"there is no start {options.start!r}",
            "say imagenet, scratch, best, last, a run's number or a model file",
        )
    return chosen.model, options


def _resumed(project: Project, request: Request, report: Reporter) -> Training:
    """A run that goes on from its last checkpoint, with the very masks it began with."""
    run = project.runs.latest() if request.resume == "last" else project.runs.training(_number(request.resume))
    if run is None:
        raise UserError("there is no run to resume", "train one first")
    if run.is_running:
        raise UserError(f"run {run.name} is being trained now", "wait for it, or stop it first")
    if others := request.values.keys() - RESUMABLE:
        raise UserError(
            f"a resumed run keeps its {', '.join(sorted(others))}", "only epochs, patience and device may change"
        )
    options = checked(options_of(run.model), {**run.options, **request.values})
    if run.epochs >= options.epochs:
        raise UserError(
            f"run {run.name} has done all of {count_text(run.epochs, 'epoch')}", "give it more with --epochs"
        )
    if not run.last_weights.is_file():
        raise UserError(f"run {run.name} ended before its first epoch was done", "train anew")
    recipe = _recalled_recipe(project, run, options, report)
    _tell_of_loading(report)
    parts = recall(project, load_manifest(run.manifest))
    forget_wishes(run)
    project.runs.replan(run.id, epochs=options.epochs, patience=options.patience)
    if fitted := _fitted(run, options):
        report.log(fitted)
    run = project.runs.resume(run.id)
    return Training(run, options, recipe, None, parts["train"], parts["val"], is_resumed=True)


def _fitted(run: Run, options: TrainOptions) -> str:
    """What becomes of a rate that falls to nothing by the last epoch when there are others than planned; else empty."""
    planned = int(run.options.get("epochs") or options.epochs)
    if options.schedule != "cosine" or options.epochs == planned:
        return ""
    if options.epochs > planned:
        what = "stretched to that length, so that the learning rate rises once and falls again until the last one"
    else:
        what = "shortened to that length, so that the learning rate falls sooner"
    return f"{count_text(options.epochs, 'epoch')} instead of {planned}: the cosine is {what}"


def _rebuilt(project: Project, request: Request, report: Reporter) -> Training:
    """A run that is made again, from what its manifest and its card say."""
    original = project.runs.training(_number(request.rebuild))
    if request.values or request.resume:
        others = ", ".join(sorted({*request.values} | ({"resume"} if request.resume else set())))
        raise UserError(f"a rebuilt run keeps everything, also its {others}", "leave that out, or train anew")
    options = recalled_options(original, report)
    start = recalled_start(project, original, report)
    _tell_of_loading(report)
    parts = recalled_examples(project, original)
    recipe = _recalled_recipe(project, original, options, report)
    if start is None and options.start == "imagenet":
        network_of(original.model, options).require_weights()
    note = f"run {original.name} made again"
    run = project.runs.create(original.preset, original.model, original.options, original.start, note)
    if recipe:
        write_atomically(run.recipe, recipe.to_json().encode())
    for change in RunSteering(project, original).changes():
        RunSteering(project, run).keep(change)  # what a person changed meanwhile is changed again at its place
    words = f"the very images and masks of run {original.name}"
    return Training(run, options, recipe, start, parts["train"], parts["val"], learnt_from=words, original=original)


def _recalled_recipe(project: Project, run: Run, options: TrainOptions, report: Reporter) -> Recipe | None:
    """The recipe of a run as it was when the run began, whatever became of the one of its name."""
    if run.recipe.is_file():
        recipe: Recipe | None = _kept_recipe(run, options)
    else:
        recipe = recipe_asked(project, options, is_asked=True)
    if options.recipe_digest and (recipe is None or recipe.digest != options.recipe_digest):
        report.log("the recipe is not what it was when the run began: it goes on, but not as it would have")
    return recipe


def _reached(project: Project, run: Run) -> dict[str, Any]:
    """The fields of a run that say how far it is, by its metrics; none when its row says so already."""
    from segstudio.ml.schedule import kept_row

    try:
        rows = [row for row in project.runs.metrics(run.id) if "val_iou" in row and "val_loss" in row]
    except (OSError, ValueError):
        return {}
    if not rows or (rows[-1]["epoch"] <= run.epochs and run.best_epoch is not None):
        return {}
    best = kept_row(rows, str(run.options.get("keep", "best")))
    return {
        "epochs": int(rows[-1]["epoch"]),
        "best_epoch": int(best["epoch"]),
        "best_val_iou": best["val_iou"],
        "best_val_loss": best["val_loss"],
    }


def _stamp(weights: Path) -> tuple[int, int] | None:
    """What tells a file of weights from the one before; None when there is none."""
    try:
        status = weights.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _forget_predictions(project: Project, run: Run, report: Reporter) -> None:
    """What the weights before have predicted is not what the run would predict now."""
    if count := project.predictions.forget_run(run.id):
        report.log(f"{count} predictions of run {run.name} are deleted: its best weights are better ones now")
    project.looks.forget(run.id)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise UserError(f"{text!r} is not the number of a run", "`segstudio runs PROJECT` shows all of them")
    return int(text)


def _names_weights(start: object) -> bool:
    return names_run(start) or names_file(start)


def _result(run: Run, outcome: "Outcome") -> dict[str, Any]:
    baseline = outcome.rows[0] if outcome.rows[0]["epoch"] == 0 else None
    return {
        "run": run.id,
        "epochs": run.epochs,
        "best": {"epoch": run.best_epoch, "val_iou": run.best_val_iou, "val_loss": run.best_val_loss},
        "keep": run.options.get("keep", "best"),
        "model": str(run.best_weights),
        "status": run.status,
        "baseline": baseline,
        "preset": run.preset,
        "device": run.device,
        "precision": run.precision,
        "seconds": run.seconds,
        "ended": outcome.ended,
        "initial": outcome.initial,
    }
