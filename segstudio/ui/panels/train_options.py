"""What a training begins with: a preset, a recipe, and the options as a form that can be changed."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QFormLayout, QHBoxLayout, QVBoxLayout, QWidget

from segstudio.augmentation.recipe import NONE, Recipe, built_in_recipes
from segstudio.core.errors import UserError
from segstudio.core.options import AUTO
from segstudio.core.wording import count_text
from segstudio.jobs.presets import DEFAULT, Preset, TrainOptions, options_of, preset, presets
from segstudio.jobs.starts import SAVED_MODEL, names_file, network_of_file
from segstudio.models import MODELS
from segstudio.ui.combo import Combo
from segstudio.ui.dialogs import places
from segstudio.ui.fold import Fold
from segstudio.ui.form import Form
from segstudio.ui.widgets import muted, text_button

OF_THIS_MACHINE = ("weights", "device", "precision")
"""Options that another preset takes over, because they say something of the machine and not of the training."""

OF_THESE_IMAGES = ("recipe", "augmentation")
"""Options that another preset takes over where a person has changed them: they say something of the images, not of the
network."""

HIDDEN = frozenset({"preset", "samples", "recipe_digest", "start_digest"})
"""Options that the button that is pressed and the run decide."""

FROM_ELSEWHERE = HIDDEN | frozenset(OF_THESE_IMAGES)
"""Options without a row in the form: nobody chooses them, or the combo boxes above it do."""

MODES = {
    "on-the-fly": ("every epoch", "On the fly: images are augmented anew every time they are learnt from"),
    "queued": ("queued", "The copies that the Augment tab has queued are learnt from too, except rejected ones"),
    "both": ("both", "The queued copies, and the images themselves augmented anew every time they are learnt from"),
    "off": ("off", "Images are learnt from as they are"),
}
"""How a recipe is used, in the words of the window, with what it means."""

FROM_FILE = "from file…"
"""The start that asks for a file."""

FIRST = ("epochs", "batch", "learning_rate", "size", "start")


class TrainOptionsEditor(QWidget):
    """Combo boxes of presets and recipes, and below them the options, folded away.

    Signals:
        changed: Another preset or value is shown.
        rate_wanted: The user wants a learning rate to be found.
    """

    changed = Signal()
    rate_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = Form(TrainOptions)
        self._start = ""
        self._shown = DEFAULT
        self.preset_box = self._make_preset_box()
        self.augmentation = AugmentationChoice()
        self.augmentation.changed.connect(self.changed)
        self._description = muted(wraps=True)
        content = QWidget()
        self._place = QVBoxLayout(content)
        self._place.setContentsMargins(0, 4, 0, 4)
        self.fold = Fold("Options", content)
        choice = QFormLayout()
        choice.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        choice.addRow("Preset", self.preset_box)
        choice.addRow("Augment", self.augmentation)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(choice)
        column.addWidget(self._description)
        column.addWidget(self.fold)
        self.show_options(DEFAULT, {})

    @property
    def name(self) -> str:
        """The preset that is chosen."""
        return str(self.preset_box.currentData())

    def given(self) -> dict[str, Any]:
        """The options as they are shown; a training that starts from a run has the network of that run.

        Raises:
            UserError: When one is wrong.
        """
        self.form.options()
        values = self._values()
        return options_of_training(values) if self._is_from_run() else values | {"preset": self.name}

    def state(self) -> dict[str, Any]:
        """Preset and values, to be kept and shown again by `show_options`."""
        return {"preset": self.name, "values": self._values()}

    def show_options(self, name: str, values: Mapping[str, Any]) -> None:
        """Show a preset with some of its options changed; what it does not know or would refuse is left out."""
        chosen = preset(name)
        model = options_of(chosen.model)
        known = {name: value for name, value in values.items() if name in model.model_fields.keys() - HIDDEN}
        try:
            options = chosen.options(**known)
        except UserError:
            options = chosen.options()
        self._shown = name
        self.preset_box.setCurrentIndex(self.preset_box.findData(name))
        self._description.setText(chosen.description)
        self.augmentation.show_values(options.recipe, options.augmentation)
        self._replace_form(chosen, options)

    def choose(self, name: str) -> None:
        """Take a preset, as a person does with the box; while a training runs there is nothing to choose."""
        index = self.preset_box.findData(name)
        if index >= 0 and self.preset_box.isEnabled():
            self.preset_box.setCurrentIndex(index)
            self._on_preset()

    def set_busy(self, is_busy: bool) -> None:
        """While a training runs there is nothing to choose and less to read."""
        self.preset_box.setEnabled(not is_busy)
        self.augmentation.setEnabled(not is_busy)
        self._description.setVisible(not is_busy)

    def _make_preset_box(self) -> Combo:
        box = Combo()
        for one in presets().values():
            box.addItem(one.title, one.name)
            box.setItemData(box.count() - 1, f"{one.name}: {one.description}", Qt.ItemDataRole.ToolTipRole)
        box.setAccessibleName("Preset")
        box.setToolTip("The network, and the options it begins with")
        box.activated.connect(self._on_preset)
        return box

    def _on_preset(self) -> None:
        values, before = self._values(), preset(self._shown).options()
        changed = [name for name in OF_THESE_IMAGES if values[name] != getattr(before, name)]
        kept = (*OF_THIS_MACHINE, *changed)
        self.show_options(self.name, {name: value for name, value in values.items() if name in kept})

    def _values(self) -> dict[str, Any]:
        return self.form.values() | self.augmentation.values()

    def _replace_form(self, chosen: Preset, options: TrainOptions) -> None:
        starts = ["imagenet"] if MODELS[chosen.model].is_pretrained else []
        self._place.removeWidget(self.form)
        self.form.hide()
        self.form.deleteLater()
        self.form = Form(
            type(options),
            {name: value for name, value in options.model_dump().items() if name not in FROM_ELSEWHERE},
            hidden=FROM_ELSEWHERE,
            first=FIRST,
            suggestions={"start": [*starts, "scratch", "best", "last", FROM_FILE], "device": ("auto", "cpu", "gpu")},
        )
        find = text_button("Find…", "Try ever larger rates for a minute, and suggest one")
        find.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        find.clicked.connect(self.rate_wanted)
        self.form.put_beside("learning_rate", find)
        self.find_button = find
        self._place.addWidget(self.form)
        self.form.changed.connect(self._on_values)
        self._on_values()

    def _ask_for_file(self) -> None:
        """Let the person choose an exported model; a SavedModel is a folder, chosen by the file in it."""
        kinds = f"Models (*.keras {SAVED_MODEL})"
        dialog = QFileDialog(self, "Start from an exported model", places.start("import"), kinds)
        places.watch(dialog, "import")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.start_from_file)
        dialog.open()

    def start_from_file(self, path: str) -> None:
        """Start from this model: a .keras file, or the saved_model.pb of a folder."""
        file = Path(path)
        self.form.set_values({"start": str(file.parent if file.name == SAVED_MODEL else file)})

    def _on_values(self) -> None:
        values = self.form.values()
        if values["start"] == FROM_FILE:
            self.form.set_values({"start": self._start})
            self._ask_for_file()
            return
        self._start = values["start"]
        of_network = [name for name in values if name not in TrainOptions.model_fields]
        self.form.set_locked(of_network if self._is_from_run() else [], "As in the run that it starts from")
        size = f"{self.form.text('size')} px" if values["size"] else f"{AUTO} px"
        parts = [count_text(values["epochs"], "epoch"), f"batch {values['batch'] or AUTO}", size]
        if values["limit"]:  # it decides how good the model can become, and lies folded away; there is room for three
            parts[1:] = [parts[2], count_text(values["limit"], "sample")]
        self.fold.set_title(f"Options: {' · '.join(parts)}")
        if not self.form.is_valid:
            self.fold.unfold()
        self.changed.emit()

    def _is_from_run(self) -> bool:
        """Whether the network is that of the weights that it starts from; a file may not say what it holds."""
        start = self.form.values()["start"]
        if names_file(start):
            return bool(network_of_file(Path(start).expanduser()))
        return start not in {"imagenet", "scratch"}


class AugmentationChoice(QWidget):
    """Two combo boxes: which recipe augments the images, and when.

    Signals:
        changed: Another one is chosen.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.recipe_box, self.mode_box = Combo(), Combo()
        for box in (self.recipe_box, self.mode_box):
            box.setMinimumContentsLength(4)  # two of them share a row, also in the narrowest panel
        self.recipe_box.setAccessibleName("Recipe")
        self.recipe_box.setToolTip("What is done to the images to learn from; never to those that validate")
        self.mode_box.setAccessibleName("Augmentation")
        for name, (title, help_text) in MODES.items():
            self.mode_box.addItem(title, name)
            self.mode_box.setItemData(self.mode_box.count() - 1, help_text, Qt.ItemDataRole.ToolTipRole)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.recipe_box, 1)
        row.addWidget(self.mode_box, 1)
        self.set_recipes(built_in_recipes().values())
        self.show_values(NONE, "on-the-fly")
        self.recipe_box.currentIndexChanged.connect(self._on_changed)
        self.mode_box.currentIndexChanged.connect(self._on_changed)

    def values(self) -> dict[str, str]:
        """The options `recipe` and `augmentation`."""
        return {"recipe": str(self.recipe_box.currentData()), "augmentation": str(self.mode_box.currentData())}

    def show_values(self, recipe: str, mode: str) -> None:
        """Show these; a recipe that is not offered stands in the list by its name."""
        with QSignalBlocker(self.recipe_box), QSignalBlocker(self.mode_box):
            if self.recipe_box.findData(recipe) < 0:
                self._add(Recipe(recipe, Path(recipe).stem), recipe)
            self.recipe_box.setCurrentIndex(self.recipe_box.findData(recipe))
            self.mode_box.setCurrentIndex(self.mode_box.findData(mode))
        self._on_changed()

    def set_recipes(self, recipes: Iterable[Recipe]) -> None:
        """Offer these: the program's own first, then the project's; what is chosen stays."""
        chosen, ours = self.recipe_box.currentData(), built_in_recipes()
        with QSignalBlocker(self.recipe_box):
            self.recipe_box.clear()
            self._add(Recipe(NONE, "None"), "The images are learnt from as they are")
            for recipe in recipes:
                if recipe.name not in ours and self.recipe_box.count() == len(ours) + 1:
                    self.recipe_box.insertSeparator(self.recipe_box.count())
                self._add(recipe, f"{recipe.name}: {recipe.description}" if recipe.description else recipe.name)
        if chosen is not None:
            self.show_values(str(chosen), str(self.mode_box.currentData()))

    def _add(self, recipe: Recipe, help_text: str) -> None:
        self.recipe_box.addItem(recipe.title or recipe.name, recipe.name)
        self.recipe_box.setItemData(self.recipe_box.count() - 1, help_text, Qt.ItemDataRole.ToolTipRole)

    def _on_changed(self) -> None:
        self.mode_box.setVisible(self.recipe_box.currentData() != NONE)
        self.mode_box.setToolTip(MODES[self.mode_box.currentData()][1])
        self.changed.emit()


def options_of_training(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that do not describe a network."""
    return {name: value for name, value in values.items() if name in TrainOptions.model_fields and name != "preset"}
