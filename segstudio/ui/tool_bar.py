"""The tool bar: which project, undo, the tools with the options of the one in hand, Predict and Retrain."""

from datetime import datetime
from itertools import groupby

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QPushButton, QToolBar, QToolButton, QWidget

from segstudio.core.sample import ReviewState
from segstudio.core.wording import count_text
from segstudio.project.pace import Pace, pace_of
from segstudio.project.sample_table import STATES, SampleTable
from segstudio.tools import TOOLS
from segstudio.ui import theme
from segstudio.ui.actions import Actions
from segstudio.ui.canvas.panes import Panes
from segstudio.ui.times import seconds_text
from segstudio.ui.tool_options import ToolOptions
from segstudio.ui.widgets import FittingWords, heading

_PREDICT = "Ask the model where the foreground is: in this sample, in the listed ones, or in all"
_MARGIN = 12
"""Pixels around what is only said, between what can be pressed."""


class GroupButton(QToolButton):
    """One button for a few tools: it takes the one used last in hand, and its arrow lists them all."""

    def __init__(self, name: str, actions: list[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.addActions(actions)
        self.setMenu(menu)
        self._actions = actions
        self.setDefaultAction(actions[0])
        for action in actions:
            action.changed.connect(self._show_last)

    def _show_last(self) -> None:
        chosen = next((action for action in self._actions if action.isChecked()), None)
        if chosen is not None and chosen is not self.defaultAction():
            self.setDefaultAction(chosen)


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
        self._name.setContentsMargins(0, 0, _MARGIN, 0)
        self.progress = FittingWords()
        self.progress.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        self.options = ToolOptions()
        by_name = self._by_name = actions.by_name
        self.addWidget(self._name)
        self.addActions([by_name["undo"], by_name["redo"]])
        self.addSeparator()
        self._add_tools()
        self.addSeparator()
        self.addWidget(self.options)
        # At the end of what is left: whatever it says, and whatever tool is in hand, no button moves.
        self.addWidget(self.progress)
        self._predict, self._retrain = self._predict_button(), self._retrain_button()
        self.addWidget(self._predict)
        gap = QWidget()
        gap.setFixedWidth(6)
        self.addWidget(gap)
        self.addWidget(self._retrain)
        for action in self.actions():
            button = self.widgetForAction(action)
            if isinstance(button, QToolButton):
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys to the canvas
        for name in ("retrain", "predict-all"):
            by_name[name].changed.connect(self._dress)
        theme.notifier().changed.connect(self._dress)
        self._dress()

    def serve(self, panes: Panes | None) -> None:
        """Serve the panes of another project, or none."""
        self.options.serve(panes)

    def show_project(self, name: str | None, table: SampleTable | None) -> None:
        """Say which project is open and how far its review is."""
        self._name.setText(name or "")
        self.progress.show_words(() if table is None else _progress(table))
        self.options.radius.show_usable()
        self._sentence = name or ""
        if name and table is not None:
            now = datetime.now().astimezone()
            pace = pace_of(table, now)
            words = [f"{name} — {pace.done} of {len(table)} decided", *_pace_words(pace, now)]
            self._sentence = "  ·  ".join(words)
            self.progress.setToolTip("  ·  ".join([f"{pace.left:,} left".replace(",", "\u202f"), *words[1:]]))

    def sentence(self) -> str:
        """The title of the window."""
        return self._sentence or "SegStudio"

    def _add_tools(self) -> None:
        """A button for each tool, and one for each group of tools, which shows the one used last."""
        tools = sorted(TOOLS, key=lambda tool: (tool.rank, tool.name))
        for group, members in groupby(tools, key=lambda tool: tool.group):
            actions = [self._by_name[f"tool-{tool.name}"] for tool in members]
            if group:
                self.addWidget(GroupButton(group, actions))
            else:
                self.addActions(actions)
        self.addAction(self._by_name["ignore"])

    def _predict_button(self) -> QPushButton:
        button = QPushButton("Predict")
        button.setProperty("menu", True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        menu = QMenu(button)
        menu.addActions([self._by_name[f"predict-{name}"] for name in ("current", "filtered", "all")])
        button.setMenu(menu)
        return button

    def _retrain_button(self) -> QPushButton:
        action = self._by_name["retrain"]
        button = QPushButton("Retrain")
        button.setProperty("primary", True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(action.toolTip())
        button.clicked.connect(action.trigger)
        return button

    def _dress(self) -> None:
        is_usable = self._by_name["retrain"].isEnabled()
        self._retrain.setEnabled(is_usable)
        self._retrain.setToolTip(self._by_name["retrain"].toolTip())
        self._retrain.setIcon(theme.icon("retrain", "on_accent" if is_usable else "text_faint"))
        predict = self._by_name["predict-all"]
        self._predict.setEnabled(predict.isEnabled())
        self._predict.setToolTip(_PREDICT if predict.isEnabled() else predict.toolTip())


def _pace_words(pace: Pace, now: datetime) -> list[str]:
    """How fast the review goes and when it ends; nothing when nobody can tell."""
    end = pace.end(now)
    if pace.seconds is None or end is None:
        return []
    day = "" if end.date() == now.date() else f"{end:%d %b} "
    return [
        f"{pace.left:,} left".replace(",", "\u202f"),
        f"{seconds_text(pace.seconds)} each",
        f"done at {day}{end:%H:%M}",
    ]


def _progress(table: SampleTable) -> list[str]:
    """How far the review is, in many words and in few."""
    decided = int((table.state != STATES.index(ReviewState.TODO)).sum())
    flagged = int((table.state == STATES.index(ReviewState.FLAGGED)).sum())
    words = [count_text(len(table), "sample"), f"{decided:,} decided", *([f"{flagged:,} flagged"] if flagged else [])]
    full, short = "  ·  ".join(words), f"{decided:,} of {len(table):,}"
    return [one.replace(",", "\u202f") for one in (full, short)]
