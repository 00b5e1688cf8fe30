"""Session: the open project and the sample on screen, without a widget.

Going to another sample loads its image and its mask in the background; the old one stays on screen, editable, until
both are there. Everything that writes happens in one background thread in the order it was asked for, so that a verdict
never overtakes the mask it is about.
"""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from segstudio.core.document import Document
from segstudio.core.edit import Edit
from segstudio.core.errors import UserError
from segstudio.core.mask import Mask
from segstudio.core.sample import Sample
from segstudio.core.threshold import threshold_of
from segstudio.core.timeline import Timeline
from segstudio.project.documents import close_document, save_snapshot
from segstudio.project.project import Project
from segstudio.project.scores import THRESHOLD
from segstudio.project.topics import Topics
from segstudio.ui.arriving import Arrival, Arriving
from segstudio.ui.autosave import Autosave
from segstudio.ui.background import Background
from segstudio.ui.decisions import Decisions
from segstudio.ui.images import ImageStore, LoadedSample, Thumbnails
from segstudio.ui.measuring import Measuring
from segstudio.ui.proposing import Proposing

CLOSE_SECONDS = 15.0
"""How long closing waits for the disk."""

SAVED_STATES = ("saved", "saving", "unsaved")
"""The states of saving, the best first."""


class Session(QObject):
    """The open project and the sample on screen.

    Attributes:
        project_changed: Told the topics that changed; always in the window's thread.
        predicted: Told when a run has predicted anew, so that orders by prediction are out of date.
        deciding: Told before a verdict or a comment is stored.
        acted: Told the Outcome when an act was undone or done again.
        opening: Told the id of a sample that is being loaded.
        sample_changed: Told the Sample that is on screen now; `document`, `loaded` and `problem` belong to it.
        probability_changed: Told the new probabilities (or None) of the sample on screen.
        verdict_changed: Told the Sample on screen after its state or revision became another.
        replacing: Told before the mask on screen becomes another as a whole: what is under way on it must end.
        level_changed: Told the least probability byte that is foreground on screen, when another threshold is tried.
        history_changed: Told after each stroke, undo and redo.
        measured: Told a Measurement a moment after the mask on screen changed.
        saved_changed: Told (state, reason); see `Autosave.changed`.
        failed: Told (message, hint) when something that was asked for could not be done.
        project: The open project.
        sample: The sample on screen, or None before the first.
        document: Its mask, or None when it cannot be read and hence not be edited.
        ignored: Its ignored region, which arrives a moment later; None until then.
        is_ignoring: Whether tools paint what is ignored, in place of the mask.
        timeline: The edits of both, in the order in which they were made.
        loaded: Its image and prediction, or None when the image cannot be read.
        problem: Why image or mask cannot be read, or None.
        tolerance: Errors no farther than so many pixels from the true boundary are forgiven.
        decisions: Stores what the person says about samples and runs.
        proposing: Lets samples without a mask begin with the prediction.
        images: Decoded images.
        thumbnails: Small pictures for the list.
        autosave: Brings masks to their files.
    """

    project_changed = Signal(object)
    predicted = Signal()
    deciding = Signal()
    acted = Signal(object)
    opening = Signal(int)
    sample_changed = Signal(object)
    probability_changed = Signal(object)
    verdict_changed = Signal(object)
    replacing = Signal()
    level_changed = Signal(int)
    history_changed = Signal()
    measured = Signal(object)
    saved_changed = Signal(str, str)
    failed = Signal(str, str)
    _changed_somewhere = Signal(object)

    def __init__(self, project: Project, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project = project
        self.sample: Sample | None = None
        self.document: Document | None = None
        self.loaded: LoadedSample | None = None
        self.problem: UserError | None = None
        self.tolerance = 0
        self._tried_level: int | None = None
        self.images = ImageStore(project, parent=self)
        self.thumbnails = Thumbnails(project, parent=self)
        self._is_held = False
        self._shown_reader = (0, "")
        self._wanted: int | None = None
        self._is_closing = False
        self._is_closed = False
        self._reader = Background("open", self)
        self._writer = Background("save", self)
        self._counter = Background("count", self)
        self.autosave = Autosave(self._writer, self._save, close_document, self)
        self._ignored_saver: Autosave | None = None
        self.autosave.changed.connect(self._tell_saved)
        self._arriving = Arriving(
            project, self.images, self.autosave, self._reader, self._writer, self._report, self._proposal_for, self
        )
        self._arriving.arrived.connect(self._switch)
        self._arriving.read_again.connect(self._take_image)
        self._leave_document: Callable[[], None] = lambda: None
        self.ignored: Document | None = None
        self.is_ignoring = False
        self.timeline = Timeline()
        self._leave_ignored: Callable[[], None] = lambda: None
        self._measuring = Measuring(self)
        self._measuring.measured.connect(self.measured)
        self._topics: Topics = frozenset()
        self._is_predicted_anew = False
        self._telling = QTimer(self)
        self._telling.setSingleShot(True)
        self._telling.setInterval(0)
        self._telling.timeout.connect(self._tell)
        self.decisions = Decisions(self)
        self.proposing = Proposing(self)
        self._changed_somewhere.connect(self._gather)
        self._leave_project = project.changed.connect(self._changed_somewhere.emit)

    # the sample on screen

    @property
    def is_busy(self) -> bool:
        """Whether a sample is being loaded."""
        return self._arriving.sample is not None

    @property
    def is_measured(self) -> bool:
        """Whether the figures of the sample on screen are those of its mask now."""
        return not self._measuring.is_busy and not self._reader.is_busy

    @property
    def is_editable(self) -> bool:
        """Whether the mask on screen can be painted on."""
        return self.document is not None and not self.project.read_only

    def show(self, sample_id: int) -> None:
        """Go to a sample; `sample_changed` tells when it is on screen."""
        if self._is_held:
            self._wanted = sample_id
            return
        shown = self._arriving.sample or self.sample
        if shown is not None and shown.id == sample_id:
            return
        sample = self.project.samples.get(sample_id)
        self.opening.emit(sample_id)
        self._arriving.bring(sample)

    @property
    def undoable(self) -> Document | None:
        """The one of both that was changed last, or whose mask is only proposed."""
        if self.document is not None and self.document.is_proposed and not self.timeline.past:
            return self.document
        return self.timeline.past[-1].document if self.timeline.past else None

    @property
    def redoable(self) -> Document | None:
        """The one of both of which something was undone last."""
        return self.timeline.future[0].document if self.timeline.future else None

    def undo(self) -> None:
        """Undo the last stroke on this sample, on its mask or its ignored region."""
        document = self.undoable
        if document is not None and document.is_proposed:
            self.proposing.decline()
        elif document is not None:
            document.undo()

    def redo(self) -> None:
        """Make it again."""
        if self.redoable is not None:
            self.redoable.redo()

    @property
    def change_counter(self) -> int:
        """Greater after every finished change of the mask or of what is ignored."""
        return sum(one.revision_counter for one in (self.document, self.ignored) if one is not None)

    def ignored_now(self) -> Mask | None:
        """A copy of what is ignored on screen, by another reader too, for another thread; None when nothing is."""
        theirs = None if self.loaded is None else self.loaded.left_out
        if self.ignored is None or not self.ignored.mask.any():
            return theirs
        own = self.ignored.snapshot().mask
        return own if theirs is None else own | theirs

    def set_ignored(self, document: Document | None) -> None:
        """Say where the sample on screen is ignored; `history_changed` is told then and after each of its changes."""
        self._leave_ignored()
        self._leave_ignored = lambda: None
        self.ignored = document
        self.timeline.follow(self.document, document)
        if document is not None:
            self._leave_ignored = document.history_changed.connect(self._note_change)
            self.history_changed.emit()
            self.measure_soon()

    def set_ignored_saver(self, autosave: Autosave) -> None:
        """Who saves what is ignored: its state is told with that of the masks."""
        self._ignored_saver = autosave
        autosave.changed.connect(self._tell_saved)

    @property
    def _savers(self) -> tuple[Autosave, ...]:
        return (self.autosave,) if self._ignored_saver is None else (self.autosave, self._ignored_saver)

    @property
    def _worst_saver(self) -> Autosave:
        return max(self._savers, key=lambda one: (SAVED_STATES.index(one.state), bool(one.reason)))

    @property
    def save_reason(self) -> str:
        """Why something is not saved; empty when all is, or will be in a moment."""
        return self._worst_saver.reason

    @property
    def journal_problem(self) -> str:
        """Why strokes are not in a journal either; empty when they are."""
        return next((one.journal_problem for one in self._savers if one.journal_problem), "")

    def _tell_saved(self) -> None:
        self.saved_changed.emit(self._worst_saver.state, self._worst_saver.reason)

    def go_to(self, edit: Edit | None) -> None:
        """Undo or redo until an edit of this sample is the last that holds; None is before all of them."""
        document = self.document
        if document is None or not self.is_editable:
            return
        self.replacing.emit()
        if document is not self.document:
            return
        if self.timeline.go_to(edit):
            self.history_changed.emit()  # told before, while only one of both was there
        else:
            self.failed.emit("That edit is not in the history any more.", "")

    def show_run(self, run_id: int) -> None:
        """Show the predictions of another run, or the masks of another reader in their place."""

        def show() -> None:
            self.project.predictions.set_current(run_id)
            self.project.predictions.recount(run_id, lambda: not self._is_closing)

        self.write(show, lambda _: self.complete_expectations())

    def show_test_figures(self, shown: Callable[[], None] = lambda: None) -> None:
        """Show how right the run on screen is on the test split, which is counted as a look; then call `shown`."""
        looks, run_id = self.project.looks, self.project.predictions.current()
        if run_id is None or self.reader or looks.has_seen(run_id):
            shown()
        else:
            self.write(lambda: looks.record(f"{run_id:04}", "window"), lambda _: shown())

    @property
    def reader(self) -> str:
        """Who has made the masks that are shown in place of predictions; empty when a run predicted them."""
        run_id = self.project.predictions.current()
        if run_id is None:
            return ""
        if self._shown_reader[0] != run_id:
            self._shown_reader = run_id, self.project.runs.get(run_id).reader
        return self._shown_reader[1]

    @property
    def shown_run(self) -> str:
        """Whose predictions are shown: "run 0004", or the name of a reader; empty when there are none."""
        run_id = self.project.predictions.current()
        return self.reader or ("" if run_id is None else f"run {run_id:04}")

    def complete_expectations(self) -> None:
        """Find out what of each prediction is probably wrong, where an earlier version has not; in a thread of its own.

        Saving does not wait for it: of many predictions it takes minutes.
        """
        if not self.project.read_only:
            self._counter.submit(
                lambda: self.project.predictions.expect_missing(lambda: not self._is_closing), self._report
            )

    def change_masks(
        self, work: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[], None] = lambda: None
    ) -> bool:
        """Let something change the masks of many samples, while none of them is on screen.

        Args:
            work: Does it, in the background.
            done: Gets what came of it; the sample that was on screen comes back before.
            failed: Called in its place when it failed, which has been told then.

        Returns:
            Whether it is done; False when something else is changing masks, or nothing may.
        """
        if self.project.read_only or self._is_held:
            return False
        shown = self._arriving.sample or self.sample
        self._wanted = None if shown is None else shown.id
        self._is_held = True
        self.deciding.emit()
        self._put_away()

        def finish(future: "Future[Any]") -> None:
            self._is_held = False
            is_done = self._report(future)
            if self._is_closing:
                return
            if self._wanted is not None:
                self.show(self._wanted)
            if is_done:
                done(future.result())
            else:
                failed()

        # Whatever is being read is put away in the same thread, after it.
        self._reader.submit(lambda: None, lambda _: self._when_put_away(work, finish))
        return True

    def _when_put_away(self, work: Callable[[], Any], finish: Callable[["Future[Any]"], None]) -> None:
        """Do something in the background as soon as no mask is open any more."""
        if self.autosave.is_empty:
            self._writer.submit(work, finish)
        elif self.autosave.state == "unsaved":
            failed: Future[Any] = Future()
            failed.set_exception(UserError(f"nothing was done: {self.autosave.reason}", "the last strokes come first"))
            finish(failed)
        else:
            self._writer.submit(lambda: None, lambda _: self._when_put_away(work, finish))

    def _put_away(self) -> None:
        """Take the sample off the screen, and save and close its mask."""
        self._arriving.drop()
        left, left_document = self.sample, self.document
        self.sample = self.document = self.loaded = self.problem = None
        self.set_ignored(None)
        self.sample_changed.emit(None)
        self._leave_document()
        self._leave_document = lambda: None
        self._seal(left, left_document)
        self.autosave.watch(None, None)
        self.history_changed.emit()

    def write(self, work: Callable[[], Any], done: Callable[[Any], None] = lambda _: None) -> None:
        """Change what is known of samples, after their masks are stored; `done` gets what came of it.

        A read-only project stays as it is.
        """
        if not self.project.read_only:
            self.deciding.emit()
            self.autosave.save_now()
            self._writer.submit(work, lambda future: done(future.result()) if self._report(future) else None)

    @property
    def level(self) -> int:
        """The least probability byte that is foreground on screen: by the run's threshold, or by one that is tried."""
        return self.level_of(self.loaded)

    def level_of(self, loaded: LoadedSample | None) -> int:
        """The same for a sample that is not on screen yet."""
        if self._tried_level is not None:
            return self._tried_level
        return THRESHOLD if loaded is None else loaded.level

    def try_level(self, level: int | None) -> None:
        """Show predictions at another threshold, of which nothing is stored; None shows that of the run again."""
        before, self._tried_level = self.level, level
        if self.level != before:
            self.level_changed.emit(self.level)
            self.measure_soon()

    def set_threshold(self, run_id: int, level: int) -> None:
        """Choose the threshold of a run; all that is done with its predictions follows."""
        self.autosave.save_now()
        predictions = self.project.predictions

        def chosen(future: "Future[Any]") -> None:
            # Before anything else: whoever has read the new one already may have given up the one that was tried.
            before, self._tried_level = self.level, None
            if self._report(future) and self.loaded is not None and self.loaded.run_id == run_id:
                self.loaded = replace(self.loaded, level=level)  # until it is read again
            if self.level != before:
                self.level_changed.emit(self.level)
                self.measure_soon()

        self._writer.submit(lambda: predictions.set_threshold(run_id, threshold_of(level)), chosen)

    def measure_soon(self) -> None:
        """Measure the sample on screen anew, when nothing has changed for a moment."""
        self._measuring.measure_soon()

    def set_tolerance(self, tolerance: int) -> None:
        """Forgive errors near the true boundary in the figures of the sample on screen."""
        if tolerance != self.tolerance:
            self.tolerance = tolerance
            self.measure_soon()

    def take_revision(self, number: int) -> None:
        """Put an earlier revision of the mask in place of the current one, as a step that can be undone."""
        sample, document = self.sample, self.document
        if sample is None or document is None or not self.is_editable:
            return

        def take(future: "Future[Any]") -> None:
            if not self._report(future) or document is not self.document:
                return
            self.replacing.emit()
            if not document.is_stroke_open:
                document.replace(future.result(), f"Revision {number}")

        self._reader.submit(lambda: self.project.masks.load_revision(sample, number), take)

    def save_now(self, wait: bool = False) -> bool:
        """Write what is not written; True when every stroke is in its file."""
        are_saved = [one.save_now(wait_seconds=CLOSE_SECONDS if wait else 0.0) for one in self._savers]
        return all(are_saved)  # each of them is asked

    def remember(self, name: str, value: Any) -> None:
        """Store a setting of the project in the background; a read-only project forgets it."""
        self.store(lambda: self.project.settings.set(name, value))

    def store(self, work: Callable[[], Any]) -> None:
        """Write something in the background, in the order in which it was asked for; nothing in a read-only project."""
        if not self.project.read_only and not self._is_closed:
            self._writer.submit(work, self._report)

    def read(self, work: Callable[[], Any], done: Callable[["Future[Any]"], object]) -> None:
        """Do something in the thread that opens masks."""
        if not self._is_closed:
            self._reader.submit(work, done)

    def take_job_end(self, topics: Topics) -> None:
        """A job of another process has changed the project."""
        self._is_predicted_anew |= "predictions" in topics
        self._gather(topics)

    def close(self) -> bool:
        """Save what can be saved, and close the project; what cannot is kept in its journal.

        There is no way back: who would rather stay asks `save_now(wait=True)` before.

        Returns:
            Whether every stroke is in its file.
        """
        is_saved = self.save_now(wait=True)
        self._is_closing = True
        self._measuring.stop()
        self._leave_document()
        self._note_seen(self.sample)
        self._seal(self.sample, self.document)
        self.autosave.close()
        self._reader.close(CLOSE_SECONDS)
        self._counter.close(CLOSE_SECONDS)
        self._writer.close(CLOSE_SECONDS)
        self._measuring.close(CLOSE_SECONDS)  # the writer gives it the last thing to do
        self._leave_project()
        self._is_closed = True
        self._telling.stop()
        self.images.close()
        self.thumbnails.close()
        self.project.close()
        return is_saved

    # from one sample to the next

    def _take_image(self, sample_id: int, loaded: LoadedSample) -> None:
        """The image on screen was read again, with what is predicted now."""
        if self.sample is not None and self.sample.id == sample_id:
            before, self.loaded = self.level, loaded
            self.probability_changed.emit(loaded.probability)
            if self.level != before:
                self.level_changed.emit(self.level)
            self.measure_soon()

    def _switch(self, arrival: Arrival) -> None:
        left, left_document = self.sample, self.document
        self.sample, self.document = arrival.sample, arrival.document
        self.loaded, self.problem = arrival.loaded, arrival.problem
        if arrival.document is not None and arrival.proposal is not None:
            arrival.document.propose(arrival.proposal)
        # The canvas lets go of the old document first: a stroke under way ends there and is saved with the rest.
        self.set_ignored(None)
        self.sample_changed.emit(self.sample)
        self._note_seen(left)
        self._leave_document()
        self._leave_document = lambda: None
        self._seal(left, left_document)
        self.autosave.watch(arrival.sample.id, arrival.document)
        if arrival.document is not None:
            self._leave_document = arrival.document.history_changed.connect(self._note_change)
        self.history_changed.emit()
        self._measuring.measure()

    def _proposal_for(self, arrival: Arrival) -> Callable[[], Edit] | None:
        return self.proposing.work_for(arrival.sample, arrival.document, arrival.loaded)

    def _note_seen(self, left: Sample | None) -> None:
        """The sample that is left was on screen until now."""
        if left is not None:
            ids = [left.id]
            self.store(lambda: self.project.samples.set_seen(ids))

    def _note_change(self) -> None:
        self.timeline.refresh()
        self.history_changed.emit()
        self.measure_soon()

    def _seal(self, sample: Sample | None, document: Document | None) -> None:
        """What the person leaves stays: the next change of it begins a new revision."""
        is_changed = document is not None and document.revision_counter > 0 and not document.is_proposed
        if sample is not None and is_changed and not self.project.read_only:
            self.autosave.save_now()
            ids = [sample.id]
            self._writer.submit(lambda: self.project.masks.seal(ids), lambda future: self._look_again(ids, future))

    def _look_again(self, ids: list[int], future: "Future[Any]") -> None:
        """What the person has left: where is its prediction worst now?"""
        if self._report(future) and not self._is_closed:
            self._measuring.look_again(ids, self._report)

    def _save(self, sample_id: int, document: Document, snapshot: Any) -> Any:
        return save_snapshot(self.project, sample_id, document.journal, snapshot)

    def tell(self, error: UserError | OSError) -> None:
        """Tell that something could not be read."""
        self.failed.emit(*((error.message, error.hint) if isinstance(error, UserError) else (str(error), "")))

    def _report(self, future: "Future[Any]") -> bool:
        """Tell what went wrong in the background; True when nothing did."""
        error = future.exception()
        if error is None:
            return True
        if isinstance(error, UserError):
            self.failed.emit(error.message, error.hint)
        elif isinstance(error, OSError | sqlite3.Error):
            self.failed.emit(f"The project could not be written: {error}", "")
        else:
            raise error
        return False

    # messages

    def _reload_prediction(self) -> None:
        self.images.invalidate(None)
        # The store forgets an older request for a newer one, so the sample to come must be the one asked for.
        if not self._arriving.ask_again() and self.sample is not None and self.loaded is not None:
            self.images.request(self.sample.id)

    def _gather(self, topics: Topics) -> None:
        if self._is_closed:
            return  # it was on its way from another thread
        # Saving a mask also brings its metrics up to date, in the same transaction: that is no new prediction.
        self._is_predicted_anew |= "predictions" in topics and "masks" not in topics
        self._topics |= topics
        self._telling.start()

    def _tell(self) -> None:
        topics, self._topics = self._topics, frozenset()
        is_predicted_anew, self._is_predicted_anew = self._is_predicted_anew, False
        if self.sample is not None and topics & {"samples", "masks"}:
            sample = self.project.samples.get(self.sample.id)
            if sample != self.sample:
                self.sample = sample
                self.verdict_changed.emit(sample)
        if is_predicted_anew:
            self._reload_prediction()
            self.predicted.emit()
        self.project_changed.emit(topics)
