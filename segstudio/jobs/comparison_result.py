"""What a comparison says: every prediction measured, the differences judged, in figures and in words."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segstudio.core.metrics import COMPARED_CONVENTION, METRICS
from segstudio.core.percentage import percent
from segstudio.core.reporter import Reporter
from segstudio.core.sample import Sample
from segstudio.core.statistics import FEWEST, Paired, Verdict, paired
from segstudio.core.way import flips_notes, flips_words, way_of
from segstudio.jobs.cell_scores import Truth, require_alike, scores_of
from segstudio.project.cells import Arm, Score
from segstudio.project.comparisons import Comparison
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project

EXTREMES = 6
"""So many images are named that were helped most, and hurt most."""


Floats = npt.NDArray[np.float64]


# --- measuring --------------------------------------------------------------------------------------------------------


def measured(project: Project, comparison: Comparison, report: Reporter) -> list[Score]:
    """The score of every image in every cell, against the masks as they are now."""
    cells = comparison.cells()
    require_alike(cells, comparison.flips)

    def truth_of(sample: Sample) -> Truth:
        mask, ignored = project.masks.load(sample), project.ignored.load(sample)
        sample = project.samples.get(sample.id)  # looking at its file may have noticed another program's edit
        return Truth(sample, sample.revision, mask, ignored, cells)

    return scores_of(list(project.samples.all(comparison.samples)), truth_of, report)


# --- the result -------------------------------------------------------------------------------------------------------


class Table:
    """The scores of a comparison as arrays.

    Attributes:
        images: The first score of every image, for what is known of the image itself.
        values: float (images, repeats) of scores by arm.
    """

    def __init__(self, comparison: Comparison, scores: Sequence[Score]) -> None:
        rows: dict[int, int] = {}
        for score in scores:
            rows.setdefault(score.sample, len(rows))
        firsts = {score.sample: score for score in reversed(scores)}
        self.images = [firsts[sample] for sample in rows]
        shape = (len(rows), comparison.repeats)
        self.values: dict[str, Floats] = {arm.name: np.full(shape, np.nan) for arm in comparison.arms}
        for score in scores:
            self.values[score.arm][rows[score.sample], score.repeat] = getattr(score, comparison.metric)
        # An image without a group is alone.
        self.groups = np.array([score.group or f"sample {score.sample}" for score in self.images])

    def differences(self, arm: str, first: str) -> Floats:
        """Score of an arm less that of the first, (images, repeats)."""
        return np.subtract(self.values[arm], self.values[first], dtype=np.float64)


def result_of(project: Project, comparison: Comparison, scores: Sequence[Score]) -> dict[str, Any]:
    """What the job "compare" returns, as plain JSON values; see there."""
    table = Table(comparison, scores)
    first, *others = comparison.arms
    effects = [_effect(project, comparison, table, arm, first) for arm in others]
    notes = _notes(comparison, table, effects)
    return {
        **{name: value for name, value in effects[0].items() if name not in ("arm", "against")},
        "comparison": comparison.id,
        "metric": comparison.metric,
        "split": comparison.split,
        "flips": comparison.flips,
        "arms": [_arm(comparison, table, arm) for arm in comparison.arms],
        "effects": effects,
        "is_paired": not _unpaired(comparison),
        "notes": notes,
        "convention": COMPARED_CONVENTION,
        "seconds": sum(float(cell.done().get("seconds", 0)) for cell in comparison.cells()),
    }


def _arm(comparison: Comparison, table: Table, arm: Arm) -> dict[str, Any]:
    of_repeats = np.nanmean(table.values[arm.name], axis=0)
    cells = [comparison.cell(arm.name, repeat) for repeat in range(comparison.repeats)]
    done = [cell.done() for cell in cells]
    return {
        "name": arm.name,
        "mean": float(of_repeats.mean()),
        "deviation": float(of_repeats.std(ddof=1)) if len(of_repeats) > 1 else None,
        "repeats": [float(value) for value in of_repeats],
        "seeds": [cell.seed for cell in cells],
        "recipe": arm.recipe,
        "digest": arm.digest,
        "preset": arm.preset,
        "is_control": arm.is_control,
        "way": way_of(arm.options, flips=comparison.flips).to_values(),
        "differs": _differs(comparison.arms[0], arm),
        "best_epochs": [one.get("best", {}).get("epoch") for one in done],
        "val_iou": [one.get("best", {}).get("val_iou") for one in done],
        "steps": [one.get("steps") for one in done],
        "initial": [one.get("initial") for one in done],
    }


def _differs(first: Arm, arm: Arm) -> dict[str, Any]:
    """The options that an arm does not share with the first."""
    names = sorted(first.options.keys() | arm.options.keys())
    return {name: arm.options.get(name) for name in names if arm.options.get(name) != first.options.get(name)}


def _effect(project: Project, comparison: Comparison, table: Table, arm: Arm, first: Arm) -> dict[str, Any]:
    """An arm held against the first one."""
    differences = table.differences(arm.name, first.name)
    found = paired(differences, table.groups, seed=comparison.seed)
    means = np.nanmean(differences, axis=1)
    rows = [
        {
            "sample": one.sample,
            "image": one.image,
            "difference": float(means[row]),
            "first": float(np.nanmean(table.values[first.name][row])),
            "second": float(np.nanmean(table.values[arm.name][row])),
            # The repeat that is most like the mean of all stands for the image in pictures.
            "repeat": int(np.nanargmin(np.abs(differences[row] - means[row]))),
        }
        for row, one in enumerate(table.images)
    ]
    order = np.argsort(means, kind="stable")
    return {
        "arm": arm.name,
        "against": first.name,
        **_plain(found),
        "summary": _summary(comparison, table, arm, first, found),
        "per_group": _per_group(project, comparison, table, differences),
        "helped": [rows[row] for row in order[::-1][:EXTREMES] if means[row] > 0],
        "hurt": [rows[row] for row in order[:EXTREMES] if means[row] < 0],
        "per_image": rows,
    }


def _plain(found: Paired) -> dict[str, Any]:
    return asdict(found) | {"verdict": str(found.verdict), "interval": list(found.interval)}


def _summary(comparison: Comparison, table: Table, arm: Arm, first: Arm, found: Paired) -> str:
    before, after = (float(np.nanmean(table.values[one.name])) for one in (first, arm))
    metric = METRICS[comparison.metric]
    where = f"{metric} {after:.4f} against {before:.4f} of {first.name}"
    on = f"on {found.images} images of the {comparison.split} split, {found.repeats} repeat{'s'[: found.repeats > 1]}"
    on += flips_words(comparison.flips)
    said = {
        Verdict.HELPS: f"{arm.name} helps: {where}, {on}.",
        Verdict.HURTS: f"{arm.name} hurts: {where}, {on}.",
        Verdict.UNCLEAR: f"{arm.name} is not distinguishable from {first.name} with this much data: {where}, {on}.",
    }[found.verdict]
    return f"{said} {found.explanation}"


# --- sub-groups -------------------------------------------------------------------------------------------------------


def _per_group(project: Project, comparison: Comparison, table: Table, differences: Floats) -> list[dict[str, Any]]:
    found = []
    for name, kind, members in sub_groups(project, comparison.groups, table.images):
        if members.any():
            one = paired(differences[members], table.groups[members], seed=comparison.seed)
            found.append({"group": name, "kind": kind, **_plain(one)})
    return found


class _Image(Protocol):
    """What puts an image into a sub-group."""

    @property
    def sample(self) -> int:
        """Id of the sample."""

    @property
    def foreground(self) -> float:
        """Share of the area that its mask covers."""

    @property
    def state(self) -> str:
        """Its review state."""


def sub_groups(
    project: Project, filters: Sequence[str], images: Sequence[_Image]
) -> Iterable[tuple[str, str, npt.NDArray[np.bool_]]]:
    """Name, kind ("foreground", "filter" or "review state") and members of every sub-group of some images.

    Args:
        project: Whose.
        filters: Expressions, each of which makes a group.
        images: Those that were measured.
    """
    sizes = np.array([one.foreground for one in images])
    if (sizes > 0).any():
        middle = np.median(sizes[sizes > 0])
        yield "no foreground", "foreground", sizes == 0
        yield f"smaller half (up to {percent(middle, 1)} of the area)", "foreground", (sizes > 0) & (sizes <= middle)
        yield f"larger half (above {percent(middle, 1)} of the area)", "foreground", sizes > middle
    ids = np.array([one.sample for one in images])
    all_samples = project.samples.revealed()  # where the test split was measured, that look was counted
    for text in filters:
        yield text, "filter", np.isin(ids, all_samples.id[compile_filter(text).rows(all_samples)])
    states = np.array([one.state for one in images])
    if len(set(states)) > 1:
        for state in sorted(set(states)):
            yield state, "review state", states == state


# --- what a reader must know ------------------------------------------------------------------------------------------


def _notes(comparison: Comparison, table: Table, effects: list[dict[str, Any]]) -> list[str]:
    looked_at = sum(len(effect["per_group"]) for effect in effects)
    lost = len(comparison.samples) - len(table.images)
    what = (
        f"The figures are of {len(table.images)} images of the {comparison.split} split, each weighing the same; "
        f"{effects[0]['units']} of them are independent (near-duplicates and groups count as one)."
    )
    notes = [what, *flips_notes(comparison.flips)]
    if lost:
        notes.append(f"{lost} images could not be measured in every training and are left out of all.")
    if effects[0]["units"] < FEWEST:
        notes.append(f"So few independent images allow no verdict: {FEWEST} are the least, some dozens are sensible.")
    has_chosen = any(arm.options.get("keep", "best") == "best" for arm in comparison.arms)
    if comparison.split == "val" and has_chosen:
        notes.append("The validation split also chose the best epoch of every arm: its scores are a little too good.")
    if comparison.repeats == 1:
        notes.append("With one repeat, chance between trainings is unknown: there is no verdict without a second one.")
    if len(effects) > 1:
        notes.append(
            f"{len(effects)} arms are each held against {comparison.arms[0].name} as if alone: of many such "
            "comparisons one in twenty stands out by chance."
        )
    if looked_at:
        notes.append(
            f"{looked_at} sub-groups are looked at, each with a 95 % interval of its own that is not corrected for "
            "their number: about one in twenty stands out by chance. Take them as questions, not as answers."
        )
    if len(comparison.looks) > 1:
        notes.append(
            f"Results were looked at after {', '.join(map(str, comparison.looks))} repeats: whoever adds repeats until "
            "a difference shows finds one more often than the 5 % that the interval promises."
        )
    return notes + _unpaired(comparison) + _unequal(comparison)


def _unpaired(comparison: Comparison) -> list[str]:
    """Arms that did not begin with the first one's weights although they have its seeds."""
    first, *others = comparison.arms
    notes = []
    for arm in others:
        is_same = [
            comparison.cell(first.name, repeat).done().get("initial")
            == comparison.cell(arm.name, repeat).done().get("initial")
            for repeat in range(comparison.repeats)
        ]
        if not arm.is_control and not all(is_same):
            notes.append(f"{arm.name} begins with other weights than {first.name}: its network or its start differs.")
    return notes


def _unequal(comparison: Comparison) -> list[str]:
    """Arms that took more or fewer steps than the first one, or stopped fitting into memory."""
    first, *others = comparison.arms

    def of(arm: Arm, name: str) -> list[object]:
        return [comparison.cell(arm.name, repeat).done().get(name) for repeat in range(comparison.repeats)]

    return [
        f"{arm.name} and {first.name} differ in {words}: {of(arm, name)} against {of(first, name)}."
        for arm in others
        for words, name in (("gradient steps", "steps"), ("images per step", "batch"))
        if of(arm, name) != of(first, name)
    ]
