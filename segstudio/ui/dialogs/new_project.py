"""File ▸ New: what a dataset holds, shown before anything is made of it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog


class NewProjectDialog(QDialog):
    created = Signal(object)

    def __init__(self, queue, source, parent):
        super().__init__(parent)
