"""The form of one step: how often, its parameters, and what the safety check says of it."""

import functools
from dataclasses import replace
from typing import Any

from pydantic import create_model
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from segstudio.augmentation.catalogue import Entry, entry_of, extremes, step_from, step_options
from segstudio.augmentation.recipe import Recipe, Step
from segstudio.augmentation.safety import Finding
from segstudio.core.errors import UserError
from segstudio.core.options import Options, option, unit_of
from segstudio.core.wording import number_text
from segstudio.ui import theme
from segstudio.ui.form import Form
from segstudio.ui.panels.catalogue import tooltip
from segstudio.ui.panels.findings import FindingsList
from segstudio.ui.views.preview import Extreme
from segstudio.ui.widgets import heading, muted, set_property

SHARE = "p"
"""The field of how often; no transform has a parameter of that name."""


class StepForm(QWidget):
    """Edits one step.

    Attributes:
        changed: Told (step, name of the field) after the person changed something that is valid.
        extremes_wanted: Told whether the ends of all ranges shall be shown.
        form: The fields; None while no step is shown.
    """

    changed = Signal(object, str)
    extremes_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form: Form | None = None
        self._entry: Entry | None = None
        self._step: Step | None = None
        self._values: dict[str, Any] = {}
        self._is_showing = False
        self._title = heading("")
        self._title.setWordWrap(True)
        self._summary = muted(wraps=True)
        self.extremes_button = QPushButton("Extremes")
        self.extremes_button.setToolTip(
            "Show the lowest and the highest end of every range in the preview, without chance"
        )
        self.extremes_button.setCheckable(True)
        self.extremes_button.toggled.connect(self.extremes_wanted)
        self.reset_button = QToolButton()
        self.reset_button.setToolTip("Give all parameters the values they began with")
        self.reset_button.setAccessibleName("Reset")
        self.reset_button.clicked.connect(lambda _=False: self._reset())
        self._problem = QLabel()
        self._problem.setProperty("error", True)
        self._problem.setWordWrap(True)
        self._problem.hide()
        self.findings = FindingsList()
        head = QHBoxLayout()
        head.setSpacing(2)
        head.addWidget(self._title, 1)
        head.addWidget(self.reset_button)
        head.addWidget(self.extremes_button)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.addLayout(head)
        self._column.addWidget(self._summary)
        self._column.addWidget(self.findings)
        self._column.addWidget(self._problem)
        self._column.addStretch(1)
        theme.notifier().changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        self.reset_button.setIcon(theme.icon("retry"))

    def show_step(self, step: Step | None, *, is_weight: bool, is_editable: bool) -> None:
        """Show a step; None shows nothing. With `is_weight` it is one of those of which one is chosen."""
        if step is not None and step == self._step and self.form is not None:
            return
        self._is_showing = True
        try:
            self._show(step, is_weight=is_weight, is_editable=is_editable)
        except UserError as error:
            # A recipe that was written by hand: its form would lie.
            self._drop_form()
            self._tell(error)
        finally:
            self._is_showing = False

    def show_findings(self, findings: list[Finding]) -> None:
        """Show what the safety check says of this step."""
        self.findings.show_findings(findings)

    def extremes(self) -> list[Extreme]:
        """The step alone, always applied, at both ends of each of its ranges."""
        step, entry = self._step, self._entry
        if step is None or entry is None:
            return []
        found = []
        for name in entry.ranges:
            field = entry.Options.model_fields[name]
            ends = getattr(step_options(step), name)
            both = list(zip(extremes(step, name), ends, ("Lowest", "Highest"), strict=True))
            if ends[0] == ends[1]:
                both = [(both[0][0], ends[0], "Always")]  # the same picture twice would tell nothing
            for one, end, words in both:
                recipe = Recipe("extreme", steps=(replace(one, p=1.0, is_enabled=True),))
                value = f"{number_text(end)} {unit_of(field)}".removesuffix("share").strip()
                found.append(Extreme(f"{words}: {value}", field.title or name, recipe))
        return found

    def _show(self, step: Step | None, *, is_weight: bool, is_editable: bool) -> None:
        self._tell(None)
        before, self._step = self._entry, step
        self._entry = None if step is None else entry_of(step.transform)
        if step is None or self._entry is None:
            self._drop_form()
            return
        values = {SHARE: _percent(step.p), **step_options(step).model_dump()}
        model = form_model(self._entry.name, is_weight=is_weight)
        if self.form is None or self.form.model is not model:
            self._drop_form()
            self.form = Form(model, values, first=(SHARE,), has_sliders=True)
            self.form.changed.connect(self._take)
            self._column.insertWidget(self._column.count() - 2, self.form)
        else:
            self.form.set_values(values)
        if before is not self._entry and self.extremes_button.isChecked():
            self.extremes_button.setChecked(bool(self._entry.ranges))
        self._values = self.form.values()
        self.form.setEnabled(is_editable)
        self._title.setText(self._entry.title)
        self._title.setToolTip(tooltip(self._entry))
        self._summary.setText(self._entry.summary)
        self.extremes_button.setVisible(bool(self._entry.ranges))
        self.reset_button.setVisible(is_editable and bool(self._entry.Options.model_fields))

    def _drop_form(self) -> None:
        if self.form is not None:
            self._column.removeWidget(self.form)
            self.form.hide()
            self.form.deleteLater()
            self.form = None
        for widget in (self.extremes_button, self.reset_button):
            widget.hide()
        self._title.clear()
        self._summary.clear()

    def _take(self) -> None:
        if self._is_showing or self.form is None or self._step is None or self._entry is None:
            return
        values = self.form.values()
        name = next((key for key, value in values.items() if value != self._values.get(key)), "")
        if not self.form.is_valid:
            return
        try:
            options = self._entry.Options.model_validate({key: one for key, one in values.items() if key != SHARE})
            made = step_from(self._entry, options, float(values[SHARE]) / 100)
        except UserError as error:
            self._tell(error)
            return
        self._tell(None)
        self._values = values
        step = replace(made, is_enabled=self._step.is_enabled, steps=self._step.steps)
        if step != self._step:
            self._step = step
            self.changed.emit(step, name)

    def _reset(self) -> None:
        if self.form is not None and self._entry is not None:
            self.form.set_values(self._entry.Options().model_dump())

    def _tell(self, error: UserError | None) -> None:
        self._problem.setText("" if error is None else f"{error.message}. {error.hint}".strip())
        self._problem.setVisible(error is not None)
        set_property(self._problem, "error", True)


@functools.cache
def form_model(name: str, *, is_weight: bool) -> type[Options]:
    """The model of a step's whole form: how often, and its parameters."""
    words = "Weight" if is_weight else "How often"
    help_text = (
        "How likely this step is, compared with the others of which one is chosen."
        if is_weight
        else "Share of the images that it is applied to."
    )
    share: Any = option(50.0, words, unit="%", ge=0, le=100, help=help_text)
    fields: dict[str, Any] = {SHARE: (float, share)}
    return create_model(f"{name}Form", __base__=entry_of(name).Options, **fields)


def _percent(p: float) -> float:
    return float(f"{100 * p:.10g}")
