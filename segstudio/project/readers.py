"""Readers: other people's masks of the same images, held against one's own.

The masks of a reader take the place of predictions: a reader is a run that was not trained, so its masks can be walked
through, taken or refused blob by blob, and deleted, as predictions can.

    runs/NNNN/bundle.json   what the reader said of each sample

What either reader ignores is not compared.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from segstudio.core.agreement import kappa
from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.metrics import Counts
from segstudio.core.reporter import Reporter
from segstudio.core.sample import ReviewState, Sample
from segstudio.formats import encode_mask
from segstudio.project.bundle import Bundle, Entry, matched
from segstudio.project.runs import READER, Run
from segstudio.project.threads import in_threads

if TYPE_CHECKING:
    from segstudio.project.project import Project


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a reader agrees about one sample.

    Attributes:
        sample_id: The sample.
        image: Its image.
        dice: Of the two masks; None when both are empty.
        kappa: See core.agreement.
        different: Pixels in which the masks differ.
        mine: The verdict here.
        theirs: Their verdict.
        comment: What they say.
    """

    sample_id: int
    image: str
    dice: float | None
    kappa: float | None
    different: int
    mine: str
    theirs: str
    comment: str


def import_bundle(project: "Project", bundle: Bundle, report: Reporter) -> Run:
    """Take the masks of another reader in, as a run whose predictions they are, and show it.

    One's own masks, verdicts and comments stay as they are.

    Raises:
        UserError: When not one of its images is in the project, or none has a mask that can be read.
    """
    project.require_writable()
    name = bundle.reviewer or "somebody"
    options = {"reader": name, "bundle": bundle.path.name, "created": bundle.created}
    run: Run | None = None
    said: dict[str, Any] = {}
    try:
        for entry, sample in matched(project, bundle, report):
            said[sample.image] = asdict(entry)
            try:
                mask, ignored = bundle.mask(entry, sample), bundle.ignored(entry, sample)
            except UserError as error:
                report.note(entry.image, str(error))
                continue
            if mask is not None:
                run = run or project.runs.create(READER, READER, options, "scratch", note=f"masks of {name}")
                if ignored is not None:
                    path = project.ignored.reader_path(run.id, sample)
                    write_atomically(path, encode_mask(ignored), is_durable=False)
                project.predictions.save(run.id, sample, mask * np.uint8(255), uncertainty=0.0)
        if not said:
            raise UserError(
                f"{bundle.path} is about other images: none of its {len(bundle.entries)} is in this project",
                "a bundle belongs to a project of the same dataset",
            )
        if run is None:
            raise UserError(f"{bundle.path} has no mask of an image of this project that can be read")
        write_atomically(run.folder / "bundle.json", json.dumps(said, ensure_ascii=False).encode())
        project.predictions.score(run.id, report=report)
    except BaseException:
        if run is not None:
            project.runs.update(run.id, status="cancelled", message="the bundle was not taken in to its end")
        raise
    run = project.runs.update(run.id, status="finished")
    project.predictions.set_current(run.id)
    return run


_OPEN = frozenset({"", str(ReviewState.TODO)})


def readers(project: "Project") -> list[Run]:
    """The readers whose masks are here, the newest first."""
    return [run for run in project.runs.list() if run.is_reader and run.status == "finished"]


def agreement(project: "Project", run: Run) -> list[Agreement]:
    """How far a reader agrees, sample by sample, the least first; only where both have a mask.

    Nothing is stored, so it may be asked whenever something has changed. What is shown is counted already; the masks of
    a reader who is not shown are read.
    """
    entries = said_by(run)
    counts = counts_of(project, run)
    rows = []
    for sample in project.samples.all(counts):
        entry, one = entries.get(sample.image), counts[sample.id]
        theirs, comment = (entry.state, entry.comment) if entry is not None else ("", "")
        rows.append(
            Agreement(
                sample.id, sample.image, one.dice, kappa(one), one.fp + one.fn, str(sample.state), theirs, comment
            )
        )
    return sorted(rows, key=lambda row: (row.dice is None, row.dice or 0.0))


class Means(NamedTuple):
    """How far a reader agrees over all samples.

    Attributes:
        dice: The mean, where it exists.
        kappa: Likewise.
        same_verdict: The share of samples with the same verdict, of those that both have judged.
        both_judged: How many these are.
    """

    dice: float | None
    kappa: float | None
    same_verdict: float | None
    both_judged: int


def means(rows: Sequence[Agreement]) -> Means:
    """What the rows of an agreement come to."""
    both = [float(row.mine == row.theirs) for row in rows if _OPEN.isdisjoint((row.mine, row.theirs))]
    return Means(_mean([row.dice for row in rows]), _mean([row.kappa for row in rows]), _mean(both), len(both))


def pooled(project: "Project", run: Run) -> float | None:
    """Kappa over the pixels of all samples together."""
    return kappa(sum(counts_of(project, run).values(), Counts()))


def counts_of(project: "Project", run: Run) -> dict[int, Counts]:
    """The pixels of a reader's masks against one's own as they are now, by sample id; only where both have one."""
    if project.predictions.current() == run.id:
        return project.predictions.counts(run.id)

    def count(sample: Sample) -> Counts | None:
        theirs = project.predictions.load(run.id, sample) if sample.has_mask else None
        if theirs is None:
            return None
        return Counts.of(project.masks.load(sample), theirs > 0, project.ignored.between(run.id, sample))

    found = {}
    with in_threads(list(project.samples.all()), count) as counted:
        for sample, result in counted:
            error = result.exception()
            if error is not None and not isinstance(error, UserError | OSError):
                raise error
            if error is None and (counts := result.result()) is not None:
                found[sample.id] = counts
    return found


def said_by(run: Run) -> dict[str, Entry]:
    """What a reader said of each sample, by its image here; nothing when the file is damaged."""
    try:
        said: dict[str, Any] = json.loads((run.folder / "bundle.json").read_text(encoding="utf-8"))
        return {image: Entry(**values) for image, values in said.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
