"""How the program looks: two sets of colours, one style sheet, and icons drawn in those colours.

The colours ("tokens") lie in resources/style/dark.toml and light.toml, the style sheet beside them, the icons in
resources/icons. A widget that paints itself asks `color("accent")` while painting, so that it is right after a change
of theme; one that keeps icons or pens makes them again when `notifier().changed` is emitted.
"""

import tomllib
from functools import cache
from string import Template
from typing import ClassVar, Literal

from PySide6.QtCore import QByteArray, QDir, QObject, QRect, QRectF, QSettings, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontInfo, QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QStyleFactory

from segstudio.core.files import resource

Choice = Literal["system", "dark", "light"]
CHOICES: tuple[Choice, ...] = ("system", "dark", "light")


class Notifier(QObject):
    """Says that the colours are others now."""

    changed = Signal()


class _State:
    """The theme of this process; there is one application, hence one of these."""

    def __init__(self) -> None:
        self.choice: Choice = "system"
        self.name: Literal["dark", "light"] = "dark"
        self.notifier = Notifier()


@cache
def _state() -> _State:
    return _State()


def notifier() -> Notifier:
    """The object whose `changed` signal is emitted when the theme changes."""
    return _state().notifier


def is_dark() -> bool:
    """Whether the dark colours are in use."""
    return _state().name == "dark"


def choice() -> Choice:
    """What the user chose: follow the system, dark or light."""
    return _state().choice


@cache
def tokens(name: str) -> dict[str, str]:
    """The colours of a theme by their names, as "#rrggbb"."""
    return tomllib.loads(resource("style", f"{name}.toml").read_text(encoding="utf-8"))


def color(token: str, alpha: float = 1.0) -> QColor:
    """A colour of the theme in use; KeyError for a name that the token files do not have."""
    result = QColor(tokens(_state().name)[token])
    result.setAlphaF(alpha)
    return result


class _IconEngine(QIconEngine):
    """Draws an icon of resources/icons when it is looked at, crisp at every size.

    Most icons are seen at one size and in one or two states, many in no session at all: drawing all of them in advance
    took a quarter of the time from the command to the first image.
    """

    _clones: ClassVar[list["_IconEngine"]] = []

    def __init__(self, name: str, normal: str, checked: str, disabled: str) -> None:
        super().__init__()
        self._name = name
        self._normal, self._checked, self._disabled = normal, checked, disabled

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        colour = self._checked if state == QIcon.State.On else self._normal
        colour = self._disabled if mode == QIcon.Mode.Disabled else colour
        side = min(size.width(), size.height())
        # A button that a narrow window leaves no room asks for a picture of nothing, on which nobody can paint.
        return _drawn(self._name, colour, side) if side > 0 else QPixmap()

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        if rect.isEmpty():
            return
        device = painter.device()
        ratio = 1.0 if device is None else device.devicePixelRatio()
        pixmap = QPixmap(self.pixmap(rect.size() * ratio, mode, state))
        pixmap.setDevicePixelRatio(ratio)
        side = min(rect.width(), rect.height())
        left, top = rect.left() + (rect.width() - side) // 2, rect.top() + (rect.height() - side) // 2
        painter.drawPixmap(left, top, pixmap)

    def clone(self) -> QIconEngine:
        result = _IconEngine(self._name, self._normal, self._checked, self._disabled)
        self._clones.append(result)  # the QIcon that asks for it does not keep the Python half alive
        return result


@cache
def _icon(name: str, theme: str) -> QIcon:
    colours = tokens(theme)
    return QIcon(_IconEngine(name, colours["text"], colours["accent"], colours["text_faint"]))


def icon(name: str, token: str = "") -> QIcon:
    """An icon of resources/icons in the colours of the theme in use: text, accent when checked, faint when disabled.

    Args:
        name: File name without ".svg".
        token: One colour for every state, for example "on_accent" upon a primary button.
    """
    return _tinted_icon(name, tokens(_state().name)[token]) if token else _icon(name, _state().name)


@cache
def _tinted_icon(name: str, colour: str) -> QIcon:
    return QIcon(_IconEngine(name, colour, colour, colour))


@cache
def _drawn(name: str, colour: str, size: int) -> QPixmap:
    svg = resource("icons", f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    pixmap = QPixmap(QSize(size, size))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap


def app_icon() -> QIcon:
    """The program's own icon."""
    result = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256):
        result.addPixmap(_drawn("segstudio", "", size))
    return result


USUAL_FONT = 12
"""Pixels of the letters that the widths in this package are made for: nine points."""


def by_font(pixels: int) -> int:
    """A width or height that holds words: as much more than `pixels` as the letters of the program are larger."""
    return round(pixels * max(1.0, QFontInfo(QApplication.font()).pixelSize() / USUAL_FONT))


def install(app: QApplication) -> None:
    """Dress the application as the user chose last time, and follow the system from now on."""
    QDir.addSearchPath("style", str(resource("style")))
    app.setStyle(QStyleFactory.create("Fusion"))
    saved = str(QSettings().value("theme", "system"))
    choose(next((one for one in CHOICES if one == saved), "system"), is_kept=False)
    QGuiApplication.styleHints().colorSchemeChanged.connect(_follow)


def choose(choice: Choice, *, is_kept: bool = True) -> None:
    """Follow the system, or be dark or light whatever the system says; remembered unless told otherwise."""
    _state().choice = choice
    if is_kept:
        QSettings().setValue("theme", choice)
    scheme = {"dark": Qt.ColorScheme.Dark, "light": Qt.ColorScheme.Light}.get(choice, Qt.ColorScheme.Unknown)
    QGuiApplication.styleHints().setColorScheme(scheme)  # title bars and file dialogs of the system follow too
    _follow()


def _follow() -> None:
    state = _state()
    if state.choice == "system":
        is_light = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light
        state.name = "light" if is_light else "dark"
    else:
        state.name = state.choice
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    app.setPalette(_palette())
    template = Template(resource("style", "segstudio.qss.in").read_text(encoding="utf-8"))
    sheet = template.substitute(tokens(state.name))
    if app.styleSheet() != sheet:
        app.setStyleSheet(sheet)
        state.notifier.changed.emit()


def _palette() -> QPalette:
    """The palette for what the style sheet does not name, and for widgets that paint with it."""
    roles = QPalette.ColorRole
    pairs = {
        roles.Window: "window",
        roles.Base: "panel",
        roles.AlternateBase: "raised",
        roles.Button: "raised",
        roles.ToolTipBase: "raised",
        roles.Text: "text",
        roles.WindowText: "text",
        roles.ButtonText: "text",
        roles.ToolTipText: "text",
        roles.PlaceholderText: "text_faint",
        roles.BrightText: "bad",
        roles.Highlight: "accent",
        roles.HighlightedText: "on_accent",
        roles.Accent: "accent",
        roles.Link: "accent",
        roles.LinkVisited: "accent",
        roles.Mid: "border",
        roles.Dark: "border",
        roles.Light: "hover",
        roles.Midlight: "hover",
        roles.Shadow: "window",
    }
    palette = QPalette()
    for role, token in pairs.items():
        palette.setColor(role, color(token))
    for role in (roles.Text, roles.WindowText, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, color("text_faint"))
    return palette
