"""Workspace: everything on screen that belongs to one open project, and how its parts are joined.

The tabs at the right hold one panel each. A panel that has an attribute `view`, a widget, gets the centre in place of
the panes while its tab is in front; commands that act on the panes are disabled meanwhile, and Undo and Redo go to the
panel's `undo_stack` (a QUndoStack) if it has one. The list of samples stays: `session.sample_changed` tells a view what
was chosen. A new panel is a method of `Pages`.
"""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSettings, Qt, Signal
from PySide6.QtGui import QResizeEvent, QUndoStack
from PySide6.QtWidgets import QApplication, QSplitter, QTabWidget, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.core.sample import Sample
from segstudio.core.threshold import threshold_of
from segstudio.project.acts import Outcome
from segstudio.project.scores import THRESHOLD
from segstudio.project.versions import NOW, Version
from segstudio.ui import theme
from segstudio.ui.act_titles import ActTitles
from segstudio.ui.actions import Actions, Fact
from segstudio.ui.areas import Area
from segstudio.ui.attending import Attending
from segstudio.ui.audit import AuditWalk
from segstudio.ui.banner import Banner
from segstudio.ui.beside import Beside
from segstudio.ui.canvas.pane import PaneName
from segstudio.ui.canvas.panes import Panes
from segstudio.ui.centre import Centre
from segstudio.ui.facts import facts_of
from segstudio.ui.ignoring import Ignoring
from segstudio.ui.job_queue import JobQueue, JobRecord
from segstudio.ui.pages import Page, Pages
from segstudio.ui.panels.audit import AuditBar
from segstudio.ui.panels.display import PANES, DisplayBar
from segstudio.ui.panels.errors import ErrorBar
from segstudio.ui.panels.review import ReviewPanel
from segstudio.ui.panels.samples import SamplesPanel
from segstudio.ui.panels.spare import Spare
from segstudio.ui.remembering import Remembering
from segstudio.ui.session import Session
from segstudio.ui.telling import Telling
from segstudio.ui.walk import Walk
from segstudio.ui.weighing import Weighing
from segstudio.ui.widgets import card
from segstudio.volumes.record import RECORDS

if TYPE_CHECKING:
    from segstudio.ui.panels.augment import AugmentPanel
    from segstudio.ui.panels.compare import ComparePanel
    from segstudio.ui.panels.runs import RunsPanel
    from segstudio.ui.panels.threshold import ThresholdBar
    from segstudio.ui.panels.train import TrainPanel
    from segstudio.ui.views.swipe import SwipeView


LOW = 640
"""Pixels of height: with less, the panes get the room that bars can do without."""


class Workspace(QWidget):
    """One open project: samples | panes, or the view of a panel | review, augment, train, runs, compare.

    Attributes:
        facts_changed: Told when other commands may have become usable.
        predictions_wanted: Told when the person asks the training panel for predictions of its run.
        session: The project and the sample on screen.
        beside: What other runs predict of the sample on screen.
        threshold_bar: The slider of thresholds, once it was asked for.
        swipe_view: Two masks with a divider, once they were asked for.
        pages: The pages of the tabs beside that of the review.
        centre: The panes, or what a panel shows in their place.
        acts: What can be undone beside strokes.
        remembering: How the project was looked at.
        is_error_view_wanted: Whether the errors are shown as soon as anything is predicted.
        verdicts_go_on: Whether a verdict leads to the next sample without one.
        has_volumes: Whether the images are slices of volumes.
    """

    facts_changed = Signal()
    predictions_wanted = Signal()

    def __init__(self, session: Session, queue: JobQueue, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._actions = actions
        self.banner = Banner(self)
        self.samples_panel = SamplesPanel(session)
        self.panes = Panes()
        shows = ("error-view", *(f"pane-{name}" for name in PANES))
        commands = {name: actions.commands[name] for name in shows}
        self._spare = Spare(actions.by_name, commands, self.show_training)
        self.panes.set_spare(self._spare)
        self.display = DisplayBar(self.panes, actions.by_name)
        self.ignoring = Ignoring(session, self)
        self.pages = Pages(self, queue)
        self.weighing = Weighing(session, self.panes, self.pages.next_training, self)
        self.walk = Walk(session, self.panes, self.samples_panel.model.ids, self)
        self.error_bar = ErrorBar(self.walk, actions.by_name)
        self.beside = Beside(session, self.panes, self)
        self.threshold_bar: ThresholdBar | None = None
        self.swipe_view: SwipeView | None = None
        self.audit = AuditWalk(session, self)
        self.audit_bar = AuditBar(self.audit, actions.by_name)
        self.review_panel = ReviewPanel(session, actions.by_name)
        self.attending = Attending(session, lambda: self.are_panes_seen, self)
        self.tabs = self._make_tabs()
        self.is_error_view_wanted = True
        self._is_trained: bool | None = None
        self.has_volumes = (session.project.source / RECORDS).is_file()
        self.verdicts_go_on = False
        self._is_predicted = False
        self.remembering = Remembering(self)
        self.centre = Centre(self.panes, above=(self.audit_bar,), below=(self.error_bar, self.display))
        self._lay_out()
        self.acts = ActTitles(session, self.audit, actions, self)
        self._connect()
        self._telling = Telling(self)
        self._name_keys()
        self.remembering.restore()
        self.acts.show()

    @property
    def augment_panel(self) -> "AugmentPanel":
        """The panel of recipes."""
        return self.pages.augment.panel

    @property
    def compare_panel(self) -> "ComparePanel":
        """The panel of comparisons."""
        return self.pages.compare.panel

    @property
    def train_panel(self) -> "TrainPanel":
        """The panel of training."""
        return self.pages.train.panel

    @property
    def runs_panel(self) -> "RunsPanel":
        """The panel of all trainings."""
        return self.pages.runs.panel

    def tells_end_of(self, record: JobRecord) -> bool:
        """Whether the panel in front shows by itself how a job has ended."""
        return self.pages.train.is_made and self.train_panel.tells_end_of(record)

    def show_training(self) -> None:
        """Bring the panel of training to the front."""
        self.tabs.setCurrentWidget(self.pages.train)

    def train(self) -> None:
        """Train with the options as the panel of training shows them, and show how it goes."""
        self.show_training()
        self.train_panel.start()

    def show_comparing(self) -> None:
        """Bring the panel of comparisons to the front."""
        self.tabs.setCurrentWidget(self.pages.compare)

    def show_advice(self) -> None:
        """Bring to the front what says whether more masks would help."""
        self.show_comparing()
        from segstudio.ui.panels.compare import ADVICE

        self.compare_panel.show_mode(ADVICE)

    def show_in_review(self, sample_id: int) -> None:
        """Bring a sample to the panes."""
        self.tabs.setCurrentWidget(self.review_panel)
        self.session.show(sample_id)
        self.focus_centre()

    def show_under_runs(self, sample_id: int, run_id: int, before: int | None) -> None:
        """Bring a sample to the panes under a run's prediction, with another run as the one before it."""
        if not self.session.project.read_only:
            if before is not None:
                self.session.project.predictions.set_current(before)
            self.session.show_run(run_id)
        self.show_in_review(sample_id)

    def show_meeting(self, run_id: int) -> None:
        """Bring to the centre how a run did against the champion."""
        self.show_run(run_id)
        self.runs_panel.look()

    def offer_model(self) -> None:
        """Offer to export the champion's network; that of another run is offered in the Runs panel.

        Raises:
            UserError: When there is no network yet.
        """
        if (champion := self.session.project.runs.best()) is None:
            raise UserError("there is no trained model yet", "train one first")
        self.show_run(champion.id)
        self.runs_panel.offer_export()

    def show_recipe(self, name: str) -> None:
        """Bring a recipe to the front."""
        self.tabs.setCurrentWidget(self.pages.augment)
        self.augment_panel.view.show_preview()  # nothing was made by it yet, so there are no copies to see
        self.augment_panel.editing.load(name)

    def show_run(self, run_id: int) -> None:
        """Bring a training to the front."""
        self.tabs.setCurrentWidget(self.pages.runs)
        self.runs_panel.select(run_id)

    def show_preset(self, name: str) -> None:
        """Bring the panel of training to the front, with the options of a preset."""
        self.show_training()
        self.train_panel.options.choose(name)

    def show_test_figures(self) -> None:
        """Show the figures of the test split, and say how often this project has looked at it."""
        words = self.session.project.looks.words
        self.session.show_test_figures(
            lambda: self.banner.tell("Figures of the test split are shown.", words(), kind="info", topic="test")
        )

    def show_disagreement(self, is_on: bool) -> None:
        """Show where the runs contradict each other, in the pane of the prediction, or the prediction again."""
        if is_on:
            self.set_pane_visible("prediction", True)
        self._actions.check("disagreement", is_on)
        self.beside.show_heat(is_on)

    def show_swipe(self, is_on: bool, left: Version | None = None, right: Version | None = None) -> None:
        """Show two masks of the sample with a divider in place of the panes, or the panes again."""
        if not is_on:
            self._actions.check("swipe", False)
            self.show_centre()
            self.focus_centre()
            return
        if self.swipe_view is None:
            from segstudio.ui.views.swipe import SwipeView

            self.swipe_view = SwipeView(self.session, self.panes.view, lambda: self.panes.window_level)
            self.swipe_view.closed.connect(lambda: self.show_swipe(False))
            self.centre.addWidget(self.swipe_view)
        self.tabs.setCurrentWidget(self.review_panel)
        self.panes.finish_stroke()
        self._actions.check("swipe", True)
        self.swipe_view.open(left, right)
        self.centre.show_view(self.swipe_view)
        self.focus_centre()
        self.facts_changed.emit()

    def show_threshold(self, is_on: bool) -> None:
        """Show or hide the slider of thresholds under the panes."""
        if is_on and self.threshold_bar is None:
            from segstudio.ui.panels.threshold import ThresholdBar

            made = self.threshold_bar = ThresholdBar(self.session)
            made.closed.connect(lambda: self.show_threshold(False))
            self.centre.add_below_panes(made)
        self._actions.check("threshold", is_on)
        bar = self.threshold_bar
        if bar is None:
            return
        bar.setVisible(is_on)
        self._fit_bars()
        if is_on:
            bar.open()
            bar.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            bar.leave()
            self.focus_centre()

    def show_original(self, is_on: bool) -> None:
        """Show the original in place of what a preview makes of it, where there is one."""
        self.centre.show_original(is_on)

    @property
    def are_panes_seen(self) -> bool:
        """Whether the centre shows the panes and not the view of a panel."""
        return self.centre.are_panes_seen

    @property
    def is_swiping(self) -> bool:
        """Whether the centre shows two masks of the sample with a divider."""
        return self.swipe_view is not None and self.centre.currentWidget() is self.swipe_view

    @property
    def areas(self) -> tuple[Area, ...]:
        """The parts that a key leads through."""
        return (
            Area(self.samples_panel, self.samples_panel.view.setFocus),
            Area(self.centre, self.focus_centre),
            Area(self.tabs, self.tabs.tabBar().setFocus),
        )

    def focus_centre(self) -> None:
        """Give the keys to what stands in the centre."""
        self.centre.focus()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is being loaded, so that a picture of the window shows all there is."""
        busy = self.session.is_busy or not self.session.is_measured or self.samples_panel.is_busy
        busy = busy or self.walk.is_busy or self.panes.is_forgiving
        busy = busy or self.review_panel.history.is_busy or self.ignoring.is_busy or self.beside.is_busy
        busy = busy or self.weighing.is_busy
        busy = busy or (self.threshold_bar is not None and self.threshold_bar.is_busy)
        busy = busy or self.centre.is_busy
        return not busy and self.samples_panel.has_all_thumbnails()

    def facts(self) -> set[Fact]:
        """What is the case, for the commands that depend on it."""
        return facts_of(self)

    @property
    def undo_stack(self) -> QUndoStack | None:
        """What Undo undoes while the panes are hidden."""
        page = self.tabs.currentWidget()
        return page.undo_stack if isinstance(page, Page) and not self.are_panes_seen else None

    def device(self) -> str:
        """What the last run was computed on, in a few words; empty before the first."""
        run = self.session.project.runs.latest()
        if run is None or not run.device:
            return ""
        precision = run.precision.removeprefix("mixed_") if run.precision else ""
        return f"{run.device}  ·  {precision}" if precision else run.device

    # what the person does

    def set_tool(self, name: str) -> None:
        """Take a tool in hand."""
        self.panes.set_tool(name)
        self._actions.check(f"tool-{name}", True)
        self.remembering.remember_soon()

    def set_error_view(self, is_on: bool) -> None:
        """Show where mask and prediction differ, as soon as anything is predicted."""
        self.is_error_view_wanted = is_on
        self._show_error_view()
        self.remembering.remember_soon()

    def set_ignoring(self, is_on: bool) -> None:
        """Let tools paint what is ignored, or the mask again."""
        self.panes.set_ignoring(is_on)
        self.session.is_ignoring = is_on
        self._actions.check("ignore", is_on)
        self.facts_changed.emit()

    def show_weights(self, is_on: bool) -> None:
        """Show over the image what its pixels count in the next training."""
        if is_on and self.panes.pane("image").isHidden():
            self.set_pane_visible("image", True)
        self.weighing.set_on(is_on)
        self._actions.check("weights", is_on)

    def ignore_nothing(self) -> None:
        """Learn from and measure all of the sample on screen."""
        if self.panes.finish_stroke():
            self.ignoring.clear()

    def set_going_on(self, is_on: bool) -> None:
        """Whether a decision about an error leads to the next one."""
        self.walk.goes_on = is_on
        self._actions.check("error-go-on", is_on)
        self.remembering.remember_soon()

    def set_proposing(self, is_on: bool) -> None:
        """Whether a sample without a mask begins with what the prediction shows."""
        self.panes.finish_stroke()
        self.session.proposing.set_on(is_on)
        self._actions.check("propose", is_on)
        self.remembering.remember_soon()

    def set_verdicts_going_on(self, is_on: bool) -> None:
        """Whether a verdict leads to the next sample without one."""
        self.verdicts_go_on = is_on
        self._actions.check("verdict-go-on", is_on)
        self.remembering.remember_soon()

    def _show_error_view(self) -> None:
        self._is_predicted = self.session.project.predictions.current() is not None
        is_on = self.is_error_view_wanted and self._is_predicted
        self._fit_bars()
        self.panes.set_error_view(is_on)
        self._actions.check("error-view", is_on)
        self._show_spare()

    def _fit_bars(self) -> None:
        """Leave room to the panes: where the window is low, the threshold bar takes the place of that of the errors."""
        bar, is_low = self.threshold_bar, self.centre.height() < LOW
        is_scrubbing = bar is not None and not bar.isHidden()
        if bar is not None:
            bar.set_low(is_low)
        self.error_bar.setVisible(self._is_predicted and not (is_low and is_scrubbing))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_bars()

    def _show_spare(self) -> None:
        hidden = [f"pane-{name}" for name in PANES if self.panes.pane(name).isHidden()]
        hidden += [] if self.panes.is_error_view else ["error-view"]
        is_predicted = self.session.project.predictions.current() is not None
        self._spare.show_offer(hidden, is_predicted=is_predicted, is_trained=self.is_trained)

    @property
    def is_trained(self) -> bool:
        """Whether there is a run that can predict; its files are looked for once, until the runs have changed."""
        if self._is_trained is None:
            self._is_trained = self.session.project.runs.best() is not None
        return self._is_trained

    def _take_runs(self) -> None:
        """There are other runs than before."""
        self._is_trained = None
        self._show_spare()
        self.facts_changed.emit()

    def set_pane_visible(self, name: PaneName, is_visible: bool) -> None:
        """Show or hide a pane; the last one stays."""
        self.panes.set_pane_visible(name, is_visible)
        self._actions.check(f"pane-{name}", not self.panes.pane(name).isHidden())
        self._show_spare()
        self.remembering.remember_soon()

    def undo(self) -> None:
        """Undo the last stroke (one that is under way ends first), or the last change in the panel in front.

        While something is shown, clicked or computed that is not made yet, that alone is taken back.
        """
        if not self.are_panes_seen:
            if (stack := self.undo_stack) is not None:
                stack.undo()
            return
        if not self.panes.step_back():
            self.panes.finish_stroke()
            self.session.undo()

    def redo(self) -> None:
        """Make it again."""
        if not self.are_panes_seen:
            if (stack := self.undo_stack) is not None:
                stack.redo()
            return
        self.panes.finish_stroke()
        self.session.redo()

    def undo_act(self) -> None:
        """Undo the last verdict, change of split, bulk accept or deleted run; strokes have their own undo."""
        if self.panes.finish_stroke():
            self.session.decisions.undo_act()

    def redo_act(self) -> None:
        """Do the act again that was undone last."""
        if self.panes.finish_stroke():
            self.session.decisions.redo_act()

    def offer_audit(self) -> None:
        """Ask what is to be accepted, and after how many checks."""
        from segstudio.ui.dialogs.audit import AuditDialog

        if self.audit.stage != "idle":
            self.banner.tell("An audit is under way.", "Finish or stop it first.", kind="info", topic="audit")
            return
        if self.acts.unfinished is not None:
            hint = "Sample ▸ Finish interrupted accept goes on with it; beginning another gives that up."
            self.banner.tell(self.acts.unfinished.words, hint, kind="info", topic="audit")
        self.tabs.setCurrentWidget(self.review_panel)
        dialog = AuditDialog(self.audit, self.samples_panel.filter_text, self.window())
        dialog.show()

    def walk_differences(self) -> None:
        """Begin to walk through what differs, over all samples."""
        self.tabs.setCurrentWidget(self.review_panel)
        self.focus_centre()
        self.walk.step(1)

    def write_comment(self) -> None:
        """Bring the comment of the sample on screen to the keys."""
        self.tabs.setCurrentWidget(self.review_panel)
        self.review_panel.comment.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _take_outcome(self, outcome: Outcome) -> None:
        told = f"Undone: {outcome.act.done}." if outcome.act.is_undone else f"Done again: {outcome.act.title}."
        self.banner.tell(told, outcome.words, kind="info", topic="act")
        if outcome.act.kind != "run" and len(outcome.ids) == 1 and self.are_panes_seen:
            self.session.show(outcome.ids[0])

    def show_centre(self) -> None:
        """The panes, or what the panel in front wants to show in their place."""
        page = self.tabs.currentWidget()
        view = page.view if isinstance(page, Page) else None
        if view is not None and self.are_panes_seen:
            self.panes.finish_stroke()
        self._actions.check("swipe", False)
        self.centre.show_view(view)
        self.facts_changed.emit()

    # how it is kept

    def close_project(self, *, is_forced: bool = False) -> bool:
        """Save and close; False when something could not be saved and it is still open."""
        self.panes.finish_stroke()
        self.review_panel.comment.store()
        self.attending.store()
        self.remembering.remember()
        QSettings().setValue("splitter", self._splitter.saveState())
        if not self.session.save_now(wait=True) and not is_forced:
            return False
        self.walk.close()
        self.audit.close()
        self.weighing.close()
        self.ignoring.close()
        self.samples_panel.close_threads()
        self.review_panel.close_threads()
        self.beside.close_threads()
        if self.swipe_view is not None:
            self.swipe_view.close_threads()
        if self.threshold_bar is not None:
            self.threshold_bar.close_threads()
        for page in self.pages.all:
            page.close_threads()
        self.session.close()
        self.acts.clear()
        self.panes.clear()
        self.panes.close_threads()  # nothing is looked for any more once the panes are empty
        return True

    # how it is joined

    def _connect(self) -> None:
        session, panes = self.session, self.panes
        self._actions.bindings.changed.connect(self._name_keys)
        self.samples_panel.chosen.connect(session.show)
        self.samples_panel.left.connect(self.focus_centre)
        self.samples_panel.query_changed.connect(self.remembering.remember_soon)
        self.samples_panel.listed.connect(self.facts_changed)
        self.samples_panel.chosen_count_changed.connect(self.review_panel.show_chosen)
        self.review_panel.comment.left.connect(self.focus_centre)
        self.acts.changed.connect(self.facts_changed)
        self.facts_changed.connect(lambda: self.acts.show_strokes(are_panes_seen=self.are_panes_seen))
        session.acted.connect(self._take_outcome)
        self.samples_panel.listed.connect(lambda: session.images.prefetch(self.samples_panel.neighbours()))
        session.sample_changed.connect(self._show_sample)
        session.verdict_changed.connect(lambda _sample: self._show_details())
        self.ignoring.changed.connect(lambda: panes.set_ignored(session.ignored))
        session.probability_changed.connect(self._show_probability)
        session.measured.connect(lambda _measurement: self._say_whose())
        session.project_changed.connect(lambda _topics: self._show_details())
        session.project_changed.connect(lambda topics: self._take_runs() if "runs" in topics else None)
        session.replacing.connect(panes.finish_stroke)
        session.proposing.is_drawing = lambda: panes.is_drawing
        session.level_changed.connect(panes.set_level)
        session.level_changed.connect(lambda _level: self._show_details())
        session.history_changed.connect(self.facts_changed)
        session.history_changed.connect(self._show_mask_details)
        self.review_panel.compare_wanted.connect(lambda number: self.show_swipe(True, Version("revision", number), NOW))
        panes.options_changed.connect(self.remembering.remember_soon)
        panes.undecided_changed.connect(self.facts_changed)
        self.display.changed.connect(self.remembering.remember_soon)
        self.display.tolerance_changed.connect(session.set_tolerance)
        self.display.tolerance_changed.connect(lambda _pixels: self.walk.forget())
        self.tabs.currentChanged.connect(lambda _index: self.remembering.remember_soon())
        self.tabs.currentChanged.connect(lambda _index: self.show_centre())
        self.tabs.currentChanged.connect(lambda _index: self._take_keys_back())
        panes.set_read_only(session.project.read_only, f"Read-only: {session.project.read_only_reason}.")

    def _show_sample(self, sample: Sample | None) -> None:
        session, panes = self.session, self.panes
        self.banner.clear("sample")
        self.banner.clear("refused")
        problem = session.problem
        if session.loaded is None:
            panes.clear(problem.message if problem else "")
        else:
            words = problem.message if problem else ""
            loaded = session.loaded
            panes.show_sample(
                loaded.image, session.document, loaded.probability, problem=words, level=session.level,
                left_out=loaded.left_out,
            )  # fmt: skip
            self.display.set_grey(session.loaded.image.ndim == 2)
        self.ignoring.take_sample(sample)
        if problem is not None:
            hint = problem.hint or "The sample cannot be edited until the file is mended."
            self.banner.tell(problem.message, hint, kind="bad", topic="sample")
        self._show_details()
        session.images.prefetch(self.samples_panel.neighbours())
        self.remembering.note_filter()
        self.remembering.remember_soon()
        self.facts_changed.emit()

    def _show_probability(self, probability: Any) -> None:
        loaded = self.session.loaded
        self.panes.set_probability(probability, self.session.level, None if loaded is None else loaded.left_out)
        self._show_details()
        self.facts_changed.emit()

    def _say_whose(self) -> None:
        sample, loaded, looks = self.session.sample, self.session.loaded, self.session.project.looks
        run = None if loaded is None else loaded.run_id
        self.panes.say_whose(self.session.reader, is_hidden=sample is not None and looks.hides(sample, run))

    def _show_details(self) -> None:
        self._say_whose()
        loaded = self.session.loaded
        self._show_mask_details()
        run = self.session.project.predictions.current()
        is_predicted = loaded is not None and loaded.probability is not None and run is not None
        level = self.session.level
        at = "" if level == THRESHOLD or self.session.reader else f"  ·  p ≥ {threshold_of(level):.2f}"
        self.panes.set_detail("prediction", self.session.shown_run + at if is_predicted else "")
        self._show_error_view()

    def _show_mask_details(self) -> None:
        """Say where the mask on screen comes from."""
        sample, document = self.session.sample, self.session.document
        if document is not None and document.is_proposed:
            words = f"proposed by {self.session.shown_run}"
        elif sample is not None and sample.has_mask:
            words = f"revision {sample.revision}" if sample.revision else "from the dataset"
        else:
            words = "no mask yet" if sample is not None else ""
        self.panes.set_detail("truth", words)

    # how it looks

    def _take_keys_back(self) -> None:
        """A page that vanishes leaves the keys to whatever comes first on the next one, and Space would press it."""
        page, focus = self.tabs.currentWidget(), QApplication.focusWidget()
        if focus is None or not (page is focus or page.isAncestorOf(focus)):
            return
        if QApplication.mouseButtons() == Qt.MouseButton.NoButton:
            self.tabs.tabBar().setFocus(Qt.FocusReason.OtherFocusReason)  # where Ctrl+Tab goes on
        else:
            self.focus_centre()

    def _name_keys(self) -> None:
        """Say the keys that lead into a field beside it."""
        keys = self._actions.shown_keys
        words = "List only some samples; the funnel has examples"
        self.samples_panel.filter_edit.setToolTip(f"{words}  ({keys('filter')})" if keys("filter") else words)
        comment = f"Comment  ({keys('comment')})" if keys("comment") else "Comment"
        self.review_panel.comment.setPlaceholderText(comment)

    def _make_tabs(self) -> QTabWidget:
        tabs = QTabWidget()
        tabs.setDocumentMode(True)
        tabs.setUsesScrollButtons(False)
        tabs.tabBar().setAccessibleName("Panels")
        tabs.addTab(self.review_panel, "Review")
        self.pages.fill(tabs)
        return tabs

    def _lay_out(self) -> None:
        right = card()
        inside = QVBoxLayout(right)
        inside.setContentsMargins(4, 2, 4, 4)
        inside.addWidget(self.tabs)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(8)
        parts = ((self.samples_panel, 210, 0), (self.centre, 0, 1), (right, theme.by_font(340), 0))
        for index, (widget, least, stretch) in enumerate(parts):
            if least:
                widget.setMinimumWidth(least)
            self._splitter.addWidget(widget)
            self._splitter.setStretchFactor(index, stretch)
            self._splitter.setCollapsible(index, index != 1)
        self._splitter.setSizes([theme.by_font(272), 800, theme.by_font(348)])
        saved = QSettings().value("splitter")
        if isinstance(saved, QByteArray):
            self._splitter.restoreState(saved)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 2)
        layout.setSpacing(8)
        layout.addWidget(self.banner)
        layout.addWidget(self._splitter, 1)
