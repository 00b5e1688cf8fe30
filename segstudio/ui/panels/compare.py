"""Compare panel: is a change better, what does a model bear, how good is a training, and would more masks help."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from segstudio.project.studies import Kind
from segstudio.ui.job_queue import JobQueue
from segstudio.ui.panels.comparing import Comparing
from segstudio.ui.panels.stress import Stressing
from segstudio.ui.panels.studying import Studying
from segstudio.ui.session import Session

MODES = (
    ("Compare", "Is one way of training better than another, and how sure are we?"),
    ("Stress test", "What does a model lose when pictures become worse?"),
    ("Folds", "How good is a training on images it has not seen? Cross-validation"),
    ("Advice", "Would more masks help, or is it time to stop? A learning curve"),
)

ADVICE = 3
"""The mode that advises."""

SETTING = "compare-mode"


class CompareCentre(QStackedWidget):
    """What stands in the centre: a comparison, a stress test, or a study."""

    @property
    def is_busy(self) -> bool:
        """Whether what is shown is still being read."""
        return bool(getattr(self.currentWidget(), "is_busy", False))


class ComparePanel(QWidget):
    """Four modes: comparing trainings, stressing one model, cross-validating, and advising whether to stop.

    Signals:
        sample_opened: Told the id of a sample that the person wants to see in Review.
        recipe_opened: Told the name of a recipe that the person wants to see in Augment.

    Attributes:
        view: Shown in the centre while the panel is in front.
    """

    sample_opened = Signal(int)
    recipe_opened = Signal(str)

    def __init__(self, session: Session, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.comparing = Comparing(session, queue)
        self.stressing = Stressing(session, queue)
        self.folds = Studying(session, queue, Kind.FOLDS)
        self.advice = Studying(session, queue, Kind.CURVE)
        self.comparing.view.opened.connect(self.sample_opened)
        self.folds.opened.connect(self.sample_opened)
        self.stressing.recipe_made.connect(self.recipe_opened)
        self.view = CompareCentre()
        self._stack = QStackedWidget()
        self._modes = QButtonGroup(self)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 8, 8, 0)
        bar.setSpacing(4)
        self._pages: tuple[Comparing | Stressing | Studying, ...] = (
            self.comparing, self.stressing, self.folds, self.advice,
        )  # fmt: skip
        for page in self._pages:
            self._stack.addWidget(page)
            self.view.addWidget(page.view)
        for number, (words, help_text) in enumerate(MODES):
            button = QPushButton(words)
            button.setCheckable(True)
            button.setToolTip(help_text)
            self._modes.addButton(button, number)
            bar.addWidget(button, 1)
        self._modes.idToggled.connect(lambda number, is_on: self._show(number) if is_on else None)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(bar)
        layout.addWidget(self._stack, 1)
        kept = session.project.settings.get(SETTING)
        self.show_mode(kept if kept in range(len(MODES)) else 0)

    @property
    def mode(self) -> int:
        """0 compares, 1 tests, 2 cross-validates, 3 advises."""
        return self._stack.currentIndex()

    def show_mode(self, number: int) -> None:
        """Go to a mode."""
        self._modes.button(number).setChecked(True)

    def close_threads(self) -> None:
        """End all that is read in the background."""
        for one in self._pages:
            one.close_threads()

    def _show(self, number: int) -> None:
        self._stack.setCurrentIndex(number)
        self.view.setCurrentIndex(number)
        if self.session.project.settings.get(SETTING, 0) != number:
            self.session.remember(SETTING, number)
