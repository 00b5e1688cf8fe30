"""What cross-validations and learning curves have in common: one configuration, many trainings, all of it resumable."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.manifest import ManifestRow
from segstudio.core.metrics import Counts
from segstudio.core.options import checked
from segstudio.core.reporter import Phase, Reporter
from segstudio.core.sample import Sample, Split
from segstudio.core.way import Way, way_of
from segstudio.jobs.cell_scores import Truth, require_alike, scores_of
from segstudio.jobs.cells import CellTraining, perform_cells
from segstudio.jobs.comparison_arms import Wanted, recipe_of, settled_arm
from segstudio.jobs.presets import TrainOptions, options_of, preset
from segstudio.jobs.training_samples import Chosen as TrainingSamples
from segstudio.jobs.training_samples import copies_of, corrected_since, examples, last_run, recall
from segstudio.project.cells import Arm, Cell, Choice, Score
from segstudio.project.project import Project
from segstudio.project.studies import LEARNT, MEASURED, VALIDATES, Chosen, Kind, Study

TRAINING = 0.98
"""Share of the time for the trainings; the rest measures."""

LOOKS = {Kind.FOLDS: "cross-validate", Kind.CURVE: "advise"}
"""What is said to have looked at the test split, where samples of it take part."""

CHANGEABLE = frozenset({"resume", "device"})
"""What may be given beside the number of a study that goes on: all else is as it was."""


def settled_configuration(
    project: Project, name: str, preset_name: str, epochs: int, options: dict[str, Any], report: Reporter
) -> tuple[Arm, TrainOptions]:
    """What all trainings of a study have in common, with the preset's own augmentation unless another is given.

    Raises:
        UserError: For a recipe, preset, option or run that is not there.
    """
    values = {"preset": preset_name, **options}
    if "seed" in values or "device" in values:
        raise UserError("seed and device are the study's, for all its trainings", "say them with --seed and --device")
    values.setdefault("recipe", preset(str(values["preset"])).options().recipe)
    if epochs:
        values["epochs"] = epochs
    try:
        arm, settled = settled_arm(project, Wanted(name, values), report)
    except UserError as error:
        raise UserError(error.message.removeprefix(f"arm {name}: "), error.hint) from error
    return arm, settled


def group_of(sample: Sample) -> Hashable:
    """The group of a sample; one that is alone is a group by its path."""
    return ("group", sample.group) if sample.group else ("image", sample.image)


def shares_of(project: Project, samples: Sequence[Sample]) -> list[float | None]:
    """Which share of the area the masks of these samples cover, where that is known."""
    table = project.samples.table()
    shares = table.foreground[table.indices_of([one.id for one in samples])]
    return [None if np.isnan(share) else float(share) for share in shares]


def chosen_now(
    project: Project,
    samples: Sequence[Sample],
    roles: dict[str, str],
    arm: Arm,
    options: TrainOptions,
    report: Reporter,
) -> Chosen:
    """The samples with their masks as they are now, which become permanent revisions, and the copies made of them.

    Args:
        project: Whose samples.
        samples: In the order of the roles' letters.
        roles: See `Chosen`.
        arm: What is trained.
        options: Its options.
        report: Hears of copies that are not used.
    """
    project.masks.seal(one.id for one in samples)
    sealed = list(project.samples.all(one.id for one in samples))
    copies = copies_of(project, options, sealed, report, recipe_of(arm))
    before = {}
    if options.correction_weight != 1:
        before = corrected_since(project, last_run(project, options.start), sealed)
    every, _ = examples(project, TrainingSamples(sealed, [], "", copies, before))
    splits = {one.id: one.split.value for one in sealed}
    rows = [
        Choice(one.sample, one.image, splits[one.sample], one.revision, one.recipe, one.ignored_sha256, one.before,
               one.state, one.donors, one.copy_sha256)
        for one in every
    ]  # fmt: skip
    return Chosen(tuple(one for one in rows if not one.recipe), roles, tuple(one for one in rows if one.recipe))


def require_alone(options: Any) -> None:
    """Raise UserError when a study is to go on and is given something that it has settled."""
    if others := options.model_fields_set - CHANGEABLE:
        raise UserError(f"a study keeps its {', '.join(sorted(others))}", "make a new one with other settings")


def performed(
    project: Project,
    study: Study,
    device: str,
    report: Reporter,
    result_of: Callable[[Study, list[Score]], dict[str, Any]],
) -> dict[str, Any]:
    """Train what is not trained, measure, and store what comes out.

    Raises:
        UserError: When a training cannot be made, or nothing can be measured.
        Cancelled: When the user stopped it; finished trainings are kept.
    """
    with project.studies.claimed(study):
        study = project.studies.get(study.id)  # as it is now, which no other process changes any more
        if study.result is not None:
            report.log(f"study {study.name} is finished already")
            return study.result
        report.log(f"study {study.name}: {study.kind}, {study.title}")
        _train(project, study, device, Phase(report, 0, TRAINING))
        scores = _measured(project, study, Phase(report, TRAINING, 1 - TRAINING))
        project.studies.save_scores(study, scores)
        done = study.cells()[0].done()
        about = {**study.about, **{name: done.get(name) for name in ("device", "precision")}}
        study = project.studies.update(study, about=about)
        if any(one.split == Split.TEST for one in study.chosen().samples):
            project.looks.record("", LOOKS[study.kind])
        study = project.studies.update(study, result=result_of(study, scores))
        assert study.result is not None
        report.log(study.result["summary"])
        return study.result


def _train(project: Project, study: Study, device: str, report: Reporter) -> None:
    chosen, recipe = study.chosen(), recipe_of(study.arm)

    def training(cell: Cell) -> CellTraining:
        parts = {"train": chosen.of(cell, LEARNT), "val": chosen.of(cell, VALIDATES)}
        rows = [
            ManifestRow(one.sample, one.image, part, one.revision, "", "", one.recipe, one.ignored_sha256,
                        one.before if part == "train" else None, one.state, one.copy_sha256)
            for part, found in parts.items()
            for one in found
        ]  # fmt: skip
        return CellTraining(
            cell,
            study.arm.model,
            checked(options_of(study.arm.model), {**study.arm.options, "seed": cell.seed, "device": device}),
            recipe,
            recall(project, rows),
            list(project.samples.all(one.sample for one in chosen.of(cell, MEASURED))),
            study.images_per_epoch or None,
            flips=study.flips,
        )

    cache = project.folder / "cache" / "study" / study.name
    perform_cells(project, study.cells(), training, cache, report)


def _measured(project: Project, study: Study, report: Reporter) -> list[Score]:
    """The score of every image in every training that measured it, against the mask that the study began with."""
    require_alike(study.cells(), study.flips)
    chosen = study.chosen()
    cells: dict[int, list[Cell]] = {}
    for cell in study.cells():
        for one in chosen.of(cell, MEASURED):
            cells.setdefault(one.sample, []).append(cell)
    truths = {one.sample: one for one in chosen.samples}
    samples = list(project.samples.all(cells))

    def truth_of(sample: Sample) -> Truth:
        known = truths[sample.id]
        mask = project.masks.load_revision(sample, known.revision)
        ignored = project.ignored.load_kept(sample, known.ignored_sha256)
        return Truth(sample, known.revision, mask, ignored, cells[sample.id])

    return scores_of(samples, truth_of, report)


def way_of_study(study: Study) -> Way:
    """How the networks of a study looked at what they measured."""
    return way_of(study.arm.options, flips=study.flips)


def counts_of(score: Score) -> Counts:
    """The pixels of one score."""
    return Counts(score.tp, score.fp, score.fn, score.tn)
