"""Accepting many samples at once after checking a few random ones, and what is written down of it.

audits.jsonl    one JSON object a line: who checked which samples when, what came of it, how many were accepted
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from segstudio.core.audit import upper_bound
from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.core.sample import REVIEWED, ReviewState, Sample, Split
from segstudio.core.threshold import predicted_at
from segstudio.project.clock import now
from segstudio.project.documents import put_mask
from segstudio.project.filter import compile_filter
from segstudio.project.mirror import append_reviews
from segstudio.project.sample_table import SPLITS, STATES

if TYPE_CHECKING:
    from segstudio.project.project import Project

What = Literal["predictions", "masks"]

BATCH = 64
"""So many samples are accepted in one transaction: nobody else waits for longer."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be accepted.

    Attributes:
        what: "predictions": those of the current run become the masks; "masks": the masks as they are.
        filter: Among which samples.
        run_id: Whose predictions; None for masks.
        ids: The samples that would be accepted, in the order of names.
        replaced: How many of these have a mask of the dataset, in whose place the prediction comes.
        replaced_by_person: How many have a mask that a person made or judged, in whose place it comes; 0 unless asked.
        left_out: How many samples of the filter stay as they are, by the reason.
    """

    what: What
    filter: str
    run_id: int | None
    ids: tuple[int, ...]
    replaced: int
    replaced_by_person: int
    left_out: Mapping[str, int]

    def drawn(self, count: int, seed: int) -> tuple[int, ...]:
        """The samples to check: `count` random ones, all when there are fewer; the same for the same seed."""
        rng = np.random.default_rng(seed)
        return tuple(int(one) for one in rng.permutation(np.array(self.ids, np.int64))[:count])


@dataclass(frozen=True, slots=True)
class Audit:
    """What came of checking some of them.

    Attributes:
        time: When it ended (ISO 8601, UTC).
        reviewer: Who checked.
        what: See Plan.
        filter: See Plan.
        run: See Plan.
        total: How many would have been accepted.
        checked: Image and whether it was right, of each that was checked.
        wrong: How many were wrong.
        bound: The share of wrong ones that there are at most, with 95 % confidence.
        accepted: How many were accepted; None when nothing was.
    """

    time: str
    reviewer: str
    what: What
    filter: str
    run: int | None
    total: int
    checked: list[dict[str, Any]]
    wrong: int
    bound: float
    accepted: int | None


def plan_accept(project: "Project", what: What, expression: str, *, replaces_corrected: bool = False) -> Plan:
    """Find what would be accepted among the samples of a filter.

    Predictions are never accepted into the test split: what is measured there would be measured against itself. What a
    person has corrected, accepted, flagged or rejected stays as it is, unless corrected and accepted masks are to be
    replaced.

    Raises:
        UserError: When the filter is wrong, or there are no predictions.
    """
    table = project.samples.table()
    rows = compile_filter(expression).rows(table)
    run_id = project.predictions.current() if what == "predictions" else None
    if what == "predictions" and run_id is None:
        raise UserError("there are no predictions to accept", "train, then predict")
    state, revision = table.state[rows], table.revision[rows]
    reviewed = np.isin(state, [STATES.index(one) for one in REVIEWED])
    refused = np.isin(state, [STATES.index(one) for one in (ReviewState.FLAGGED, ReviewState.REJECTED)])
    is_free = np.ones(len(rows), np.bool_)
    left_out: dict[str, int] = {}

    def leave_out(which: Any, reason: str) -> None:
        count = int(np.count_nonzero(is_free & which))
        if count:
            left_out[reason] = count
        np.logical_and(is_free, ~which, out=is_free)

    leave_out(table.has_problem[rows], "cannot be read")
    leave_out(refused, "flagged or rejected")
    by_person = np.zeros(len(rows), np.bool_)
    if what == "predictions":
        leave_out(np.isnan(table.uncertainty[rows]), "without a prediction of this run")
        leave_out(table.split[rows] == SPLITS.index(Split.TEST), "in the test split, where no prediction is accepted")
        by_person = reviewed | (revision > 0)
        if not replaces_corrected:
            leave_out(by_person, "corrected or accepted by a person")
    else:
        leave_out(~table.has_mask[rows], "without a mask")
        leave_out(state == STATES.index(ReviewState.ACCEPTED), "accepted already")
    chosen = rows[is_free]
    order = chosen[np.argsort(table.position[chosen], kind="stable")]
    is_replaced = table.has_mask[rows] & is_free if what == "predictions" else np.zeros(len(rows), np.bool_)
    return Plan(
        what, expression, run_id, tuple(int(one) for one in table.id[order]),
        int(np.count_nonzero(is_replaced & ~by_person)), int(np.count_nonzero(is_replaced & by_person)), left_out,
    )  # fmt: skip


def accept(project: "Project", plan: Plan, report: Reporter, *, leaving: Iterable[int] = ()) -> list[int]:
    """Accept what was planned, as one act that can be undone. None of the samples may be open.

    Predictions become masks as revisions: the masks before are kept.

    Args:
        project: Open for writing.
        plan: What is accepted.
        report: Hears of progress and of what could not be read, which stays as it is.
        leaving: Samples that are not accepted after all: those that were found wrong.

    Returns:
        The samples that were accepted.
    """
    out = set(leaving)
    samples = [one for one in project.samples.all(plan.ids) if one.id not in out]
    what = "prediction" if plan.what == "predictions" else "mask"
    accepted: list[int] = []
    act: int | None = None
    for start in range(0, len(samples), BATCH):
        batch = samples[start : start + BATCH]
        project.masks.seal(one.id for one in batch)  # else a prediction would become part of an open revision
        with project.masks.saving, project.transaction("samples", "masks") as connection:
            before = project.acts.standing("masks", [one.id for one in batch])
            done = [
                one.id for one in batch if plan.run_id is None or _take_prediction(project, plan.run_id, one, report)
            ]
            project.masks.seal(done)
            connection.executemany(
                "UPDATE sample SET state = ?, state_changed = ?, reviewer = ? WHERE id = ?",
                [(ReviewState.ACCEPTED, now(), project.reviewer, one) for one in done],
            )
            after = project.acts.standing("masks", done)
            rows = [(one, before[one], after[one]) for one in done]
            count = len(accepted) + len(done)
            title = f"accept {count:,} {what}{'' if count == 1 else 's'}".replace(",", "\u202f")
            act = project.acts.record("masks", title, rows) if act is None else project.acts.extend(act, rows, title)
            project.database.after_commit(partial(append_reviews, project.folder, project.samples.reviews(done)))
        accepted += done
        report.progress(start + len(batch), len(samples), batch[-1].name)
    return accepted


def _take_prediction(project: "Project", run_id: int | None, sample: Sample, report: Reporter) -> bool:
    """Make the prediction of a run, if it is about one, the mask; False when it cannot be read."""
    if run_id is None:
        return True
    try:
        probability = project.predictions.load(run_id, sample)
        if probability is None:
            raise UserError("the prediction is missing", "predict this sample again")
        mask = predicted_at(probability, project.predictions.level(run_id))
        put_mask(project, sample, mask, "Accept prediction")
    except UserError as error:
        report.note(sample.image, str(error))
        return False
    return True


def audit_of(project: "Project", plan: Plan, answers: Mapping[int, bool], accepted: int | None) -> Audit:
    """What is to be written down of checking some samples; `answers` say by their ids whether they were right."""
    wrong = sum(not right for right in answers.values())
    checked = [{"image": project.samples.get(one).image, "right": right} for one, right in answers.items()]
    bound = upper_bound(len(answers), wrong, len(plan.ids)) if answers else 1.0
    return Audit(
        now(), project.reviewer, plan.what, plan.filter, plan.run_id, len(plan.ids), checked, wrong, bound, accepted
    )


def write_audit(project: "Project", audit: Audit) -> None:
    """Add an audit to audits.jsonl."""
    project.require_writable()
    with (project.folder / "audits.jsonl").open("a", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(asdict(audit), ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_audits(project: "Project") -> list[Audit]:
    """The audits of a project, the oldest first; a line torn by a crash is left out."""
    path = project.folder / "audits.jsonl"
    if not path.is_file():
        return []
    audits = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            audits.append(Audit(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return audits
