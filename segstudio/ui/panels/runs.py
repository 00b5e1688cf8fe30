"""Runs panel: every training of the project with its figures, and the curves of the selected one."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QShowEvent
from PySide6.QtWidgets import (
    QMenu,
    QSplitter,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.errors import UserError
from segstudio.core.way import Manner, manner_from
from segstudio.jobs.promote import BY_HAND
from segstudio.project.runs import Run
from segstudio.project.topics import Topics
from segstudio.ui import theme
from segstudio.ui.background import EXPECTED, Background
from segstudio.ui.job_queue import JobQueue
from segstudio.ui.panels.course import course_of
from segstudio.ui.panels.curves import COLOURS, Curves
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.panels.export_model import ExportModelForm
from segstudio.ui.panels.run_words import (
    champion_words,
    command_line,
    has_predictions,
    is_resumable,
    measured_on_test,
    summary,
)
from segstudio.ui.panels.runs_model import RunsModel
from segstudio.ui.panels.steering import ExtendBox
from segstudio.ui.widgets import (
    READ_ONLY,
    allow,
    keeping_focus,
    link,
    muted,
    push_button,
    row_table,
    scrolling,
    text_button,
)
from segstudio.ui.wrapping_bar import WrappingBar

if TYPE_CHECKING:
    from segstudio.ui.session import Session
    from segstudio.ui.views.curves import CurvesView
    from segstudio.ui.views.run import RunView

MOST_CURVES = COLOURS
"""So many runs are laid over each other: each has a colour of its own."""


class RunsPanel(QWidget):
    """A table of runs, and below it what the selected one did.

    Signals:
        run_selected: The Run whose curves are shown.
        view_changed: `view`, what the centre shows in place of the panes, is there or is there no more.
        advice_wanted: The person asks whether more masks would help.
        sample_opened: Told the id of a sample that the person wants to see in Review, and the runs whose predictions.

    Attributes:
        view: All curves, larger, or a run that is looked at closely, while they are wanted.
    """

    run_selected = Signal(object)
    view_changed = Signal()
    advice_wanted = Signal()
    sample_opened = Signal(int, int, object)

    def __init__(self, session: "Session | None", queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.queue = queue
        self.session: Session | None = None
        self._closer: RunView | None = None
        self._is_stale = False
        self._background = Background("runs", self)
        self._is_closed = False
        self.model = RunsModel(self)
        self.table = self._make_table()
        self.curves = Curves()
        self.curves.larger_wanted.connect(self._show_larger)
        self.view: QWidget | None = None
        self._larger: CurvesView | None = None
        self.extend = ExtendBox(is_brief=True)
        self.extend.wanted.connect(self._extend)
        self._summary = muted(wraps=True)
        self.curves.failed.connect(self._summary.setText)
        self._summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.use_button = push_button("Use predictions", "Show the predictions of this run in the window", self._use)
        self.resume_button = push_button("Resume", "Go on with this training from its last epoch", self._resume)
        self.export_button = push_button("Export…", "Take the trained network to other programs", self.offer_export)
        self.advice_link = link("Advice on more masks", "Would more masks help, or is it time to stop?")
        self.advice_link.clicked.connect(self.advice_wanted)
        self.export_form = ExportModelForm()
        self.export_form.hide()
        self.export_form.dismissed.connect(self._close_form)
        self.export_form.wanted.connect(self._export)
        self.look_button = push_button(
            "Details", "How it did against the champion, its figures and its card", self.look
        )
        self.more_button = self._make_more()
        self._champion_words = muted(wraps=True)
        self.folder_button = _icon_button("folder", "Open the run's folder", self._open_folder)
        self.delete_button = _icon_button("delete", "Delete this run; Edit ▸ Undo brings it back", self._delete)
        self.copy_button = _icon_button("copy", "Copy the command line that trains the same again", self._copy)
        theme.notifier().changed.connect(self._draw_icons)
        self._draw_icons()
        empty = Empty(
            "history",
            "No runs yet",
            "Each training becomes one, with its curves, weights and figures: begin in the Train tab.",
        )
        self._either = Either(self._make_content(), empty)
        self._either.setContentsMargins(8, 4, 8, 4)
        self.setLayout(self._either)
        self.queue.metric.connect(self._on_metric)
        self.set_session(session)

    def _make_table(self) -> QTableView:
        table = row_table(self.model, "Runs")
        table.setSelectionMode(QTableView.SelectionMode.ExtendedSelection)
        table.setToolTip("Select several with Ctrl or Shift to lay their curves over each other")
        table.setProperty("narrow", True)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for column, width in enumerate((64, 57, 64, 72, 54)):
            table.setColumnWidth(column, width)
        table.horizontalHeader().setStretchLastSection(True)
        table.selectionModel().currentRowChanged.connect(self._on_selected)
        table.selectionModel().selectionChanged.connect(lambda *_: self._show_curves())
        return table

    def _make_content(self) -> QWidget:
        buttons = WrappingBar(
            (self.look_button, self.use_button, self.export_button, self.resume_button),
            (self.folder_button, self.copy_button, self.delete_button, self.more_button),
        )
        details = QWidget()
        column = QVBoxLayout(details)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._champion_words)
        column.addWidget(self._summary)
        column.addWidget(buttons)
        column.addWidget(self.advice_link, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.export_form)
        column.addWidget(self.extend)
        column.addWidget(self.curves, 1)
        area = self._area = scrolling(details)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self.table)
        splitter.addWidget(area)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([190, 500])
        self.table.setMinimumHeight(84)
        return splitter

    def _make_more(self) -> QToolButton:
        """The button with what is seldom done to a run."""
        button = text_button("", "More about this run")
        button.setObjectName("more")
        button.setProperty("more", True)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        self.meet_action = menu.addAction("Meet the champion", self.meet)
        self.promote_action = menu.addAction("Make champion", self.promote)
        self.roll_back_action = menu.addAction("Roll back the champion", self.roll_back)
        menu.addSeparator()
        self.rebuild_action = menu.addAction("Rebuild from its manifest", self.rebuild)
        self.card_action = menu.addAction("Open its card", self._open_card)
        menu.setToolTipsVisible(True)
        self.rebuild_action.setToolTip("Train again from the same images, masks and options, and compare bit for bit")
        button.setMenu(menu)
        return button

    def close_threads(self) -> None:
        """Read no more, and compare no more masks."""
        self._is_closed = True
        self._background.close()
        if self._closer is not None:
            self._closer.close_threads()

    def set_session(self, session: "Session | None") -> None:
        """Show the runs of another project, or of none."""
        before, self.session = self.session, session
        if before is not None:
            before.project_changed.disconnect(self._on_project_changed)
            self._background.wait(5)
        self.model.show_tests({})
        if session is not None:
            session.project_changed.connect(self._on_project_changed)
        self.reload()

    def reload(self) -> None:
        """Read the runs anew; the selection stays, and goes to the newest run at first."""
        self._is_stale = False
        selected = [run.id for run in self.selection()]
        project = None if self.session is None else self.session.project
        runs = [] if project is None else project.runs.list()
        current = None if project is None else project.predictions.current()
        best = None if project is None else project.runs.best()
        self.model.show_runs(runs, current, None if best is None else best.id)
        self._champion_words.setText("" if project is None else champion_words(project, best))
        self._measure()
        self._either.show_content(bool(runs))
        rows = [row for run_id in selected if (row := self.model.row_of(run_id)) is not None]
        if runs:
            self.table.selectRow(rows[0] if rows else 0)
        flags = QItemSelectionModel.SelectionFlag
        for row in rows[1:]:
            self.table.selectionModel().select(self.model.index(row, 0), flags.Select | flags.Rows)
        self._show_details()
        self._show_curves()
        if (closer := self.closer) is not None:
            closer.reload()

    def _measure(self) -> None:
        """Read the test figures in the background: each lies in a file."""
        session = self.session
        if session is None:
            return
        project = session.project

        def take(found: "Future[dict[int, float]]") -> None:
            if session is self.session and not isinstance(found.exception(), EXPECTED):
                self.model.show_tests(found.result())

        self._background.submit(lambda: measured_on_test(project), take)

    def selected(self) -> Run | None:
        """The run whose curves are shown."""
        index = self.table.currentIndex()
        return self.model.run_at(index.row()) if index.isValid() else None

    def select(self, run_id: int) -> None:
        """Show the curves of a run."""
        row = self.model.row_of(run_id)
        if row is not None:
            self.table.selectRow(row)

    def _on_project_changed(self, topics: Topics) -> None:
        if "runs" in topics or ("predictions" in topics and "masks" not in topics):
            self._reload_when_seen()

    def _reload_when_seen(self) -> None:
        """Behind another tab nothing is read and drawn."""
        self._is_stale = not self.isVisible()
        if not self._is_stale:
            self.reload()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self.reload()

    def _on_metric(self, job_id: str, step: int, _values: object) -> None:
        # Another process writes the run; the first epoch is when it has something to show.
        record = self.queue[job_id]
        is_ours = self.session is not None and record.project == self.session.project.folder
        if record.job == "train" and is_ours:
            self._reload_when_seen()

    def _on_selected(self) -> None:
        self._show_details()
        if (run := self.selected()) is not None:
            self.run_selected.emit(run)
            if (closer := self.closer) is not None:
                closer.show_run(run)

    # the run view

    @property
    def closer(self) -> "RunView | None":
        """The close look at the selected run, while it is in the centre."""
        return self._closer if self.view == self._closer else None

    def look(self) -> None:
        """Look at the selected run closely, in the centre."""
        from segstudio.ui.views.run import RunView

        run, session = self.selected(), self.session
        if run is None or session is None:
            return
        if self._closer is None:
            self._closer = RunView(session)
            self._closer.closed.connect(self.close_view)
            self._closer.opened.connect(self.sample_opened)
            self._closer.meeting.meeting_wanted.connect(self.meet)
            self._closer.meeting.promotion_wanted.connect(self.promote)
            self._closer.meeting.roll_back_wanted.connect(self.roll_back)
            self._closer.measured.measuring_wanted.connect(self._evaluate)
        self.curves.larger_button.setChecked(False)  # the centre shows one of the two
        self.view = self._closer
        self._closer.show_run(run)
        self.view_changed.emit()

    def close_view(self) -> None:
        """Give the centre back to the images."""
        self.view = None
        self.view_changed.emit()

    def meet(self) -> None:
        """Let the selected run meet the champion."""
        run, session = self.selected(), self.session
        if run is not None and session is not None:
            session.save_now(wait=True)
            title = f"Run {run.name} meets the champion"
            self.queue.submit("challenge", {"run": run.name}, title, session.project.folder)

    def promote(self) -> None:
        """Make the selected run the champion."""
        if (run := self.selected()) is not None:
            self.promote_run(run.id)

    def promote_run(self, run_id: int) -> None:
        """Make a run the champion."""
        if (session := self.session) is not None:
            self._attempt(lambda: session.project.champions.promote(run_id, BY_HAND))

    def roll_back(self) -> None:
        """Give the title back to the champion before."""
        if (session := self.session) is not None:
            self._attempt(session.project.champions.roll_back)

    def _attempt(self, change: Callable[[], object]) -> None:
        """Change who is champion; where the world does not allow it, say so."""
        try:
            change()
        except UserError as error:
            if self.session is not None:
                self.session.failed.emit(error.message, error.hint)

    def rebuild(self) -> None:
        """Train the selected run again from its manifest."""
        if (run := self.selected()) is not None and self.session is not None:
            self.queue.submit("train", {"rebuild": str(run.id)}, f"Rebuild run {run.name}", self.session.project.folder)

    def _evaluate(self, split: str, groups: object, manner: str) -> None:
        run, session = self.selected(), self.session
        if run is not None and session is not None:
            session.save_now(wait=True)
            how = manner_from(manner) or Manner()
            options = {"run": run.name, "split": split, "groups": groups, **how._asdict()}
            self.queue.submit("evaluate", options, f"Measure run {run.name}", session.project.folder)

    def _open_card(self) -> None:
        if (run := self.selected()) is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.report)))

    def _show_details(self) -> None:
        run = self.selected()
        if run is None or run.name != self.export_form.run:
            self.export_form.hide()  # it is about another run
        chosen, writable = (run is not None, "choose a run"), (self._is_writable, READ_ONLY)
        has_weights = run is not None and run.best_weights.is_file()
        is_over, is_reader = run is not None and not run.is_running, run is not None and run.is_reader
        over, weights = (is_over, "it is being trained"), (has_weights, "it has no weights")
        allow(self.export_button, chosen, over, weights)
        allow(self.folder_button, chosen)
        allow(self.copy_button, chosen, (not is_reader, "another reader's masks have no options"))
        allow(self.delete_button, chosen, over, writable)
        allow(self.use_button, chosen, (has_weights or is_reader, "it has no weights"), writable)
        is_able = run is not None and run.best_weights.is_file() and self._is_writable
        allow(self.look_button, chosen)
        self.more_button.setEnabled(run is not None)
        best = None if self.session is None else self.session.project.runs.best()
        is_champion = run is not None and best is not None and run.id == best.id
        for action in (self.meet_action, self.promote_action):
            action.setEnabled(is_able and not is_champion)
        can_roll_back = self.session is not None and self.session.project.champions.can_roll_back
        self.roll_back_action.setEnabled(can_roll_back and self._is_writable)
        self.rebuild_action.setEnabled(run is not None and run.manifest.is_file() and self._is_writable)
        self.card_action.setEnabled(run is not None and run.report.is_file())
        self.resume_button.setVisible(run is not None and is_resumable(run) and self._is_writable)
        # What has epochs left to do is resumed; what has done them all can be given more.
        is_over = run is not None and not run.is_reader and not is_resumable(run) and self._is_writable
        self.extend.show_run(run if is_over else None)
        if run is None or self.session is None:
            self._summary.clear()
            return
        self._summary.setText(summary(run).replace(" · ", "\u00a0· "))  # a line never begins with a dot

    def selection(self) -> list[Run]:
        """The runs whose curves are laid over each other, the one that the buttons are about first."""
        current = self.selected()
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        others = [run for run in map(self.model.run_at, rows) if current is None or run.id != current.id]
        return ([current] if current is not None else []) + others

    def _show_curves(self) -> None:
        if self.session is None or not (runs := self.selection()):
            self.curves.clear()
            return
        self.curves.setHidden(all(run.is_reader for run in runs))  # masks of a person have none
        metrics = self.session.project.runs.metrics
        courses = [course_of(metrics(run.id), run.name) for run in runs[:MOST_CURVES]]
        self.curves.show_courses(courses, last_epoch=max(float(run.options.get("epochs") or 0) for run in runs))
        if self._larger is not None:
            title = f"Run {runs[0].name}" if len(courses) == 1 else f"{len(courses)} runs; below, run {runs[0].name}"
            self._larger.show_run(runs[0].folder, title)
            self._larger.strip.refresh()

    def _show_larger(self, is_wanted: bool) -> None:
        """Show all curves in the centre, or the panes again."""
        from segstudio.ui.views.curves import CurvesView

        if is_wanted and self._larger is None:
            self._larger = CurvesView(self.curves)
            self._larger.closed.connect(lambda: self.curves.larger_button.setChecked(False))
        self.view = self._larger if is_wanted else None
        self._show_curves()
        self.view_changed.emit()

    def _extend(self, options: dict[str, object]) -> None:
        """Give a run that is over more epochs."""
        if (run := self.selected()) is not None and self.session is not None:
            self.queue.submit("train", options, f"Train on with run {run.name}", self.session.project.folder)

    def _use(self) -> None:
        """Show its predictions; those it has not made are made."""
        run, session = self.selected(), self.session
        if run is None or session is None:
            return
        if has_predictions(session.project.folder, run):
            predictions = session.project.predictions
            predictions.set_current(run.id)
            # A mask may have been changed while another run was on screen.

            def goes_on() -> bool:
                return self.session is session and not self._is_closed

            self._background.submit(lambda: predictions.recount(run.id, goes_on))
        else:
            session.save_now(wait=True)
            self.queue.submit("predict", {"run": run.name}, f"Predict with run {run.name}", session.project.folder)

    def offer_export(self) -> None:
        """Ask as what, and where to, the network of the selected run is to be exported."""
        if (run := self.selected()) is not None and self.session is not None:
            self.export_form.offer(self.session.project.folder, run.name)
            self.export_form.show()
            self.export_form.format_box.setFocus(Qt.FocusReason.OtherFocusReason)
            QTimer.singleShot(0, self, lambda: self._area.ensureWidgetVisible(self.export_form))  # when it has its size

    def _close_form(self) -> None:
        with keeping_focus(self.export_form, self.export_button):  # the next button would begin a training
            self.export_form.hide()

    def _export(self, values: dict[str, str]) -> None:
        """Export the model of the selected run, beside whatever else is done."""
        if (run := self.selected()) is not None and self.session is not None:
            self._close_form()
            title = f"Export model of run {run.name}"
            self.queue.submit("export-model", {"run": run.name, **values}, title, self.session.project.folder)

    def _draw_icons(self) -> None:
        self.folder_button.setIcon(theme.icon("folder"))
        self.copy_button.setIcon(theme.icon("copy"))
        self.more_button.setIcon(theme.icon("more"))
        self.delete_button.setIcon(theme.icon("delete"))

    def _delete(self) -> None:
        if (run := self.selected()) is not None and self.session is not None:
            self.session.decisions.delete_run(run.id)

    def _resume(self) -> None:
        """Go on from the last epoch, with the very masks it began with."""
        if (run := self.selected()) is not None and self.session is not None:
            options = {"resume": str(run.id)}
            self.queue.submit("train", options, f"Resume run {run.name}", self.session.project.folder)

    @property
    def _is_writable(self) -> bool:
        return self.session is not None and not self.session.project.read_only

    def _open_folder(self) -> None:
        if (run := self.selected()) is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.folder)))

    def _copy(self) -> None:
        if (run := self.selected()) is not None and self.session is not None:
            QGuiApplication.clipboard().setText(command_line(self.session.project.folder, run))


def _icon_button(name: str, help_text: str, slot: object) -> QToolButton:
    button = QToolButton()
    button.setObjectName(name)
    button.setToolTip(help_text)
    button.setAccessibleName(help_text)
    button.clicked.connect(slot)
    return button
