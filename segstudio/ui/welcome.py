"""What the window shows without a project: how to begin, and what was open lately."""

from pathlib import Path

from PySide6.QtCore import QSettings, QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from segstudio.project.project import INDEX
from segstudio.ui import theme
from segstudio.ui.banner import Banner
from segstudio.ui.widgets import card, link, muted

RECENT = 8
"""How many projects are remembered."""


def recent_projects() -> list[Path]:
    """The projects that were open lately and are still there, the latest first."""
    value = QSettings().value("recent")
    texts = [value] if isinstance(value, str) else value  # QSettings writes a list of one as a text
    if not isinstance(texts, list):
        return []
    return [path for path in map(Path, texts) if (path / INDEX).is_file()]


def remember_project(folder: Path) -> None:
    """Put a project at the head of the recent ones."""
    others = [path for path in recent_projects() if path != folder]
    QSettings().setValue("recent", [str(path) for path in [folder, *others][:RECENT]])


class Welcome(QWidget):
    """The page without a project.

    Attributes:
        chosen: Told the folder of a recent project that was clicked.
    """

    chosen = Signal(object)

    def __init__(self, actions: list[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.banner = Banner(self)
        box = card()
        box.setFixedWidth(620)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        content = QVBoxLayout(box)
        content.setContentsMargins(36, 32, 36, 28)
        content.setSpacing(10)
        content.addLayout(self._head())
        content.addSpacing(8)
        content.addLayout(self._buttons(actions))
        content.addSpacing(10)
        content.addLayout(self._recent)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(8, 0, 8, 8)
        outer.addWidget(self.banner)
        outer.addStretch(2)
        outer.addWidget(box, 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)
        self.refresh()

    def refresh(self) -> None:
        """List the recent projects anew."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        projects = recent_projects()
        if projects:
            self._recent.addWidget(muted("Recent"))
        for folder in projects:
            button = link(f"{folder.name}  ·  {folder.parent}", str(folder))
            button.clicked.connect(lambda _=False, folder=folder: self.chosen.emit(folder))
            self._recent.addWidget(button)
        self._recent.addSpacing(10 if projects else 0)
        self._recent.addWidget(muted("Or drop a folder or a zip with images and masks here."))

    def _head(self) -> QHBoxLayout:
        icon = QLabel()
        icon.setPixmap(theme.app_icon().pixmap(56, 56))
        title = QLabel("SegStudio")
        title.setProperty("title", True)
        words = muted("Look at image, mask and prediction. Correct. Retrain. See where it got better.")
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(title)
        column.addWidget(words)
        line = QHBoxLayout()
        line.setSpacing(16)
        line.addWidget(icon)
        line.addLayout(column, 1)
        return line

    def _buttons(self, actions: list[QAction]) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(8)
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setText(action.iconText())
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setIconSize(QSize(28, 28))
            button.setMinimumHeight(78)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setProperty("tile", True)
            line.addWidget(button, 1)
        return line
