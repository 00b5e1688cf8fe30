"""What a training begins with: a preset, and its options as a form that can be changed."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.jobs.presets import DEFAULT, Preset, TrainOptions, options_of, preset, presets
from segstudio.models import MODELS
from segstudio.ui.form import Combo, Fold, Form
from segstudio.ui.widgets import muted

OF_THIS_MACHINE = ("weights", "device", "precision")
"""Options that another preset takes over, because they say something of the machine and not of the training."""

FROM_ELSEWHERE = frozenset({"preset", "samples"})
"""Options without a row in the form: the combo box above it, and the button that is pressed, decide them."""

FIRST = ("epochs", "batch", "learning_rate", "size", "start")


class TrainOptionsEditor(QWidget):
    """A combo box of presets, and below it the options, folded away.

    Signals:
        changed: Another preset or value is shown.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = Form(TrainOptions)
        self.preset_box = self._make_preset_box()
        self._description = muted(wraps=True)
        content = QWidget()
        self._place = QVBoxLayout(content)
        self._place.setContentsMargins(0, 4, 0, 4)
        self.fold = Fold("Options", content)
        choice = QFormLayout()
        choice.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        choice.addRow("Preset", self.preset_box)
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
        values = self.form.values()
        return options_of_training(values) if self._is_from_run() else values | {"preset": self.name}

    def state(self) -> dict[str, Any]:
        """Preset and values, to be kept and shown again by `show_options`."""
        return {"preset": self.name, "values": self.form.values()}

    def show_options(self, name: str, values: Mapping[str, Any]) -> None:
        """Show a preset with some of its options changed; what it does not know or would refuse is left out."""
        chosen = preset(name)
        model = options_of(chosen.model)
        known = {name: value for name, value in values.items() if name in model.model_fields.keys() - FROM_ELSEWHERE}
        try:
            options = chosen.options(**known)
        except UserError:
            options = chosen.options()
        self.preset_box.setCurrentIndex(self.preset_box.findData(name))
        self._description.setText(chosen.description)
        self._replace_form(chosen, options)

    def set_busy(self, is_busy: bool) -> None:
        """While a training runs there is nothing to choose and less to read."""
        self.preset_box.setEnabled(not is_busy)
        self._description.setVisible(not is_busy)

    def _make_preset_box(self) -> Combo:
        box = Combo()
        for one in presets().values():
            box.addItem(one.title, one.name)
            box.setItemData(box.count() - 1, f"{one.name}: {one.description}", Qt.ItemDataRole.ToolTipRole)
        box.setAccessibleName("Preset")
        box.activated.connect(self._on_preset)
        return box

    def _on_preset(self) -> None:
        kept = {name: value for name, value in self.form.values().items() if name in OF_THIS_MACHINE}
        self.show_options(self.name, kept)

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
            suggestions={"start": [*starts, "scratch", "best", "last"], "device": ("auto", "cpu", "gpu")},
        )
        self._place.addWidget(self.form)
        self.form.changed.connect(self._on_values)
        self._on_values()

    def _on_values(self) -> None:
        values = self.form.values()
        of_network = [name for name in values if name not in TrainOptions.model_fields]
        self.form.set_locked(of_network if self._is_from_run() else [], "As in the run that it starts from")
        rate, size = self.form.text("learning_rate"), self.form.text("size")
        self.fold.set_title(f"Options: {values['epochs']} epochs · batch {values['batch']} · {rate} · {size} px")
        if not self.form.is_valid:
            self.fold.unfold()
        self.changed.emit()

    def _is_from_run(self) -> bool:
        return self.form.values()["start"] not in {"imagenet", "scratch"}


def options_of_training(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that do not describe a network."""
    return {name: value for name, value in values.items() if name in TrainOptions.model_fields and name != "preset"}
