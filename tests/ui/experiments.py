"""Comparisons and stress tests for tests of the window: real files, made without a training."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from segstudio.core.files import write_atomically
from segstudio.core.reporter import ListReporter
from segstudio.jobs.compare import finished
from segstudio.jobs.cross_validate import fold_roles, result_of_folds, suspect
from segstudio.jobs.presets import preset
from segstudio.jobs.stop_advice import nested_roles, result_of_sizes, sizes_of
from segstudio.jobs.stress import FILE
from segstudio.jobs.stress_families import families
from segstudio.jobs.versions import versions
from segstudio.project.cells import Arm, Cell, Choice, Score
from segstudio.project.comparisons import Comparison
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.studies import MEASURED, Chosen, Kind, Study

NOISE = {"original": 0.12, "chest-xray": 0.04, "strong": 0.3}
"""How much of a prediction is wrong, by arm."""


def begin_comparison(
    project: Project, arms: Sequence[str] = ("original", "chest-xray"), repeats: int = 2, split: str = "test"
) -> Comparison:
    """A comparison that is planned, without any training."""
    options = preset("conv-unet-fast").options(epochs=4).model_dump()
    samples = tuple(one.id for one in project.samples.all() if one.split == split)
    planned = tuple(
        Arm(name, "conv-unet-fast", "conv-unet", options, "none" if name == "original" else name) for name in arms
    )
    return project.comparisons.create(
        arms=planned, repeats=repeats, seed=0, split=split, metric="iou", groups=(), samples=samples,
        images_per_epoch=4, about=versions(),
    )  # fmt: skip


def train_cells(project: Project, comparison: Comparison, count: int | None = None) -> None:
    """What the trainings of a comparison would leave: curves, predictions a little beside it, and a word."""
    for number, cell in enumerate(comparison.cells()[:count]):
        rng = np.random.default_rng(number)
        lines = [f"{epoch},{0.5 + 0.1 * epoch - NOISE[cell.arm]},{1 / epoch}" for epoch in range(1, 5)]
        write_atomically(cell.folder / "metrics.csv", "\n".join(["epoch,val_iou,val_loss", *lines, ""]).encode())
        for sample in project.samples.all(comparison.samples):
            aside = np.roll(project.masks.load(sample), round(40 * NOISE[cell.arm]), axis=1)
            predicted = aside ^ (rng.random(aside.shape) < NOISE[cell.arm] / 4)
            cell.save_prediction(sample, np.where(predicted, 230, 20).astype(np.uint8))
        cell.finish(seconds=3.0, epochs=4, best={"epoch": 4, "val_iou": 0.9}, steps=8, batch=2, initial="same")


def finish_comparison(project: Project, **settings: Any) -> Comparison:
    """A comparison with its result."""
    comparison = begin_comparison(project, **settings)
    train_cells(project, comparison)
    finished(project, comparison, ListReporter())
    return project.comparisons.get(comparison.id)


def _arm() -> Arm:
    return Arm("folds", "conv-unet-fast", "conv-unet", preset("conv-unet-fast").options(epochs=4).model_dump())


def fold_study(project: Project, repeats: int = 2) -> Study:
    """A cross-validation with its result, of scores that are made up: one mask looks wrong."""
    samples = [one for one in project.samples.all() if one.split != "test"]
    roles = fold_roles(samples, [0.1] * len(samples), 3, repeats, seed=0)
    rows = tuple(Choice(one.id, one.image, one.split.value, one.revision) for one in samples)
    study = project.studies.create(
        Chosen(rows, roles), kind=Kind.FOLDS, arm=_arm(), parts=("fold-1", "fold-2", "fold-3"), repeats=repeats, seed=0,
        settings={"learnt_from": "all usable masks"},
    )  # fmt: skip
    rng, scores = np.random.default_rng(0), []
    for cell in study.cells():
        for one in study.chosen().of(cell, MEASURED):
            hits = 100 if one.sample == samples[2].id else int(900 + 40 * rng.random())
            scores.append(_score(project, one.sample, cell, hits, 1000 - hits))
    project.studies.save_scores(study, scores)
    result = result_of_folds(study, scores)
    suspect(project, study, result)
    return project.studies.update(study, result=result)


def curve_study(project: Project, lost: float = 0.9) -> Study:
    """A learning curve with its result, of scores that are made up."""
    train = [one for one in project.samples.all() if one.split == "train"]
    val = [one for one in project.samples.all() if one.split == "val"]
    sizes, repeats = sizes_of(len(train), 4, ()), 3
    roles = {f"size-{n}-{r}": nested_roles(train, n, r) + "x" * len(val) for r in range(repeats) for n in sizes}
    rows = tuple(Choice(one.id, one.image, one.split.value, one.revision) for one in (*train, *val))
    study = project.studies.create(
        Chosen(rows, roles), kind=Kind.CURVE, arm=_arm(), parts=tuple(f"size-{n}" for n in sizes), repeats=repeats,
        seed=0, images_per_epoch=sizes[-1],
        settings={"sizes": list(sizes), "more": [10, 25, 50], "split": "val", "metric": "iou", "learnt_from": "all"},
    )  # fmt: skip
    rng, scores = np.random.default_rng(0), []
    for cell in study.cells():
        for one in val:
            size = int(cell.arm.removeprefix("size-"))
            hits = int(1000 * (0.95 - lost * size**-0.5 - 0.01 * (one.id % 5) - 0.005 * rng.random()))
            scores.append(_score(project, one.id, cell, hits, 1000 - hits))
    project.studies.save_scores(study, scores)
    return project.studies.update(study, result=result_of_sizes(study, scores))


def _score(project: Project, sample_id: int, cell: Cell, tp: int, wrong: int) -> Score:
    one = project.samples.get(sample_id)
    iou, dice = tp / (tp + wrong), 2 * tp / (2 * tp + wrong)
    return Score(one.id, one.image, one.group, one.state.value, one.revision, 0.1, cell.arm, cell.repeat, cell.seed,
                 tp, wrong // 2, wrong - wrong // 2, 2000, iou, dice)  # fmt: skip


def add_run(project: Project) -> Run:
    """A run with weights, as far as the window looks at them."""
    run = project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
    run.best_weights.write_bytes(b"weights")
    return project.runs.update(run.id, status="finished", epochs=4, best_epoch=4, best_val_iou=0.8)


def stress_result(run: Run, *, size: int = 64) -> dict[str, Any]:
    """A stress test in which everything costs more the stronger it is, stored in the run's folder."""
    table = []
    for place, family in enumerate(families().values()):
        for strength in family.strengths:
            lost = 0.004 * (place + 1) * strength**2 / 5
            table.append(
                {"transform": family.name, "title": family.title, "strength": strength,
                 "label": family.labels[strength - 1], "parameters": {}, "iou": 0.9 - lost, "dice": 0.95 - lost,
                 "lost": lost, "low": lost * 0.8, "high": lost * 1.2}
            )  # fmt: skip
    result = {
        "run": run.id, "split": "test", "metric": "iou", "images": 30, "size": size,
        "clean": {"iou": 0.9, "dice": 0.95}, "table": table, "hint": "", "empty_convention": "", "options": {},
        "seconds": 1.0,
    }  # fmt: skip
    write_atomically(run.folder / FILE, json.dumps(result).encode())
    return result
