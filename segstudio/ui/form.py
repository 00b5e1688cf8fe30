"""A form from any Options model: one row a field, what the field cannot be is said beside it.

The editor of a field follows from its type: see `field_editors`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFormLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from segstudio.core.options import Options, checked, has_slider, is_advanced, only_with, unit_of
from segstudio.core.wording import number_text
from segstudio.ui import theme
from segstudio.ui.field_editors import Editor, editor_for
from segstudio.ui.field_text import as_plain
from segstudio.ui.fold import Fold
from segstudio.ui.widgets import muted

SHARE = "share"
"""A unit that numbers from 0 to 1 do without where room is short."""

LABEL_WIDTH = 116
"""Labels beside sliders are broken beyond this, in pixels."""


class Form(QWidget):
    """Edits the values of an Options model.

    Attributes:
        model: The Options class.
        changed: Emitted when the user or `set_values` changed something.
        errors: What pydantic says of each field that it refuses; "" is the key of what concerns no single field.
    """

    changed = Signal()

    def __init__(
        self,
        model: type[Options],
        values: Mapping[str, Any] | None = None,
        *,
        hidden: Collection[str] = (),
        first: Sequence[str] = (),
        suggestions: Mapping[str, Sequence[str]] | None = None,
        has_sliders: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """Build the rows.

        Args:
            model: The Options class.
            values: What to show at first, where it differs from the defaults.
            hidden: Fields that somebody else edits; they have no row and no value here.
            first: Fields that come first, in this order; the others follow as they are declared.
            suggestions: For text fields, values offered in a list.
            has_sliders: Whether numbers and ranges with bounds can also be moved with the mouse.
            parent: Qt parent.
        """
        super().__init__(parent)
        self.model = model
        self.errors: dict[str, str] = {}
        self._suggestions = suggestions or {}
        self._has_sliders = has_sliders
        self._editors: dict[str, Editor] = {}
        self._error_labels: dict[str, QLabel] = {}
        self._notes: dict[str, QLabel] = {}
        self._is_writing = False
        self._locked: dict[str, str] = {}
        order = [*(name for name in first if name in model.model_fields), *model.model_fields]
        fields = {name: model.model_fields[name] for name in order if name not in hidden}
        plain = {name: field for name, field in fields.items() if not is_advanced(field)}
        advanced = {name: field for name, field in fields.items() if is_advanced(field)}

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        labels: list[QLabel] = []
        plainly = self._section(plain, labels)
        layout.addWidget(plainly)
        self._first_rows = plainly.layout()
        self._fold = Fold("Advanced", self._section(advanced, labels), self)
        self._fold.setVisible(bool(advanced))
        layout.addWidget(self._fold)
        self._error_labels[""] = _error_label(self)
        layout.addWidget(self._error_labels[""])
        if not has_sliders:
            for label in labels:
                label.setMinimumWidth(max(other.sizeHint().width() for other in labels))

        self._defaults = {
            name: field.get_default(call_default_factory=True)
            for name, field in fields.items()
            if not field.is_required()
        }
        self.set_values({**self._defaults, **(values or {})})

    @property
    def is_valid(self) -> bool:
        """Whether pydantic takes the values as they stand."""
        return not self.errors

    def values(self) -> dict[str, Any]:
        """The value of every field, plain; a required text that is still empty is left out."""
        values = {name: editor.read() for name, editor in self._editors.items()}
        required = {name for name in values if self.model.model_fields[name].is_required()}
        return {name: value for name, value in values.items() if not (name in required and value in {"", None})}

    def options(self) -> Options:
        """The values as an instance of the model; UserError when pydantic refuses one."""
        return checked(self.model, self.values())

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show values; fields that are not named keep theirs. KeyError for an unknown field."""
        self._is_writing = True
        try:
            for name, value in values.items():
                self._editors[name].write(value)
        finally:
            self._is_writing = False
        self._on_edited()

    def reset(self) -> None:
        """Back to the defaults of the model."""
        self.set_values(self._defaults)

    def set_locked(self, names: Collection[str], reason: str) -> None:
        """Let these fields be seen but not changed, and say why; all others can be, as far as they take effect."""
        self._locked = dict.fromkeys(names, reason)
        self._show_usable()

    def _show_usable(self) -> None:
        """Let only those fields be changed that are not locked and would make a difference."""
        for name, editor in self._editors.items():
            description = self.model.model_fields[name].description or ""
            idle = self._idle(name)
            reason = self._locked.get(name) or (f"{idle}. {description}".strip() if idle else "")
            editor.widget.setEnabled(not reason)
            if editor.slider is not None:
                editor.slider.setEnabled(not reason)
            editor.widget.setToolTip(reason or description)

    def _idle(self, name: str) -> str:
        """Why a field makes no difference as the others stand; empty when it does, or has to be mended."""
        other, value = only_with(self.model.model_fields[name])
        if other not in self._editors or name in self.errors:
            return ""
        now = self._editors[other].read()
        if str(now) == value if value else now:
            return ""
        title = self.model.model_fields[other].title or other
        return f"Makes no difference without {title}{f' {value}' if value else ''}"

    def set_notes(self, notes: Mapping[str, str]) -> None:
        """Show a quiet line below each of these fields, and none below all others."""
        for name, label in self._notes.items():
            label.setText(notes.get(name, ""))
            label.setVisible(bool(notes.get(name)))

    def note(self, name: str) -> str:
        """What is shown below a field."""
        return self._notes[name].text()

    def put_first(self, title: str, widget: QWidget) -> None:
        """Put what somebody else reads into a row above all others, so that it stands in line with them."""
        if isinstance(self._first_rows, QFormLayout):
            label = QLabel(title, self)
            label.setToolTip(widget.toolTip())
            label.setBuddy(widget)
            label.setMinimumHeight(widget.sizeHint().height())
            self._first_rows.insertRow(0, label, widget)

    def put_beside(self, name: str, widget: QWidget) -> None:
        """Put a button into the row of a field, to the right of what edits it."""
        cell = self._editors[name].widget.parentWidget()
        layout = cell.layout() if cell is not None else None
        if isinstance(layout, QVBoxLayout):
            row = QHBoxLayout()
            row.setSpacing(6)
            at = layout.indexOf(self._editors[name].widget)
            layout.removeWidget(self._editors[name].widget)
            row.addWidget(self._editors[name].widget, 1)
            row.addWidget(widget)
            layout.insertLayout(at, row)

    def text(self, name: str) -> str:
        """The value of a field as it is shown."""
        value = self._editors[name].read()
        return number_text(value) if isinstance(value, int | float) else str(value)

    def slider(self, name: str) -> QWidget | None:
        """The slider of a field, if it has one."""
        return self._editors[name].slider

    def editor(self, name: str) -> QWidget:
        """The widget that edits a field."""
        return self._editors[name].widget

    def _section(self, fields: Mapping[str, FieldInfo], labels: list[QLabel]) -> QWidget:
        section = QWidget(self)
        rows = QFormLayout(section)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setHorizontalSpacing(10)
        rows.setVerticalSpacing(6)
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, field in fields.items():
            self._add_row(rows, name, field, labels)
        return section

    def _add_row(self, rows: QFormLayout, name: str, field: FieldInfo, labels: list[QLabel]) -> None:
        title = field.title or name.replace("_", " ").capitalize()
        is_felt = self._has_sliders or has_slider(field)
        editor = editor_for(field, title, self._suggestions.get(name, ()), has_slider=is_felt)
        editor.widget.setObjectName(name)
        editor.widget.setToolTip(field.description or "")
        editor.widget.setAccessibleName(title)
        if (inner := editor.widget.focusProxy()) is not None and not inner.accessibleName():
            inner.setAccessibleName(title)
        editor.widget.setAccessibleDescription(field.description or "")
        editor.changed.connect(self._on_edited)
        self._editors[name] = editor
        self._error_labels[name] = _error_label(self)
        unit = "" if self._has_sliders and unit_of(field) == SHARE else unit_of(field)
        self._notes[name] = muted(wraps=True)
        self._notes[name].hide()
        cell = _stacked(_with_unit(editor.widget, unit), editor.slider, self._notes[name], self._error_labels[name])
        if isinstance(editor.widget, QCheckBox):
            rows.addRow(cell)
            return
        label = QLabel(title, self)
        label.setToolTip(field.description or "")
        label.setBuddy(editor.widget)
        label.setMinimumHeight(editor.widget.sizeHint().height())  # upon one line with it, also above an error
        if self._has_sliders:
            _put_beside_box(label, editor)
        labels.append(label)
        rows.addRow(label, cell)

    def _on_edited(self) -> None:
        if self._is_writing:
            return
        self.errors = self._judge()
        self._show_usable()
        for name, label in self._error_labels.items():
            text = self.errors.get(name, "")
            label.setText(text)
            label.setVisible(bool(text))
        changes = sum(is_advanced(self.model.model_fields[name]) for name in self._changed_names())
        self._fold.set_title(f"Advanced · {changes} changed" if changes else "Advanced")
        if any(name and is_advanced(self.model.model_fields[name]) for name in self.errors):
            self._fold.unfold()
        self.changed.emit()

    def _changed_names(self) -> list[str]:
        values = self.values()
        return [name for name, default in self._defaults.items() if as_plain(default) != values.get(name)]

    def _judge(self) -> dict[str, str]:
        try:
            self.model.model_validate(self.values())
        except ValidationError as error:
            return {_field_of(one["loc"], self._editors): _in_words(one["msg"]) for one in error.errors()}
        return {}


def _field_of(loc: tuple[int | str, ...], known: Collection[str]) -> str:
    return str(loc[0]) if loc and loc[0] in known else ""


def _in_words(message: str) -> str:
    """Pydantic's sentence as a form says it."""
    text = message.removeprefix("Value error, ").replace("Input should be", "must be")
    return text[:1].upper() + text[1:]


def _error_label(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setProperty("error", True)
    label.setWordWrap(True)
    label.hide()
    return label


def _put_beside_box(label: QLabel, editor: Editor) -> None:
    """Break a long label, and write it in the line of the box and not in the middle between box and slider."""
    label.setWordWrap(True)
    label.setFixedWidth(theme.by_font(LABEL_WIDTH))
    lines = 1 if label.fontMetrics().horizontalAdvance(label.text()) <= theme.by_font(LABEL_WIDTH) else 2
    if editor.slider is not None:
        label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        box, text = editor.widget.sizeHint().height(), lines * label.fontMetrics().height()
        label.setContentsMargins(0, max(0, (box - text) // 2), 0, 0)
        label.setMinimumHeight(box + editor.slider.sizeHint().height())


def _with_unit(widget: QWidget, unit: str) -> QWidget:
    if not unit:
        return widget
    cell = QWidget()
    row = QHBoxLayout(cell)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    label = QLabel(unit)
    label.setProperty("muted", True)
    row.addWidget(widget, 1)
    row.addWidget(label)
    return cell


def _stacked(*widgets: QWidget | None) -> QWidget:
    cell = QWidget()
    column = QVBoxLayout(cell)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    for widget in widgets:
        if widget is not None:
            column.addWidget(widget)
    return cell
