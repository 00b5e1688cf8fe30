"""The recipe that is being edited, without a widget: which one, which step is selected, what can be undone, and saving.

The program's own recipes are never changed: the first change makes a copy of them in the project. Everything is written
by itself, a moment after the last change, in a thread.
"""

import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from segstudio.augmentation.places import Place, Steps, moved, step_at, with_inserted, with_step, without
from segstudio.augmentation.recipe import Recipe, Step, built_in_recipes, read_recipe, renamed
from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.project.project import Project
from segstudio.ui.background import Background

SAVE_MS = 400
"""So long after the last change the recipe is written."""

MERGE_MS = 900
"""Changes of one value that follow each other faster than this are undone together."""

CLOSE_SECONDS = 10.0


class RecipeEditing(QObject):
    """The recipes of one project and the one that is being edited.

    Attributes:
        changed: Told after the recipe became another, whether it was edited or another one was chosen.
        selected: Told after another step was selected, or the selected one became another.
        listed: Told after the list of recipes became another.
        told: Told (message, hint) when something that was asked for could not be done.
        recipes: All recipes, ours first.
        broken: Files in the project's folder of recipes that are none, with the reason.
        recipe: The one that is edited.
        place: Where the selected step stands; () when none is selected.
        undo_stack: What can be undone in it.
    """

    changed = Signal()
    selected = Signal()
    listed = Signal()
    told = Signal(str, str)

    def __init__(self, project: Project, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project = project
        self.recipes: list[Recipe] = list(built_in_recipes().values())
        self.broken: list[tuple[str, str]] = []
        self.recipe = self.recipes[0]
        self.place: Place = _first(self.recipe)
        self.undo_stack = QUndoStack(self)
        self._wanted = ""
        self._background = Background("recipes", self)
        self._unsaved: Recipe | None = None
        self._saving = QTimer(self, singleShot=True, interval=SAVE_MS)
        self._saving.timeout.connect(self.save_now)
        self._merging = QTimer(self, singleShot=True, interval=MERGE_MS)
        self._merging.timeout.connect(self._begin_anew)
        self._run = 0

    # --- which recipe

    @property
    def is_own(self) -> bool:
        """Whether the recipe is the project's, and not one of the program's."""
        return self.recipe.name not in built_in_recipes()

    @property
    def is_editable(self) -> bool:
        """Whether anything can be changed at all."""
        return not self.project.read_only

    @property
    def is_busy(self) -> bool:
        """Whether something is being read or written, or will be in a moment."""
        return self._background.is_busy or self._saving.isActive()

    @property
    def step(self) -> Step | None:
        """The selected step."""
        return step_at(self.recipe.steps, self.place)

    def load(self, wanted: str = "") -> None:
        """Read all recipes in a thread; show the one called `wanted` as soon as it is there."""
        self._wanted = wanted or self._wanted
        recipes = self.project.recipes
        self._background.submit(lambda: (recipes.all(), recipes.broken()), self._take_recipes)

    def choose(self, name: str) -> None:
        """Edit another recipe."""
        found = next((one for one in self.recipes if one.name == name), None)
        if found is not None and found.name != self.recipe.name:
            self.save_now()
            self._show(found)

    def select(self, place: Place) -> None:
        """Select another step."""
        if place != self.place:
            self.place = place
            self.selected.emit()

    # --- recipes as a whole

    def new(self) -> None:
        """Make an empty recipe in the project."""
        self.add_recipe(Recipe("", "New recipe", "", ()))

    def duplicate(self) -> None:
        """Make a copy of this recipe in the project."""
        title = self.recipe.title if self.is_own else f"{self.recipe.title} (mine)"
        self.add_recipe(replace(self.recipe, title=title))

    def rename(self, title: str) -> None:
        """Call the recipe something else: its title and its file."""
        title = title.strip()
        if not title or not self.is_own or title == self.recipe.title:
            return
        self.save_now()
        old = self.recipe.name
        has_copies = old in self.project.augmented.recipes()
        # What has been made with it is found by its name, which then stays.
        name = old if has_copies else self.project.recipes.free_name(title)
        new = renamed(self.recipe, name, title)

        def write() -> None:
            self.project.recipes.save(new)
            if name != old:
                self.project.recipes.delete(old)

        self._replace(old, new)
        self._submit(write)
        if has_copies:
            self.told.emit(f"The recipe's file is still called {old}", "copies that were made with it belong to it")

    def delete(self) -> None:
        """Delete the recipe from the project."""
        if not self.is_own:
            return
        name = self.recipe.name
        self._saving.stop()
        self._unsaved = None
        index = next((index for index, one in enumerate(self.recipes) if one.name == name), 0)
        self.recipes = [one for one in self.recipes if one.name != name]
        self._submit(lambda: self.project.recipes.delete(name))
        self._show(self.recipes[min(index, len(self.recipes) - 1)])
        self.listed.emit()

    def describe(self, text: str) -> None:
        """Say what the recipe is for."""
        if self.is_own and text != self.recipe.description:
            self._push("Description", _Content(self.recipe.steps, text, self.place), "description")

    def take_file(self, path: str) -> None:
        """Add a recipe from a file, ours or Albumentations' own."""

        def take(future: "Future[Recipe]") -> None:
            if self._report(future):
                recipe = future.result()
                self.add_recipe(replace(recipe, title=recipe.title or recipe.name))

        self._background.submit(lambda: read_recipe(Path(path)), take)

    def write_file(self, path: str, *, is_albumentations: bool = False) -> None:
        """Write the recipe to a file, in our form or as Albumentations reads it."""
        recipe = self.recipe

        def write() -> None:
            text = recipe.to_json()
            if is_albumentations:
                text = json.dumps(recipe.to_albumentations(), indent=2) + "\n"
            write_atomically(Path(path), text.encode())

        self._submit(write)

    def add_recipe(self, recipe: Recipe) -> None:
        """Put a recipe into the project under a free name and title, and edit it; a read-only project says why not."""
        if not self.is_editable:
            self.told.emit("The project is read-only", "a recipe can be looked at, not made")
            return
        title = self._free_title(recipe.title)
        added = renamed(recipe, self._free_name(title), title)
        self.recipes = [*self.recipes, added]
        self._unsaved = added
        self.save_now()
        self._show(added)
        self.listed.emit()

    def _free_title(self, title: str) -> str:
        taken = {one.title for one in self.recipes}
        number, free = 2, title
        while free in taken:
            free = f"{title} {number}"
            number += 1
        return free

    def _free_name(self, title: str) -> str:
        name = self.project.recipes.free_name(title)
        taken = {one.name for one in self.recipes}  # one that was made a moment ago may not be written yet
        number, free = 2, name
        while free in taken:
            free = f"{name}-{number}"
            number += 1
        return free

    # --- steps

    def add(self, step: Step) -> None:
        """Add a step behind the selected one, or inside it when it is an empty combination."""
        place: Place = (len(self.recipe.steps),)
        selected = self.step
        if selected is not None and selected.is_combination and not selected.steps:
            place = (*self.place, 0)
        elif selected is not None:
            place = (*self.place[:-1], self.place[-1] + 1)
        self._change_steps(f"Add {step.transform}", with_inserted(self.recipe.steps, place, step), place)

    def change(self, step: Step, what: str = "") -> None:
        """Put another step in place of the selected one; `what` tells changes apart that are undone together."""
        before = self.step
        if before is None or before == step:
            return
        steps = with_step(self.recipe.steps, self.place, step)
        self._change_steps(f"Change {step.transform}", steps, self.place, what)

    def enable(self, place: Place, is_enabled: bool) -> None:
        """Let a step take part, or not."""
        step = step_at(self.recipe.steps, place)
        if step is not None and step.is_enabled != is_enabled:
            steps = with_step(self.recipe.steps, place, replace(step, is_enabled=is_enabled))
            words = "Enable" if is_enabled else "Disable"
            self._change_steps(f"{words} {step.transform}", steps, self.place)

    def duplicate_step(self) -> None:
        """Put a copy of the selected step behind it."""
        step = self.step
        if step is not None:
            place = (*self.place[:-1], self.place[-1] + 1)
            self._change_steps(f"Duplicate {step.transform}", with_inserted(self.recipe.steps, place, step), place)

    def remove_step(self) -> None:
        """Take the selected step out; the next one is selected."""
        step = self.step
        if step is None:
            return
        steps = without(self.recipe.steps, self.place)
        place = self.place
        if step_at(steps, place) is None:
            place = (*place[:-1], place[-1] - 1) if place[-1] else place[:-1]
        self._change_steps(f"Delete {step.transform}", steps, place)

    def move(self, source: Place, target: Place) -> None:
        """Put a step before what stands at `target`."""
        step = step_at(self.recipe.steps, source)
        steps, place = moved(self.recipe.steps, source, target)
        if step is not None and steps != self.recipe.steps:
            self._change_steps(f"Move {step.transform}", steps, place)

    def move_selected(self, by: int) -> None:
        """Move the selected step up (-1) or down (1) among its neighbours."""
        if self.step is None:
            return
        *before, index = self.place
        siblings = self.recipe.steps if not before else _held(step_at(self.recipe.steps, tuple(before)))
        if 0 <= index + by < len(siblings):
            self.move(self.place, (*before, index + (2 if by > 0 else -1)))

    def _change_steps(self, words: str, steps: Steps, place: Place, what: str = "") -> None:
        self._push(words, _Content(steps, self.recipe.description, place), what)

    # --- undo

    def _push(self, words: str, after: "_Content", what: str) -> None:
        if not self.is_editable:
            self.told.emit("The recipe cannot be changed", self.project.read_only_reason)
            return
        if not self.is_own:
            # The change goes to a copy in the project; what is undone then is the change and not the copy.
            self.duplicate()
        if not what:
            self._begin_anew()
        key = (what, after.place, self._run) if what else None
        before = _Content(self.recipe.steps, self.recipe.description, self.place)
        self.undo_stack.push(_Edit(self._put, words, before, after, key))
        self._merging.start()

    def _begin_anew(self) -> None:
        self._run += 1

    def _put(self, content: "_Content") -> None:
        """Show an edited recipe, and write it in a moment."""
        recipe = replace(self.recipe, steps=content.steps, description=content.description)
        self.recipe, self.place = recipe, content.place
        self.recipes = [recipe if one.name == recipe.name else one for one in self.recipes]
        self._unsaved = recipe
        self._saving.start()
        self.changed.emit()
        self.selected.emit()

    # --- reading and writing

    def save_now(self) -> None:
        """Write what is not written, in the thread."""
        self._saving.stop()
        recipe, self._unsaved = self._unsaved, None
        if recipe is not None:
            self._submit(lambda: self.project.recipes.save(recipe))

    def close(self) -> bool:
        """Write everything and end the thread; False when that took too long."""
        self.save_now()
        return self._background.close(CLOSE_SECONDS)

    def wait(self) -> None:
        """Write everything and wait for it: a job is about to read the file."""
        self.save_now()
        self._background.wait(CLOSE_SECONDS)

    def _submit(self, work: Callable[[], object]) -> None:
        self._background.submit(work, self._report)

    def _report(self, future: "Future[Any]") -> bool:
        error = future.exception()
        if error is None:
            return True
        if isinstance(error, UserError):
            self.told.emit(error.message, error.hint)
        elif isinstance(error, OSError):
            self.told.emit(f"the recipe could not be written: {error}", "")
        else:
            raise error
        return False

    def _take_recipes(self, future: "Future[tuple[list[Recipe], list[tuple[str, str]]]]") -> None:
        if not self._report(future):
            return
        found, broken = future.result()
        if self._unsaved is not None:
            # What was changed meanwhile is newer than its file.
            mine = self._unsaved
            found = [mine if one.name == mine.name else one for one in found]
            found += [mine] if all(one.name != mine.name for one in found) else []
        self.recipes, self.broken = found, broken
        self.listed.emit()
        wanted, self._wanted = self._wanted or self.recipe.name, ""
        recipe = next((one for one in found if one.name == wanted), found[0])
        if recipe != self.recipe:
            self._show(recipe)

    def _replace(self, old: str, new: Recipe) -> None:
        self.recipes = [new if one.name == old else one for one in self.recipes]
        self.recipe = new
        self.listed.emit()
        self.changed.emit()

    def _show(self, recipe: Recipe) -> None:
        is_other = recipe.name != self.recipe.name
        self.recipe = recipe
        self.undo_stack.clear()
        if is_other or step_at(recipe.steps, self.place) is None:
            self.place = _first(recipe)
        self.changed.emit()
        self.selected.emit()


def _first(recipe: Recipe) -> Place:
    return (0,) if recipe.steps else ()


class _Content(NamedTuple):
    """What can be edited of a recipe, and the step that is selected meanwhile."""

    steps: Steps
    description: str
    place: Place


class _Edit(QUndoCommand):
    """From one content to another, and back; takes in what follows of the same key."""

    def __init__(
        self, put: Callable[[_Content], None], words: str, before: _Content, after: _Content, key: object
    ) -> None:
        super().__init__(words)
        self._put = put
        self._before, self._after = before, after
        self._key = key

    def id(self) -> int:
        return -1 if self._key is None else 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Edit) or other._key != self._key:
            return False
        self._after = other._after
        return True

    def redo(self) -> None:
        self._put(self._after)

    def undo(self) -> None:
        self._put(self._before)


def _held(step: Step | None) -> Steps:
    return () if step is None else step.steps
