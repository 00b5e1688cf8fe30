"""Which samples a training learns from and is validated by, and the exact revision of each mask."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.core.sample import REVIEWED, USABLE, Sample, Split
from segstudio.jobs.presets import TrainOptions
from segstudio.project.project import Project

if TYPE_CHECKING:
    from segstudio.ml.data import Example, ManifestRow

CARVED = 0.15
"""Share of the training samples, by whole groups, that validates when the project has no validation split."""


@dataclass(frozen=True)
class Chosen:
    """Samples by their part in one training; the test split has none.

    Attributes:
        train: What is learnt from.
        val: What the best epoch is chosen by.
        learnt_from: What `train` is, in words.
    """

    train: list[Sample]
    val: list[Sample]
    learnt_from: str


def choose(project: Project, options: TrainOptions, report: Reporter) -> Chosen:
    """The samples of a new training; their current masks become permanent revisions.

    Flagged and rejected samples, and those without a mask or with a damaged file, are never used.

    Raises:
        UserError: When there is nothing to learn from.
    """
    usable = [one for one in project.samples.all() if one.has_mask and one.state in USABLE and not one.problem]
    train = [one for one in usable if one.split is Split.TRAIN]
    val = [one for one in usable if one.split is Split.VAL]
    if not val:
        train, val = _carved(train, options.seed)
        report.log(f"the project has no validation split: {len(val)} training samples validate instead of being learnt")
    train, words = _by_review(train, options)
    report.log(f"learning from {words}")
    if not train or not val:
        raise UserError(
            "there are not enough samples to learn from",
            "at least one in the training split and one to validate by need a mask and must not be flagged or rejected",
        )
    project.masks.seal(one.id for one in (*train, *val))
    train, val = (list(project.samples.all(one.id for one in part)) for part in (train, val))
    return Chosen(train, val, words)


def _by_review(train: list[Sample], options: TrainOptions) -> tuple[list[Sample], str]:
    """The training samples that `options.samples` asks for, and what they are in words."""
    reviewed = [one for one in train if one.state in REVIEWED]
    if options.samples == "all":
        return train, f"all {len(train)} usable masks"
    if options.samples == "retrain" and len(reviewed) < options.batch:
        few = f"only {len(reviewed)} reviewed, less than a batch of {options.batch}"
        return train, f"all {len(train)} usable masks ({few})"
    return reviewed, f"{len(reviewed)} reviewed masks of {len(train)} usable ones"


def _carved(train: list[Sample], seed: int) -> tuple[list[Sample], list[Sample]]:
    """Training samples without some whole groups, and those: the same ones for the same seed and the same groups."""

    def rank(group: str) -> str:
        return hashlib.sha256(f"{seed} {group}".encode()).hexdigest()

    groups: dict[str, list[Sample]] = {}
    for sample in train:
        groups.setdefault(sample.group or sample.image, []).append(sample)
    val: list[Sample] = []
    for group in sorted(groups, key=rank)[:-1]:  # one group at least stays to learn from
        if len(val) >= CARVED * len(train):
            break
        val.extend(groups[group])
    carved = {one.id for one in val}
    return [one for one in train if one.id not in carved], val


def recall(project: Project, rows: Sequence["ManifestRow"]) -> dict[str, list["Example"]]:
    """The examples of an earlier training by its manifest, in their order, under "train" and "val"."""
    samples = {one.id: one for one in project.samples.all(sorted({row.sample for row in rows}))}
    parts: dict[str, list[Example]] = {"train": [], "val": []}
    for row in rows:
        parts[row.split].append(example(project, samples[row.sample], row.split, row.revision))
    return parts


def example(project: Project, sample: Sample, part: str, revision: int) -> "Example":
    """What the loader needs of one sample: always this revision of its mask, whatever is edited meanwhile."""
    from segstudio.ml.data import Example

    def mask_file() -> Path:
        return next(one.path for one in project.masks.revisions(sample) if one.number == revision)

    return Example(
        sample.id,
        sample.image,
        part,
        revision,
        project.image_path(sample),
        mask_file,
        lambda: project.read_image(sample),
        lambda: project.masks.load_revision(sample, revision),
    )
