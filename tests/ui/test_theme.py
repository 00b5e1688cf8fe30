import gc
import re

import numpy as np
import pytest
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QApplication

from segstudio.core.files import resource
from segstudio.ui import theme
from segstudio.ui.actions import all_commands
from segstudio.ui.panels.samples_model import STATE_LOOK


@pytest.fixture(autouse=True)
def themed(qapp: QApplication):
    theme.install(qapp)
    yield
    theme.choose("dark", is_kept=False)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_both_themes_have_the_same_colours():
    dark, light = theme.tokens("dark"), theme.tokens("light")
    assert dark.keys() == light.keys()
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in (*dark.values(), *light.values()))


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize(
    ("text", "ground", "least"),
    [
        ("text", "panel", 7),
        ("text", "raised", 7),
        ("text_muted", "panel", 4.5),
        ("text_muted", "window", 4.5),
        ("on_accent", "accent", 4.5),
        ("good", "panel", 4.5),
        ("warn", "panel", 4.5),
        ("bad", "panel", 4.5),
        ("text", "accent_soft", 7),
        ("text", "bad_soft", 7),
        ("text", "warn_soft", 7),
        ("text_faint", "panel", 2.9),
    ],
)
def test_words_can_be_read(name: str, text: str, ground: str, least: float):
    colours = theme.tokens(name)
    assert contrast(colours[text], colours[ground]) >= least


@pytest.mark.parametrize("choice", ["dark", "light"])
def test_the_choice_is_worn_and_told(qtbot, qapp: QApplication, choice: theme.Choice):
    theme.choose("light" if choice == "dark" else "dark", is_kept=False)
    with qtbot.waitSignal(theme.notifier().changed):
        theme.choose(choice)
    assert theme.is_dark() == (choice == "dark")
    assert qapp.palette().window().color() == theme.color("window")
    assert "${" not in qapp.styleSheet()
    assert theme.tokens(choice)["panel"] in qapp.styleSheet()


def test_the_choice_is_remembered(qapp: QApplication):
    theme.choose("light")
    theme.choose("dark", is_kept=False)
    theme.install(qapp)
    assert theme.choice() == "light"
    theme.choose("system")


def test_every_command_and_state_has_its_icon():
    names = {command.icon for command in all_commands() if command.icon} | {icon for icon, _ in STATE_LOOK.values()}
    for name in names:
        assert not theme.icon(name).isNull(), name


@pytest.mark.parametrize("path", sorted(resource("icons").glob("*.svg")), ids=lambda path: path.stem)
def test_icons_are_drawn_in_the_colours_of_the_theme(path):
    svg = path.read_text(encoding="utf-8")
    is_own = path.stem == "segstudio"
    assert is_own or ("currentColor" in svg and not re.search(r"#[0-9a-fA-F]{3,6}", svg))
    theme.choose("dark", is_kept=False)
    dark = theme.icon(path.stem).pixmap(20, 20).toImage()
    theme.choose("light", is_kept=False)
    light = theme.icon(path.stem).pixmap(20, 20).toImage()
    assert any(dark.pixelColor(x, y).alpha() > 200 for x in range(20) for y in range(20)), "nothing is drawn"
    assert is_own or dark != light


def test_icons_are_crisp_on_a_fine_screen():
    icon = theme.icon("brush")
    assert icon.pixmap(QSize(20, 20), 2.0).size().width() == 40
    assert icon.pixmap(QSize(24, 24), 2.0).size().width() == 48
    assert icon.pixmap(QSize(20, 20), 2.0, QIcon.Mode.Disabled).toImage() != icon.pixmap(QSize(20, 20), 2.0).toImage()


def test_a_copy_of_an_icon_can_be_changed_and_outlives_it(qapp: QApplication):
    copies = []
    gc.freeze()  # what was there before need not be gone through each time
    try:
        for _ in range(20):
            copy = QIcon(theme.icon("brush"))
            copy.addPixmap(QPixmap(4, 4))
            gc.collect()
            assert copy.pixmap(QSize(16, 16)).size() == QSize(16, 16)
            copies.append(copy)
        del copies[::2]
        gc.collect()
        assert copies[0].pixmap(QSize(24, 24)).size() == QSize(24, 24)
    finally:
        gc.unfreeze()


def test_an_icon_is_painted_in_the_middle_of_its_place(qapp: QApplication):
    ground = QImage(60, 40, QImage.Format.Format_ARGB32)
    ground.fill(Qt.GlobalColor.transparent)
    painter = QPainter(ground)
    theme.icon("accept", "text").paint(painter, QRect(0, 0, 60, 40))
    painter.end()
    drawn = np.array([[ground.pixelColor(x, y).alpha() > 0 for x in range(60)] for y in range(40)])
    assert drawn.any()
    assert not drawn[:, :10].any()
    assert not drawn[:, 50:].any()


@pytest.mark.parametrize("size", [QSize(0, 0), QSize(0, 16), QSize(16, 0), QSize(-1, -1)])
def test_an_icon_without_room_is_nothing(qapp: QApplication, size: QSize):
    icon = theme.icon("accept")
    assert icon.pixmap(size, 2.0).isNull()
    target = QPixmap(20, 20)
    target.fill(Qt.GlobalColor.black)
    before = target.toImage()
    painter = QPainter(target)
    icon.paint(painter, QRect(3, 3, size.width(), size.height()))
    painter.end()
    assert target.toImage() == before
