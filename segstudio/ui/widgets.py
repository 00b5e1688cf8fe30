"""The smallest parts that panels and dialogs are made of, each dressed by the style sheet."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from PySide6.QtCore import QAbstractItemModel, QSize, Qt
from PySide6.QtGui import QAction, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QCheckBox,
    QFrame,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from segstudio.ui import theme


def heading(text: str) -> QLabel:
    """A title inside a panel."""
    label = QLabel(text)
    label.setProperty("heading", True)
    return label


def muted(text: str = "", *, wraps: bool = False) -> QLabel:
    """Words that stand back."""
    label = QLabel(text)
    label.setProperty("muted", True)
    label.setWordWrap(wraps)
    return label


class ElidedLabel(QLabel):
    """A line of words that needs no room: where there is too little of it they end in dots, and are in the tooltip."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._help = self._short = ""
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def set_help(self, text: str) -> None:
        """Say more about the words in the tooltip, whether they end in dots or not."""
        self._help = text
        self.setToolTip(text)
        self.update()

    def set_short(self, text: str) -> None:
        """Say it in fewer words where there is too little room: half a number would be another one."""
        self._short = text
        self.update()

    @property
    def shown_text(self) -> str:
        """The words as far as there is room for them."""
        width = self.contentsRect().width() + 1  # what a label asks for is rounded, what dots are put by is not
        if self._short and self.fontMetrics().horizontalAdvance(self.text()) > width:
            return self.fontMetrics().elidedText(self._short, Qt.TextElideMode.ElideRight, width)
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, width)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        words = self.shown_text
        self.setToolTip(self._help or (self.text() if words != self.text() else ""))
        painter = QPainter(self)
        flags = self.alignment() | Qt.TextFlag.TextSingleLine
        self.style().drawItemText(
            painter, self.contentsRect(), int(flags), self.palette(), self.isEnabled(), words, self.foregroundRole()
        )


class FittingWords(QWidget):
    """A line of muted words at the right of whatever room is left: the most of them that fit, or none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words: Sequence[str] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    @property
    def shown(self) -> str:
        """The words that there is room for."""
        wide = self.fontMetrics().horizontalAdvance
        return next((one for one in self._words if wide(one) <= self.contentsRect().width()), "")

    def show_words(self, words: Sequence[str]) -> None:
        """Show one of these, which say the same, the longest first."""
        self._words = words
        self.setAccessibleName(words[0] if words else "")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(0, self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(theme.color("text_muted"))
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(self.contentsRect(), flags, self.shown)


def push_button(text: str, help_text: str, pressed: Callable[[], object]) -> QPushButton:
    """An ordinary button that does something."""
    button = QPushButton(text)
    button.setToolTip(help_text)
    button.clicked.connect(pressed)
    return button


def without_default(dialog: QWidget) -> None:
    """Let Enter in a field of a dialog press none of its buttons; Qt would take the first one."""
    for button in dialog.findChildren(QPushButton):
        button.setAutoDefault(False)


@contextmanager
def keeping_focus(*widgets: QWidget) -> Iterator[None]:
    """While some of these come and others go, keep the keys among them.

    Qt gives the keys of a button that vanishes to whatever comes next, be that a button that undoes or deletes.

    Args:
        widgets: One group; when the one that had the keys, itself or something in it, is gone, the first that can be
            used gets them.
    """
    before = QApplication.focusWidget()
    had_focus = before is not None and any(one is before or one.isAncestorOf(before) for one in widgets)
    yield
    if had_focus and QApplication.focusWidget() is not before:
        heir = next((widget for widget in widgets if widget.isVisible() and widget.isEnabled()), None)
        if heir is not None:
            heir.setFocus(Qt.FocusReason.OtherFocusReason)


READ_ONLY = "the project is read-only"


def allow(widget: QWidget, *conditions: tuple[object, str]) -> None:
    """Let a widget be used when all conditions hold; its tooltip says why not otherwise.

    Args:
        widget: A button, or a field.
        conditions: Whether each holds, and what to say when it does not: the words after "Not now: ".
    """
    if widget.property("help") is None:
        widget.setProperty("help", widget.toolTip())
    refusal = next((words for holds, words in conditions if not holds), "")
    widget.setEnabled(not refusal)
    parts = [str(widget.property("help")), f"Not now: {refusal}." if refusal else ""]
    widget.setToolTip("\n".join(part for part in parts if part))


ROW_HEIGHT = 26
"""Of a table row with one line, in letters of the usual size."""


def row_table(model: QAbstractItemModel, name: str, *, row_height: int = 0) -> QTableView:
    """A quiet table of whole rows, of which one can be selected; a row is of one line unless `row_height` says else."""
    table = QTableView()
    table.setModel(model)
    table.setAccessibleName(name)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(row_height or theme.by_font(ROW_HEIGHT))
    table.horizontalHeader().setHighlightSections(False)
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return table


def link(text: str, help_text: str = "") -> QPushButton:
    """A button that looks like a link."""
    button = QPushButton(text)
    button.setProperty("link", True)
    button.setToolTip(help_text)
    return button


def slider(help_text: str, least: int, most: int, value: int) -> QSlider:
    """A horizontal slider; it leaves the keys to the canvas."""
    result = QSlider(Qt.Orientation.Horizontal)
    result.setRange(least, most)
    result.setValue(value)
    result.setToolTip(help_text)
    result.setAccessibleName(help_text.partition(":")[0])
    return result


def text_button(text: str, help_text: str) -> QToolButton:
    """A small flat button with a word on it; a click leaves the keys to the canvas."""
    button = QToolButton()
    button.setText(text)
    button.setToolTip(help_text)
    button.setAccessibleName(text or help_text.partition(":")[0])
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def action_button(action: QAction) -> QToolButton:
    """A flat button for a command; a click leaves the keys to the canvas."""
    button = QToolButton()
    button.setDefaultAction(action)
    button.setIconSize(QSize(18, 18))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


class Switch(QCheckBox):
    """A check box for a command that is on or off; a click leaves the keys to the canvas."""

    def __init__(self, action: QAction) -> None:
        super().__init__()
        self._action = action
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(action.trigger)
        action.changed.connect(self._show)  # a method: the action outlives the box
        self._show()

    def _show(self) -> None:
        self.setText(self._action.text().replace("&", ""))
        self.setToolTip(self._action.toolTip())
        self.setEnabled(self._action.isEnabled())
        self.setChecked(self._action.isChecked())


def divider() -> QFrame:
    """A thin upright line between groups."""
    line = QFrame()
    line.setProperty("divider", True)
    line.setFixedSize(1, 18)
    return line


def card() -> QFrame:
    """A frame with a ground and round corners."""
    frame = QFrame()
    frame.setProperty("card", True)
    return frame


def in_column(*widgets: QWidget, spacing: int = 4) -> QWidget:
    """Widgets below one another, so many pixels apart."""
    part = QWidget()
    column = QVBoxLayout(part)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(spacing)
    for widget in widgets:
        column.addWidget(widget)
    return part


def lay_on_card(widget: QWidget, content: QLayout) -> None:
    """Let a widget be nothing but one card that this is laid out on."""
    ground = card()
    ground.setLayout(content)
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(ground)


def scrolling(content: QWidget) -> QScrollArea:
    """The content in an area without a frame, in which it scrolls up and down and is as wide as there is room."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    return area


def set_property(widget: QWidget, name: str, value: object) -> None:
    """Change a property that the style sheet looks at."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def say(label: QLabel, words: str, *, is_error: bool = False) -> None:
    """Say something in a line that is hidden while there is nothing to say."""
    set_property(label, "error", is_error)
    set_property(label, "muted", not is_error)
    label.setText(words)
    label.setVisible(bool(words))
