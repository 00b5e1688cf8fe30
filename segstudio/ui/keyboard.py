"""Keys that work under every layout: a letter is meant by its place on the keyboard when the layout has no such letter.

Qt's own shortcuts compare characters, so under a Russian layout the key B, which types и, would do nothing. Here a key
that types no Latin letter is taken by its position: the scan code on Linux (evdev + 8) and Windows (set 1), the virtual
key on macOS; where the system tells none, as in a remote desktop, by the usual Russian layout. A layout that has Latin
letters elsewhere (AZERTY, QWERTZ, Dvorak) keeps what is printed on its keys. Text fields keep all they can type.
"""

import sys
from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QKeyCombination, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QWindow
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

_ROWS = ((2, "1234567890-="), (16, "qwertyuiop[]"), (30, "asdfghjkl;'`"), (44, "zxcvbnm,./"))
_SET_1 = {first + index: letter for first, row in _ROWS for index, letter in enumerate(row)}
"""Scan codes of set 1, which evdev and Windows share for these keys."""

_MAC_ROWS = "asdfhgzxcv\0bqweryt123465=97-80]ou[ip\0lj'k;\0,/nm."
_MAC = {code: letter for code, letter in enumerate(_MAC_ROWS) if letter != "\0"}
"""Virtual key codes of macOS, which are positions."""

_RUSSIAN = dict(zip("йцукенгшщзхъфывапролджэячсмитьбю", "qwertyuiop[]asdfghjkl;'zxcvbnm,.", strict=True))

_X11_OFFSET = 8
"""X11 and Wayland count key codes from 8."""

_MEANT = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
_MEANT |= Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


def key_meant(event: QKeyEvent) -> int:
    """The Qt key of an event as a Latin keyboard would have it; the event's own key when it has a place there."""
    key = event.key()
    if key < 0x80 or key >= Qt.Key.Key_Escape:  # ASCII, or a key without a character
        return key
    letter = _letter_at(event) or _RUSSIAN.get(chr(key).lower(), "")
    return ord(letter.upper()) if letter else key


def _letter_at(event: QKeyEvent) -> str:
    if sys.platform == "darwin":
        return _MAC.get(event.nativeVirtualKey(), "") if event.nativeScanCode() else ""
    offset = 0 if sys.platform == "win32" else _X11_OFFSET
    return _SET_1.get(event.nativeScanCode() - offset, "")


def as_latin(text: str) -> str:
    """What the keys that have typed a text under a Russian layout would have typed under a Latin one."""
    return "".join(_RUSSIAN.get(letter, letter) for letter in text.lower())


def is_shifted_sign(event: QKeyEvent) -> bool:
    """Whether Shift was only needed to reach the sign: "?" is the key "?" and not Shift with it."""
    key, is_shifted = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
    return is_shifted and 0x20 < key < 0x7F and not chr(key).isalnum()


def types_text(widget: QWidget | None) -> bool:
    """Whether keys pressed in this widget are text."""
    if isinstance(widget, QComboBox):
        return widget.isEditable()
    return isinstance(widget, QLineEdit | QTextEdit | QPlainTextEdit | QAbstractSpinBox)


class Keyboard(QObject):
    """Runs actions for keys that Qt's shortcuts do not know, and those that last as long as a key is down."""

    def __init__(
        self, parent: QWidget, actions: Callable[[], list[QAction]], held: Callable[[], Mapping[Qt.Key, QAction]]
    ) -> None:
        """Serve the window `parent`.

        Args:
            parent: The window; keys of dialogs are left alone.
            actions: Says which actions there are.
            held: Says for each key that is held the checkable action that is on meanwhile.
        """
        super().__init__(parent)
        self._actions = actions
        self._held = held
        self._down: QAction | None = None

    def watch(self, window: QWindow) -> None:
        """See the keys of a native window before its widgets do."""
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            return self.handle(event) if isinstance(event, QKeyEvent) else False
        if event.type() in (QEvent.Type.FocusOut, QEvent.Type.WindowDeactivate):
            self._release()
        return False

    def handle(self, event: QKeyEvent) -> bool:
        """Run what the key means; False when it means nothing here."""
        if types_text(QApplication.focusWidget()) or QApplication.activePopupWidget() is not None:
            return False
        key, modifiers = key_meant(event), event.modifiers() & _MEANT
        if (action := self._held().get(Qt.Key(key))) is not None and not modifiers:
            return self._hold(action, event)
        sign = is_shifted_sign(event)
        if event.type() != QEvent.Type.KeyPress or (key == event.key() and not sign):
            return False  # Qt's own shortcuts had their turn
        if sign:
            modifiers &= ~Qt.KeyboardModifier.ShiftModifier
        wanted = QKeySequence(QKeyCombination(modifiers, Qt.Key(key)))
        for candidate in self._actions():
            if candidate.isEnabled() and wanted in candidate.shortcuts():
                if not event.isAutoRepeat() or candidate.autoRepeat():
                    candidate.trigger()
                return True
        return False

    def _hold(self, action: QAction, event: QKeyEvent) -> bool:
        if event.isAutoRepeat() or not action.isEnabled():
            return True
        if event.type() == QEvent.Type.KeyPress:
            self._down = action
            action.setChecked(True)
        else:
            self._release()
        return True

    def _release(self) -> None:
        if self._down is not None:
            action, self._down = self._down, None
            action.setChecked(False)
