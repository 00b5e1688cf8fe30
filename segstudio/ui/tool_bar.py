"""The tool bar: which project, undo, the tools with the radius of the brush, Predict and Retrain."""

import math

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QSizePolicy, QToolBar, QWidget

from segstudio.core.sample import ReviewState
from segstudio.project.sample_table import STATES, SampleTable
from segstudio.tools import TOOLS
from segstudio.ui import theme
from segstudio.ui.actions import Actions
from segstudio.ui.canvas.panes import Panes
from segstudio.ui.widgets import heading, muted, slider

_LEAST, _MOST = 0.5, 500.0
"""Radii that the slider reaches; keys and the wheel go further."""

_STEPS = 200


class RadiusSlider(QWidget):
    """The radius of the brush, on a scale of ratios: small brushes need fine steps."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panes: Panes | None = None
        self._label = QLabel()
        self._label.setMinimumWidth(self.fontMetrics().horizontalAdvance("0000.0 px"))
        self._slider = slider("Brush radius: [ makes it smaller, ] larger", 0, _STEPS, 0)
        self._slider.setFixedWidth(110)
        self._slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._slider.valueChanged.connect(self._set_radius)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._label)

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


class ToolBar(QToolBar):
    """The one tool bar of the window."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__("Tools", parent)
        self.setObjectName("tools")
        self.setMovable(False)
        self.setIconSize(QSize(20, 20))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._sentence = ""
        self._name = heading("")
        self._progress = muted()
        self._progress.setContentsMargins(8, 0, 12, 0)
        self.radius = RadiusSlider()
        by_name = self._by_name = actions.by_name
        self.addWidget(self._name)
        self.addWidget(self._progress)
        self.addActions([by_name["undo"], by_name["redo"]])
        self.addSeparator()
        for tool in TOOLS:
            self.addAction(by_name[f"tool-{tool.name}"])
        self.addSeparator()
        self.addWidget(self.radius)
        spacer = QWidget()
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(spacer)
        self._predict, self._retrain = self._predict_button(), self._retrain_button()
        self.addWidget(self._predict)
        gap = QWidget()
        gap.setFixedWidth(6)
        self.addWidget(gap)
        self.addWidget(self._retrain)
        for name in ("retrain", "predict-all"):
            by_name[name].changed.connect(self._dress)
        theme.notifier().changed.connect(self._dress)
        self._dress()

    def serve(self, panes: Panes | None) -> None:
        """Serve the panes of another project, or none."""
        self.radius.serve(panes)

    def show_project(self, name: str | None, table: SampleTable | None) -> None:
        """Say which project is open and how far its review is."""
        self._name.setText(name or "")
        self._progress.setText("" if table is None else _progress(table))
        self.radius.show_usable()
        self._sentence = name or ""
        if name and table is not None:
            todo = int((table.state == STATES.index(ReviewState.TODO)).sum())
            self._sentence = f"{name} — {len(table) - todo} of {len(table)} decided"

    def sentence(self) -> str:
        """The title of the window."""
        return self._sentence or "SegStudio"

    def _predict_button(self) -> QPushButton:
        button = QPushButton("Predict")
        button.setProperty("menu", True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        menu = QMenu(button)
        menu.addActions([self._by_name[f"predict-{name}"] for name in ("current", "filtered", "all")])
        button.setMenu(menu)
        return button

    def _retrain_button(self) -> QPushButton:
        action = self._by_name["retrain"]
        button = QPushButton("Retrain")
        button.setProperty("primary", True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(action.toolTip())
        button.clicked.connect(action.trigger)
        return button

    def _dress(self) -> None:
        is_usable = self._by_name["retrain"].isEnabled()
        self._retrain.setEnabled(is_usable)
        self._retrain.setIcon(theme.icon("retrain", "on_accent" if is_usable else "text_faint"))
        self._predict.setEnabled(self._by_name["predict-all"].isEnabled())


def _progress(table: SampleTable) -> str:
    decided = int((table.state != STATES.index(ReviewState.TODO)).sum())
    flagged = int((table.state == STATES.index(ReviewState.FLAGGED)).sum())
    words = f"{len(table):,} samples  ·  {decided:,} decided".replace(",", "\u202f")
    return f"{words}  ·  {flagged:,} flagged".replace(",", "\u202f") if flagged else words
