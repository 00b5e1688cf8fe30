"""Bars that wrap and words that end in dots: nothing of them makes the window wider than the person wants it."""

from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from segstudio.ui.widgets import ElidedLabel
from segstudio.ui.wrapping_bar import WrappingBar


def test_a_bar_takes_a_second_line_where_one_is_too_short(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    first, second = [QPushButton("one"), QPushButton("two")], [QPushButton("three"), QPushButton("four")]
    bar = WrappingBar(first, second, has_divider=True)
    column = QVBoxLayout(window)
    column.addWidget(bar)
    column.addStretch(1)
    window.resize(800, 300)
    window.show()
    assert not bar.is_wrapped
    assert second[0].mapTo(window, second[0].rect().topLeft()).y() == first[0].mapTo(window, first[0].pos()).y()
    right = second[1].mapTo(bar, second[1].rect().topRight()).x()
    assert right == bar.width() - 1, "the second group is at the right edge"
    one_line = bar.height()
    least = bar.minimumSizeHint().width()
    assert least < sum(one.sizeHint().width() for one in first + second)
    window.resize(least + 30, 300)
    qtbot.waitUntil(lambda: bar.is_wrapped and bar.height() > one_line)
    assert second[0].mapTo(bar, second[0].rect().topLeft()).y() > first[0].mapTo(bar, first[0].rect().topLeft()).y()
    for one in first + second:
        assert one.width() >= one.sizeHint().width(), "nothing is cut"
    window.resize(800, 300)
    qtbot.waitUntil(lambda: not bar.is_wrapped and bar.height() == one_line)


def test_a_bar_wraps_when_its_words_become_longer(qtbot: QtBot) -> None:
    words = QLabel("short")
    words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    bar = WrappingBar([QPushButton("one")], [words, QPushButton("two")])
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    column.addWidget(bar)
    window.resize(window.sizeHint().width() + 20, 80)
    window.show()
    assert not bar.is_wrapped
    words.setText("a good deal longer than before")
    qtbot.waitUntil(lambda: bar.is_wrapped)


def test_words_without_room_end_in_dots_and_are_in_the_tooltip(qtbot: QtBot) -> None:
    label = ElidedLabel("test split: never augmented, shown as an example")
    qtbot.addWidget(label)
    assert label.minimumSizeHint().width() == 0
    label.resize(label.sizeHint())
    label.grab()
    assert label.shown_text == label.text()
    assert label.toolTip() == ""
    label.resize(90, label.height())
    label.grab()
    assert label.shown_text.startswith("test")
    assert label.shown_text.endswith("…")
    assert label.toolTip() == label.text()
