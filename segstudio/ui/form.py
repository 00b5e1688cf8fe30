"""A form from any Options model: one row a field, what the field cannot be is said beside it.

The editor of a field follows from its type: number box, two of them for a range, check box, combo box, line edit, path
with a file dialog. What has no editor of its own (lists, dictionaries) is edited as text.
"""

import json
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from PySide6.QtCore import QObject, Qt, Signal, SignalInstance
from PySide6.QtGui import QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.options import (
    Options,
    bounds_of,
    checked,
    choices_of,
    has_slider,
    is_advanced,
    is_integer_range,
    is_path,
    is_range,
    unit_of,
    zero_of,
)
from segstudio.ui.dialogs import places
from segstudio.ui.number_box import NumberBox, number_text
from segstudio.ui.range_slider import RangeSlider
from segstudio.ui.widgets import muted

_NARROW = 56
"""Least width of each box of a range in pixels."""

REACH = 4.0
"""A slider goes this much further than the value that the field begins with, where the bounds allow it."""

SHARE = "share"
"""A unit that numbers from 0 to 1 do without where room is short."""

LABEL_WIDTH = 116
"""Labels beside sliders are broken beyond this, in pixels."""

_ICON_GAP = 8
"""Pixels between the icon of a combo box and its words, and behind them."""

_WORDS: tuple[dict[Any, str], ...] = (
    {"iou": "IoU", "dice": "Dice"},
    {"train": "training", "val": "validation", "test": "test"},
)
"""What people call the choices of fields that have no others than these."""

WIDEST_SLIDER = 10_000
"""A span beyond this, such as that of a seed, has no slider: it would jump by hundreds."""


@dataclass(frozen=True)
class Editor:
    """A widget that edits one value.

    Attributes:
        widget: What is shown.
        read: The value as plain Python, or a text that pydantic will refuse.
        write: Shows a value.
        changed: Emitted when the value may be another.
        slider: Moves the same value with the mouse, shown below; None where there are no bounds.
    """

    widget: QWidget
    read: Callable[[], Any]
    write: Callable[[Any], None]
    changed: SignalInstance
    slider: QWidget | None = None


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
        """Let these fields be seen but not changed, and say why; all others can be."""
        for name, editor in self._editors.items():
            is_locked = name in names
            editor.widget.setEnabled(not is_locked)
            if editor.slider is not None:
                editor.slider.setEnabled(not is_locked)
            editor.widget.setToolTip(reason if is_locked else self.model.model_fields[name].description or "")

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
        return [name for name, default in self._defaults.items() if _plain(default) != values.get(name)]

    def _judge(self) -> dict[str, str]:
        try:
            self.model.model_validate(self.values())
        except ValidationError as error:
            return {_field_of(one["loc"], self._editors): _in_words(one["msg"]) for one in error.errors()}
        return {}


class Fold(QWidget):
    """A heading that shows and hides what is below it."""

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        self._button = QToolButton(self)
        self._button.setText(title)
        self._button.setToolTip(title)
        self._button.setCheckable(True)
        self._button.setAutoRaise(True)
        self._button.setProperty("fold", True)
        # A long heading is cut off rather than making the panel wider.
        self._button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.toggled.connect(self._show)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._button)
        layout.addWidget(content)
        self._show(False)

    def set_title(self, title: str) -> None:
        """Change the heading."""
        self._button.setText(title)
        self._button.setToolTip(title)  # it may be cut off

    def unfold(self) -> None:
        """Show the content."""
        self._button.setChecked(True)

    def fold(self) -> None:
        """Hide the content."""
        self._button.setChecked(False)

    def _show(self, is_open: bool) -> None:
        self._content.setVisible(is_open)
        self._button.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)


def editor_for(field: FieldInfo, title: str, suggestions: Sequence[str] = (), *, has_slider: bool = False) -> Editor:
    """The editor that fits the type of a field; `title` is the caption of a check box."""
    editor = _editor_for_type(field.annotation, field, title, suggestions)
    return _with_slider(editor, field) if has_slider else editor


def _editor_for_type(annotation: Any, field: FieldInfo, title: str, suggestions: Sequence[str]) -> Editor:
    inner, is_optional = _without_none(annotation)
    choices = _choices(inner) or choices_of(field) or None
    if choices is not None:
        return _choice_editor(([None] if is_optional else []) + choices)
    if inner is bool:
        return _choice_editor([None, True, False]) if is_optional else _check_editor(title)
    if inner in {int, float}:
        editor = _number_editor(field, is_integer=inner is int)
        return _optional_editor(editor) if is_optional else editor
    if inner is Path or is_path(field):
        return _path_editor(is_optional=is_optional)
    if inner is str:
        return _suggesting_editor(suggestions) if suggestions else _text_editor(is_optional=is_optional)
    if is_range(field):
        return _range_editor(field, title)
    if typing.get_origin(inner) in {list, tuple, set, frozenset}:
        return _parsed_editor(_sequence_text, _parse_sequence)
    return _parsed_editor(_json_text, _parse_json)


def _number_editor(field: FieldInfo, *, is_integer: bool) -> Editor:
    minimum, maximum = bounds_of(field)
    box = NumberBox(is_integer=is_integer, minimum=minimum, maximum=maximum, zero=zero_of(field))
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return Editor(box, box.value, box.set_value, box.edited)


def _range_editor(field: FieldInfo, title: str) -> Editor:
    minimum, maximum = bounds_of(field)
    boxes = [NumberBox(is_integer=is_integer_range(field), minimum=minimum, maximum=maximum) for _ in range(2)]
    cell = QWidget()
    row = QHBoxLayout(cell)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(4)
    either = _Either(cell)
    for box, which in zip(boxes, ("lowest", "highest"), strict=True):
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        box.setMinimumWidth(_NARROW)
        box.setAccessibleName(f"{title}, {which}")
        box.setAccessibleDescription(field.description or "")
        box.edited.connect(either.changed)
        row.addWidget(box, 1)
    dash = QLabel("–")
    dash.setProperty("muted", True)
    row.insertWidget(1, dash)
    cell.setFocusProxy(boxes[0])

    def write(value: Any) -> None:
        # Both before anybody is told: half of a range is none.
        was_blocked = either.blockSignals(True)
        for box, one in zip(boxes, value, strict=True):
            box.set_value(one)
        either.blockSignals(was_blocked)
        either.changed.emit()

    return Editor(cell, lambda: [box.value() for box in boxes], write, either.changed)


def _with_slider(editor: Editor, field: FieldInfo) -> Editor:
    """The same editor with a slider, when the field is a number or a range that one can be made for."""
    has_two, is_whole = is_range(field), field.annotation is int or is_integer_range(field)
    span = slider_span(field) if field.annotation in {int, float} or has_two else None
    if span is None:
        return editor
    slider = RangeSlider(*span, is_integer=is_whole, has_two=has_two)
    slider.setToolTip(field.description or "")

    def follow() -> None:
        values = editor.read() if has_two else [editor.read()] * 2
        if all(isinstance(value, int | float) for value in values):
            slider.set_values(*values)

    def take(low: float, high: float) -> None:
        values = [round(low), round(high)] if is_whole else [low, high]
        editor.write(values if has_two else values[1])

    editor.changed.connect(follow)
    slider.moved.connect(take)
    return replace(editor, slider=slider)


def slider_span(field: FieldInfo) -> tuple[float, float] | None:
    """From where to where the slider of a number or a range goes; None for one that would jump, such as a seed's.

    Not from bound to bound where that is far more than one usually wants: angles of up to 180 degrees are allowed, but
    who begins with 10 wants to try 8 and 15. The boxes take everything.
    """
    default = field.get_default(call_default_factory=True)
    ends = [float(one) for one in (default if is_range(field) else (default,)) if isinstance(one, int | float)]
    if not ends:
        return None
    reach = REACH * max(abs(one) for one in ends)
    minimum, maximum = bounds_of(field)
    low = -reach if min(ends) < 0 else 0.0
    least = low if minimum is None else max(low, minimum)
    most = reach if maximum is None else min(max(reach, least), maximum)
    return (least, most) if 0 < most - least <= WIDEST_SLIDER else None


def _check_editor(title: str) -> Editor:
    box = QCheckBox(title)
    return Editor(box, box.isChecked, lambda value: box.setChecked(bool(value)), box.toggled)


def _choice_editor(choices: list[Any]) -> Editor:
    box = Combo()
    words = next((one for one in _WORDS if {choice for choice in choices if choice is not None} <= one.keys()), {})
    for choice in choices:
        box.addItem(words.get(choice, _choice_text(choice)))

    def write(value: Any) -> None:
        plain = _plain(value)
        # Not list.index: 1 == True, and a choice list may hold both.
        same = (i for i, choice in enumerate(choices) if choice == plain and type(choice) is type(plain))
        equal = (i for i, choice in enumerate(choices) if choice == plain)
        box.setCurrentIndex(next(same, next(equal, -1)))

    def read() -> Any:
        return choices[box.currentIndex()] if box.currentIndex() >= 0 else None

    return Editor(box, read, write, box.currentIndexChanged)


def _text_editor(*, is_optional: bool) -> Editor:
    line = QLineEdit()

    def read() -> str | None:
        return None if is_optional and not line.text() else line.text()

    return Editor(line, read, lambda value: line.setText("" if value is None else str(value)), line.textChanged)


def _suggesting_editor(suggestions: Sequence[str]) -> Editor:
    box = Combo()
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    box.addItems(list(suggestions))
    return Editor(box, box.currentText, lambda value: box.setCurrentText(str(value)), box.currentTextChanged)


def _path_editor(*, is_optional: bool) -> Editor:
    line = QLineEdit()
    line.setPlaceholderText("none")
    browse = QPushButton("Browse…")
    cell = QWidget()
    row = QHBoxLayout(cell)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(line, 1)
    row.addWidget(browse)
    cell.setFocusProxy(line)

    def ask() -> None:
        begin = str(Path(line.text()).parent) if line.text() else places.start("import")
        dialog = QFileDialog(cell, "Choose a file", begin)
        places.watch(dialog, "import")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(line.setText)
        dialog.open()

    browse.clicked.connect(ask)

    def read() -> str | None:
        return None if is_optional and not line.text() else line.text()

    return Editor(cell, read, lambda value: line.setText("" if value is None else str(value)), line.textChanged)


class _Either(QObject):
    changed = Signal()


def _optional_editor(inner: Editor) -> Editor:
    cell = QWidget()
    box = QCheckBox()
    box.setToolTip("Off: the program chooses")
    row = QHBoxLayout(cell)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(box)
    row.addWidget(inner.widget, 1)
    inner.widget.setEnabled(False)
    cell.setFocusProxy(box)
    either = _Either(cell)
    box.toggled.connect(inner.widget.setEnabled)
    box.toggled.connect(either.changed)
    inner.changed.connect(either.changed)

    def write(value: Any) -> None:
        if value is not None:
            inner.write(value)
        box.setChecked(value is not None)

    return Editor(cell, lambda: inner.read() if box.isChecked() else None, write, either.changed)


def _parsed_editor(to_text: Callable[[Any], str], parse: Callable[[str], Any]) -> Editor:
    line = QLineEdit()

    def read() -> Any:
        try:
            return parse(line.text())
        except ValueError:
            return line.text()

    return Editor(line, read, lambda value: line.setText(to_text(value)), line.textChanged)


def _sequence_text(value: Any) -> str:
    items = _plain(value)
    if all(isinstance(item, str) for item in items) and not any(_needs_quotes(item) for item in items):
        return ", ".join(items)
    return json.dumps(items, ensure_ascii=False)[1:-1]


def _needs_quotes(item: str) -> bool:
    return any(sign in item for sign in ',"[]{}') or not _is_bare(item)


def _is_bare(text: str) -> bool:
    """Whether the text can stand without quotes: JSON would not take it for something else."""
    try:
        json.loads(text)
    except ValueError:
        return text != "" and text == text.strip()
    return False


def _parse_sequence(text: str) -> Any:
    try:
        return json.loads(f"[{text}]")
    except ValueError:
        return [part.strip() for part in text.split(",")]


def _json_text(value: Any) -> str:
    plain = _plain(value)
    if plain is None:
        return ""
    return plain if isinstance(plain, str) and _is_bare(plain) else json.dumps(plain, ensure_ascii=False)


def _parse_json(text: str) -> Any:
    return json.loads(text) if text.strip() else None


class Combo(QComboBox):
    """A combo box that the wheel changes only when it has the focus, so that scrolling a panel changes nothing.

    What is too long for it ends in "…" and not in the middle of a letter.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def shown_text(self, option: QStyleOptionComboBox | None = None) -> str:
        """The chosen entry as far as there is room for it."""
        if option is None:
            option = QStyleOptionComboBox()
            self.initStyleOption(option)
        place = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        icon = 0 if option.currentIcon.isNull() else option.iconSize.width() + _ICON_GAP
        return option.fontMetrics.elidedText(option.currentText, Qt.TextElideMode.ElideRight, place.width() - icon)

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        if not self.isEditable():
            option.currentText = self.shown_text(option)
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """The type without None, and whether None was in it; a union of several other types stays a union."""
    if typing.get_origin(annotation) not in {typing.Union, types.UnionType}:
        return annotation, False
    members = [member for member in typing.get_args(annotation) if member is not type(None)]
    is_optional = len(members) < len(typing.get_args(annotation))
    return (members[0] if len(members) == 1 else annotation), is_optional


def _choices(annotation: Any) -> list[Any] | None:
    if typing.get_origin(annotation) is Literal:
        return list(typing.get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [member.value for member in annotation]
    return None


def _choice_text(choice: Any) -> str:
    if choice is None:
        return "automatic"
    if isinstance(choice, bool):
        return "yes" if choice else "no"
    return str(choice)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, Options):
        return value.model_dump(mode="json")
    return value


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
    label.setFixedWidth(LABEL_WIDTH)
    lines = 1 if label.fontMetrics().horizontalAdvance(label.text()) <= LABEL_WIDTH else 2
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
