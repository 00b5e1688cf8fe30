"""find-rate: some steps of a training at ever larger learning rates, of which nothing is kept but the curve."""

import time
from typing import Any, ClassVar

from segstudio.core.errors import UserError
from segstudio.core.options import Options, checked, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.deciding import settled_automatic
from segstudio.jobs.fitting import computing_on, find_rate
from segstudio.jobs.presets import TrainOptions
from segstudio.jobs.train import Request, Train, recipe_asked, settled
from segstudio.jobs.training_samples import choose, examples
from segstudio.project.project import Project
from segstudio.project.topics import Topics


class FindRateOptions(TrainOptions):
    """The training to find a rate for; its own rate, epochs and schedule do not count."""

    steps: int = option(
        100, "Steps", ge=10, le=10_000, help="Rates that are tried, one a batch; more of them give a calmer curve."
    )


@JOBS.register
class FindRate(ProjectJob[FindRateOptions]):
    """Tries ever larger learning rates and suggests one; no run is made."""

    name: ClassVar[str] = "find-rate"
    title: ClassVar[str] = "Find learning rate"
    lane: ClassVar = "compute"
    topics: ClassVar[Topics] = frozenset({"masks"})
    Options: ClassVar[type[Options]] = FindRateOptions

    def __init__(self, request: Request, steps: int) -> None:
        self.request = request
        self.steps = steps

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "FindRate":
        """The job from plain values: those of a training, and how many steps."""
        if "resume" in values:
            raise UserError("resume is not a known option", "a rate is found for a training that has not begun")
        steps = checked(FindRateOptions, {name: values[name] for name in ("steps",) if name in values}).steps
        training = Train.from_values({name: value for name, value in values.items() if name != "steps"})
        return cls(training.request, steps)

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Sweep.

        Returns:
            `suggested` (a rate, or null), `reason` (in words), `learning_rate` (of the options as they are), `curve`
            [{rate, loss, smoothed}], `steps` (done; fewer than asked for when the loss went through the roof),
            `preset`, `images`, `device`, `precision`, `seconds`.

        Raises:
            UserError: When there is nothing to learn from.
            Cancelled: When it was stopped.
        """
        project.require_writable()
        started = time.monotonic()
        start, model, options = settled(project, self.request.values, report)
        recipe = recipe_asked(project, options, is_asked="recipe" in self.request.values)
        chosen = choose(project, options, report, recipe)
        options, _ = settled_automatic(project, model, options, start, chosen, report)
        train, _ = examples(project, chosen)
        device, precision = computing_on(options)
        report.log(f"{device.title}, {precision}")
        found = find_rate(
            model,
            options,
            train,
            self.steps,
            report,
            cache=project.folder / "cache" / "find-rate",
            recipe=recipe,
            start=start.weights if start else None,
        )
        report.log(found.reason)
        columns = zip(found.rates, found.losses, found.smoothed, strict=True)
        return {
            "suggested": found.suggested,
            "reason": found.reason,
            "learning_rate": options.learning_rate,
            "curve": [{"rate": rate, "loss": loss, "smoothed": mean} for rate, loss, mean in columns],
            "steps": len(found.rates),
            "preset": options.preset,
            "images": len(train),
            "device": device.title,
            "precision": precision,
            "seconds": time.monotonic() - started,
        }
