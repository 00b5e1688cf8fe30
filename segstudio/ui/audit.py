"""Audit: leads through the random samples that are checked before many are accepted, and accepts them in the end."""

import secrets
from collections.abc import Callable
from concurrent.futures import Future
from typing import Literal

from PySide6.QtCore import QObject, Signal

from segstudio.core.errors import UserError
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState
from segstudio.jobs.accept import AuditOptions, plan_words, result_words
from segstudio.project.accepting import (
    Begun,
    Plan,
    What,
    accept,
    audit_of,
    finish,
    plan_accept,
    unfinished,
    write_audit,
)
from segstudio.ui.background import Background
from segstudio.ui.session import Session

Stage = Literal["idle", "checking", "checked", "accepting"]


class AuditWalk(QObject):
    """One audit at a time: right, wrong, back, and then accept or leave it.

    What is found wrong is flagged at once. Nothing is accepted before all checks are made and their bound is stated.

    Attributes:
        stage: How far it is.
        plan: What would be accepted, or None.
    """

    changed = Signal()
    """Another sample is to be checked, or another stage has begun."""
    told = Signal(str, str)
    """Something a person should know; message and hint."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._thread = Background("audit", self)
        self.stage: Stage = "idle"
        self.plan: Plan | None = None
        self._drawn: tuple[int, ...] = ()
        self._answers: dict[int, bool] = {}

    def think(self, options: AuditOptions, done: Callable[[Plan | UserError], object]) -> None:
        """Find what would be accepted, in the background."""

        def find() -> Plan | UserError:
            try:
                return plan_accept(
                    self._session.project, options.what, options.filter, replaces_corrected=options.replace_corrected
                )
            except UserError as error:
                return error

        def take(future: "Future[Plan | UserError]") -> None:
            done(future.result())

        self._thread.submit(find, take)

    def begin(self, plan: Plan, checks: int, seed: int | None = None) -> None:
        """Check so many random ones of a plan, the first at once."""
        self.plan, self._answers = plan, {}
        self._drawn = plan.drawn(checks, secrets.randbelow(1 << 31) if seed is None else seed)
        self.stage = "checking"
        self._go_on()

    @property
    def count(self) -> int:
        """How many are checked."""
        return len(self._drawn)

    @property
    def place(self) -> int:
        """How many have been checked."""
        return len(self._answers)

    @property
    def words(self) -> str:
        """What is to be done now, in one sentence."""
        if self.plan is None:
            return ""
        wrong = sum(not right for right in self._answers.values())
        match self.stage:
            case "checking":
                what = "prediction" if self.plan.what == "predictions" else "mask"
                return f"Check {self.place + 1} of {self.count}: is this {what} right?"
            case "checked":
                return result_words(self.count, wrong, len(self.plan.ids))
            case "accepting":
                return "Accepting…"
        return ""

    @property
    def promise(self) -> str:
        """What clean checks would say; when they are so no more, how many were wrong so far."""
        if wrong := sum(not right for right in self._answers.values()):
            return f"{wrong} of {self.place} so far {'was' if wrong == 1 else 'were'} wrong."
        return "" if self.plan is None else plan_words(self.plan, self.count)

    @property
    def acceptable(self) -> int:
        """How many would be accepted: all but the wrong ones."""
        wrong = sum(not right for right in self._answers.values())
        return 0 if self.plan is None else len(self.plan.ids) - wrong

    def answer(self, *, is_right: bool) -> None:
        """Say whether the sample to be checked is right, and go to the next; does nothing when none is on screen."""
        if self.stage != "checking" or self._session.is_busy or self._session.sample is None:
            return
        wanted = self._drawn[self.place]
        if self._session.sample.id != wanted:  # somebody has looked at another one meanwhile
            self._session.show(wanted)
            self.told.emit("Another sample was on screen.", "This is the one to be checked: answer now.")
            return
        self._answers[wanted] = is_right
        if not is_right:
            self._session.decisions.set_states([wanted], ReviewState.FLAGGED)
        if self.place == self.count:
            self.stage = "checked"
            self.changed.emit()
        else:
            self._go_on()

    def back(self) -> None:
        """Take the last answer back; a flag that it set can be undone as any verdict."""
        if self._answers and self.stage in ("checking", "checked"):
            self._answers.popitem()
            self.stage = "checking"
            self._go_on()

    def stop(self) -> None:
        """Accept nothing. When all checks were made, what they found is written down all the same."""
        plan, answers, project = self.plan, dict(self._answers), self._session.project
        if self.stage == "checked" and plan is not None and not project.read_only:
            self._submit(lambda: write_audit(project, audit_of(project, plan, answers, None)))
        self._end()

    def accept(self) -> None:
        """Accept all but what was found wrong, as one act that can be undone, and write the audit down."""
        plan, project = self.plan, self._session.project
        if self.stage != "checked" or plan is None:
            return
        answers, report = dict(self._answers), ListReporter()
        self.stage = "accepting"
        self.changed.emit()

        self._carry_out(lambda: len(accept(project, plan, report, answers=answers)), plan.what, report, "checked")

    @property
    def unfinished(self) -> Begun | None:
        """The accept that was ended in the middle; None when there is none, or one is under way."""
        return None if self.stage == "accepting" else unfinished(self._session.project)

    def finish(self) -> None:
        """Go on with the accept that was ended in the middle."""
        begun, project, report = self.unfinished, self._session.project, ListReporter()
        if begun is None or self.stage != "idle":
            return
        self.stage = "accepting"
        self.changed.emit()
        self._carry_out(lambda: finish(project, report).accepted, begun.plan.what, report, "idle")

    def _carry_out(self, work: Callable[[], int], what: What, report: ListReporter, otherwise: Stage) -> None:
        """Let masks be changed, and tell how many were accepted; `otherwise` is the stage when that cannot be now."""

        def done(count: int) -> None:
            words = what if count != 1 else what[:-1]
            bad = f" {len(report.notes)} could not be read and stay as they are: see Problems." if report.notes else ""
            self.told.emit(
                f"{count:,} {words} accepted.".replace(",", "\u202f"), f"Edit ▸ Undo: accepted… takes it back.{bad}"
            )
            if report.notes:
                self._submit(lambda: self._session.project.problems.extend(report.notes))
            self._end()

        if not self._session.change_masks(work, done, self._end):
            self.stage = otherwise
            self.changed.emit()

    def _submit(self, work: Callable[[], object]) -> None:
        """Write something down in the background, and tell when that fails."""

        def done(future: "Future[object]") -> None:
            error = future.exception()
            if isinstance(error, UserError | OSError):
                self.told.emit(f"This could not be written down: {error}", "")
            elif error is not None:
                raise error

        self._thread.submit(work, done)

    def close(self) -> None:
        """End the thread."""
        self._thread.close()

    def _go_on(self) -> None:
        self._session.show(self._drawn[self.place])
        self._session.images.prefetch(list(self._drawn[self.place + 1 : self.place + 3]))
        self.changed.emit()

    def _end(self) -> None:
        self.stage, self.plan, self._drawn, self._answers = "idle", None, (), {}
        self.changed.emit()
