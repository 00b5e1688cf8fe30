"""Help ▸ Keys: every command that has a key, grouped by what it is for; searched as one types, printed as a page."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QResizeEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from segstudio import __version__
from segstudio.core.files import write_atomically
from segstudio.core.fuzzy import match
from segstudio.core.page import rendered
from segstudio.ui.actions import MENUS, Actions, plain_text
from segstudio.ui.bindings import shown
from segstudio.ui.keycaps import KeyCaps, caps
from segstudio.ui.widgets import ElidedLabel, card, heading, muted, push_button, without_default

POINTER: tuple[tuple[str, str], ...] = (
    ("Wheel", "Zoom to the pointer"),
    ("Ctrl + wheel", "Brush radius"),
    ("Space + drag", "Move the picture (or middle button)"),
    ("Right button", "The tool's opposite: the brush erases"),
    ("Shift + drag", "Brush: erase; shapes: add"),
    ("Alt + drag", "Shapes: take away; with Shift: intersect"),
    ("Ctrl + drag", "Select a part to decide about"),
    ("Enter", "Close the polygon, apply what is shown"),
    ("Backspace", "Take the last corner back"),
    ("Escape", "Give up; back to the picture"),
    ("Shift + arrows", "Move the picture"),
    ("Up, down", "Previous and next sample"),
    ("Tab", "To the next button or field"),
)
"""What the pointer and fixed keys do, which is no command."""

_COLUMN = 330
"""A column is at least so many pixels wide."""

_MARGINS = 46
"""Pixels of the dialog that are no column."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the list: `keys` are those of a command, `words` those of the pointer."""

    title: str
    help: str
    keys: tuple[str, ...] = ()
    words: str = ""
    is_held: bool = False


Group = tuple[str, list[_Row]]


def groups(actions: Actions, typed: str = "") -> list[Group]:
    """What has a key, by menus, as far as it fits what was typed."""
    found: list[Group] = []
    for menu in MENUS:
        rows = [
            _Row(plain_text(one), one.help, keys, is_held=one.is_held)
            for one in actions.commands.values()
            if one.menu == menu and (keys := actions.bindings.keys(one.name))
        ]
        found.append((menu, rows))
    found.append(("Pointer and fixed keys", [_Row(text, text, words=words) for words, text in POINTER]))
    fitting = ((title, [row for row in rows if _fits(typed, title, row)]) for title, rows in found)
    return [(title, rows) for title, rows in fitting if rows]


def _fits(typed: str, title: str, row: _Row) -> bool:
    shown = " ".join(" ".join(caps(key)) for key in row.keys) or row.words
    words = f"{row.title} {row.help} {title} {shown}".lower()
    return match(typed, row.title) is not None or all(word in words for word in typed.lower().split())


class KeysDialog(QDialog):
    """The list of keys; not modal, so that it can lie beside the work.

    Attributes:
        search: What is looked for.
    """

    def __init__(self, actions: Actions, change: Callable[[], object], parent: QWidget | None = None) -> None:
        """List the keys; `change` is called when the person wants others."""
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(1080, 720)
        self._actions = actions
        self._columns = 0
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search: a command, a key, what you want to do")
        self.search.setAccessibleName("Search keys")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _text: self._show())
        self._area = QScrollArea(widgetResizable=True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setAccessibleName("Keys")
        head = QHBoxLayout()
        head.addWidget(self.search, 1)
        head.addWidget(push_button("Change keys…", "Give commands other keys", change))
        head.addWidget(push_button("Print…", "Show the list as a page that can be printed", self.print_page))
        palette = shown(actions.bindings.keys("palette"))
        self._note = muted(
            "Letters are places on the keyboard where the layout has none such (Russian, Greek, …). "
            f"What has no key is found by the command search{f' ({palette})' if palette else ''}.",
            wraps=True,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(10)
        layout.addLayout(head)
        layout.addWidget(self._area, 1)
        layout.addWidget(self._note)
        without_default(self)
        actions.bindings.changed.connect(self._show)
        self._show()
        self.search.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._column_count() != self._columns:
            self._show()

    def print_page(self) -> Path:
        """Write the list as a page and show it in the browser, which prints."""
        path = Path(tempfile.gettempdir()) / "segstudio-keys.html"
        write_atomically(path, page(self._actions).encode("utf-8"), is_durable=False)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
        self._note.setText(f"The page to print is {path}; the browser shows it.")
        return path

    def rows(self) -> list[str]:
        """What is listed now."""
        return [row.title for _, rows in groups(self._actions, self.search.text()) for row in rows]

    def _column_count(self) -> int:
        return max(1, min(4, (self.width() - _MARGINS) // _COLUMN))

    def _show(self) -> None:
        self._columns = self._column_count()
        content = QWidget()
        line = QHBoxLayout(content)
        line.setContentsMargins(0, 0, 4, 0)
        line.setSpacing(10)
        found = groups(self._actions, self.search.text())
        for some in _in_columns(found, self._columns):
            column = QVBoxLayout()
            column.setSpacing(10)
            for title, rows in some:
                column.addWidget(_card(title, rows))
            column.addStretch(1)
            line.addLayout(column, 1)
        if not found:
            nothing = muted(f"Nothing has a key that fits “{self.search.text()}”.")
            nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
            line.addWidget(nothing)
        self._area.setWidget(content)


def _in_columns(found: Sequence[Group], count: int) -> list[list[Group]]:
    """The groups in their order, in columns about equally long."""
    sizes = [len(rows) + 2 for _, rows in found]
    columns: list[list[Group]] = [[] for _ in range(count)]
    at, filled, left = 0, 0, sum(sizes)
    for group, size in zip(found, sizes, strict=True):
        share = (filled + left) / (count - at)
        if columns[at] and at + 1 < count and filled + size / 2 > share:
            at, filled = at + 1, 0
        columns[at].append(group)
        filled += size
        left -= size
    return columns


def _card(title: str, rows: Sequence[_Row]) -> QWidget:
    box = card()
    inside = QVBoxLayout(box)
    inside.setContentsMargins(12, 8, 12, 10)
    inside.setSpacing(3)
    inside.addWidget(heading(title))
    for row in rows:
        line = QHBoxLayout()
        line.setSpacing(8)
        words = ElidedLabel(row.title)
        words.setMinimumSize(QSize(60, 20))
        words.setAccessibleDescription(row.help)
        line.addWidget(words, 1)
        if row.keys:
            shown = KeyCaps(row.keys, is_held=row.is_held)
            shown.setAccessibleName(", ".join(" ".join(caps(key)) for key in row.keys))
            shown.setToolTip(row.help)
            line.addWidget(shown)
        else:
            cap = QLabel(row.words)
            cap.setProperty("muted", True)
            line.addWidget(cap)
        inside.addLayout(line)
    return box


def page(actions: Actions) -> str:
    """The list as one HTML file that prints on a sheet of paper or two."""
    listed = [
        (title, [(row.title, row.help, [caps(key) for key in row.keys], row.words, row.is_held) for row in rows])
        for title, rows in groups(actions)
    ]
    return rendered("keys", groups=listed, version=__version__)
