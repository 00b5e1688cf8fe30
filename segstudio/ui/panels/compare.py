"""Compare panel: experiments that say whether a change makes the model better; its view shows what came out."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from segstudio.ui.job_queue import JobQueue
from segstudio.ui.panels.empty import Empty
from segstudio.ui.session import Session


class ComparePanel(QWidget):
    """Plans and starts comparisons.

    Attributes:
        view: Shown in the centre while the panel is in front.
    """

    def __init__(self, session: Session, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view: QWidget = QWidget()
        layout = QVBoxLayout(self)
        layout.addWidget(Empty("check", "No comparison yet", "Compare trainings with and without a recipe here."))
