"""The display bar under the panes: how image, mask and prediction are shown. It changes nothing but the view."""

from collections.abc import Mapping

from PySide6.QtCore import QMargins, QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QToolButton, QWidget

from segstudio.core.blobs import TOLERANCES
from segstudio.ui.canvas.brightness import FULL_WINDOW
from segstudio.ui.canvas.pane import PaneName
from segstudio.ui.canvas.panes import Panes
from segstudio.ui.widgets import action_button, allow, divider, muted, slider, text_button
from segstudio.ui.wrapping_bar import WrappingBar

_TOLERANCE_HELP = (
    "Tolerance: errors so near to the true boundary are forgiven\n"
    "The error view shows them faintly; its legend, the figures of this sample and the walk from error to error "
    "leave them out.\nThe list of samples, its filter and the figures of runs stay exact."
)

PANES: tuple[PaneName, ...] = ("image", "truth", "prediction")


class DisplayBar(WrappingBar):
    """Overlay opacity, error view, blinking, window and level, which panes, zoom.

    Attributes:
        changed: Told after the person changed something that should be remembered.
        tolerance_changed: Told how many pixels beside the true boundary are forgiven.
    """

    changed = Signal()
    tolerance_changed = Signal(int)

    def __init__(self, panes: Panes, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        self.opacity = _narrow("Overlay opacity", 0, 100, 45)
        self.tolerance_slider = _narrow(_TOLERANCE_HELP, 0, len(TOLERANCES) - 1, 0)
        self.tolerance_slider.setPageStep(1)
        self._tolerance_words = muted()
        self._tolerance_words.setMinimumWidth(self._tolerance_words.fontMetrics().horizontalAdvance("20 px") + 2)
        self.window_slider = _narrow("Window: how many grey values lie between black and white", 1, 255, 255)
        self.level_slider = _narrow("Level: the grey value in the middle", 0, 255, 128)
        self._auto = text_button("Auto", "Choose window and level by the grey values of each image")
        self._auto.setCheckable(True)
        self._reset = text_button("Reset", "Show every grey value as itself")
        grey = self._make_grey()
        overlay = (muted("Overlay"), self.opacity, action_button(actions["error-view"]), _HeldButton(actions["blink"]))
        tolerance = (muted("Tolerance"), self.tolerance_slider, self._tolerance_words)
        shown = [action_button(actions[f"pane-{pane}"]) for pane in PANES]
        zoom = [action_button(actions[name]) for name in ("fit", "one-to-one")]
        super().__init__(
            (*overlay, divider(), *tolerance),
            (grey, divider(), *shown, divider(), *zoom),
            margins=QMargins(10, 3, 8, 3),
            spacing=5,
            has_divider=True,
            parent=parent,
        )
        self.setProperty("card", True)
        self._panes = panes
        self.opacity.valueChanged.connect(self._set_opacity)
        self.tolerance_slider.valueChanged.connect(self._set_tolerance)
        self._show_tolerance()
        self.window_slider.valueChanged.connect(self._set_window_level)
        self.level_slider.valueChanged.connect(self._set_window_level)
        self._auto.toggled.connect(self._set_auto)
        self._reset.clicked.connect(self._reset_window_level)
        panes.window_level_changed.connect(self._show_window_level)
        panes.set_overlay_opacity(self.opacity.value() / 100)

    @property
    def tolerance(self) -> int:
        """Errors no farther than so many pixels from the true boundary are forgiven."""
        return TOLERANCES[self.tolerance_slider.value()]

    def set_grey(self, is_grey: bool) -> None:
        """Offer window and level, which mean nothing for colour images."""
        for control in (self.window_slider, self.level_slider, self._auto, self._reset):
            allow(control, (is_grey, "the image has colours, and window and level are for grey ones"))

    def state(self) -> dict[str, object]:
        """What should be remembered, as plain values."""
        window = None if self._auto.isChecked() else list(self._panes.window_level)
        return {"opacity": self.opacity.value(), "tolerance": self.tolerance, "window_level": window}

    def restore(self, state: Mapping[str, object]) -> None:
        """Show as `state` said some time ago."""
        opacity = state.get("opacity")
        if isinstance(opacity, int):
            self.opacity.setValue(opacity)
        tolerance = state.get("tolerance")
        if tolerance in TOLERANCES:
            self.tolerance_slider.setValue(TOLERANCES.index(tolerance))
        window = state.get("window_level", list(FULL_WINDOW))
        self._auto.setChecked(window is None)
        if isinstance(window, list) and len(window) == 2:
            self._panes.set_window_level(float(window[0]), float(window[1]))

    def _set_opacity(self, percent: int) -> None:
        self._panes.set_overlay_opacity(percent / 100)
        self.changed.emit()

    def _set_tolerance(self) -> None:
        self._show_tolerance()
        self._panes.set_tolerance(self.tolerance)
        self.tolerance_changed.emit(self.tolerance)
        self.changed.emit()

    def _show_tolerance(self) -> None:
        self._tolerance_words.setText(f"{self.tolerance} px")

    def _set_window_level(self) -> None:
        self._auto.setChecked(False)
        self._panes.set_window_level(self.window_slider.value(), self.level_slider.value())
        self.changed.emit()

    def _set_auto(self, is_on: bool) -> None:
        if is_on:
            self._panes.set_auto_window_level()
        else:
            self._panes.set_window_level(*self._panes.window_level)
        self.changed.emit()

    def _reset_window_level(self) -> None:
        self._auto.setChecked(False)
        self._panes.reset_window_level()
        self.changed.emit()

    def _show_window_level(self, window: float, level: float) -> None:
        for one, value in ((self.window_slider, window), (self.level_slider, level)):
            was_blocked = one.blockSignals(True)
            one.setValue(round(value))
            one.blockSignals(was_blocked)

    def _make_grey(self) -> QWidget:
        grey = QWidget()
        grey.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(grey)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5)
        for words, one in (("W", self.window_slider), ("L", self.level_slider)):
            row.addWidget(muted(words))
            row.addWidget(one, 1)
        row.addWidget(self._auto)
        row.addWidget(self._reset)
        return grey


def _narrow(help_text: str, least: int, most: int, value: int) -> QSlider:
    result = slider(help_text, least, most, value)
    result.setMinimumWidth(44)
    result.setMaximumWidth(150)
    return result


class _HeldButton(QToolButton):
    """A button that is on as long as it is pressed, as the action's key is."""

    def __init__(self, action: QAction) -> None:
        super().__init__()
        self._action = action
        self.setToolTip(action.toolTip())
        self.setAccessibleName(action.iconText())
        self.setIconSize(QSize(18, 18))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.pressed.connect(lambda: action.setChecked(True))
        self.released.connect(lambda: action.setChecked(False))
        action.changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        self.setIcon(self._action.icon())
        self.setEnabled(self._action.isEnabled())
