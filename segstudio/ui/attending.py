"""Attending: measures how long the person works on each sample, where their input arrives."""

from collections.abc import Callable
from time import monotonic

from PySide6.QtCore import QEvent, QObject, QTimer

from segstudio.core.attention import Attention
from segstudio.core.sample import Sample
from segstudio.ui.session import Session

STORE_MS = 30_000
"""The time is stored so often, and before whatever is written about a sample."""

_INPUT = frozenset(
    {
        QEvent.Type.KeyPress,
        QEvent.Type.KeyRelease,  # all that arrives of the key of a command: Qt takes the press away before
        QEvent.Type.MouseMove,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseButtonRelease,
        QEvent.Type.Wheel,
        QEvent.Type.TabletMove,
        QEvent.Type.TabletPress,
        QEvent.Type.TabletRelease,
        QEvent.Type.TouchUpdate,
        QEvent.Type.NativeGesture,
    }
)


class Attending(QObject):
    """An event filter for the native window: what arrives there was done by a person, whichever widget gets it."""

    def __init__(self, session: Session, counts: Callable[[], bool], parent: QObject) -> None:
        """Measure in `session` while `counts` says that the sample on screen is what the person works on."""
        super().__init__(parent)
        self._session = session
        self._counts = counts
        self._attention = Attention()
        self._storing = QTimer(self, singleShot=True, interval=STORE_MS)
        self._storing.timeout.connect(self.store)
        session.sample_changed.connect(self._turn)
        session.deciding.connect(self.store)
        self._turn(session.sample)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _INPUT:
            if self._counts():
                self._attention.take_input(monotonic())
                if not self._storing.isActive():
                    self._storing.start()
            else:
                self._attention.leave(monotonic())
        elif event.type() == QEvent.Type.FocusOut:
            self._attention.leave(monotonic())
        return False

    def store(self) -> None:
        """Store what was measured since the last time."""
        self._storing.stop()
        self._session.decisions.add_seconds(self._attention.take(monotonic()))

    def _turn(self, sample: Sample | None) -> None:
        self._attention.turn_to(None if sample is None else sample.id, monotonic())
