"""The menus, made from the table of commands."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar

from segstudio.ui import theme
from segstudio.ui.actions import MENUS, Actions
from segstudio.ui.welcome import recent_projects

_THEMES: dict[theme.Choice, str] = {"system": "As the &system", "dark": "&Dark", "light": "&Light"}


def fill_menus(
    bar: QMenuBar,
    actions: Actions,
    *,
    open_recent: Callable[[Path], Any],
    choose_theme: Callable[[theme.Choice], Any],
) -> None:
    """Put every command into its menu, and two menus that no command stands for."""
    menus = {name: bar.addMenu(f"&{name}") for name in MENUS}
    for menu in menus.values():
        menu.setToolTipsVisible(True)  # what a command does, and why it cannot be used now
    for name, command in actions.commands.items():
        if command.is_held:
            continue
        menu = menus[command.menu]
        if command.starts_section:
            menu.addSeparator()
        menu.addAction(actions.by_name[name])
        if name == "open":
            _add_recent(menu.addMenu("Open &recent"), open_recent)
    menus["View"].addSeparator()
    _add_themes(menus["View"].addMenu("&Theme"), choose_theme)


def _add_recent(menu: QMenu, open_recent: Callable[[Path], Any]) -> None:
    def fill() -> None:
        menu.clear()
        for folder in recent_projects():
            menu.addAction(f"{folder.name}  —  {folder.parent}", partial(open_recent, folder))
        if menu.isEmpty():
            menu.addAction("Nothing yet").setEnabled(False)

    menu.aboutToShow.connect(fill)


def _add_themes(menu: QMenu, choose: Callable[[theme.Choice], Any]) -> None:
    actions: dict[theme.Choice, QAction] = {}

    def mark() -> None:
        for choice, action in actions.items():
            action.setChecked(choice == theme.choice())

    for choice, words in _THEMES.items():
        actions[choice] = menu.addAction(words, partial(choose, choice))
        actions[choice].setCheckable(True)
    menu.aboutToShow.connect(mark)
