"""Augment panel: recipes, their steps and parameters, and the queue of copies; its view shows what they do."""

import functools
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from textwrap import shorten
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from segstudio.augmentation.catalogue import Entry, catalogue, combinations
from segstudio.augmentation.places import step_at
from segstudio.augmentation.recipe import Recipe, built_in_recipes
from segstudio.augmentation.safety import Finding, check_recipe
from segstudio.augmentation.words import TITLES
from segstudio.core.errors import UserError
from segstudio.jobs.presets import DEFAULT, preset, presets
from segstudio.project.topics import Topics
from segstudio.ui import theme
from segstudio.ui.background import Background
from segstudio.ui.combo import Combo
from segstudio.ui.dialogs import places
from segstudio.ui.garbage import leave_out_what_is_there
from segstudio.ui.job_queue import JobQueue
from segstudio.ui.newest_first import NewestFirst
from segstudio.ui.panels.catalogue import CataloguePicker
from segstudio.ui.panels.empty import Empty
from segstudio.ui.panels.findings import FindingsList, gravest
from segstudio.ui.panels.queue_box import QueueBox
from segstudio.ui.panels.recipe_editing import RecipeEditing
from segstudio.ui.panels.recipe_steps import StepsList
from segstudio.ui.panels.step_form import StepForm
from segstudio.ui.session import Session
from segstudio.ui.views.augment import AugmentView
from segstudio.ui.views.preview import DEFAULT_SIDE
from segstudio.ui.views.variations import Pair
from segstudio.ui.widgets import READ_ONLY, allow, divider, muted, push_button, say, scrolling

SETTING = "augment"
"""The project's setting that keeps what was looked at."""

CHECK_MS = 250
"""So long after the last change the safety check begins."""

LONGEST_DESCRIPTION = 220
"""Characters; the steps need the room more. The rest is in the tooltip."""

_REMEMBER_MS = 1000
MOST_LISTED = 0.45
"""Share of the height for the list of steps at most; the selected step has the rest."""

_JSON = "Recipes (*.json)"
_NOTHING = "Nothing is changed yet. Add a step: the preview shows at once what it does."
_OF_TRAINING = "train"
"""The project's setting that keeps the last options of training; its module loads plots, which take long to import."""


class AugmentPanel(QWidget):
    """Edits recipes.

    Attributes:
        view: Shown in the centre while the panel is in front: preview and copies.
        editing: Which recipe is edited, and how.
        undo_stack: What can be undone in it.
        steps: The list of its steps.
        step_form: The selected step.
        queue_box: Copies of training samples.
    """

    _checked = Signal(object)

    def __init__(self, session: Session, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.view = AugmentView(session)
        self.editing = RecipeEditing(session.project, self)
        self.undo_stack = self.editing.undo_stack
        self.queue_box = QueueBox(session, queue)
        self.picker: CataloguePicker | None = None
        self._training: Mapping[str, Any] = {}
        self._entries: Mapping[str, Entry] = {}
        self._titles: dict[str, str] = dict(TITLES)
        self._findings: list[Finding] = []
        self._checked_recipe: Recipe | None = None
        self._candidate: Recipe | None = None
        self._deleted: Recipe | None = None
        self._is_closed = False
        self._loading = Background("catalogue", self)
        self._checks: NewestFirst[str, _Question, _Answer] = NewestFirst("safety", 1, _check, self._checked.emit)
        self._checked.connect(self._take_findings, Qt.ConnectionType.QueuedConnection)
        self._checking = QTimer(self, singleShot=True, interval=CHECK_MS)
        self._checking.timeout.connect(self._ask_check)
        self._remembering = QTimer(self, singleShot=True, interval=_REMEMBER_MS)
        self._remembering.timeout.connect(self.remember)
        self._build()
        self._connect()
        self._restore()
        self._loading.submit(_load, self._take_catalogue)

    # --- what others ask

    @property
    def is_ready(self) -> bool:
        """Whether the transforms are loaded."""
        return bool(self._entries)

    @property
    def is_busy(self) -> bool:
        """Whether anything is being loaded, read, checked or counted."""
        is_checking = self._checking.isActive() or not self._checks.is_idle
        return not self.is_ready or is_checking or self.editing.is_busy or self.queue_box.is_busy or self.view.is_busy

    @property
    def findings(self) -> list[Finding]:
        """What the safety check says of the recipe as it is."""
        return self._findings

    def show_filter(self, text: str) -> None:
        """What the list of samples shows."""
        self.queue_box.set_filter(text)

    def remember(self) -> None:
        """Store in the project what is looked at."""
        self._remembering.stop()
        state = {"recipe": self.editing.recipe.name, "copies": self.queue_box.copies, **self.view.preview.state()}
        self._session.remember(SETTING, state)

    def close_threads(self) -> None:
        """Write what is not written, and stop all that runs."""
        self._is_closed = True
        self.remember()
        self._checking.stop()
        self.editing.close()
        self._checks.close()
        self._loading.close()
        self.queue_box.close_threads()
        self.view.close_threads()

    # --- the catalogue

    def _take_catalogue(self, future: "Future[Mapping[str, Entry]]") -> None:
        if self._is_closed:
            return
        self._entries = future.result()
        self._titles |= {name: entry.title for name, entry in self._entries.items()}
        self.view.set_titles(self._titles)
        self.add_button.setEnabled(self.editing.is_editable)
        self._show_recipe()
        self._show_step()
        self._check_soon()

    def open_catalogue(self) -> None:
        """Let the person choose a transform."""
        if not self.is_ready or not self.editing.is_editable:
            return
        if self.picker is None:
            self.picker = CataloguePicker(self._entries.values(), self)
            self.picker.picked.connect(self.add_step)
            self.picker.looked_at.connect(self._show_candidate)
        self.picker.open_below(self.add_button)

    def add_step(self, name: str) -> None:
        """Add a transform with the values to begin with."""
        self.editing.add(self._entries[name].step())
        self.steps.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_candidate(self, name: str) -> None:
        """Show what a transform would do, before it is added."""
        if not name:
            self._candidate = None
        else:
            recipe = self.editing.recipe
            tried = replace(self._entries[name].step(), p=1.0)
            self._candidate = replace(recipe, steps=(*recipe.steps, tried))
        self._show_preview()

    # --- showing

    def _show_list(self) -> None:
        """The combo box of recipes: ours, then the project's."""
        box, editing = self.recipe_box, self.editing
        with QSignalBlocker(box):
            box.clear()
            ours = built_in_recipes()
            for recipe in editing.recipes:
                if recipe.name not in ours and box.count() == len(ours):
                    box.insertSeparator(box.count())
                box.addItem(theme.icon("lock" if recipe.name in ours else "corrected"), recipe.title, recipe.name)
                words = f"{recipe.name}: {recipe.description}" if recipe.description else recipe.name
                box.setItemData(box.count() - 1, words, Qt.ItemDataRole.ToolTipRole)
            box.setCurrentIndex(box.findData(editing.recipe.name))
        broken = "\n".join(f"{path}: {reason}" for path, reason in editing.broken)
        self._broken.setText(broken)
        self._broken.setVisible(bool(broken))

    def _show_recipe(self) -> None:
        """Everything that follows from another recipe or another of its steps' values."""
        recipe = self.editing.recipe
        with QSignalBlocker(self.recipe_box):
            self.recipe_box.setCurrentIndex(self.recipe_box.findData(recipe.name))
        self._description.setText(shorten(recipe.description, LONGEST_DESCRIPTION, placeholder=" …"))
        self._description.setToolTip(recipe.description)
        self._description.setVisible(bool(recipe.description))
        is_own = self.editing.is_own and self.editing.is_editable
        self._rename_action.setEnabled(is_own)
        self._delete_action.setEnabled(is_own)
        self._say("" if is_own or not self.editing.is_editable else _OURS)
        if self._checked_recipe is not None and self._checked_recipe.steps != recipe.steps:
            self._findings = [
                one for one in self._findings if one.place and _is_same(one, self._checked_recipe, recipe)
            ]
        self._show_steps()
        self._show_preview()
        self.view.set_recipe_name(recipe.name)
        self.queue_box.show_recipe(recipe.name, recipe.title, is_empty=recipe.is_empty)
        self._check_soon()
        self._remembering.start()

    def _show_steps(self) -> None:
        recipe, editing = self.editing.recipe, self.editing
        found = {one.place for one in self._findings}
        grave = {place: gravest(self._findings, place) for place in found}
        marks = {place: (one.severity, one.message) for place, one in grave.items() if one is not None}
        self.steps.show_steps(recipe.steps, editing.place, self._titles, marks)
        self._middle.setCurrentWidget(self._splitter if recipe.steps else self._nothing)
        self._share_height()

    def _share_height(self) -> None:
        """Give the list what it needs, as long as the step below keeps more, and nobody has moved the edge."""
        whole = sum(self._splitter.sizes())
        if whole and not self._is_edge_moved:
            listed = min(self.steps.sizeHint().height(), round(MOST_LISTED * whole))
            self._splitter.setSizes([listed, whole - listed])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_height()

    def _show_step(self) -> None:
        editing = self.editing
        step = editing.step if self.is_ready else None
        self._loading_label.setVisible(not self.is_ready)
        holder = step_at(editing.recipe.steps, editing.place[:-1]) if len(editing.place) > 1 else None
        is_weight = holder is not None and holder.transform == "OneOf"
        self.step_form.show_step(step, is_weight=is_weight, is_editable=editing.is_editable)
        for button in (self.duplicate_button, self.delete_button):
            allow(button, (editing.is_editable, READ_ONLY), (editing.step is not None, "choose a step"))
        self._show_findings()
        self._show_extremes()

    def _show_findings(self) -> None:
        place = self.editing.place
        self.step_form.show_findings([one for one in self._findings if one.place == place and place])
        # That a recipe is empty is seen, and said below.
        whole = [one for one in self._findings if not one.place and one.kind != "empty"]
        self.recipe_findings.show_findings(whole)
        self.queue_box.show_errors(sum(one.severity == "error" for one in self._findings))

    def _show_preview(self) -> None:
        recipe = (self._candidate or self.editing.recipe) if self.is_ready else None
        self.view.preview.show_recipe(recipe, "Loading the transforms…")

    def _show_extremes(self) -> None:
        is_wanted = self.step_form.extremes_button.isChecked() and self.is_ready
        try:
            self.view.preview.show_extremes(self.step_form.extremes() if is_wanted else ())
        except UserError:
            self.view.preview.show_extremes(())

    def _on_selected(self) -> None:
        self._show_step()
        number = self.steps.model_.row_of(self.editing.place)
        if number is not None and self.steps.currentIndex().row() != number:
            self._show_steps()

    def _say(self, words: str, *, is_error: bool = False) -> None:
        say(self._note, words, is_error=is_error)

    def _tell(self, message: str, hint: str) -> None:
        words = f"{message}. {hint}".strip() if hint else message
        self._say(words[:1].upper() + words[1:], is_error=True)

    # --- the safety check

    def _check_soon(self) -> None:
        if self.is_ready and self._checked_recipe is not self.editing.recipe:
            self._checking.start()

    def _ask_check(self) -> None:
        session = self._session
        pair = None
        if session.loaded is not None and session.document is not None:
            mask = session.document.snapshot().mask
            pair = Pair(session.loaded.image, mask, self._side(), donors=self.view.preview.donors)
        self._checks.push("check", _Question(self.editing.recipe, pair))

    def _take_findings(self, answer: "_Answer") -> None:
        if self._is_closed:
            return
        if answer.error is not None:
            raise answer.error
        if answer.recipe.steps != self.editing.recipe.steps:
            return  # a newer one is on its way
        self._checked_recipe, self._findings = self.editing.recipe, answer.findings
        self._show_steps()
        self._show_findings()

    def follow_training(self, state: Mapping[str, Any]) -> None:
        """Show images as a training would see them that begins with this preset and these values."""
        before = self._side()
        self._training = state
        if self._side() != before:
            self.view.preview.set_side(self._side())

    def _side(self) -> int:
        """The size at which this project will be trained, or was last."""
        side = self._of_training("size", DEFAULT_SIDE)
        return side if isinstance(side, int) and side > 0 else DEFAULT_SIDE

    def _of_training(self, option: str, otherwise: Any) -> Any:
        """What an option is in the form of training; before that is there, what it was in the last one."""
        last = self._training or self._session.project.settings.get(_OF_TRAINING)
        values = dict(last.get("values") or {}) if isinstance(last, dict) else {}
        name = str(last.get("preset")) if isinstance(last, dict) and last.get("preset") in presets() else DEFAULT
        return values.get(option, preset(name).values.get(option, otherwise))

    # --- recipes as a whole

    def _begin_rename(self) -> None:
        self.name_edit.setText(self.editing.recipe.title)
        self._names.setCurrentWidget(self.name_edit)
        self.name_edit.setFocus(Qt.FocusReason.OtherFocusReason)
        self.name_edit.selectAll()

    def _end_rename(self) -> None:
        if self._names.currentWidget() is self.name_edit:
            self._names.setCurrentWidget(self.recipe_box)
            self.editing.rename(self.name_edit.text())

    def _delete(self) -> None:
        """Delete the recipe, and offer it back: nobody is asked, and nothing is lost."""
        recipe = self.editing.recipe
        self.editing.delete()
        self._deleted = recipe
        self.restore_button.setText(f"Bring {recipe.title} back")
        self.restore_button.show()

    def _bring_back(self) -> None:
        self.restore_button.hide()
        if self._deleted is not None:
            self.editing.add_recipe(self._deleted)
            self._deleted = None

    def _import(self) -> None:
        words = "Import a recipe, ours or one that Albumentations has saved"
        dialog = QFileDialog(self, words, places.start("import"), _JSON)
        places.watch(dialog, "import")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.editing.take_file)
        dialog.open()

    def _export(self, *, is_albumentations: bool) -> None:
        words = "Export for Albumentations" if is_albumentations else "Export the recipe"
        dialog = QFileDialog(self, words, places.start("export", f"{self.editing.recipe.name}.json"), _JSON)
        places.watch(dialog, "export")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.editing.write_file(path, is_albumentations=is_albumentations))
        dialog.open()

    # --- how it is joined

    def _connect(self) -> None:
        editing, session, preview = self.editing, self._session, self.view.preview
        editing.listed.connect(self._show_list)
        editing.changed.connect(self._show_recipe)
        editing.selected.connect(self._on_selected)
        editing.told.connect(self._tell)
        self.steps.chosen.connect(editing.select)
        self.steps.toggled.connect(editing.enable)
        self.steps.moved.connect(editing.move)
        self.steps.stepped.connect(editing.move_selected)
        self.steps.duplicated.connect(editing.duplicate_step)
        self.steps.removed.connect(editing.remove_step)
        self.steps.added.connect(self.open_catalogue)
        self.step_form.changed.connect(editing.change)
        self.step_form.extremes_wanted.connect(lambda _is_on: self._show_extremes())
        self.recipe_box.activated.connect(lambda _index: editing.choose(str(self.recipe_box.currentData())))
        self.queue_box.starting.connect(editing.wait)
        self.queue_box.copies_wanted.connect(self.view.show_copies)
        self.queue_box.copies_box.edited.connect(self._remembering.start)
        preview.settings_changed.connect(self._on_settings)
        session.project_changed.connect(self._take_topics)
        session.sample_changed.connect(lambda _sample: self._check_sample())
        theme.notifier().changed.connect(self._dress)
        self._dress()

    def _on_settings(self) -> None:
        self.queue_box.set_seed(self.view.preview.seed)
        self._remembering.start()

    def _take_topics(self, topics: Topics) -> None:
        if "recipes" in topics:
            self.editing.load()
        if "settings" in topics:
            self.view.preview.set_side(self._side())

    def _check_sample(self) -> None:
        """Another sample may have other problems; those of the one before stay until it has been looked at."""
        self._checked_recipe = None
        self._check_soon()

    def _restore(self) -> None:
        state: Mapping[str, Any] = self._session.project.settings.get(SETTING) or {}
        self.view.preview.restore(dict(state))
        self.view.preview.set_side(self._side())
        self.queue_box.copies_box.set_value(int(state.get("copies") or 3))
        self.queue_box.set_seed(self.view.preview.seed)
        self._show_list()
        self._show_recipe()
        self.editing.load(str(state.get("recipe") or self._of_training("recipe", "")))
        self._remembering.stop()

    # --- how it looks

    def _build(self) -> None:
        self.steps = StepsList()
        self.step_form = StepForm()
        self.recipe_findings = FindingsList()
        self._make_head()
        self._make_tools()
        self._make_middle()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 6)
        layout.setSpacing(6)
        layout.addLayout(self._head_row)
        for widget in (self._description, self._note, self._broken, self.restore_button):
            layout.addWidget(widget)
        layout.addLayout(self._tool_row)
        layout.addWidget(self._middle, 1)
        layout.addWidget(self.recipe_findings)
        line = QFrame()
        line.setProperty("rule", True)
        line.setFixedHeight(1)
        layout.addWidget(line)
        layout.addWidget(self.queue_box)

    def _make_head(self) -> None:
        self.recipe_box = Combo()
        self.recipe_box.setAccessibleName("Recipe")
        self.recipe_box.setToolTip("Which recipe is shown and edited; those with a lock belong to the program")
        self.name_edit = QLineEdit()
        self.name_edit.setAccessibleName("Name of the recipe")
        self.name_edit.editingFinished.connect(self._end_rename)
        self._names = QStackedWidget()
        self._names.addWidget(self.recipe_box)
        self._names.addWidget(self.name_edit)
        self._names.setSizePolicy(self._names.sizePolicy().Policy.Expanding, self._names.sizePolicy().Policy.Fixed)
        self.menu_button = _icon_button("More for recipes: new, duplicate, rename, delete, import, export")
        self.menu_button.setProperty("more", True)
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.menu_button)
        menu.addAction("&New recipe", self.editing.new)
        menu.addAction("&Duplicate", self.editing.duplicate)
        self._rename_action = menu.addAction("&Rename…", self._begin_rename)
        self._delete_action = menu.addAction("Dele&te", self._delete)
        menu.addSeparator()
        menu.addAction("&Import…", self._import)
        menu.addAction("&Export…", lambda: self._export(is_albumentations=False))
        menu.addAction("Export for &Albumentations…", lambda: self._export(is_albumentations=True))
        self.menu_button.setMenu(menu)
        self._head_row = QHBoxLayout()
        self._head_row.setSpacing(4)
        self._head_row.addWidget(self._names, 1)
        self._head_row.addWidget(self.menu_button)
        self._description = muted(wraps=True)
        self._note = muted(wraps=True)
        self._broken = QLabel()
        self._broken.setWordWrap(True)
        self._broken.setProperty("error", True)
        self.restore_button = push_button("", "Put the recipe that was deleted back into the project", self._bring_back)
        self.restore_button.setAccessibleName("Put the deleted recipe back")
        for widget in (self._description, self._note, self._broken, self.restore_button):
            widget.hide()

    def _make_tools(self) -> None:
        self.add_button = push_button("Add step", "Choose a transform from the catalogue (Insert)", self.open_catalogue)
        self.add_button.setEnabled(False)
        self.duplicate_button = _icon_button("Duplicate the step (Ctrl+D)")
        self.duplicate_button.clicked.connect(lambda _=False: self.editing.duplicate_step())
        self.delete_button = _icon_button("Take the step out (Delete)")
        self.delete_button.clicked.connect(lambda _=False: self.editing.remove_step())
        self.undo_button = _icon_button("Undo the last change of the recipe, as Edit ▸ Undo does here")
        self.undo_button.clicked.connect(lambda _=False: self.undo_stack.undo())
        self.redo_button = _icon_button("Make the change again, as Edit ▸ Redo does here")
        self.redo_button.clicked.connect(lambda _=False: self.undo_stack.redo())
        for changed, button, refusal in (
            (self.undo_stack.canUndoChanged, self.undo_button, "nothing was changed"),
            (self.undo_stack.canRedoChanged, self.redo_button, "nothing was undone"),
        ):
            changed.connect(lambda can, button=button, refusal=refusal: allow(button, (can, refusal)))
            allow(button, (False, refusal))
        self._tool_row = QHBoxLayout()
        self._tool_row.setSpacing(2)
        self._tool_row.addWidget(self.add_button)
        self._tool_row.addStretch(1)
        for widget in (self.undo_button, self.redo_button, divider(), self.duplicate_button, self.delete_button):
            self._tool_row.addWidget(widget)

    def _make_middle(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(2, 6, 8, 6)
        self._loading_label = muted("Loading the transforms…")
        column.addWidget(self._loading_label)
        column.addWidget(self.step_form, 1)
        area = scrolling(inside)
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self.steps)
        self._splitter.addWidget(area)
        self._splitter.setStretchFactor(0, 0)
        self._splitter.setStretchFactor(1, 1)
        self._is_edge_moved = False
        self._splitter.splitterMoved.connect(self._keep_edge)
        self._nothing = Empty("demo", "No steps yet", _NOTHING)
        self._middle = QStackedWidget()
        self._middle.addWidget(self._splitter)
        self._middle.addWidget(self._nothing)

    def _keep_edge(self) -> None:
        self._is_edge_moved = True

    def _dress(self) -> None:
        for button, name in (
            (self.menu_button, "more"),
            (self.duplicate_button, "copy"),
            (self.delete_button, "delete"),
            (self.undo_button, "undo"),
            (self.redo_button, "redo"),
        ):
            button.setIcon(theme.icon(name))
        self.add_button.setIcon(theme.icon("add"))
        self._show_list()


class _Question:
    """What the safety check looks at."""

    def __init__(self, recipe: Recipe, pair: Pair | None) -> None:
        self.recipe = recipe
        self.pair = pair


class _Answer:
    """What it found."""

    def __init__(self, recipe: Recipe, findings: list[Finding], error: Exception | None = None) -> None:
        self.recipe = recipe
        self.findings = findings
        self.error = error


_OURS = "It comes with the program: your first change makes a copy of your own."


def _check(_key: str, asked: _Question) -> _Answer:
    """In a thread."""
    try:
        examples, donors = (
            ([], None) if asked.pair is None else ([asked.pair.seen()], asked.pair.few_donors(asked.recipe))
        )
        return _Answer(asked.recipe, check_recipe(asked.recipe, examples, donors=donors))
    except Exception as error:
        return _Answer(asked.recipe, [], error)


@functools.cache
def _load() -> dict[str, Entry]:
    """In a thread: everything that the catalogue offers; takes more than a second at the first call."""
    entries = {**catalogue(), **combinations()}
    # What is loaded stays. Looking through all of it for garbage would stop the window for a twentieth of a second.
    leave_out_what_is_there()
    return entries


def _is_same(finding: Finding, before: Recipe, after: Recipe) -> bool:
    """Whether a finding still speaks of the step that stands at its place."""
    return step_at(before.steps, finding.place) == step_at(after.steps, finding.place)


def _icon_button(help_text: str) -> QToolButton:
    button = QToolButton()
    button.setToolTip(help_text)
    button.setAccessibleName(help_text)
    return button
