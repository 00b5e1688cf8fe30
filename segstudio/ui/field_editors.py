"""Field editors: the widget that edits one value, by the type of its field.

Number box, two of them for a range, check box, combo box, line edit, path with a file dialog. What has no editor of its
own (lists, dictionaries) is edited as text.
"""

import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from pydantic.fields import FieldInfo
from PySide6.QtCore import QObject, Qt, Signal, SignalInstance
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from segstudio.core.options import bounds_of, choices_of, is_integer_range, is_path, is_range, zero_of
from segstudio.ui.combo import Combo
from segstudio.ui.dialogs import places
from segstudio.ui.field_text import as_plain, json_text, parse_json, parse_sequence, sequence_text
from segstudio.ui.number_box import NumberBox
from segstudio.ui.range_slider import RangeSlider

_NARROW = 56
"""Least width of each box of a range in pixels."""

REACH = 4.0
"""A slider goes this much further than the value that the field begins with, where the bounds allow it."""

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
        return _parsed_editor(sequence_text, parse_sequence)
    return _parsed_editor(json_text, parse_json)


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
        plain = as_plain(value)
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
