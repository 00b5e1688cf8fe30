"""Which samples and copies a training learns from and is validated by, and the exact revision of each mask."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from segstudio.augmentation.augmenter import Augmenter
from segstudio.augmentation.recipe import NONE, Recipe
from segstudio.core.errors import UserError
from segstudio.core.labels import FOREGROUND, IGNORED
from segstudio.core.manifest import ManifestRow, load_manifest
from segstudio.core.mask import Mask
from segstudio.core.reporter import Reporter
from segstudio.core.sample import REVIEWED, USABLE, ReviewState, Sample, Split
from segstudio.formats import read_image
from segstudio.jobs.presets import TrainOptions
from segstudio.project.augmented import Copy
from segstudio.project.project import Project
from segstudio.project.runs import USABLE as USABLE_RUNS
from segstudio.project.runs import Run

if TYPE_CHECKING:
    from segstudio.ml.data import Example

USUAL_BATCH = 8
"""What reviewed masks must fill, while the batch is not chosen yet, so that Retrain learns from them alone."""

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
        before: The revision against which masks to learn from are corrected, by sample; see `corrected_since`.
    """

    train: list[Sample]
    val: list[Sample]
    learnt_from: str
    copies: list[Copy] = field(default_factory=list)
    before: dict[int, int] = field(default_factory=dict)

    @property
    def states(self) -> dict[int, ReviewState]:
        """The review state of each sample that is learnt from."""
        return {one.id: one.state for one in self.train}


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
    train, val, words = _selected(project, options, report)
    project.masks.seal(one.id for one in (*train, *val))
    train, val = (list(project.samples.all(one.id for one in part)) for part in (train, val))
    return _with_copies(project, options, report, recipe, Chosen(train, val, words))


def select(project: Project, options: TrainOptions, report: Reporter, recipe: Recipe | None = None) -> Chosen:
    """As `choose`, for whoever only wants to know: nothing is sealed, nothing is written."""
    return _with_copies(project, options, report, recipe, Chosen(*_selected(project, options, report)))


def _selected(project: Project, options: TrainOptions, report: Reporter) -> tuple[list[Sample], list[Sample], str]:
    """Samples to learn from and to validate by, and what the former are in words."""
    usable = usable_samples(project)
    train = [one for one in usable if one.split is Split.TRAIN]
    val = [one for one in usable if one.split is Split.VAL]
    if not val:
        train, val = carved(train, options.seed)
        report.log(f"the project has no validation split: {len(val)} training samples validate instead of being learnt")
    train, words = _limited(*by_review(train, options), options.limit)
    if not train or not val:
        raise UserError(
            "there are not enough samples to learn from",
            "at least one in the training split and one to validate by need a mask and must not be flagged or rejected",
        )
    return train, val, words


def _with_copies(
    project: Project, options: TrainOptions, report: Reporter, recipe: Recipe | None, chosen: Chosen
) -> Chosen:
    copies, words = copies_of(project, options, chosen.train, report, recipe), chosen.learnt_from
    if copies:
        words += f" and {len(copies)} augmented copies"
    report.log(f"learning from {words}")
    before: dict[int, int] = {}
    if options.correction_weight != 1:
        run = last_run(project, options.start)
        before = corrected_since(project, run, chosen.train)
        if before:
            since = f"run {run.name}" if run is not None else "they came"
            report.log(
                f"masks corrected since {since}: {len(before)}; what was changed counts "
                f"{options.correction_weight:g} times"
            )
    return replace(chosen, learnt_from=words, copies=copies, before=before)


def usable_samples(project: Project) -> list[Sample]:
    """What may be learnt from at all, in the order of names: with a mask, readable, neither flagged nor rejected."""
    return [one for one in project.samples.all() if one.has_mask and one.state in USABLE and not one.problem]


def examples(project: Project, chosen: Chosen) -> "tuple[list[Example], list[Example]]":
    """What the loader needs of everything that was chosen: to learn from, and to validate by.

    Ignored regions are kept as they are now. Corrections count in what is learnt from alone, and copies carry none: a
    copy is made of a mask, whoever has drawn it.
    """
    ignored = {one.id: project.ignored.keep(one) for one in (*chosen.train, *chosen.val)}
    train = [
        example(project, one, "train", one.revision, ignored[one.id], chosen.before.get(one.id), one.state)
        for one in chosen.train
    ]
    train += [copy_example(project, one, ignored[one.sample], chosen.states[one.sample]) for one in chosen.copies]
    return train, [example(project, one, "val", one.revision, ignored[one.id], state=one.state) for one in chosen.val]


def last_run(project: Project, start: str) -> Run | None:
    """The run against which masks are corrected: the one that the training starts from, else the newest that is usable.

    Args:
        project: Whose runs.
        start: What the training starts from, as its options say.
    """
    if names_run(start):
        return project.runs.resolve(start)
    able = (run for run in project.runs.list() if run.status in USABLE_RUNS and run.manifest.is_file())
    return next(able, None)


def corrected_since(project: Project, run: Run | None, samples: Sequence[Sample]) -> dict[int, int]:
    """For each sample whose mask is another than a run has learnt from, by its id: which revision that was.

    Where the run has not learnt from the sample, it is the dataset's own mask. A sample that came without a mask is not
    corrected but drawn, and has no entry; nor has one whose earlier mask is gone.
    """
    learnt = {} if run is None else _learnt_from(run)
    found = {}
    for one in samples:
        if learnt.get(one.id, 0) != one.revision:
            before = _still_there(project, one, learnt.get(one.id, 0))
            if before is not None and before != one.revision:
                found[one.id] = before
    return found


def learnt_revision(project: Project, run: Run | None, sample: Sample) -> int | None:
    """The revision against which a mask is corrected, whether it differs or not; None when against none."""
    return _still_there(project, sample, ({} if run is None else _learnt_from(run)).get(sample.id, 0))


def _still_there(project: Project, sample: Sample, revision: int) -> int | None:
    """That revision if it can be read, else the dataset's own mask, else None."""
    there = {one.number for one in project.masks.revisions(sample)}
    return next((number for number in (revision, 0) if number in there), None)


def _learnt_from(run: Run) -> dict[int, int]:
    """The revision of each mask that a run has learnt from, by the sample's id."""
    try:
        rows = load_manifest(run.manifest)
    except UserError:  # then its corrections are those of the dataset's masks
        return {}
    return {row.sample: row.revision for row in rows if row.split == "train" and not row.recipe}


def names_run(start: object) -> bool:
    """Whether a training starts from a run."""
    return str(start) in ("best", "last") or str(start).isdecimal()


def by_review(train: list[Sample], options: TrainOptions) -> tuple[list[Sample], str]:
    """The training samples that `options.samples` asks for, and what they are in words."""
    reviewed = [one for one in train if one.state in REVIEWED]
    if options.samples == "all":
        return train, f"all {len(train)} usable masks"
    batch = options.batch or USUAL_BATCH  # one that is chosen for them depends on how many they are
    if options.samples == "retrain" and len(reviewed) < batch:
        few = f"only {len(reviewed)} reviewed, less than a batch of {batch}"
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


def copies_of(
    project: Project, options: TrainOptions, train: list[Sample], report: Reporter, recipe: Recipe | None
) -> list[Copy]:
    """The copies to learn from beside `train`; none of a sample that is not learnt from itself, or with a part of one.

    Raises:
        UserError: When copies are asked for and there are none.
    """
    if options.augmentation not in ("queued", "both"):
        return []
    name, learnt = recipe_name(options), {one.id for one in train}
    if name == NONE:
        raise UserError("queued copies are those of a recipe, and the recipe is none", "choose a recipe")
    every = [copy for copy in project.augmented.copies(name) if copy.sample in learnt]
    there = [copy for copy in every if all(donor in learnt for donor, _ in copy.donors)]
    if len(there) < len(every):
        count = len(every) - len(there)
        unused = "1 copy is not used: it shows" if count == 1 else f"{count} copies are not used: they show"
        reason = f"{unused} parts of samples that are not learnt from"
        report.note(f"augmented/{name}", reason)
    ignored = {one: project.ignored.sha256(project.samples.get(one)) for one in _donors_of(there)}
    current = _digest(project, name, recipe)
    fresh = [
        copy for copy in there
        if not copy.is_stale and current in (None, copy.recipe_digest)
        and all(ignored[donor] == was for donor, was in copy.donors)
    ]  # fmt: skip
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


def _donors_of(copies: Sequence[Copy]) -> set[int]:
    return {donor for copy in copies for donor, _ in copy.donors}


def _digest(project: Project, name: str, recipe: Recipe | None) -> str | None:
    """The digest that copies by this recipe have; None when it is not known.

    The project knows no recipe that came from a file, and so not whether the file is another by now.
    """
    if recipe is None:
        return None
    made = project.augmented.about(name)
    # The same steps are the same recipe, also when another version of Albumentations gives them another digest.
    return made.digest if made and made.recipe.steps == recipe.steps else recipe.digest


def carved(train: list[Sample], seed: int) -> tuple[list[Sample], list[Sample]]:
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
        UserError: When an augmented copy is gone, or shows by now what validates.
    """
    samples = {one.id: one for one in project.samples.all(sorted({row.sample for row in rows}))}
    copies = _recalled_copies(project, rows)
    parts: dict[str, list[Example]] = {"train": [], "val": []}
    for row in rows:
        if row.recipe:
            parts[row.split].append(copy_example(project, copies[row.image], row.ignored_sha256, row.state))
        else:
            parts[row.split].append(
                example(
                    project, samples[row.sample], row.split, row.revision, row.ignored_sha256, row.before, row.state
                )
            )
    return parts


def _recalled_copies(project: Project, rows: Sequence[ManifestRow]) -> dict[str, Copy]:
    """The copies that a manifest names, by their path; also those that are stale or rejected by now.

    Raises:
        UserError: When one is gone, or has been made anew since and is another.
    """
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
    other = [row for row in wanted if row.copy_sha256 and there[row.image].sha256 != row.copy_sha256]
    if other:
        raise UserError(
            f"{len(other)} augmented copies have been made anew since, and are others: {other[0].image} among them",
            f"make them again as they were: `segstudio augment PROJECT --recipe {other[0].recipe}` with the same seed, "
            "masks and recipe; or train anew",
        )
    validating = {row.sample for row in rows if row.split == "val"}
    if leak := [row for row in wanted if not validating.isdisjoint(dict(there[row.image].donors))]:
        raise UserError(
            f"{leak[0].image} has been made anew since, and shows a part of what validated then", "train anew"
        )
    return there


def copy_example(project: Project, copy: Copy, ignored: str = "", state: str = "") -> "Example":
    """What the loader needs of an augmented copy, which is only ever learnt from.

    Args:
        project: Whose copy.
        copy: Which.
        ignored: What `IgnoredRegions.keep` says of the sample it was made of.
        state: The state of that sample.
    """
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
        ignored,
        lambda: _ignored_in_copy(project, copy, ignored),
        state=state,
        donors=tuple(donor for donor, _ in copy.donors),
        copy_sha256=copy.sha256,
    )


def _ignored_in_copy(project: Project, copy: Copy, ignored: str) -> Mask | None:
    """Where an augmented copy is to be ignored: what is ignored in its sample goes where the recipe has moved it.

    The recipe is applied once more, by the copy's own seed: no file says it, and regions may be newer than copies.

    Raises:
        UserError: When the copy would come out otherwise now.
    """
    sample = project.samples.get(copy.sample)
    region = project.ignored.load_kept(sample, ignored)
    if region is None:
        return None
    about, donors = project.augmented.about(copy.recipe), project.augmented.donors(copy)
    if about is not None and donors is not None:
        # The class stays beside the mark, to be held against the copy's own mask.
        labels = project.masks.load_revision(sample, copy.revision) | region * np.uint8(IGNORED)
        augmenter = Augmenter(about.recipe, donors)
        moved = augmenter.apply(project.read_image(sample), labels, copy.seed, source=copy.source).mask
        if np.array_equal(moved & FOREGROUND, read_image(copy.mask_file) > 127):
            return (moved & IGNORED > 0).astype(np.uint8)
    raise UserError(
        "it cannot be told where this copy is to be ignored: its recipe does something else by now",
        f"make it again: `segstudio augment PROJECT --recipe {copy.recipe}`",
    )


def _path(project: Project, copy: Copy) -> str:
    return copy.image_file.relative_to(project.folder).as_posix()


def example(
    project: Project, sample: Sample, part: str, revision: int, ignored: str = "", before: int | None = None,
    state: str = "",
) -> "Example":  # fmt: skip
    """What the loader needs of one sample: always this revision of its mask, whatever is edited meanwhile.

    Args:
        project: Whose sample.
        sample: Which.
        part: "train" or "val".
        revision: Of its mask.
        ignored: What `IgnoredRegions.keep` has said of it.
        before: Against which revision its mask is corrected; against none when None.
        state: Its review state.
    """
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
        ignored_sha256=ignored,
        read_ignored=lambda: project.ignored.load_kept(sample, ignored),
        before=before,
        read_before=lambda: None if before is None else project.masks.load_revision(sample, before),
        state=state,
    )
