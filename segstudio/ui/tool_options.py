"""The strip of options in the tool bar: those of the tool in hand, or of the operation that is being looked at."""

import math

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from segstudio.core.options import Options
from segstudio.ui.canvas.panes import Panes
from segstudio.ui.option_row import OptionRow
from segstudio.ui.widgets import muted, push_button, slider

_LEAST, _MOST = 0.5, 1000.0
"""Radii that the slider reaches."""

_STEPS = 200

SLIDER = 96
"""Pixels that the slider takes."""

_SPACING, _MARGIN = 6, 4
"""Pixels between it and the number, and before it."""


class RadiusSlider(QWidget):
    """The radius of the brush, on a scale of ratios: small brushes need fine steps."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panes: Panes | None = None
        self._label = QLabel()
        self._label.setMinimumWidth(self.fontMetrics().horizontalAdvance("000.5 px"))
        self._slider = slider("Brush radius: [ makes it smaller, ] larger", 0, _STEPS, 0)
        self._slider.setFixedWidth(SLIDER)
        self._slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._slider.valueChanged.connect(self._set_radius)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(_MARGIN, 0, 0, 0)
        layout.setSpacing(_SPACING)
        layout.addWidget(self._slider)
        layout.addWidget(self._label)

    def set_short(self, is_short: bool) -> None:
        """Show the number alone: keys and wheel change it too."""
        self._slider.setHidden(is_short)

    @property
    def full_width(self) -> int:
        """What number and slider together take."""
        label = max(self._label.sizeHint().width(), self._label.minimumWidth())
        return _MARGIN + SLIDER + _SPACING + label

    @property
    def short_width(self) -> int:
        """What the number alone takes."""
        return self.full_width - SLIDER - _SPACING

    def serve(self, panes: Panes | None) -> None:
        """Show and change the radius of these panes' tool."""
        self._panes = panes
        if panes is not None:
            panes.radius_changed.connect(self._show)
            panes.tool_changed.connect(self.show_usable)
        self.show_usable()

    def show_usable(self) -> None:
        """Be usable when the tool in hand has a radius."""
        radius = None if self._panes is None else self._panes.radius
        self.setEnabled(radius is not None)
        self.setVisible(radius is not None and not (self._panes is not None and self._panes.operating.is_active))
        if radius is None:
            self._label.setText("")
        else:
            self._show(radius)

    def _show(self, radius: float) -> None:
        self._label.setText(f"{radius:g} px")
        was_blocked = self._slider.blockSignals(True)
        self._slider.setValue(round(_STEPS * math.log(max(radius, _LEAST) / _LEAST) / math.log(_MOST / _LEAST)))
        self._slider.blockSignals(was_blocked)

    def _set_radius(self, step: int) -> None:
        if self._panes is not None:
            self._panes.set_radius(_LEAST * (_MOST / _LEAST) ** (step / _STEPS))


class ToolOptions(QWidget):
    """Radius, mode and whatever else the tool in hand has; Apply and Cancel while something is only shown.

    Attributes:
        radius: The slider of the radius.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panes: Panes | None = None
        self._row: OptionRow | None = None
        self._shown: object = None
        self.radius = RadiusSlider()
        self._title = QLabel()
        self._title.setProperty("heading", True)
        self._words = muted()
        self._apply = push_button("Apply", "Make what is shown  (Enter)", lambda: self._decide(is_wanted=True))
        self._cancel = push_button("Cancel", "Leave the mask as it is  (Escape)", lambda: self._decide(is_wanted=False))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(2, 0, 2, 0)
        self._layout.setSpacing(6)
        self._layout.addWidget(self._title)
        self._layout.addWidget(self.radius)
        self._layout.addWidget(self._words)
        for button in (self._apply, self._cancel):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._layout.addWidget(button)
        self._layout.addStretch(1)
        self._apply.setProperty("primary", True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Where there is little room, the slider of the radius gives way, and then the titles of number boxes do."""
        missing = self.sizeHint().width() - self.width()
        self.radius.set_short(missing > 0)
        if self._row is not None:
            given = 0 if self.radius.isHidden() else self.radius.full_width - self.radius.short_width
            self._row.set_short(missing > given)

    def sizeHint(self) -> QSize:
        """What all of it takes, what has given way too: else it would never come back."""
        margins = self._layout.contentsMargins()
        width = margins.left() + margins.right()
        if not self.radius.isHidden():
            width += self.radius.full_width + self._layout.spacing()
        for part in (self._title, self._words, self._apply, self._cancel):
            if not part.isHidden():
                width += part.sizeHint().width() + self._layout.spacing()
        if self._row is not None and not self._row.isHidden():
            width += self._row.full_width + self._layout.spacing()
        return QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        # In a narrow window the options are cut off, and not the buttons that come after them.
        return QSize(0, super().minimumSizeHint().height())

    def serve(self, panes: Panes | None) -> None:
        """Show and change the options of these panes' tools."""
        self._panes = panes
        self.radius.serve(panes)
        if panes is not None:
            for signal in (panes.tool_changed, panes.operating.begun, panes.operating.ended):
                signal.connect(self._rebuild)
            panes.operating.changed.connect(self._show_state)
            panes.options_changed.connect(self._show_options)
            panes.pointer.outlined.connect(self._show_state)
            panes.pointer.computing.connect(self._show_computing)
        self._computing = ""
        self._rebuild()

    def _rebuild(self) -> None:
        """Another tool is in hand, or another operation is looked at."""
        if self._row is not None:
            self._layout.removeWidget(self._row)
            self._row.hide()
            self._row.deleteLater()
            self._row = None
        panes = self._panes
        operation = None if panes is None else panes.operating.operation
        self._title.setText("" if operation is None else operation.title)
        self._title.setVisible(operation is not None)
        self.radius.show_usable()
        if panes is not None and operation is not None:
            self._row = self._with_row(OptionRow(panes.operating.options))
            self._row.edited.connect(panes.operating.set_options)
            self._row.decided.connect(lambda is_wanted: self._decide(is_wanted=is_wanted))
            self._row.focus_first()
        elif panes is not None and panes.pointer.tool is not None:
            tool = panes.pointer.tool
            idle = tool.idle_options(panes.pointer.options)
            self._row = self._with_row(OptionRow(panes.pointer.options, hidden=("radius",), idle=idle))
            self._row.edited.connect(lambda options: self._take(tool.name, options))
            self._row.decided.connect(lambda _is_wanted: panes.setFocus(Qt.FocusReason.OtherFocusReason))
        self._show_state()

    def _with_row(self, row: OptionRow) -> OptionRow:
        self._layout.insertWidget(2, row)
        return row

    def _take(self, name: str, options: Options) -> None:
        if self._panes is not None:
            self._panes.set_tool_options(name, options)

    def _show_options(self) -> None:
        panes = self._panes
        if panes is not None and self._row is not None and not panes.operating.is_active and panes.pointer.tool:
            self._row.show_options(panes.pointer.options, panes.pointer.tool.idle_options(panes.pointer.options))
            self._fit()

    def _show_computing(self, text: str) -> None:
        self._computing = text
        self._show_state()

    def _show_state(self) -> None:
        """What is shown and not made yet, and what is being computed."""
        panes, words, is_pending = self._panes, "", False
        if panes is not None and panes.operating.is_active:
            outcome, is_pending = panes.operating.outcome, True
            if panes.operating.is_computing or outcome is None:
                words = "computing…"
            else:
                words = f"+{outcome.added:,}  \N{MINUS SIGN}{outcome.removed:,} px".replace(",", "\u202f")
        elif panes is not None:
            drag, tool = panes.pointer.drag, panes.pointer.tool
            is_pending = drag is not None and tool is not None and tool.has_many_clicks
            words = f"{self._computing}…" if self._computing else ""
        self._words.setText(words)
        self._words.setVisible(bool(words))
        self._apply.setVisible(is_pending)
        self._cancel.setVisible(is_pending)
        if self._row is not None and panes is not None:
            # The options of a drag are those of its beginning.
            self._row.setVisible(panes.operating.is_active or not is_pending)
        self._fit()

    def _decide(self, *, is_wanted: bool) -> None:
        panes = self._panes
        if panes is None:
            return
        panes.setFocus(Qt.FocusReason.OtherFocusReason)
        if panes.operating.is_active:
            panes.operating.apply() if is_wanted else panes.operating.cancel()
        elif is_wanted:
            panes.pointer.apply()
        else:
            panes.pointer.cancel()
