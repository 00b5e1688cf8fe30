"""demo: the whole loop on generated pictures: make a dataset, a project of it, train, predict, evaluate, report."""

from pathlib import Path
from typing import Any, ClassVar

from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.reporter import Phase, Reporter
from segstudio.jobs import JOBS, Job
from segstudio.synthetic import KINDS


class DemoOptions(Options):
    """How large the sample projects are and how long they train."""

    count: int = option(48, "Pictures", ge=10, le=10_000, help="Pictures of each kind.")
    epochs: int = option(0, "Epochs", ge=0, le=1000, help="Epochs of training; 0 is a number that takes a minute.")
    preset: str = option("conv-unet-fast", "Preset", help="What is trained.")
    seed: int = option(0, "Seed", ge=0, help="Seed of the pictures, the split and the training.")


BRIEF_EPOCHS = {"chest-xray": 12, "dirty-lens": 10}
"""Enough to see the network learn and still be wrong somewhere."""


@JOBS.register
class Demo(Job[DemoOptions]):
    """Makes one project per kind of generated picture below the folder, and trains on each."""

    name: ClassVar[str] = "demo"
    title: ClassVar[str] = "Sample projects"
    lane: ClassVar = "compute"
    Options: ClassVar[type[Options]] = DemoOptions

    def perform(self, folder: Path, report: Reporter) -> dict[str, Any]:
        """Make the projects in `folder`, which must be new or empty.

        Returns:
            `projects`: for each its `project` folder, `title`, the `worst` sample's image, the `evaluation` on the
            test split, the `run` and the path of the HTML `report`.

        Raises:
            UserError: When the folder holds something already.
        """
        if folder.exists() and any(folder.iterdir()):
            raise UserError(f"{folder} is not empty", "name a new folder for the sample projects")
        kinds = KINDS.names()
        shares = [
            Phase(report, number / len(kinds), 1 / len(kinds), KINDS[kind].title) for number, kind in enumerate(kinds)
        ]
        return {"projects": [self._loop(folder, kind, phase) for kind, phase in zip(kinds, shares, strict=True)]}

    def _loop(self, folder: Path, kind: str, report: Phase) -> dict[str, Any]:
        chosen = self.options
        dataset, project = folder / "datasets" / kind, folder / kind
        epochs = chosen.epochs or BRIEF_EPOCHS.get(kind, 10)
        generate = {"kind": kind, "count": chosen.count, "seed": chosen.seed}
        _run("generate", generate, dataset, report.part(0, 0.05))
        _run("new", {"source": str(dataset), "seed": chosen.seed}, project, report.part(0.05, 0.05))
        train = {"preset": chosen.preset, "epochs": epochs, "seed": chosen.seed}
        trained = _run("train", train, project, report.part(0.1, 0.7))
        _run("predict", {}, project, report.part(0.8, 0.1))
        evaluation = _run("evaluate", {"split": "test"}, project, report.part(0.9, 0.05))
        page = folder / f"{kind}.html"
        _run("export-report", {"to": str(page)}, project, report.part(0.95, 0.05))
        listed = _run("list", {"sort": "iou"}, project, report.part(1, 0))
        return {
            "project": str(project),
            "title": KINDS[kind].title,
            "run": trained["run"],
            "worst": listed["samples"][0]["image"],
            "evaluation": {name: value for name, value in evaluation.items() if name != "per_image"},
            "report": str(page),
        }


def _run(name: str, values: dict[str, Any], folder: Path, report: Reporter) -> dict[str, Any]:
    return JOBS[name].from_values(values).perform(folder, report)
