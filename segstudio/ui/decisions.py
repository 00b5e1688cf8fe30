"""Decisions: what a person says about samples, runs and the project, stored after the masks that it is about."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from segstudio.core.lint import LintRules
from segstudio.core.raster import Region
from segstudio.core.sample import ReviewState, Sample, Split
from segstudio.project.acts import Act, Outcome
from segstudio.project.salvage import compact_seen

if TYPE_CHECKING:
    from segstudio.ui.session import Session

TRASH_DAYS = 7.0
"""So long a deleted run can be brought back."""


class Decisions:
    """Stores what is decided in the session of an open project, and takes it back."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._project = session.project

    def set_states(self, sample_ids: Sequence[int], state: ReviewState) -> None:
        """Give one verdict on samples, as one act that can be undone; to accept what is proposed makes it the mask."""
        shown = self._session.sample
        proposed: set[int] = set()
        if state is ReviewState.ACCEPTED and shown is not None and shown.id in sample_ids:
            proposed = {shown.id} if self._session.proposing.keep() else set()
        self._session.write(lambda: self._project.samples.set_state(sample_ids, state, proposed=proposed))

    def set_split(self, sample_ids: Sequence[int], split: Split) -> None:
        """Move samples between training and validation, with their groups."""
        self._session.write(lambda: self._project.samples.set_split(sample_ids, split))

    def set_comment(self, sample_id: int, comment: str) -> None:
        """Say something about a sample."""
        self._session.write(lambda: self._project.samples.set_comment(sample_id, comment))

    def add_comment(self, sample_id: int, words: str) -> None:
        """Say something more about a sample, on a line of its own."""
        samples = self._project.samples

        def add() -> None:
            (review,) = samples.reviews([sample_id])
            samples.set_comment(sample_id, f"{review.comment}\n{words}")

        self._session.write(add)

    def add_seconds(self, seconds: Mapping[int, float]) -> None:
        """Say that the person has worked on samples, by their ids, so much longer."""
        if seconds:
            self._session.store(lambda: self._project.samples.add_seconds(seconds))

    def keep(self, run: int, sample: Sample, region: Region, *, is_kept: bool) -> None:
        """Say that the mask of a sample is right in a region and the run's prediction wrong, or that nobody knows."""
        self._session.autosave.save_now()
        self._session.store(lambda: self._project.predictions.keep(run, sample, region, is_kept=is_kept))

    def set_lint_rules(self, rules: LintRules) -> None:
        """Say what is usual in the masks of the project, and judge the sample on screen by it."""
        self._session.write(lambda: self._project.lint.set_rules(rules), lambda _: self._session.measure_soon())

    def delete_run(self, run_id: int) -> None:
        """Delete a run, as an act that can be undone."""
        self._session.write(lambda: self._project.runs.delete(run_id))

    def tidy(self) -> None:
        """Remove the files of runs that were deleted long ago, and lines that say what later ones say."""
        self._session.store(lambda: self._project.runs.purge(TRASH_DAYS))
        self._session.store(lambda: compact_seen(self._project.folder))

    def undo_act(self) -> None:
        """Take back the last act on the project; `Session.acted` tells what came of it."""
        acts = self._project.acts
        self._act(acts.undoable(), acts.undo)

    def redo_act(self) -> None:
        """Do the act again that was undone last."""
        acts = self._project.acts
        self._act(acts.redoable(), acts.redo)

    def _act(self, act: Act | None, work: Callable[[], Outcome]) -> None:
        if act is not None and act.kind == "masks":
            self._session.change_masks(work, self._session.acted.emit)
        else:
            self._session.write(work, self._session.acted.emit)
