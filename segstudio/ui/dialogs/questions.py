"""The few questions that need an answer at once."""

from PySide6.QtWidgets import QMessageBox, QWidget

from segstudio import __version__


def agrees(parent: QWidget, words: str, button: str) -> bool:
    """Whether the person presses `button` rather than Cancel."""
    box = QMessageBox(QMessageBox.Icon.Warning, "SegStudio", words, QMessageBox.StandardButton.Cancel, parent)
    agree = box.addButton(button, QMessageBox.ButtonRole.DestructiveRole)
    box.exec()
    return box.clickedButton() is agree


def show_about(parent: QWidget) -> None:
    """Version and licence."""
    words = f"<b>SegStudio {__version__}</b><p>Review, correct and retrain binary image segmentation.</p>"
    QMessageBox.about(parent, "About SegStudio", f"{words}<p>MIT licence.</p>")
