"""The window: menus, tool bar, docks and status bar around the workspace of one project. It wires, never computes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QDockWidget, QMainWindow, QStackedWidget, QWidget

from segstudio.core.errors import UserError
from segstudio.core.user_settings import reviewer_name
from segstudio.formats.naming import split_suffix
from segstudio.project.project import INDEX, Project
from segstudio.project.topics import Topics
from segstudio.ui import areas, findable, theme
from segstudio.ui.actions import Actions
from segstudio.ui.banner import Banner
from segstudio.ui.canvas.panes import Panes
from segstudio.ui.commands import handlers_for
from segstudio.ui.dialogs.new_project import NewProjectDialog
from segstudio.ui.dialogs.questions import agrees
from segstudio.ui.garbage import look_through_everything
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState, topics_of, trouble_of
from segstudio.ui.keyboard import Keyboard
from segstudio.ui.learning import Learning
from segstudio.ui.menus import fill_menus
from segstudio.ui.palette import Palette
from segstudio.ui.panels.jobs import JobsPanel
from segstudio.ui.panels.lint import LintPanel
from segstudio.ui.panels.problems import ProblemsPanel
from segstudio.ui.panels.readers import ReadersPanel
from segstudio.ui.panels.samples import SamplesPanel
from segstudio.ui.session import Session
from segstudio.ui.status_bar import StatusBar
from segstudio.ui.tool_bar import ToolBar
from segstudio.ui.welcome import Welcome, remember_project
from segstudio.ui.workspace import Workspace
from segstudio.volumes import all_suffixes

if TYPE_CHECKING:
    from segstudio.ui.panels.train import TrainPanel

_STEPS = {int(Qt.Key.Key_Down): 1, int(Qt.Key.Key_Right): 1, int(Qt.Key.Key_Up): -1, int(Qt.Key.Key_Left): -1}


class Window(QMainWindow):
    """The main window.

    Attributes:
        queue: The jobs.
        workspace: The open project on screen, or None.
        learning: The jobs that a person asks for.
        actions_by_name: Every command's action.
        finder: The palette.
    """

    def __init__(self, queue: JobQueue) -> None:
        super().__init__()
        self.queue = queue
        self.workspace: Workspace | None = None
        self.learning = Learning(queue, self)
        self._actions = Actions(self, handlers_for(self))
        self.actions_by_name = self._actions.by_name
        self.addActions(list(self.actions_by_name.values()))
        self._keyboard = Keyboard(self, self.actions, self._actions.held)
        self._build()
        self.finder = Palette(self, self.focus_work)
        self._connect()
        self._update()
        if self._actions.bindings.problem:
            self.banner.tell(self._actions.bindings.problem, "Help ▸ Change keys makes a new file.", topic="keys")

    # what tests, scripts and other parts ask

    @property
    def session(self) -> Session | None:
        """The open project and its sample, or None."""
        return None if self.workspace is None else self.workspace.session

    @property
    def panes(self) -> Panes:
        """The panes of the open project."""
        return self._open_workspace.panes

    @property
    def samples_panel(self) -> SamplesPanel:
        """The list of the open project."""
        return self._open_workspace.samples_panel

    @property
    def train_panel(self) -> "TrainPanel":
        """The training panel of the open project."""
        return self._open_workspace.train_panel

    @property
    def _open_workspace(self) -> Workspace:
        assert self.workspace is not None, "no project is open"
        return self.workspace

    @property
    def actions_table(self) -> Actions:
        """The table of commands with their keys."""
        return self._actions

    def is_settled(self) -> bool:
        """Whether everything that is loaded in the background is on screen."""
        return self.workspace is None or self.workspace.is_settled

    def set_theme(self, choice: theme.Choice) -> None:
        """Be dark, light, or as the system is."""
        theme.choose(choice)

    def open_project(self, folder: Path | str) -> None:
        """Open a project in place of the one that is open.

        Raises:
            UserError: When there is none, or the open one cannot be saved.
        """
        folder = Path(folder)
        if self.session is not None and self.session.project.folder == folder.absolute():
            return
        if not self.close_project():
            return
        project = Project.open(folder, is_editor=True)
        project.reviewer = reviewer_name()
        session = Session(project, self)
        self.workspace = workspace = Workspace(session, self.queue, self._actions)
        self._watch_input()
        self.queue.project = project.folder
        workspace.facts_changed.connect(self._update)
        session.project_changed.connect(self._take_change)
        session.saved_changed.connect(self._status.show_saved)
        workspace.panes.pointed.connect(self._status.show_pixel)
        workspace.panes.zoomed.connect(self._status.show_zoom)
        self._problems_panel.set_session(session)
        self._lint_panel.set_session(session)
        self._readers_panel.set_session(session)
        self.learning.serve(workspace)
        self._tool_bar.serve(workspace.panes)
        self._stack.addWidget(workspace)
        self._stack.setCurrentWidget(workspace)
        remember_project(project.folder)
        self._status.show_saved("read-only" if project.read_only else "saved")
        if project.read_only:
            hint = "You can look at everything and change nothing."
            self.banner.tell(f"Read-only: {project.read_only_reason}", hint, topic="project")
        for note in project.notes:
            self.banner.tell(note, topic="project")
        self._update()
        self._status.show_device(workspace.device())
        session.decisions.tidy()
        session.complete_expectations()
        workspace.focus_centre()

    def close_project(self, *, is_forced: bool = False) -> bool:
        """Save and close the open project; False when it could not be saved and stays open."""
        workspace = self.workspace
        if workspace is None:
            return True
        if not workspace.close_project(is_forced=is_forced):
            return False
        self.workspace = None
        self.queue.project = None
        self.learning.serve(None)
        self._tool_bar.serve(None)
        self._problems_panel.set_session(None)
        self._problems.hide()
        self._lint_panel.set_session(None)
        self._lint.hide()
        self._readers_panel.set_session(None)
        self._readers.hide()
        self._stack.removeWidget(workspace)
        workspace.session.deleteLater()
        workspace.destroyed.connect(self._free_project)
        workspace.deleteLater()
        self._welcome.refresh()
        self._status.clear_sample()
        self._status.show_device("")
        self._update()
        return True

    def _free_project(self) -> None:
        # Nobody needs what a window frees that is itself about to go.
        if self.isVisible():
            QTimer.singleShot(0, look_through_everything)

    def leave_project(self, *, is_forced: bool = False) -> bool:
        """Close the project; when it cannot be saved, let the person decide."""
        if self.close_project(is_forced=is_forced):
            return True
        reason = self.session.save_reason if self.session is not None else ""
        is_kept = self.session is None or not self.session.journal_problem
        fate = "They are in the project's journal and come back." if is_kept else "They will be lost."
        words = f"The last strokes could not be saved: {reason}. {fate}"
        return agrees(self, words, "Close all the same") and self.close_project(is_forced=True)

    def open_path(self, path: Path | str) -> None:
        """Open a project, or begin one from a folder of images, a zip or a volume."""
        path = Path(path)
        if (path / INDEX).is_file() or (path / "project.json").is_file():
            self.attempt(lambda: self.open_project(path))
        else:
            self.new_project(path)

    def new_project(self, source: Path | None = None) -> NewProjectDialog:
        """Show how a dataset would be taken in; the project is made and opened when the person agrees."""
        dialog = NewProjectDialog(self.queue, source, self)
        dialog.created.connect(lambda folder: self.attempt(lambda: self.open_project(folder)))
        dialog.show()
        return dialog

    def attempt(self, work: Callable[[], Any]) -> None:
        """Do something; when the world does not allow it, say so in the banner, in place of what was wrong before."""
        self.banner.clear("error")
        self._try(work)

    def _try(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except UserError as error:
            self.tell(error)

    def tell(self, error: UserError) -> None:
        """Show what is wrong, and what to do about it."""
        self.banner.tell(error.message, error.hint, kind="bad", topic="error")

    @property
    def banner(self) -> Banner:
        """Where messages are shown now."""
        return self._welcome.banner if self.workspace is None else self.workspace.banner

    def in_workspace(self, work: Callable[[Workspace], Any]) -> None:
        """Do something with the open project, if there is one; what is wrong is said in the banner."""
        if self.workspace is not None:
            workspace = self.workspace
            self._try(lambda: work(workspace))

    def take_settings(self) -> None:
        """The person's settings have become others."""
        if self.session is not None:
            self.session.project.reviewer = reviewer_name()

    def show_image(self, image: str) -> None:
        """Go to the sample of an image of the open project; an image it does not have is told of."""
        self.in_workspace(lambda w: w.session.show(w.session.project.samples.by_image(image).id))

    def show_palette(self) -> None:
        """Let the person search commands and everything of the open project; once more hides it again."""
        if self.finder.isVisible():
            self.finder.close_again()
            return
        sources = [findable.commands(self._actions), findable.projects(self.open_path), findable.themes(self.set_theme)]
        if self.workspace is not None:
            sources += findable.of_project(self.workspace)
        self.finder.open(sources)

    def focus_work(self) -> None:
        """Give the keys to what stands in the centre."""
        if self.workspace is not None:
            self.workspace.focus_centre()
        else:
            self._welcome.setFocus(Qt.FocusReason.OtherFocusReason)

    def step_area(self, by: int) -> None:
        """Give the keys to another part of the window: the list, the centre, the tabs, what is docked."""
        docks = [dock for dock in self.findChildren(QDockWidget) if not dock.visibleRegion().isEmpty()]
        below = [areas.Area(dock, partial(areas.focus_inside, dock)) for dock in docks]
        self.in_workspace(lambda workspace: areas.step((*workspace.areas, *below), by))

    def show_jobs(self, is_shown: bool) -> None:
        """Show or hide what runs and waits."""
        _show_dock(self._jobs, is_shown)

    def show_readers(self, is_shown: bool) -> None:
        """Show or hide how far other readers agree."""
        _show_dock(self._readers, is_shown)

    def _take_bundle(self, result: dict[str, Any]) -> None:
        self.show_readers(True)
        dice = "–" if result["dice"] is None else f"{result['dice']:.3f}"
        words = f"The masks of {result['reader']} are in place of the prediction: mean Dice {dice}."
        hint = "Errors ▸ Next error walks through what differs: take theirs, keep yours, fill or erase."
        self.banner.tell(words, hint, kind="info", topic="readers")

    def show_lint(self, is_shown: bool) -> None:
        """Show or hide the masks whose shape is unusual."""
        _show_dock(self._lint, is_shown)

    def show_lint_rules(self) -> None:
        """Show what is usual in the masks of the open project."""
        from segstudio.ui.dialogs.lint_rules import LintRulesDialog

        if self.session is not None:
            LintRulesDialog(self.session, self).show()

    def show_problems(self, is_shown: bool) -> None:
        """Show or hide the files that cannot be used."""
        _show_dock(self._problems, is_shown)

    # what happens

    def _connect(self) -> None:
        self.queue.added.connect(lambda record: self.banner.clear(trouble_of(record.job)))
        self.queue.ended.connect(self._take_job_end)
        self.learning.demo_made.connect(self._take_demo)
        self._status.job.clicked.connect(lambda: self.show_jobs(True))
        self._welcome.chosen.connect(self.open_path)
        for dock, name in (
            (self._jobs, "jobs"),
            (self._problems, "problems"),
            (self._lint, "lint"),
            (self._readers, "readers"),
        ):
            dock.visibilityChanged.connect(partial(self._show_dock_state, dock, name))

    def _show_dock_state(self, dock: QDockWidget, name: str, _is_in_front: bool) -> None:
        self._actions.check(name, not dock.isHidden())

    def _take_job_end(self, record: JobRecord) -> None:
        session = self.session
        if session is not None and record.project == session.project.folder:
            session.take_job_end(topics_of(record))
        is_told = self.workspace is not None and self.workspace.tells_end_of(record)
        if record.state in (JobState.FAILED, JobState.LOST) and not is_told:
            hint = record.hint or "Its log is in the Jobs panel (View ▸ Jobs)."
            self.banner.tell(f"{record.title}: {record.message}", hint, kind="bad", topic=trouble_of(record.job))

    def _take_demo(self, projects: list[Path], worst: str) -> None:
        for project in reversed(projects):
            remember_project(project)
        if self.workspace is not None:
            # Nobody's work is taken from under their hands.
            self.banner.tell("The demo projects are made.", "File ▸ Open recent has them.", kind="info", topic="job")
            return
        self._welcome.refresh()
        self.attempt(lambda: self.open_project(projects[0]))
        self.show_image(worst)

    def _take_change(self, topics: Topics) -> None:
        if self.workspace is not None and "runs" in topics:
            self._status.show_device(self.workspace.device())
        self._update()

    def _update(self) -> None:
        workspace = self.workspace
        self._actions.enable(set() if workspace is None else workspace.facts())
        if workspace is not None:
            self._status.show_zoom(workspace.panes.view.zoom if workspace.are_panes_seen else 0.0)
        self._tool_bar.show_project(None if workspace is None else workspace.session.project.name,
                                    None if workspace is None else workspace.samples_panel.model.table)  # fmt: skip
        self._tool_bar.setVisible(workspace is not None)
        self.setWindowTitle(self._tool_bar.sentence())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that no widget wanted: up and down go through the list, Escape leads back, Enter presses a button."""
        step = _STEPS.get(event.key())
        chosen = self.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(chosen, QAbstractButton):
            chosen.click()
            return
        if event.key() == Qt.Key.Key_Escape and not event.modifiers():
            self.focus_work()  # whoever has lost the picture among the panels finds back
        elif step is not None and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            self.in_workspace(lambda workspace: workspace.samples_panel.step(step))
        elif not self._keyboard.handle(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not self._keyboard.handle(event):
            super().keyReleaseEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        handle = self.windowHandle()
        if handle is not None:
            self._keyboard.watch(handle)
        self._watch_input()

    def _watch_input(self) -> None:
        """Let the open project see the input as it arrives."""
        handle = self.windowHandle()
        if handle is not None and self.workspace is not None:
            handle.installEventFilter(self.workspace.attending)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = _dropped(event)
        if path is not None:
            event.acceptProposedAction()
            self.open_path(path)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save and leave. A person is asked before a job is stopped; a script that closes the window is not."""
        is_person = event.spontaneous()
        if is_person and not self.queue.is_idle and not agrees(self, "A job is still running.", "Stop it and quit"):
            event.ignore()
            return
        if not self.leave_project(is_forced=not is_person):
            event.ignore()
            return
        settings = QSettings()
        settings.setValue("geometry", self.saveGeometry())
        settings.setValue("docks", self.saveState())
        self._lint_panel.close_threads()
        self._readers_panel.close_threads()
        self.hide()  # a process that is busy may take its seconds to end; nobody needs to watch
        self.queue.shutdown()
        event.accept()

    # how it looks

    def _build(self) -> None:
        self.setAcceptDrops(True)
        self.setWindowIcon(theme.app_icon())
        self.setDockOptions(QMainWindow.DockOption.AnimatedDocks | QMainWindow.DockOption.AllowTabbedDocks)
        self._stack = QStackedWidget()
        self._welcome = Welcome([self.actions_by_name[name] for name in ("new-folder", "new-archive", "open", "demo")])
        self._stack.addWidget(self._welcome)
        self.setCentralWidget(self._stack)
        self._tool_bar = ToolBar(self._actions, self)
        self.addToolBar(self._tool_bar)
        self._status = StatusBar(self.queue, self)
        self.setStatusBar(self._status)
        jobs_panel, self._problems_panel = JobsPanel(self.queue), ProblemsPanel(None, self.queue)
        self._jobs = self._dock("Jobs", jobs_panel)
        self._problems = self._dock("Problems", self._problems_panel)
        jobs_panel.count_changed.connect(partial(_count, self._jobs, "Jobs"))
        self._problems_panel.count_changed.connect(partial(_count, self._problems, "Problems"))
        self._problems_panel.sample_requested.connect(lambda one: self.in_workspace(lambda w: w.session.show(one)))
        self._lint_panel = LintPanel(self.queue)
        self._lint = self._dock("Unusual masks", self._lint_panel)
        self._lint_panel.count_changed.connect(partial(_count, self._lint, "Unusual masks"))
        self._lint_panel.sample_requested.connect(lambda one: self.in_workspace(lambda w: w.show_in_review(one)))
        self._lint_panel.rules_wanted.connect(self.show_lint_rules)
        self.tabifyDockWidget(self._jobs, self._problems)
        self.tabifyDockWidget(self._problems, self._lint)
        self._readers_panel = ReadersPanel()
        self._readers = self._dock("Agreement of readers", self._readers_panel)
        self._readers_panel.sample_requested.connect(lambda one: self.in_workspace(lambda w: w.show_in_review(one)))
        self._readers_panel.walk_wanted.connect(lambda: self.in_workspace(lambda w: w.walk_differences()))
        self.learning.bundle_imported.connect(self._take_bundle)
        self.tabifyDockWidget(self._lint, self._readers)
        fill_menus(self.menuBar(), self._actions, open_recent=self.open_path, choose_theme=self.set_theme)
        self.resize(1440, 900)
        settings = QSettings()
        for name, restore in (("geometry", self.restoreGeometry), ("docks", self.restoreState)):
            value = settings.value(name)
            if isinstance(value, QByteArray):
                restore(value)
        self._problems.hide()
        self._lint.hide()
        self._readers.hide()

    def _dock(self, title: str, widget: QWidget) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(title)
        features = QDockWidget.DockWidgetFeature
        dock.setFeatures(features.DockWidgetClosable | features.DockWidgetMovable)
        dock.setAllowedAreas(Qt.DockWidgetArea.BottomDockWidgetArea | Qt.DockWidgetArea.TopDockWidgetArea)
        dock.setWidget(widget)
        self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
        dock.hide()
        return dock


def _dropped(event: QDropEvent) -> Path | None:
    """The folder, zip or volume that is dragged, if it is one."""
    urls = event.mimeData().urls()
    path = Path(urls[0].toLocalFile()) if len(urls) == 1 and urls[0].isLocalFile() else None
    if path is None or path.is_dir():
        return path
    return path if split_suffix(path.name)[1] in {".zip", *all_suffixes()} else None


def _show_dock(dock: QDockWidget, is_shown: bool) -> None:
    dock.setVisible(is_shown)
    if is_shown:
        dock.raise_()


def _count(dock: QDockWidget, title: str, count: int) -> None:
    dock.setWindowTitle(f"{title} ({count})" if count else title)
