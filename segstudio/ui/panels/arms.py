"""Arms: what a comparison compares, as a list that is added to and a small form of the arm in hand."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from segstudio.augmentation.recipe import NONE, Recipe
from segstudio.core.errors import UserError
from segstudio.core.options import parse_assignments
from segstudio.jobs.presets import presets
from segstudio.project.cells import ARM_NAME
from segstudio.ui import theme
from segstudio.ui.combo import Combo
from segstudio.ui.fold import Fold
from segstudio.ui.views.arm_curves import arm_color
from segstudio.ui.widgets import allow, muted, push_button, set_property

ORIGINAL = "original"
ROW_MARGIN = 8
"""Pixels above and below the two lines of an arm, together."""

AS_ALL = ""
"""No preset of its own: that of the comparison."""


@dataclass(frozen=True)
class ArmDraft:
    """An arm that is being planned.

    Attributes:
        name: Empty: after what it does.
        recipe: Name of a recipe, or "none".
        preset: A preset of its own, or empty.
        options: Options of its own as they are written: "learning_rate=0.0005, batch=4".
    """

    name: str = ""
    recipe: str = NONE
    preset: str = AS_ALL
    options: str = ""

    @property
    def title(self) -> str:
        """Its name, or one made of what is particular to it."""
        if self.name:
            return self.name
        parts = [self.recipe if self.recipe != NONE else "", self.preset, *re.split(r"[,\s]+", self.options)]
        words = re.sub(r"[^\w.+-]+", "-", "-".join(part for part in parts if part)).strip("-.+")[:40]
        return words or ORIGINAL

    def words(self, titles: Mapping[str, str]) -> str:
        """What it does, in a line; `titles` is what the window calls recipes and presets."""
        recipe = "images as they are" if self.recipe == NONE else f"recipe {titles.get(self.recipe, self.recipe)}"
        parts = [recipe, titles.get(self.preset, self.preset), self.options]
        return " · ".join(part for part in parts if part)

    def values(self) -> dict[str, Any]:
        """The arm as the job wants it; UserError when its options are no assignments, or its name cannot be one."""
        if not ARM_NAME.fullmatch(self.title):
            raise UserError(f"an arm cannot be called {self.title!r}", "use up to 40 letters, digits, - and _")
        options = parse_assignments(re.split(r"[,\s]+", self.options.strip(", "))) if self.options.strip() else {}
        values = {"name": self.title, "recipe": self.recipe, "preset": self.preset, "options": options}
        return {name: value for name, value in values.items() if value or name == "name"}


class ArmsEditor(QWidget):
    """The list of arms and the form of the one in hand.

    Signals:
        changed: The arms are others now.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._arms: list[ArmDraft] = [ArmDraft()]
        self._recipes: Sequence[Recipe] = ()
        self._is_showing = False
        self.list = QListWidget()
        self.list.setAccessibleName("Arms: the first is what the others are held against")
        self.list.setIconSize(QSize(12, 12))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentRowChanged.connect(lambda _: self._show_form())
        self.add_button = push_button("Add arm", "One more way of training", lambda: None)
        self._menu = QMenu(self.add_button)
        self._menu.aboutToShow.connect(self._fill_menu)
        self.add_button.setMenu(self._menu)
        self.add_button.setProperty("menu", True)
        self.remove_button = push_button("Remove", "Take the selected arm out", self.remove)
        self.name_edit, self.options_edit = QLineEdit(), QLineEdit()
        self.options_edit.setPlaceholderText("learning_rate=0.0005, batch=4")
        self.recipe_box, self.preset_box = Combo(), Combo()
        for widget, name, words in (
            (self.name_edit, "Name", "What curves and tables call the arm"),
            (self.recipe_box, "Recipe", "What augments the images of this arm"),
            (self.preset_box, "Preset", "What the options of this arm begin with"),
            (self.options_edit, "Options", "Any options of training that this arm has of its own: name=value, …"),
        ):
            widget.setAccessibleName(f"{name} of the arm")
            widget.setToolTip(words)
        self._error = muted(wraps=True)
        set_property(self._error, "error", True)
        self._error.hide()
        self._lay_out()
        for edit in (self.name_edit, self.options_edit):
            edit.textEdited.connect(lambda _: self._take_form())
        for box in (self.recipe_box, self.preset_box):
            box.activated.connect(lambda _: self._take_form())
        theme.notifier().changed.connect(self._show)
        self._show()

    @property
    def arms(self) -> list[ArmDraft]:
        """All arms, the first is the one the others are held against."""
        return list(self._arms)

    def set_arms(self, arms: Iterable[ArmDraft]) -> None:
        """Show other arms."""
        self._arms = list(arms) or [ArmDraft()]
        self._show(row=len(self._arms) - 1)

    def set_recipes(self, recipes: Sequence[Recipe]) -> None:
        """Offer these recipes."""
        self._recipes = recipes
        self._show()

    def add(self, arm: ArmDraft) -> None:
        """Add an arm, and take it in hand."""
        taken = {one.title.casefold() for one in self._arms}
        title, number = arm.title, 2
        while arm.title.casefold() in taken:
            arm = replace(arm, name=f"{title}-{number}")
            number += 1
        self._arms.append(arm)
        self._show(row=len(self._arms) - 1)

    def remove(self) -> None:
        """Take the selected arm out; two stay."""
        row = self.list.currentRow()
        if row > 0 and len(self._arms) > 1:
            del self._arms[row]
            self._show(row=min(row, len(self._arms) - 1))

    def values(self) -> list[dict[str, Any]]:
        """The arms as the job wants them; UserError when one is wrong."""
        values = [arm.values() for arm in self._arms]
        names = [str(one["name"]).casefold() for one in values]
        for name in names:
            if names.count(name) > 1:
                raise UserError(f"two arms are called {name!r}", "give each of them a name of its own")
        return values

    def _fill_menu(self) -> None:
        self._menu.clear()
        recipes = self._menu.addMenu("With a recipe")
        for recipe in self._recipes:
            action = recipes.addAction(recipe.title or recipe.name)
            action.triggered.connect(lambda _=False, name=recipe.name: self.add(ArmDraft(recipe=name)))
        nets = self._menu.addMenu("With another preset")
        for preset in presets().values():
            action = nets.addAction(preset.title)
            action.triggered.connect(lambda _=False, name=preset.name: self.add(ArmDraft(preset=name)))
        self._menu.addAction("With other options").triggered.connect(self._add_other)

    def _add_other(self) -> None:
        self.add(ArmDraft(name="other-options"))
        self.fold.unfold()
        self.options_edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show(self, row: int | None = None) -> None:
        self._is_showing = True
        row = max(self.list.currentRow(), 0) if row is None else row
        self.list.clear()
        row_height = 2 * self.fontMetrics().lineSpacing() + ROW_MARGIN
        titles = self._titles()
        for number, arm in enumerate(self._arms):
            words = arm.words(titles)
            item = QListWidgetItem(_swatch(number), f"{arm.title}\n{words}")
            item.setSizeHint(QSize(0, row_height))  # as wide as the list: what is too long is cut
            item.setToolTip(f"{arm.title}: {words}" + ("; the others are held against it" if number == 0 else ""))
            self.list.addItem(item)
        self.list.setFixedHeight(min(len(self._arms), 4) * row_height + 2 * self.list.frameWidth() + 2)
        self.list.setCurrentRow(min(row, len(self._arms) - 1))
        self._is_showing = False
        self._show_form()
        self._judge()
        self.changed.emit()

    def _show_form(self) -> None:
        if self._is_showing or self.list.currentRow() < 0:
            return
        arm = self._arms[self.list.currentRow()]
        allow(self.remove_button, (self.list.currentRow() > 0, "the first arm is what the others are held against"))
        for edit, text in ((self.name_edit, arm.name), (self.options_edit, arm.options)):
            if edit.text().strip() != text:  # not while a space is typed
                edit.setText(text)
        self.name_edit.setPlaceholderText(replace(arm, name="").title)
        recipes = [(recipe.title or recipe.name, recipe.name) for recipe in self._recipes]
        _fill(self.recipe_box, [("none: images as they are", NONE), *recipes], arm.recipe)
        _fill(
            self.preset_box, [("as below", AS_ALL), *((one.title, one.name) for one in presets().values())], arm.preset
        )

    def _titles(self) -> dict[str, str]:
        recipes = {recipe.name: recipe.title for recipe in self._recipes if recipe.title}
        return recipes | {preset.name: preset.title for preset in presets().values()}

    def _take_form(self) -> None:
        row = self.list.currentRow()
        if row < 0:
            return
        self._arms[row] = ArmDraft(
            self.name_edit.text().strip(),
            str(self.recipe_box.currentData()),
            str(self.preset_box.currentData()),
            self.options_edit.text().strip(),
        )
        self._show(row=row)

    def _judge(self) -> None:
        try:
            self.values()
        except UserError as error:
            self._error.setText(str(error))
            self._error.show()
        else:
            self._error.hide()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.add_button)
        buttons.addWidget(self.remove_button)
        buttons.addStretch(1)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setVerticalSpacing(6)
        form.addRow("Recipe", self.recipe_box)
        rest = QWidget()
        others = QFormLayout(rest)
        others.setContentsMargins(0, 0, 0, 0)
        others.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        others.addRow("Name", self.name_edit)
        others.addRow("Preset", self.preset_box)
        others.addRow("Options", self.options_edit)
        self.fold = Fold("Name, preset and options of this arm", rest)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.list)
        layout.addLayout(buttons)
        layout.addLayout(form)
        layout.addWidget(self.fold)
        layout.addWidget(self._error)


def _swatch(number: int) -> QIcon:
    pixmap = QPixmap(24, 24)
    pixmap.fill(arm_color(number))
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)  # not tinted: it is the colour of the curves
    return icon


def _fill(box: Combo, choices: Sequence[tuple[str, str]], value: str) -> None:
    box.clear()
    for words, data in choices:
        box.addItem(words, data)
    if box.findData(value) < 0:
        box.addItem(value, value)
    box.setCurrentIndex(box.findData(value))
