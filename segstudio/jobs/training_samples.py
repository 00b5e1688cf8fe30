"""Which samples and copies a training learns from and is validated by, and the exact revision of each mask."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from segstudio.augmentation.recipe import NONE, Recipe
from segstudio.core.errors import UserError
from segstudio.core.manifest import ManifestRow
from segstudio.core.reporter import Reporter
from segstudio.core.sample import REVIEWED, USABLE, Sample, Split
from segstudio.formats import read_image
from segstudio.jobs.presets import TrainOptions
from segstudio.project.augmented import Copy
from segstudio.project.project import Project

if TYPE_CHECKING:
    from segstudio.ml.data import Example

CARVED = 0.15
"""Share of the training samples, by whole groups, that validates when the project has no validation split."""


@dataclass(frozen=True)
class Chosen:
    """Samples by their part in one training; the test split has none.

    Attributes:
        train: What is learnt from.
        val: What the best epoch is chosen by.
        learnt_from: What `train` and `copies` are, in words.
        copies: Augmented copies that are learnt from too: of samples in `train`, and of no other.
    """

    train: list[Sample]
    val: list[Sample]
    learnt_from: str
    copies: list[Copy] = field(default_factory=list)


def choose(project: Project, options: TrainOptions, report: Reporter, recipe: Recipe | None = None) -> Chosen:
    """The samples of a new training; their current masks become permanent revisions.

    Flagged and rejected samples, and those without a mask or with a damaged file, are never used.

    Args:
        project: Whose samples.
        options: Which of them.
        report: Hears of decisions.
        recipe: What made the copies, as it is now; when None, the project's recipe of that name says which are stale.

    Raises:
        UserError: When there is nothing to learn from.
    """
    usable = [one for one in project.samples.all() if one.has_mask and one.state in USABLE and not one.problem]
    train = [one for one in usable if one.split is Split.TRAIN]
    val = [one for one in usable if one.split is Split.VAL]
    if not val:
        train, val = _carved(train, options.seed)
        report.log(f"the project has no validation split: {len(val)} training samples validate instead of being learnt")
    train, words = _limited(*_by_review(train, options), options.limit)
    if not train or not val:
        raise UserError(
            "there are not enough samples to learn from",
            "at least one in the training split and one to validate by need a mask and must not be flagged or rejected",
        )
    project.masks.seal(one.id for one in (*train, *val))
    train, val = (list(project.samples.all(one.id for one in part)) for part in (train, val))
    copies = _copies(project, options, train, report, recipe)
    if copies:
        words += f" and {len(copies)} augmented copies"
    report.log(f"learning from {words}")
    return Chosen(train, val, words, copies)


def examples(project: Project, chosen: Chosen) -> "tuple[list[Example], list[Example]]":
    """What the loader needs of everything that was chosen: to learn from, and to validate by."""
    train = [example(project, one, "train", one.revision) for one in chosen.train]
    train += [copy_example(project, one) for one in chosen.copies]
    return train, [example(project, one, "val", one.revision) for one in chosen.val]


def _by_review(train: list[Sample], options: TrainOptions) -> tuple[list[Sample], str]:
    """The training samples that `options.samples` asks for, and what they are in words."""
    reviewed = [one for one in train if one.state in REVIEWED]
    if options.samples == "all":
        return train, f"all {len(train)} usable masks"
    if options.samples == "retrain" and len(reviewed) < options.batch:
        few = f"only {len(reviewed)} reviewed, less than a batch of {options.batch}"
        return train, f"all {len(train)} usable masks ({few})"
    return reviewed, f"{len(reviewed)} reviewed masks of {len(train)} usable ones"


def _limited(train: list[Sample], words: str, limit: int) -> tuple[list[Sample], str]:
    """At most `limit` of the samples, in their order: those of a smaller limit are among those of a larger one."""
    if not limit or len(train) <= limit:
        return train, words
    ranked = sorted(train, key=lambda one: hashlib.sha256(one.image.encode("utf-8", "surrogatepass")).digest())
    kept = {one.id for one in ranked[:limit]}
    return [one for one in train if one.id in kept], f"{limit} samples of {words}"


def recipe_name(options: TrainOptions) -> str:
    """What the recipe is called: when it is a file, as that file."""
    return Path(options.recipe).stem if options.recipe.lower().endswith(".json") else options.recipe


def _copies(
    project: Project, options: TrainOptions, train: list[Sample], report: Reporter, recipe: Recipe | None
) -> list[Copy]:
    """The copies to learn from beside `train`; none of a sample that is not learnt from itself.

    Raises:
        UserError: When copies are asked for and there are none.
    """
    if options.augmentation not in ("queued", "both"):
        return []
    name, learnt = recipe_name(options), {one.id for one in train}
    if name == NONE:
        raise UserError("queued copies are those of a recipe, and the recipe is none", "choose a recipe")
    there = [copy for copy in project.augmented.copies(name) if copy.sample in learnt]
    current = _digest(project, name, recipe)
    fresh = [copy for copy in there if not copy.is_stale and current in (None, copy.recipe_digest)]
    usable = [copy for copy in fresh if not copy.is_rejected]
    stale = len(there) - len(fresh)
    if stale:
        report.note(f"augmented/{name}", f"{stale} copies are not used: their mask or the recipe has changed since")
    # The one-click retraining goes on without: correcting a mask is what puts its copies out of date.
    if not usable and options.samples != "retrain":
        left_out = f": {stale} are out of date, {len(there) - stale} rejected" if there else ""
        raise UserError(
            f"there are no copies by recipe {name} to learn from{left_out}",
            f"`segstudio augment PROJECT --recipe {name}` or the Augment panel makes them; or augment on the fly",
        )
    return usable


def _digest(project: Project, name: str, recipe: Recipe | None) -> str | None:
    """The digest that copies by this recipe have; None when it is not known.

    The project knows no recipe that came from a file, and so not whether the file is another by now.
    """
    if recipe is None:
        return None
    made = project.augmented.about(name)
    # The same steps are the same recipe, also when another version of Albumentations gives them another digest.
    return made.digest if made and made.recipe.steps == recipe.steps else recipe.digest


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


def recall(project: Project, rows: Sequence[ManifestRow]) -> dict[str, list["Example"]]:
    """The examples of an earlier training by its manifest, in their order, under "train" and "val".

    Raises:
        UserError: When an augmented copy is gone.
    """
    samples = {one.id: one for one in project.samples.all(sorted({row.sample for row in rows}))}
    copies = _recalled_copies(project, rows)
    parts: dict[str, list[Example]] = {"train": [], "val": []}
    for row in rows:
        if row.recipe:
            parts[row.split].append(copy_example(project, copies[row.image]))
        else:
            parts[row.split].append(example(project, samples[row.sample], row.split, row.revision))
    return parts


def _recalled_copies(project: Project, rows: Sequence[ManifestRow]) -> dict[str, Copy]:
    """The copies that a manifest names, by their path; also those that are stale or rejected by now."""
    wanted = [row for row in rows if row.recipe]
    there = {
        _path(project, copy): copy
        for recipe in sorted({row.recipe for row in wanted})
        for copy in project.augmented.copies(recipe)
        if copy.image_file.is_file() and copy.mask_file.is_file()
    }
    if gone := [row for row in wanted if row.image not in there]:
        raise UserError(
            f"{len(gone)} augmented copies that the run learnt from are gone, {gone[0].image} among them",
            f"make them again as they were: `segstudio augment PROJECT --recipe {gone[0].recipe}` with the same seed; "
            "or train anew",
        )
    return there


def copy_example(project: Project, copy: Copy) -> "Example":
    """What the loader needs of an augmented copy, which is only ever learnt from."""
    from segstudio.ml.data import Example

    return Example(
        copy.sample,
        _path(project, copy),
        "train",
        copy.revision,
        copy.image_file,
        lambda: copy.mask_file,
        lambda: read_image(copy.image_file),
        lambda: (read_image(copy.mask_file) > 127).astype(np.uint8),
        copy.recipe,
    )


def _path(project: Project, copy: Copy) -> str:
    return copy.image_file.relative_to(project.folder).as_posix()


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
