"""Help ▸ Keys: every command that has a key, with what it does."""

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from segstudio.ui.actions import MENUS, Command, plain_text, shown_keys

EXTRA = (
    ("Wheel", "Zoom to the pointer; with Ctrl the brush radius."),
    ("Space + drag", "Move the picture; the middle button does it too."),
    ("Shift + drag", "The opposite of the tool: the brush erases."),
    ("Enter, Escape", "Close the polygon, or give it up; Backspace takes the last corner back."),
    ("↑ ↓", "Previous and next sample."),
)
"""What the pointer does, which is no command."""


class KeysDialog(QDialog):
    """The list of keys; not modal, so that it can lie beside the work."""

    def __init__(self, commands: Iterable[Command], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setModal(False)
        self.resize(620, 640)
        content = QWidget()
        grid = QGridLayout(content)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        listed = list(commands)
        for menu in MENUS:
            rows = [(shown_keys(one), f"{plain_text(one)} — {one.help}")
                    for one in listed if one.menu == menu and one.keys]  # fmt: skip
            _add_section(grid, menu, rows)
        _add_section(grid, "Pointer and other keys", EXTRA)
        note = QLabel("Letters are places on the keyboard where the layout has no such letter (Russian, Greek, …).")
        note.setProperty("muted", True)
        note.setWordWrap(True)
        area = QScrollArea(widgetResizable=True)
        area.setWidget(content)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(area, 1)
        layout.addWidget(note)
        layout.addWidget(buttons)


def _add_section(grid: QGridLayout, title: str, rows: Iterable[tuple[str, str]]) -> None:
    rows = list(rows)
    if not rows:
        return
    heading = QLabel(title)
    heading.setProperty("heading", True)
    heading.setContentsMargins(0, 10, 0, 2)
    grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
    for keys, words in rows:
        cap = QLabel(keys)
        cap.setProperty("keycap", True)
        text = QLabel(words)
        text.setWordWrap(True)
        row = grid.rowCount()
        grid.addWidget(cap, row, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        grid.addWidget(text, row, 1)
