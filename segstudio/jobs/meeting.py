"""A meeting of two runs: both measured on images that neither has learnt from, and judged by the differences.

What judges: the validation split, and accepted masks (of images outside the test split) that neither run nor any run it
goes back to was trained on. Near-duplicates of what one of them was trained on are no judges either. The test split
chooses nothing and takes no part.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segstudio.core.errors import UserError
from segstudio.core.manifest import load_manifest
from segstudio.core.metrics import COMPARED_CONVENTION, METRICS, Counts, compared
from segstudio.core.reporter import Phase, Reporter
from segstudio.core.sample import USABLE, ReviewState, Sample, Split
from segstudio.core.statistics import FEWEST, Paired, paired
from segstudio.core.threshold import Histogram
from segstudio.core.way import PLAIN, way_of
from segstudio.core.wording import count_text
from segstudio.jobs.predict import PredictOptions, predict_samples, predicted_apart
from segstudio.jobs.starts import names_file
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.threads import in_threads

RULE = (
    "A challenger becomes champion when it is not worse: when its mean difference to the champion over the images that "
    "neither was trained on is 0 or more. When the mean is below 0 the champion stays, even where that may be chance; "
    "so it does when the challenger has its very weights, because no epoch made them better, and when it goes back to "
    "a model of which nobody knows whether it has learnt from these very images. A person may promote the challenger "
    "all the same."
)
"""When a run is promoted by itself; shown wherever a verdict is."""


@dataclass
class Lineage:
    """What a run has seen, with all runs that it goes back to.

    Attributes:
        learnt: Ids of samples it was trained on, also through augmented copies.
        validated: Ids of samples that chose an epoch.
        unknown: Names of runs, or other beginnings, of which nobody knows what they learnt from.
    """

    learnt: set[int] = field(default_factory=set)
    validated: set[int] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)


def lineage(project: Project, run: Run) -> Lineage:
    """What a run and those it goes back to have seen, by their manifests."""
    found = Lineage()
    current: Run | None = run
    while current is not None:
        try:
            rows = load_manifest(current.manifest)
        except UserError:
            found.unknown.append(f"run {current.name}")
            rows = []
        found.learnt |= {row.sample for row in rows if row.split == "train"}
        found.validated |= {row.sample for row in rows if row.split == "val"}
        current = _start_of(project, current, found)
    return found


def _start_of(project: Project, run: Run, found: Lineage) -> Run | None:
    """The run whose weights it began with, or None."""
    if names_file(run.start):
        found.unknown.append(Path(run.start).name)
    if not run.start.isdecimal():
        return None
    try:
        return project.runs.get(int(run.start))
    except UserError:
        found.unknown.append(f"run {int(run.start):04}")
        return None


@dataclass(frozen=True)
class Judges:
    """The samples by which two runs are held against each other.

    Attributes:
        samples: In the order of their ids.
        notes: What a reader must know of them, as sentences.
        doubts: What the last of the runs goes back to, and no other does, of which nobody knows whether it has learnt
            from these very samples.
    """

    samples: Sequence[Sample]
    notes: Sequence[str]
    doubts: Sequence[str] = ()


def judges(project: Project, runs: Sequence[Run]) -> Judges:
    """The samples that may judge these runs.

    Raises:
        UserError: When there is none.
    """
    seen = [lineage(project, run) for run in runs]
    learnt: set[int] = set().union(*(one.learnt for one in seen))
    validated: set[int] = set().union(*(one.validated for one in seen))
    unknown = sorted({name for one in seen for name in one.unknown})
    everything = list(project.samples.all())
    groups = {one.group for one in everything if one.group and one.id in learnt}

    def may_judge(one: Sample) -> bool:
        if one.split is Split.TEST or not one.has_mask or one.problem or one.state not in USABLE:
            return False
        if one.id in learnt or one.group in groups:
            return False
        # Of a run that keeps no manifest only the split tells what it was not trained on.
        is_accepted = one.state is ReviewState.ACCEPTED and not unknown
        return one.split is Split.VAL or is_accepted or one.id in validated

    samples = [one for one in everything if may_judge(one)]
    if not samples:
        raise UserError(
            "there is no image to hold the runs against each other by",
            "a mask in the validation split, or an accepted one that neither run was trained on, is needed",
        )
    accepted = sum(one.split is not Split.VAL and one.id not in validated for one in samples)
    notes = []
    if accepted:
        validating = len(samples) - accepted
        judged = "1 image validates" if validating == 1 else f"{validating} images validate"
        more = "1 more is an accepted mask" if accepted == 1 else f"{accepted} more are accepted masks"
        notes.append(f"{judged}; {more}, new to both.")
    has_chosen = any(run.options.get("keep", "best") == "best" for run in runs)
    if has_chosen and any(one.id in validated for one in samples):
        notes.append("The validation images also chose the best epoch of the runs: their scores are a little too good.")
    if unknown:
        notes.append(f"Nobody knows what {' and '.join(unknown)} learnt from: only the validation split judges.")
    # What both go back to may have learnt from them too, and then favours neither.
    doubts = [name for name in seen[-1].unknown if all(name not in one.unknown for one in seen[:-1])]
    return Judges(samples, notes, doubts)


# --- measuring --------------------------------------------------------------------------------------------------------


def measured(
    project: Project, runs: Sequence[Run], samples: Sequence[Sample], device: str, report: Reporter
) -> dict[int, list[Counts]]:
    """The counts of each sample for each run at its threshold, against the masks as they are now; by the sample's id.

    Stored predictions are used where they were made in the plain way. What cannot be read is noted and left out.
    """
    fresh: list[dict[int, Counts]] = []
    share = 0.9 / len(runs)
    for number, run in enumerate(runs):
        phase = Phase(report, number * share, share, f"run {run.name}")
        fresh.append(_predicted(project, run, samples, device, phase))

    def measure(sample: Sample) -> list[Counts] | None:
        found = []
        for run, counts in zip(runs, fresh, strict=True):
            probability = None if sample.id in counts else project.predictions.load(run.id, sample)
            one = counts.get(sample.id) if probability is None else counted(project, run, sample, probability)
            if one is not None:
                found.append(one)
        return found if len(found) == len(runs) else None

    result: dict[int, list[Counts]] = {}
    reading = Phase(report, 0.9, 0.1, "measuring")
    with in_threads(samples, measure) as done:
        for number, (sample, counts) in enumerate(done, 1):
            found = _noted(counts, sample, report)
            if found is not None:
                result[sample.id] = found
            reading.progress(number, len(samples), sample.name)
    return result


def counted(project: Project, run: Run, sample: Sample, probability: npt.NDArray[np.uint8]) -> Counts | None:
    """The pixels of a prediction at the run's threshold against the mask as it is now, but for those ignored."""
    truth, ignored = project.masks.load(sample), project.ignored.load(sample)
    return Histogram.of(probability, truth, ignored).counts(run.level)


def _predicted(
    project: Project, run: Run, samples: Sequence[Sample], device: str, report: Reporter
) -> dict[int, Counts]:
    """Let a run predict what it has not; the counts of what it predicted in another way, which stays as it is."""
    options = PredictOptions(device=device)
    missing = [one for one in samples if not project.predictions.has(run.id, one)]
    if missing:
        predict_samples(project, run, missing, report, options)
    manners = project.predictions.manners(run.id)
    otherwise = [one for one in samples if manners.get(one.id, PLAIN) != PLAIN]
    return _predicted_again(project, run, otherwise, report, device) if otherwise else {}


def _predicted_again(
    project: Project, run: Run, samples: Sequence[Sample], report: Reporter, device: str
) -> dict[int, Counts]:
    """Predict in the plain way without storing: what was stored was made with tiles or mirror images."""
    found: dict[int, Counts] = {}
    report.log(f"run {run.name} has predicted with tiles or mirror images: it predicts plainly for the meeting")
    for sample, probability in predicted_apart(project, run, samples, way_of(run.options), device, report):
        try:
            counts = counted(project, run, sample, probability)
            if counts is not None:
                found[sample.id] = counts
        except (UserError, OSError) as error:
            report.note(sample.image, str(error))
    return found


def _noted(counts: "Future[list[Counts] | None]", sample: Sample, report: Reporter) -> list[Counts] | None:
    try:
        return counts.result()
    except (UserError, OSError) as error:
        report.note(sample.image, str(error))
        return None


# --- the verdict ------------------------------------------------------------------------------------------------------


def meet(
    project: Project, challenger: Run, champion: Run, report: Reporter, *, metric: str = "iou", device: str = "auto"
) -> dict[str, Any]:
    """Hold two runs against each other; see `Challenge.run` for what is returned.

    Raises:
        UserError: When there is nothing to hold them against each other by.
        Cancelled: When the user stopped it.
    """
    chosen = judges(project, (champion, challenger))
    counts = measured(project, (champion, challenger), chosen.samples, device, report)
    samples = [one for one in chosen.samples if one.id in counts]
    if not samples:
        raise UserError("no image could be measured for both runs", "see the Problems panel")
    scores = np.array([[compared(one, metric) for one in counts[sample.id]] for sample in samples])
    differences = scores[:, 1] - scores[:, 0]
    groups = np.array([one.group or f"sample {one.id}" for one in samples])
    found = paired(differences[:, None], groups)
    verdict = verdict_of(found, differences)
    rows = _rows(samples, scores)
    order = np.argsort(differences, kind="stable")
    return {
        "run": challenger.id,
        "champion": champion.id,
        "metric": metric,
        "images": found.images,
        "independent": found.units,
        "champion_mean": float(scores[:, 0].mean()),
        "run_mean": float(scores[:, 1].mean()),
        "difference": found.difference,
        "interval": list(found.interval),
        "verdict": verdict,
        "is_promoted": False,
        "doubts": list(chosen.doubts),
        "summary": summary(challenger, champion, found, verdict, scores, metric, is_known=not chosen.doubts),
        "worse": [rows[row] for row in order if differences[row] < 0],
        "better": int(np.count_nonzero(differences > 0)),
        "same": int(np.count_nonzero(differences == 0)),
        "notes": [*chosen.notes, *_notes(challenger, champion, found, len(chosen.samples) - len(samples))],
        "rule": RULE,
        "convention": COMPARED_CONVENTION,
        "per_image": rows,
    }


def _notes(challenger: Run, champion: Run, found: Paired, lost: int) -> list[str]:
    """What is to know about a meeting besides its figures."""
    notes = []
    if found.units < FEWEST:
        few = "independent image is" if found.units == 1 else "independent images are"
        notes.append(f"{found.units} {few} very few: {FEWEST} are the least, some dozens are sensible.")
    if challenger.level != champion.level:
        notes.append(
            f"Each run is measured at its own threshold: {challenger.threshold:g}, the champion {champion.threshold:g}."
        )
    if lost:
        notes.append(f"{lost} images could not be measured for both and are left out.")
    return notes


def _rows(samples: Sequence[Sample], scores: npt.NDArray[np.float64]) -> list[dict[str, Any]]:
    """Each image with its scores (N, 2), by the champion and by the challenger."""
    return [
        {
            "sample": sample.id,
            "image": sample.image,
            "split": sample.split.value,
            "before": before,
            "after": after,
            "difference": after - before,
        }
        for sample, (before, after) in zip(samples, scores.tolist(), strict=True)
    ]


def verdict_of(found: Paired, differences: npt.NDArray[np.float64]) -> str:
    """What a meeting says of the challenger.

    Returns:
        "better" or "worse" when the 95 % interval of the mean difference is on one side of 0; else "not worse" or "not
        better" by the sign of the mean; "the same" when no image differs.
    """
    low, high = found.interval
    if not differences.any():
        return "the same"
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    return "not worse" if found.difference >= 0 else "not better"


def is_promotable(verdict: str, challenger: Run, doubts: Sequence[str] = ()) -> bool:
    """Whether a challenger becomes champion by itself, see RULE.

    Whoever may have learnt from the images that judge has an easy time with them.

    Scores that are all the same need not come of the same weights: two networks that find nothing yet differ in how far
    they are, and who goes on from the champion alone would make the same step for ever.
    """
    if doubts:
        return False
    has_learnt = challenger.best_epoch != 0
    return verdict in ("better", "not worse") or (verdict == "the same" and has_learnt)


def summary(
    challenger: Run,
    champion: Run,
    found: Paired,
    verdict: str,
    scores: npt.NDArray[np.float64],
    metric: str,
    *,
    is_known: bool = True,
) -> str:
    """The verdict as one or two sentences; `is_known` says whether the challenger is new to the images for sure."""
    (before, after), (low, high) = scores.mean(0), found.interval
    images = count_text(found.images, "image")
    who = f"Run {challenger.name}"
    if verdict == "the same":
        return f"{who} scores the same as the champion, run {champion.name}, on every one of {images}."
    said = {
        "better": f"{who} is better than the champion, run {champion.name}",
        "worse": f"{who} is worse than the champion, run {champion.name}",
        "not worse": f"{who} is not worse than the champion, run {champion.name}",
        "not better": f"{who} is no better than the champion, run {champion.name}",
    }[verdict]
    new = "that neither was trained on" if is_known else "that it may have learnt from"
    return (
        f"{said}: {METRICS[metric]} {after:.4f} against {before:.4f} on {images} {new}, mean "
        f"difference {found.difference:+.4f} (95 % interval {low:+.4f} to {high:+.4f})."
    )
