"""A close look at one copy: its source and the copy side by side, with one zoom, and what was applied."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.formats import read_image, read_mask_values
from segstudio.project.augmented import Copy
from segstudio.project.project import Project
from segstudio.ui import theme
from segstudio.ui.background import Background
from segstudio.ui.keyboard import key_meant
from segstudio.ui.session import Session
from segstudio.ui.views.copies_model import applied, state, title
from segstudio.ui.views.tiles import Tiles
from segstudio.ui.views.variations import Face, faced
from segstudio.ui.widgets import muted, push_button


class _Faces(NamedTuple):
    """What a thread has read of a copy; None for what cannot be read."""

    copy: Copy
    source: Face | None
    made: Face | None


class CloseLook(QWidget):
    """Source and copy, large.

    Attributes:
        closed: Told when the person wants to see all copies again.
        toggled: Told when the person wants to reject or restore this one.
        stepped: Told how many copies further the person wants to go.
        copy: What is shown, or None.
        titles: What the window calls each transform.
    """

    closed = Signal()
    toggled = Signal()
    stepped = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.copy: Copy | None = None
        self.titles: Mapping[str, str] = {}
        self._project = session.project
        self._background = Background("close look", self)
        self._tiles = Tiles()
        self._title = QLabel()
        self._title.setProperty("heading", True)
        self._state = QLabel()
        self._applied = muted(wraps=True)
        self._applied.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        back = push_button("‹  All copies", "Back to all copies  (Esc)", self.closed.emit)
        row = QHBoxLayout()
        row.setSpacing(10)
        for widget in (back, self._title, self._state):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(push_button("Previous", "The copy before  (Left)", lambda: self.stepped.emit(-1)))
        row.addWidget(push_button("Next", "The next copy  (Right)", lambda: self.stepped.emit(1)))
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 0, 2, 4)
        column.addLayout(row)
        column.addWidget(self._tiles, 1)
        column.addWidget(self._applied)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def is_busy(self) -> bool:
        """Whether pictures are being read."""
        return self._background.is_busy

    def show_copy(self, copy: Copy | None) -> None:
        """Show another copy; None when it is gone."""
        before, self.copy = self.copy, copy
        if copy is None:
            self.closed.emit()
            return
        self._title.setText(title(copy))
        colour = theme.color("bad" if copy.is_rejected else "warn").name()
        self._state.setText(f'<span style="color:{colour}">{state(copy)}</span>')
        self._applied.setText(applied(copy, self.titles))
        if before is None or (before.recipe, before.name, before.sha256) != (copy.recipe, copy.name, copy.sha256):
            self._background.submit(lambda: _read(self._project, copy), self._take)

    def close_threads(self) -> None:
        """Stop all that runs."""
        self._background.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match key_meant(event):
            case Qt.Key.Key_Escape | Qt.Key.Key_Return | Qt.Key.Key_Enter | Qt.Key.Key_Space:
                self.closed.emit()
            case Qt.Key.Key_Left | Qt.Key.Key_Up:
                self.stepped.emit(-1)
            case Qt.Key.Key_Right | Qt.Key.Key_Down:
                self.stepped.emit(1)
            case Qt.Key.Key_X | Qt.Key.Key_Delete | Qt.Key.Key_Backspace:
                self.toggled.emit()
            case _:
                super().keyPressEvent(event)

    def _take(self, future: "Future[_Faces]") -> None:
        faces = future.result()
        if self.copy is None or faces.copy.name != self.copy.name:
            return
        self._tiles.set_count(2)
        source, made = self._tiles.tiles
        source.header.show_title("Source")
        source.header.show_detail(faces.copy.source)
        made.header.show_title("Copy")
        made.header.show_detail(f"seed {faces.copy.seed}")
        for face in (faces.source, faces.made):
            if face is not None:
                self._tiles.set_shape(face.width, face.height)
                break
        source.show_face(faces.source, "" if faces.source else "The source cannot be read.")
        made.show_face(faces.made, "" if faces.made else "The copy cannot be read.")


def _read(project: Project, copy: Copy) -> _Faces:
    """In a thread: both pairs."""
    source = made = None
    try:
        sample = project.samples.get(copy.sample)
        source = faced(project.read_image(sample), project.masks.load_revision(sample, copy.revision))
    except (UserError, OSError, KeyError):
        pass
    try:
        values = read_mask_values(copy.mask_file)
        made = faced(read_image(copy.image_file), (values > 0).astype(values.dtype))
    except (UserError, OSError):
        pass
    return _Faces(copy, source, made)
