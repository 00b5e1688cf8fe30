"""What stands in the cell of the panes that is left over: what could be shown there, and how to get it."""

from collections.abc import Callable, Iterable, Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from segstudio.ui import theme
from segstudio.ui.actions import Command, plain_text
from segstudio.ui.widgets import heading, link, muted

_ICON = 28
_WIDTH = 280
_MARGIN = 10


class Spare(QFrame):
    """A quiet frame of a pane's size: what comes next while nothing is predicted, later the panes that are hidden."""

    def __init__(
        self,
        actions: Mapping[str, QAction],
        commands: Mapping[str, Command],
        go_on: Callable[[], object],
        parent: QWidget | None = None,
    ) -> None:
        """`go_on` is called when the person wants to train."""
        super().__init__(parent)
        self.setProperty("slot", True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._icon = QLabel()
        self._title = heading("")
        self._text = muted(wraps=True)
        self._train = link("Go to Train")
        self._train.clicked.connect(lambda _=False: go_on())
        self._predict = link("Predict all samples", actions["predict-all"].toolTip())
        self._predict.clicked.connect(lambda _=False: actions["predict-all"].trigger())
        self._actions, self._commands = actions, commands
        self._links = {name: self._link(actions[name], commands[name]) for name in commands}
        self._name_links()
        layout = QVBoxLayout(self)
        layout.setSpacing(6)
        layout.addStretch(1)
        for widget in (self._icon, self._title, self._text, self._train, self._predict, *self._links.values()):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
            if isinstance(widget, QPushButton):
                widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout.addStretch(1)
        theme.notifier().changed.connect(self._dress)
        self._dress()
        self.show_offer((), is_predicted=False, is_trained=False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._text.setFixedWidth(max(min(_WIDTH, self.width() - 2 * _MARGIN), 1))

    def show_offer(self, hidden: Iterable[str], *, is_predicted: bool, is_trained: bool) -> None:
        """Say what could be here.

        Args:
            hidden: Names of the commands that show a pane which is hidden.
            is_predicted: Whether there are predictions, without which there are no errors.
            is_trained: Whether there is a run that can predict.
        """
        hidden = set(hidden)
        for name, one in self._links.items():
            one.setVisible(is_predicted and name in hidden)
        for widget in (self._icon, self._title, self._text):
            widget.setVisible(not is_predicted)
        self._train.setVisible(not is_predicted and not is_trained)
        self._predict.setVisible(not is_predicted and is_trained)
        self._title.setText("Errors appear here")
        first = "Let the network predict" if is_trained else "Train a network and predict"
        self._text.setText(f"{first}: then this pane shows where mask and prediction differ.")

    def _link(self, action: QAction, command: Command) -> QPushButton:
        button = link("", command.help)
        button.clicked.connect(lambda _=False: action.trigger())
        action.changed.connect(self._name_links)  # its keys may be others now
        return button

    def _name_links(self) -> None:
        for name, button in self._links.items():
            keys = self._actions[name].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            words = f"Show {plain_text(self._commands[name]).lower()}"
            button.setText(f"{words}   {keys}" if keys else words)

    def _dress(self) -> None:
        pixmap = theme.icon("error-view", "text_faint").pixmap(QSize(_ICON, _ICON), self.devicePixelRatio())
        self._icon.setPixmap(pixmap)
