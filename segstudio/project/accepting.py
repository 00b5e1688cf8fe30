"""Accepting many samples at once after checking a few random ones, and what is written down of it.

    audits.jsonl    one JSON object a line: who checked which samples when, what came of it, how many were accepted

What is about to be accepted is written into the index before the first mask, and how far it has come with each batch.
So whoever opens the project after a crash takes the batch back that was under way, finds the others as one act, and may
finish what was begun or undo it.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from segstudio.core.audit import upper_bound
from segstudio.core.errors import UserError
from segstudio.core.mask import Mask
from segstudio.core.reporter import Reporter
from segstudio.core.sample import REVIEWED, ReviewState, Sample, Split
from segstudio.core.threshold import predicted_at
from segstudio.core.wording import count_text
from segstudio.project.clock import now
from segstudio.project.documents import put_mask, take_back
from segstudio.project.filter import compile_filter
from segstudio.project.mirror import append_reviews
from segstudio.project.sample_table import SPLITS, STATES

if TYPE_CHECKING:
    from segstudio.project.project import Project

What = Literal["predictions", "masks"]

TITLE = "Accept prediction"
"""What the step is called in the history of a sample."""

BEGUN, _REACHED = "accepting", "accepting_reached"
"""The settings that hold what was begun, and how far it has come."""

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
        time: When it was made (ISO 8601, UTC): what a person judges or draws after that is theirs.
    """

    what: What
    filter: str
    run_id: int | None
    ids: tuple[int, ...]
    replaced: int
    replaced_by_person: int
    left_out: Mapping[str, int]
    time: str

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
    time = now()
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
        time,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Begun:
    """A bulk accept that is under way, or was when its process ended.

    Attributes:
        time: When it was begun.
        reviewer: Who did.
        plan: What was planned.
        answers: What was checked, by the samples' ids, and whether it was right.
        ids: What is accepted: all of the plan but the wrong ones.
        act: The act that holds what was accepted; None before the first batch.
        done: How many of `ids` it has come through.
        accepted: How many of these were accepted; the others could not be read.
    """

    time: str
    reviewer: str
    plan: Plan
    answers: Mapping[int, bool]
    ids: tuple[int, ...]
    act: int | None
    done: int
    accepted: int

    @property
    def words(self) -> str:
        """What has become of it, as a sentence."""
        what = f"{self.accepted:,} of {len(self.ids):,} {self.plan.what}".replace(",", "\u202f")
        return f"A bulk accept of {self.time[:10]} has ended in the middle: {what} are accepted."


def accept(project: "Project", plan: Plan, report: Reporter, *, answers: Mapping[int, bool] | None = None) -> list[int]:
    """Accept what was planned, as one act that can be undone. None of the samples may be open.

    Predictions become masks as revisions: the masks before are kept. What a person has judged, or drawn where a
    prediction was to come, since the plan was made stays as it is. An earlier accept that was not finished is
    written down as far as it has come, and cannot be finished any more.

    Args:
        project: Open for writing.
        plan: What is accepted.
        report: Hears of progress and of what could not be read, which stays as it is. When it asks to stop, what was
            accepted until then stays, and can be finished.
        answers: What was checked, by the samples' ids: those found wrong are not accepted, and the audit is written
            down at the end. None when nothing was checked.

    Returns:
        The samples that were accepted.
    """
    drop_unfinished(project)
    ids = [one for one in plan.ids if (answers or {}).get(one, True)]
    begun = {
        "time": now(), "reviewer": project.reviewer, "plan": asdict(plan), "ids": ids,
        "answers": None if answers is None else list(answers.items()),
    }  # fmt: skip
    with project.transaction():
        _store(project, BEGUN, begun)
        _reach(project, None, 0, 0)
    return _go_on(project, report)


def finish(project: "Project", report: Reporter) -> Begun:
    """Go on with a bulk accept that was not finished, and write its audit down; see `accept`.

    Returns:
        The accept, as it is now.

    Raises:
        UserError: When there is none.
    """
    begun = unfinished(project)
    if begun is None:
        raise UserError("there is no bulk accept to be finished", "`segstudio accept` begins one")
    with _as_reviewer(project, begun.reviewer):
        more = _go_on(project, report)
    return replace(begun, done=len(begun.ids), accepted=begun.accepted + len(more))


def unfinished(project: "Project") -> Begun | None:
    """The bulk accept that was begun and neither finished nor undone; while one is under way, that one."""
    begun = _begun(project)
    if begun is None or begun.act is None:
        return None
    row = project.database.row("SELECT is_undone FROM act WHERE id = ?", (begun.act,))
    return None if row is None or row[0] else begun


def recover(project: "Project") -> str:
    """Take back what a killed bulk accept has left half done. Nobody else may edit the project meanwhile.

    Returns:
        What a person should know, as a sentence; empty when nothing is unfinished.
    """
    begun = _begun(project)
    if begun is None:
        return ""
    batch = list(project.samples.all(begun.ids[begun.done : begun.done + BATCH]))
    failed = _take_back_batch(project, begun.plan, batch)
    but = f" The prediction may still stand in place of the mask of {', '.join(failed)}." if failed else ""
    if unfinished(project) is not None:
        return f"{begun.words} Finish it (Sample ▸ Finish interrupted accept), or undo it (Edit ▸ Undo).{but}"
    if failed:
        return f"A bulk accept has ended in its first batch.{but}"
    drop_unfinished(project)
    if begun.act is not None:
        return ""  # somebody has undone it
    return "A bulk accept has ended before it accepted anything; all masks are as they were."


def drop_unfinished(project: "Project") -> None:
    """Give up finishing: what was accepted stays, and the audit says how many that were."""
    begun = _begun(project)
    if begun is not None:
        is_standing = unfinished(project) is not None
        _write_down(project, begun, begun.accepted if is_standing else None)
        _forget(project)


def _go_on(project: "Project", report: Reporter) -> list[int]:
    """Accept what is left of what was begun, and write the audit down."""
    begun = _begun(project)
    assert begun is not None
    plan, act, count = begun.plan, begun.act, begun.accepted
    what = "prediction" if plan.what == "predictions" else "mask"
    accepted: list[int] = []
    for start in range(begun.done, len(begun.ids), BATCH):
        batch = list(project.samples.all(_unchanged(project, plan, begun.ids[start : start + BATCH])))
        project.masks.seal(one.id for one in batch)  # else a prediction would become part of an open revision
        so_far = f"{len(accepted)} of {len(begun.ids)}"
        with (
            _taken_back_on_failure(project, plan, batch, so_far),
            project.transaction("samples", "masks") as connection,
        ):
            before = project.acts.standing("masks", [one.id for one in batch])
            done = [one.id for one in batch if _take_prediction(project, plan.run_id, one, report)]
            project.masks.seal(done)
            connection.executemany(
                "UPDATE sample SET state = ?, state_changed = ?, reviewer = ? WHERE id = ?",
                [(ReviewState.ACCEPTED, now(), project.reviewer, one) for one in done],
            )
            after = project.acts.standing("masks", done)
            rows = [(one, before[one], after[one]) for one in done]
            count += len(done)
            title = f"accept {count_text(count, what)}"
            act = project.acts.record("masks", title, rows) if act is None else project.acts.extend(act, rows, title)
            _reach(project, act, start + BATCH, count)
            project.database.after_commit(partial(append_reviews, project.folder, project.samples.reviews(done)))
        accepted += done
        report.progress(min(start + BATCH, len(begun.ids)), len(begun.ids), batch[-1].name if batch else "")
    _write_down(project, begun, count)
    _forget(project)
    return accepted


@contextlib.contextmanager
def _taken_back_on_failure(project: "Project", plan: Plan, batch: Sequence[Sample], done: str) -> Iterator[None]:
    """Accept a batch: as a whole, or not at all. Nobody reads a mask of it for somebody's edit meanwhile."""
    with project.masks.saving:
        try:
            yield
        except BaseException as error:
            _take_back_batch(project, plan, batch)
            if isinstance(error, OSError):
                reason = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
                raise UserError(
                    f"accepting has stopped after {done}: {reason}",
                    "nothing is lost: make room, then finish it, or undo what was accepted",
                ) from error
            raise


def _unchanged(project: "Project", plan: Plan, ids: Sequence[int]) -> list[int]:
    """Those of some samples that nobody has judged since the plan was made; or drawn, where a prediction is to come."""
    judged = "SELECT id FROM sample WHERE id IN (SELECT value FROM json_each(?1)) AND state_changed > ?2"
    drawn = "SELECT sample_id FROM revision WHERE sample_id IN (SELECT value FROM json_each(?1)) AND created > ?2"
    # A mask that was mended meanwhile is accepted as it is.
    sql = f"{judged} AND state <> 'corrected'" if plan.run_id is None else f"{judged} UNION {drawn}"
    rows = project.database.rows(sql, (json.dumps(ids), plan.time))
    changed = {sample_id for (sample_id,) in rows}
    return [one for one in ids if one not in changed]


def _take_prediction(project: "Project", run_id: int | None, sample: Sample, report: Reporter) -> bool:
    """Make the prediction of a run, if it is about one, the mask; False when it cannot be read."""
    if run_id is None:
        return True
    try:
        mask = _predicted(project, run_id, sample)
    except (UserError, OSError) as error:
        report.note(sample.image, str(error))
        return False
    try:
        put_mask(project, sample, mask, TITLE)
    except UserError as error:  # the mask before cannot be read; a full disk is no matter of one sample
        report.note(sample.image, str(error))
        return False
    return True


def _predicted(project: "Project", run_id: int, sample: Sample) -> Mask:
    probability = project.predictions.load(run_id, sample)
    if probability is None:
        raise UserError("the prediction is missing", "predict this sample again")
    return predicted_at(probability, project.predictions.level(run_id))


def _take_back_batch(project: "Project", plan: Plan, batch: Sequence[Sample]) -> list[str]:
    """Put the mask files of a batch back that the index knows nothing of; the images where that was not possible."""
    failed = []
    for sample in batch if plan.run_id is not None else ():
        try:
            mask = _predicted(project, plan.run_id or 0, sample)
        except (UserError, OSError):
            continue  # without a prediction nothing was written either
        try:
            take_back(project, sample, mask, TITLE)
        except (UserError, OSError):
            failed.append(sample.image)
    return failed


def _begun(project: "Project") -> Begun | None:
    begun = project.settings.get(BEGUN)
    if begun is None:
        return None
    plan = Plan(**{**begun["plan"], "ids": tuple(begun["plan"]["ids"])})
    answers = {int(key): bool(right) for key, right in begun["answers"] or ()}
    reached = project.settings.get(_REACHED)
    return Begun(
        begun["time"], begun["reviewer"], plan, answers, tuple(begun["ids"]), reached["act"], reached["done"],
        reached["accepted"],
    )  # fmt: skip


def _reach(project: "Project", act: int | None, done: int, accepted: int) -> None:
    _store(project, _REACHED, {"act": act, "done": done, "accepted": accepted})


def _store(project: "Project", name: str, value: object) -> None:
    """A setting of which nobody is told: it is no one's business while the accept goes on."""
    with project.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, json.dumps(value)))


def _forget(project: "Project") -> None:
    with project.transaction("acts") as connection:
        connection.execute("DELETE FROM setting WHERE name IN (?, ?)", (BEGUN, _REACHED))


def _write_down(project: "Project", begun: Begun, accepted: int | None) -> None:
    if begun.answers:
        with _as_reviewer(project, begun.reviewer):
            write_audit(project, audit_of(project, begun.plan, begun.answers, accepted))


@contextlib.contextmanager
def _as_reviewer(project: "Project", reviewer: str) -> Iterator[None]:
    """What is finished for somebody else is theirs: they checked."""
    before, project.reviewer = project.reviewer, reviewer
    try:
        yield
    finally:
        project.reviewer = before


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
