import sys

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QLineEdit, QListWidget, QWidget

from segstudio.ui.actions import COMMANDS, all_commands
from segstudio.ui.keyboard import Keyboard, key_meant, types_text

OFFSET = 0 if sys.platform == "win32" else 8
NO = Qt.KeyboardModifier.NoModifier


def key_event(key: int, scan: int = 0, text: str = "", modifiers=NO, kind=QEvent.Type.KeyPress) -> QKeyEvent:
    return QKeyEvent(kind, key, modifiers, scan, 0, 0, text)


def test_a_latin_letter_is_what_is_printed_on_the_key():
    # On AZERTY the key with A on it lies where Q is on QWERTY.
    assert key_meant(key_event(Qt.Key.Key_A, 16 + OFFSET)) == Qt.Key.Key_A


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS tells virtual keys, not scan codes")
@pytest.mark.parametrize(
    ("letter", "scan", "meant"),
    [("И", 48, "B"), ("У", 18, "E"), ("З", 25, "P"), ("П", 34, "G"), ("Ф", 30, "A"), ("А", 33, "F"), ("К", 19, "R"),
     ("Х", 26, "["), ("Ъ", 27, "]"), ("Я", 44, "Z"), ("Ч", 45, "X"), ("Β", 48, "B"), ("Ü", 26, "[")],
)  # fmt: skip
def test_another_letter_is_where_the_key_lies(letter: str, scan: int, meant: str):
    assert key_meant(key_event(ord(letter), scan + OFFSET)) == ord(meant)


def test_without_scan_codes_a_russian_layout_is_assumed():
    assert key_meant(key_event(ord("И"))) == Qt.Key.Key_B
    assert key_meant(key_event(ord("Β"))) == ord("Β"), "Greek is not guessed"


def test_keys_without_a_character_are_themselves():
    assert key_meant(key_event(Qt.Key.Key_F11, 87 + OFFSET)) == Qt.Key.Key_F11


def test_no_two_commands_share_a_key():
    keys = [key for command in all_commands() for key in command.keys]
    assert len(keys) == len(set(keys)), sorted(key for key in keys if keys.count(key) > 1)
    names = [command.name for command in all_commands()]
    assert len(names) == len(set(names))


def test_every_key_is_one_that_qt_knows():
    for command in COMMANDS:
        for key in command.keys:
            assert QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText), key


def test_every_tool_and_verdict_has_a_single_key():
    for command in all_commands():
        if command.name.startswith("tool-") or command.name in ("accept", "flag", "reject", "todo"):
            assert len(command.keys[0]) == 1


@pytest.mark.parametrize(
    ("make", "is_text"),
    [(QLineEdit, True), (QDoubleSpinBox, True), (QListWidget, False), (QLabel, False), (QComboBox, False)],
)
def test_text_fields_keep_what_is_typed(qtbot, make: type[QWidget], is_text: bool):
    widget = make()
    qtbot.addWidget(widget)
    assert types_text(widget) is is_text


@pytest.fixture
def board(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    brush, undo, blink = QAction("Brush", window), QAction("Undo", window), QAction("Blink", window)
    brush.setShortcut("B")
    undo.setShortcut("Ctrl+Z")
    blink.setCheckable(True)
    keyboard = Keyboard(window, lambda: [brush, undo], lambda: {Qt.Key.Key_V: blink})
    return keyboard, brush, undo, blink, window  # Qt deletes what nobody keeps


def test_a_russian_key_triggers_the_action(qtbot, board):
    keyboard, brush, undo, *_ = board
    with qtbot.waitSignal(brush.triggered):
        assert keyboard.handle(key_event(ord("И"), text="и"))
    with qtbot.waitSignal(undo.triggered):
        assert keyboard.handle(key_event(ord("Я"), text="я", modifiers=Qt.KeyboardModifier.ControlModifier))


def test_a_disabled_action_lets_the_key_through(board):
    keyboard, brush, *_ = board
    brush.setEnabled(False)
    assert not keyboard.handle(key_event(ord("И"), text="и"))


@pytest.mark.parametrize("letter", ["V", "М"])
def test_a_held_key_lasts_until_it_is_let_go(board, letter: str):
    keyboard, _, _, blink, _ = board
    told: list[bool] = []
    blink.toggled.connect(told.append)
    assert keyboard.handle(key_event(ord(letter)))
    repeated = QKeyEvent(QEvent.Type.KeyPress, ord(letter), NO, "v", True)
    assert keyboard.handle(repeated)
    assert told == [True]
    assert keyboard.handle(key_event(ord(letter), kind=QEvent.Type.KeyRelease))
    assert told == [True, False]


def test_leaving_the_window_lets_a_held_key_go(board):
    keyboard, _, _, blink, _ = board
    told: list[bool] = []
    blink.toggled.connect(told.append)
    keyboard.handle(key_event(ord("V")))
    keyboard.eventFilter(keyboard, QEvent(QEvent.Type.FocusOut))
    assert told == [True, False]
