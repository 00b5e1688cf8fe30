"""Measured: the figures of a run on one split beside those of the other run, its curves and its sub-groups."""

from collections.abc import Collection

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from segstudio.core.way import FLIPS, MANNERS, PLAIN, Manner, manner_words
from segstudio.ui.combo import Combo
from segstudio.ui.session import Session
from segstudio.ui.times import when_text
from segstudio.ui.views.lines import TableModel, fit, lines_table
from segstudio.ui.views.run_facts import Facts
from segstudio.ui.views.run_plots import LinesPlot, calibration_curve, recall_curve
from segstudio.ui.widgets import READ_ONLY, allow, heading, muted, push_button

FIGURES = (
    ("iou", "IoU"), ("dice", "Dice"), ("precision", "Precision"), ("recall", "Recall"), ("accuracy", "Accuracy"),
    ("binary_iou", "Binary IoU"), ("boundary_iou", "Boundary IoU"), ("hausdorff95", "Hausdorff 95, pixels"),
)  # fmt: skip

OFFERED = [*(Manner(flips=flips).text for flips in FLIPS), Manner("full").text]
"""In which manners a run can be measured here: with mirror images, and large images in tiles; see `core.way`."""


class MeasuredPart(QWidget):
    """What is measured is chosen, asked for and shown.

    Signals:
        measuring_wanted: Told the split, the sub-groups and the manner (see `core.way`) that the run shall be measured
            on and in.
    """

    measuring_wanted = Signal(str, object, str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._facts: Facts | None = None
        self._split, self._manner = "val", PLAIN
        self.split_box = Combo()
        self.split_box.setAccessibleName("Which part is measured")
        self.split_box.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToContents)
        self.split_box.addItem("Validation", "val")
        self.split_box.addItem("Test", "test")
        self.split_box.activated.connect(lambda _: self._choose_split(str(self.split_box.currentData())))
        self.manner_box = Combo()
        self.manner_box.setAccessibleName("How images are predicted")
        self.manner_box.setToolTip(
            "How images are predicted. Figures of different ways are not held against each other"
        )
        self.manner_box.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToContents)
        self.manner_box.activated.connect(lambda _: self._choose_manner(str(self.manner_box.currentData())))
        self.groups_edit = QLineEdit()
        self.groups_edit.setPlaceholderText("sub-groups, for example name:*left*, state:accepted")
        self.groups_edit.setAccessibleName("Sub-groups to measure on their own, separated by commas")
        self.measure_button = push_button("Measure", "Measure this run on the split and its sub-groups", self._measure)
        self.words = muted(wraps=True)
        self.figures = TableModel(("Figure", "Before", "Now"), self)
        self.recall = LinesPlot("Average precision", "recall", "precision", has_diagonal=False, is_dotted=False)
        self.calibration = LinesPlot("Calibration error", "predicted", "observed", has_diagonal=True, is_dotted=True)
        self.groups = TableModel(("Sub-group", "Images", "IoU", "Dice", "Boundary IoU", "Hausdorff 95"), self)
        self.figures_table = lines_table(self.figures, "Figures", lambda _sample: None)
        self.groups_table = lines_table(self.groups, "Sub-groups", lambda _sample: None)
        self._lay_out()

    def _fill_manners(self, measured: Collection[str]) -> None:
        """Offer the manners of OFFERED, and whatever else the run was measured in."""
        self.manner_box.clear()
        for manner in MANNERS:
            if manner in measured or manner in OFFERED:
                words = manner_words(manner) or "as it has learnt to look"
                self.manner_box.addItem(words[:1].upper() + words[1:], manner)
        self.manner_box.setCurrentIndex(self.manner_box.findData(self._manner))

    def _choose_split(self, split: str) -> None:
        self._split = split
        self._show_figures()

    def _choose_manner(self, manner: str) -> None:
        self._manner = manner
        self._show_figures()

    def _measure(self) -> None:
        groups = [text.strip() for text in self.groups_edit.text().split(",") if text.strip()]
        self.measuring_wanted.emit(self._split, groups, self._manner)

    def show_facts(self, facts: Facts) -> None:
        """Show what was measured of the run in the facts, on the split that is chosen."""
        self._facts = facts
        self._show_figures()

    def _show_figures(self) -> None:
        facts = self._facts
        if facts is None:
            return
        key = (self._split, self._manner)
        found, other = facts.evaluations.get(key), facts.others.get(key)
        if found is not None and other is not None and found["manner"] != other["manner"]:
            other = None
        self._fill_manners({manner for _, manner in facts.evaluations})
        has_weights = facts.run.best_weights.is_file()
        allow(
            self.measure_button,
            (not self._session.project.read_only, READ_ONLY),
            (has_weights, "the run has no weights"),
        )
        self.measure_button.setText("Measure" if found is None else "Measure again")
        looks = f" {facts.looks}" if self._split == "test" else ""
        if found is None:
            how = manner_words(self._manner)
            self.words.setText(f"Not measured on this split{f' ({how})' if how else ''} yet.{looks}")
        else:
            made = when_text(str(found.get("made") or ""))
            how = manner_words(found["manner"])
            self.words.setText(f"{found['images']} images, measured {made}{f'; {how}' if how else ''}.{looks}")
        for widget in (self.figures_table, self._curves_part):
            widget.setVisible(found is not None)
        self.groups_table.setVisible(found is not None and bool(found.get("groups")))
        if found is None:
            return
        names = [f"Run {facts.run.name}"]
        if other is not None and facts.against is not None:
            names.insert(0, f"Run {facts.against.name}")
        rows = []
        for name, title in FIGURES:
            values = [*([other.get(name)] if other is not None else []), found.get(name)]
            rows.append(((title, *(_figure(value) for value in values)), None))
        self.figures.show_rows(rows, ("Figure", *names))
        both = [(names[-1], found)] + ([(names[0], other)] if other is not None else [])
        self.recall.show_curves([recall_curve(*one) for one in both])
        self.calibration.show_curves([calibration_curve(*one) for one in both])
        columns = ("iou", "dice", "boundary_iou", "hausdorff95")
        self.groups.show_rows(
            [((str(one["group"]), str(one["images"]), *(_figure(one[name]) for name in columns)), None)
             for one in found.get("groups") or []]
        )  # fmt: skip
        fit(self.figures_table)
        fit(self.groups_table)

    def _lay_out(self) -> None:
        measuring = QHBoxLayout()
        measuring.addWidget(self.split_box)
        measuring.addWidget(self.manner_box)
        measuring.addStretch(1)
        measuring.addWidget(self.measure_button)
        self._curves_part = QWidget()
        curves = QHBoxLayout(self._curves_part)
        curves.setContentsMargins(0, 0, 0, 0)
        curves.setSpacing(16)
        curves.addWidget(self.recall, 1)
        curves.addWidget(self.calibration, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(heading("Measured"))
        column.addLayout(measuring)
        for one in (self.groups_edit, self.words, self.figures_table, self._curves_part, self.groups_table):
            column.addWidget(one)


def _figure(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "–"
