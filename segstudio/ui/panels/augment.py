"""Augment panel: recipes, their steps and parameters, and the queue of copies; its view shows what they do."""

from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QVBoxLayout, QWidget

from segstudio.ui.job_queue import JobQueue
from segstudio.ui.panels.empty import Empty
from segstudio.ui.session import Session


class AugmentPanel(QWidget):
    """Edits recipes.

    Attributes:
        view: Shown in the centre while the panel is in front.
        undo_stack: What can be undone.
    """

    def __init__(self, session: Session, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view: QWidget = QWidget()
        self.undo_stack = QUndoStack(self)
        layout = QVBoxLayout(self)
        layout.addWidget(Empty("demo", "No recipe yet", "Recipes of augmentations are made here."))
