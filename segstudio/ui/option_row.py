"""The options of a tool or an operation in one row: what a person changes often in sight, the rest behind a button."""

from collections.abc import Collection
from typing import Any

from pydantic.fields import FieldInfo
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QFormLayout, QHBoxLayout, QLabel, QMenu, QToolButton, QWidget, QWidgetAction

from segstudio.core.edit import Mode
from segstudio.core.errors import UserError
from segstudio.core.options import Options, is_advanced, unit_of
from segstudio.ui import theme
from segstudio.ui.combo import Combo
from segstudio.ui.field_editors import Editor, editor_for
from segstudio.ui.widgets import muted

MODES = {
    Mode.ADD: ("mode-add", "Add to the mask  (hold Shift)"),
    Mode.SUBTRACT: ("mode-subtract", "Take away from the mask  (hold Alt, or use the right button)"),
    Mode.INTERSECT: ("mode-intersect", "Keep only what is inside  (hold Shift and Alt)"),
    Mode.SELECT: (
        "mode-select",
        "Select, then take, keep, fill or erase the errors inside by their keys  (hold Ctrl, with any tool)",
    ),
}
"""Icon and tooltip of each mode."""

BOX_WIDTH = 76

_SPACING = 6


class ModeButtons(QWidget):
    """Add, subtract, intersect: one of them is on."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for number, (_, words) in enumerate(MODES.values()):
            button = QToolButton()
            button.setToolTip(words)
            button.setAccessibleName(words.partition("  ")[0])
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._group.addButton(button, number)
            row.addWidget(button)
        self._group.button(0).setChecked(True)
        self._group.idClicked.connect(lambda _number: self.changed.emit())
        theme.notifier().changed.connect(self._dress)
        self._dress()

    def value(self) -> Mode:
        """The mode that is on."""
        return list(MODES)[self._group.checkedId()]

    def set_value(self, mode: Mode) -> None:
        """Turn a mode on."""
        self._group.button(list(MODES).index(mode)).setChecked(True)

    def _dress(self) -> None:
        for button, (icon, _) in zip(self._group.buttons(), MODES.values(), strict=True):
            button.setIcon(theme.icon(icon))


class OptionRow(QWidget):
    """Edits the values of an Options model in one line.

    Attributes:
        edited: Told the options after a person changed one; what the model refuses is not told.
        decided: Told True after Enter in a field, False after Escape.
    """

    edited = Signal(object)
    decided = Signal(bool)

    def __init__(
        self,
        options: Options,
        *,
        hidden: Collection[str] = (),
        idle: Collection[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        """Build the row.

        Args:
            options: What to show.
            hidden: Fields that somebody else edits.
            idle: Fields that mean nothing at the moment; see `show_options`.
            parent: Qt parent.
        """
        super().__init__(parent)
        self._options = options
        self._editors: dict[str, Editor] = {}
        self._cells: dict[str, list[QWidget]] = {}
        self._titles: dict[str, QWidget] = {}
        self._idle: frozenset[str] = frozenset()
        self._is_writing = self._is_short = False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(_SPACING)
        fields = {name: field for name, field in type(options).model_fields.items() if name not in hidden}
        for name, field in fields.items():
            if not is_advanced(field):
                for cell in self._cells_of(name, field):
                    row.addWidget(cell)
                if isinstance(self._cells[name][0], QLabel):
                    self._titles[name] = self._cells[name][0]
        advanced = {name: field for name, field in fields.items() if is_advanced(field)}
        if advanced:
            row.addWidget(self._more(advanced))
        self.show_options(options, idle)

    def show_options(self, options: Options, idle: Collection[str] = ()) -> None:
        """Show other values; idle fields are not shown at all."""
        self._options, self._is_writing = options, True
        for name, editor in self._editors.items():
            if editor.read() != getattr(options, name):
                editor.write(getattr(options, name))
        self._idle = frozenset(idle)
        self._show_cells()
        self._is_writing = False

    def set_short(self, is_short: bool) -> None:
        """Leave the titles of boxes out, or put them back; a tooltip says them too."""
        if is_short != self._is_short:
            self._is_short = is_short
            self._show_cells()

    @property
    def full_width(self) -> int:
        """What the row takes with all its titles."""
        hidden = [one for name, one in self._titles.items() if self._is_short and name not in self._idle]
        return self.sizeHint().width() + sum(one.sizeHint().width() + _SPACING for one in hidden)

    def _show_cells(self) -> None:
        for name, cells in self._cells.items():
            for cell in cells:
                is_left_out = self._is_short and cell is self._titles.get(name)
                cell.setVisible(name not in self._idle and not is_left_out)

    def focus_first(self) -> None:
        """Let the person type the first value."""
        for editor in self._editors.values():
            if editor.widget.focusPolicy() != Qt.FocusPolicy.NoFocus:
                editor.widget.setFocus(Qt.FocusReason.OtherFocusReason)
                if hasattr(editor.widget, "selectAll"):
                    editor.widget.selectAll()
                return

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.decided.emit(True)
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.decided.emit(False)
                return True
        # Escape must come here and not to whatever command has it.
        return event.type() == QEvent.Type.ShortcutOverride and _takes(event)

    def _cells_of(self, name: str, field: FieldInfo) -> list[QWidget]:
        title = field.title or name
        if field.annotation is Mode:
            buttons = ModeButtons()
            self._editors[name] = Editor(buttons, buttons.value, buttons.set_value, buttons.changed)
            cells: list[QWidget] = [buttons]
        else:
            editor = self._editors[name] = editor_for(field, title)
            cells = [editor.widget]
            if field.annotation in (int, float):
                editor.widget.setFixedWidth(theme.by_font(BOX_WIDTH))
            if isinstance(editor.widget, Combo):
                editor.widget.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToContents)
            editor.widget.setAccessibleName(title)
            # Choices and check boxes say themselves what they are about.
            if field.annotation is not bool and not isinstance(editor.widget, Combo):
                cells.insert(0, muted(title))
            if unit_of(field):
                cells.append(muted(unit_of(field)))
        for cell in cells:
            if not cell.toolTip():
                cell.setToolTip(f"{title}: {field.description}" if field.description else title)
            cell.installEventFilter(self)
        self._editors[name].changed.connect(lambda: self._take(name))
        self._cells[name] = cells
        return cells

    def _more(self, fields: dict[str, FieldInfo]) -> QToolButton:
        content = QWidget()
        form = QFormLayout(content)
        form.setContentsMargins(10, 8, 10, 8)
        for name, field in fields.items():
            label = None
            cells = self._cells_of(name, field)
            if isinstance(cells[0], QLabel):
                label = cells.pop(0)
            cell = QWidget()
            row = QHBoxLayout(cell)
            row.setContentsMargins(0, 0, 0, 0)
            for part in cells:
                row.addWidget(part)
            form.addRow(label, cell) if label is not None else form.addRow(cell)
        button = QToolButton()
        button.setText("⋯")
        button.setToolTip("More options")
        button.setAccessibleName("More options")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setProperty("more", True)
        menu = QMenu(button)
        action = QWidgetAction(menu)
        action.setDefaultWidget(content)
        menu.addAction(action)
        button.setMenu(menu)
        return button

    def _take(self, name: str) -> None:
        if self._is_writing:
            return
        value: Any = self._editors[name].read()
        try:
            options = self._options.replaced(**{name: value})
        except UserError:
            return  # half a number; what holds is the last whole one
        if options != self._options:
            self._options = options
            self.edited.emit(options)


def _takes(event: QEvent) -> bool:
    if isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
        event.accept()
        return True
    return False
