"""File ▸ Export dataset: in which format, which samples, and where to."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.errors import UserError
from segstudio.dataset_formats import DATASET_FORMATS, DatasetFormat
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.ui.dialogs import places
from segstudio.ui.widgets import muted, push_button

WIDTH = 520
FIRST = "folders"
REVIEWED = "state:accepted,corrected"


class ExportDatasetDialog(QDialog):
    """Asks; not modal, for the work goes on meanwhile.

    Attributes:
        format_box: The format.
        samples_box: Which samples; its data is a filter.
        category_edit: What the foreground is called.
        path_edit: The folder to be made.
        export_button: Begins.

    Signals:
        wanted: The options of the job "export-dataset".
    """

    wanted = Signal(dict)

    def __init__(self, project: Project, filter_text: str, parent: QWidget | None = None) -> None:
        """Build it.

        Args:
            project: What is exported.
            filter_text: The filter of the samples list, as it was written.
            parent: Qt parent.
        """
        super().__init__(parent)
        self.setWindowTitle("Export dataset")
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(WIDTH)
        self._project = project
        self.format_box, self.samples_box = QComboBox(), QComboBox()
        names = DATASET_FORMATS.names()
        for name in sorted(names, key=lambda name: name != FIRST):
            self.format_box.addItem(DATASET_FORMATS[name].title, name)
        self.format_box.setToolTip("How the dataset is laid out for other programs")
        self._offer_samples(filter_text.strip())
        self.samples_box.setToolTip("Samples without a mask are left out, and counted")
        self.category_edit = QLineEdit("foreground")
        self.category_edit.setToolTip("What the foreground is called in the files of this format")
        self.path_edit = QLineEdit(str(_free(Path(places.start("export")), f"{project.name}-dataset")))
        self._said = muted(wraps=True)
        self._lay_out()
        self.format_box.currentIndexChanged.connect(self._update)
        self.samples_box.currentIndexChanged.connect(self._update)
        self.path_edit.textChanged.connect(self._update)
        self._update()

    @property
    def form(self) -> type[DatasetFormat]:
        """The format that is chosen."""
        return DATASET_FORMATS[self.format_box.currentData()]

    def _offer_samples(self, listed: str) -> None:
        table = self._project.samples.table()
        offers = [("All samples", "")] + ([("Those in the list now", listed)] if listed else [])
        for words, text in [*offers, ("Accepted and corrected ones", REVIEWED)]:
            try:
                count = len(compile_filter(text).rows(table))
            except UserError:  # a filter that is still being written
                continue
            self.samples_box.addItem(f"{words}  ·  {count}", text)
            self.samples_box.setItemData(self.samples_box.count() - 1, count, Qt.ItemDataRole.UserRole + 1)

    def _lay_out(self) -> None:
        where = QHBoxLayout()
        where.addWidget(self.path_edit, 1)
        where.addWidget(push_button("Browse…", "Choose the folder that the new one is made in", self._browse))
        rows = QFormLayout()
        for words, widget in (
            ("Format", self.format_box),
            ("Samples", self.samples_box),
            ("Category", self.category_edit),
        ):
            widget.setAccessibleName(words)
            rows.addRow(words, widget)
        self.path_edit.setAccessibleName("Folder to write")
        rows.addRow("New folder", where)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.export_button = push_button("Export", "Write the dataset; the project stays as it is", self._export)
        buttons.addButton(self.export_button, QDialogButtonBox.ButtonRole.AcceptRole)
        self.export_button.setDefault(True)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addLayout(rows)
        column.addWidget(self._said)
        column.addWidget(buttons)

    def _update(self) -> None:
        """Say what the format is for, or what stands in the way."""
        problem = self._problem()
        keeps = "" if self.form.keeps_ignored else " Ignored regions have no place in it."
        self._said.setText(problem or f"{self.form.help}{keeps}")
        self.category_edit.setEnabled(self.form.has_categories)
        self.export_button.setEnabled(not problem)

    def _problem(self) -> str:
        if not self.samples_box.currentData(Qt.ItemDataRole.UserRole + 1):
            return "There are no such samples."
        text = self.path_edit.text().strip()
        if not text:
            return "Name the folder to write."
        folder = Path(text).expanduser()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            return "There is something of that name already: name a new folder."
        return ""

    def _browse(self) -> None:
        begin = str(Path(self.path_edit.text()).expanduser().parent)
        if path := QFileDialog.getExistingDirectory(self, "Make the dataset's folder in", begin):
            self.path_edit.setText(str(_free(Path(path), Path(self.path_edit.text()).name or "dataset")))

    def _export(self) -> None:
        folder = Path(self.path_edit.text().strip()).expanduser().absolute()
        places.remember("export", str(folder))
        self.wanted.emit(
            {
                "to": str(folder),
                "format": self.form.name,
                "filter": str(self.samples_box.currentData()),
                "category": self.category_edit.text().strip() or "foreground",
            }
        )
        self.accept()


def _free(parent: Path, name: str) -> Path:
    """A folder of that name that is not there yet, or of that name and a number."""
    tried = (parent / (name if number == 1 else f"{name}-{number}") for number in range(1, 1000))
    return next((path for path in tried if not path.exists()), parent / name)
