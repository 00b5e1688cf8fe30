"""The small form that exports a run's model: as what, and where to."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QFormLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.exporting import EXPORTERS, Exporter
from segstudio.ui.widgets import card, heading, muted, push_button

FIRST = "keras"


class ExportModelForm(QWidget):
    """Lies in the Runs panel while it is wanted; nothing else has to wait for it.

    Attributes:
        run: Name of the run that it is about.

    Signals:
        wanted: The options of the job "export-model" without the run.
        dismissed: The person thought better of it.
    """

    wanted = Signal(dict)
    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run = ""
        self._base = Path("model")
        self._heading = heading("Export model")
        self.format_box = QComboBox()
        for exporter in EXPORTERS:
            self.format_box.addItem(exporter.title, exporter.name)
        self.format_box.setCurrentIndex(self.format_box.findData(FIRST))
        self.format_box.currentIndexChanged.connect(self._on_format_changed)
        self.path_edit = QLineEdit()
        self.path_edit.setAccessibleName("File or folder to write")
        self.path_edit.textChanged.connect(self._show_problem)
        self._said = muted(wraps=True)
        self.export_button = push_button("Export", "Write the file, and check it against the network", self._export)
        self._cancel_button = push_button("Cancel", "Close this form", self.dismissed.emit)
        self._lay_out()
        self._on_format_changed()

    def _lay_out(self) -> None:
        where = QHBoxLayout()
        where.addWidget(self.path_edit, 1)
        where.addWidget(push_button("Browse…", "Choose where to write", self._browse))
        rows = QFormLayout()
        rows.addRow("Format", self.format_box)
        rows.addRow("To", where)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for button in (self._cancel_button, self.export_button):
            buttons.addWidget(button)
        frame = card()
        column = QVBoxLayout(frame)
        column.addWidget(self._heading)
        column.addLayout(rows)
        column.addWidget(self._said)
        column.addLayout(buttons)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)

    def offer(self, project: Path, run: str) -> None:
        """Ask for the run of that name of the project in that folder; the file is to lie beside the project."""
        self.run = run
        self._heading.setText(f"Export the model of run {run}")
        self._base = project.parent / f"{project.name}-{run}"
        self._on_format_changed()

    @property
    def exporter(self) -> Exporter:
        """The format that is chosen."""
        return EXPORTERS[self.format_box.currentData()]()

    def _on_format_changed(self) -> None:
        self.path_edit.setText(str(self._base.with_name(f"{self._base.name}{self.exporter.suffix}")))
        self._show_problem()

    def _show_problem(self) -> None:
        """Say what stands in the way, or what the format is for."""
        try:
            self.exporter.require()
            problem = "" if self.path_edit.text().strip() else "Say where to write it."
        except UserError as error:
            problem = f"{error.message}: {error.hint}"
        self._said.setText(problem or f"{self.exporter.help} predict.py beside it shows its use.")
        self.export_button.setEnabled(not problem)

    def _browse(self) -> None:
        if self.exporter.suffix:
            kinds = f"{self.exporter.title} (*{self.exporter.suffix})"
            path, _ = QFileDialog.getSaveFileName(self, "Export model", self.path_edit.text(), kinds)
        else:
            begin = str(Path(self.path_edit.text()).parent)
            path = QFileDialog.getExistingDirectory(self, "Export the model into this empty folder", begin)
        if path:
            self.path_edit.setText(path)

    def _export(self) -> None:
        self.wanted.emit({"format": self.exporter.name, "to": self.path_edit.text().strip()})
