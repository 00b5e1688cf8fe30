"""File ▸ New: what a dataset holds, shown before anything is made of it. Not modal."""

from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QStandardPaths, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.errors import UserError
from segstudio.core.reporter import Cancelled
from segstudio.formats.naming import split_suffix
from segstudio.formats.pairing import Scan
from segstudio.jobs.new import BY_FOLDERS
from segstudio.project.project import INDEX
from segstudio.project.splitting import split_text, splits_of_folders
from segstudio.ui.background import Background
from segstudio.ui.banner import Banner
from segstudio.ui.dataset_preview import Inspection, Preview
from segstudio.ui.dialogs import files
from segstudio.ui.dialogs.foreground import ForegroundChoice
from segstudio.ui.dialogs.pairing_table import PairingTable
from segstudio.ui.dialogs.slicing import SlicingChoice
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState
from segstudio.ui.number_box import TEXT_MARGIN
from segstudio.ui.widgets import heading, muted

_POLL_MS = 100
_LABELS = 96
"""Pixels for the words in front of a line."""
_SPACING = 8
"""Pixels between two widgets of a line."""

SPLITS = (
    ("70 / 15 / 15   train, validation, test", "70/15/15"),
    ("80 / 10 / 10   train, validation, test", "80/10/10"),
    ("70 / 30   train, validation; no test", "70/30"),
)


class NewProjectDialog(QDialog):
    """Looks at a folder, a zip or a volume, shows the pairs, lets the person choose, and makes the project.

    Attributes:
        created: Told the folder of the project that was made.
        preview: What was found, or None while it is looked at.
    """

    created = Signal(object)

    def __init__(self, queue: JobQueue, source: Path | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New project")
        self.resize(940, 720)
        self.preview: Preview | None = None
        self._queue = queue
        self._job: JobRecord | None = None
        self._is_over = False
        self._inspection: Inspection | None = None
        self._background = Background("dataset", self)
        self._polling = QTimer(self)
        self._polling.setInterval(_POLL_MS)
        self._polling.timeout.connect(self._show_progress)
        self._build()
        queue.changed.connect(self._follow_job)
        queue.ended.connect(self._follow_job)
        if source is not None:
            self.look_at(source)
        self._update()

    @property
    def is_busy(self) -> bool:
        """Whether the dataset is being looked at."""
        return self._background.is_busy

    def look_at(self, source: Path, images: str = "", masks: str = "") -> None:
        """Find out what a folder, an archive or a volume holds.

        Args:
            source: The folder, archive or volume.
            images: Folder of the images below it; empty goes by names.
            masks: Folder of the masks below it, or the mask of a single volume; empty goes by names.
        """
        if self._inspection is not None and self._inspection.source != source:
            self.slicing.reset()
        self._forget_inspection()
        self.preview = None
        self.source_edit.setText(str(source))
        self.folder_edit.setText(str(_free_folder(source)))
        inspection = self._inspection = Inspection(source, images, masks, self.slicing.slicing)
        self._polling.start()  # first, for what cannot be found is told at once
        self._background.submit(inspection.run, partial(self._take_preview, inspection))
        self._update()

    def create_project(self) -> None:
        """Make the project as the form says; `created` tells when it is there."""
        folder = Path(self.folder_edit.text()).expanduser()
        self.banner.clear()
        self._job = self._queue.submit("new", self.options(), f"New project {folder.name}", folder)
        self._update()

    def options(self) -> dict[str, Any]:
        """The options of the job, as the form says."""
        return {
            "source": self.source_edit.text(),
            "images": str(self.images_box.currentData() or ""),
            "masks": str(self.masks_box.currentData() or ""),
            "split": str(self.split_box.currentData()),
            "seed": self.seed_box.value(),
            "group_by": self.group_edit.text(),
            "foreground": self.foreground.text(),
            **(self.slicing.slicing.model_dump() if self.preview is not None and self.preview.volumes else {}),
        }

    def closeEvent(self, event: QCloseEvent) -> None:
        self._end()
        super().closeEvent(event)

    def done(self, result: int) -> None:
        self._end()
        super().done(result)

    def _end(self) -> None:
        self._is_over = True
        self._polling.stop()
        self._forget_inspection()
        self._background.close()
        self.foreground.close_threads()

    # what happens

    def _forget_inspection(self) -> None:
        if self._inspection is not None:
            inspection, self._inspection = self._inspection, None
            inspection.cancel()
            self.slicing.forget_look()
            self._background.submit(inspection.clean_up)

    def _take_preview(self, inspection: Inspection, future: "Future[Preview]") -> None:
        if inspection is not self._inspection:
            return
        self._polling.stop()
        error = future.exception()
        if isinstance(error, UserError):
            self.banner.tell(error.message, error.hint, kind="bad")
        elif error is not None and not isinstance(error, Cancelled):
            raise error
        elif error is None:
            self._show_preview(future.result())
        self._update()

    def _show_preview(self, preview: Preview) -> None:
        self.preview = preview
        self.banner.clear()
        self.table.show_rows(preview.rows)
        self.foreground.show_survey(preview.survey)
        self.slicing.show_look(preview.look)
        self._show_summary()
        found = preview.found
        for box, folders, chosen in (
            (self.images_box, found.image_folders, self._inspection.images if self._inspection else ""),
            (self.masks_box, found.mask_folders, self._inspection.masks if self._inspection else ""),
        ):
            _fill_folders(box, preview.folders, folders, chosen)
        self.images_box.setEnabled(not self._is_of_one_volume)
        self._offer_split_of(found)

    def _offer_split_of(self, found: Scan) -> None:
        """Offer, and choose, the split that the dataset's own folders say: whoever made it has meant it."""
        index = self.split_box.findData(BY_FOLDERS)
        if index >= 0:
            self.split_box.removeItem(index)
        if said := splits_of_folders(pair.image for pair in found.pairs):
            self.split_box.insertItem(0, f"As its folders say   {split_text(said)}", BY_FOLDERS)
            self.split_box.setCurrentIndex(0)

    @property
    def _is_of_one_volume(self) -> bool:
        """Whether the dataset is a single volume, which has no folders."""
        return self.preview is not None and self.preview.volumes == 1 and Path(self.source_edit.text()).is_file()

    def _show_summary(self) -> None:
        """The dataset in a line; how many masks are empty follows from what is foreground."""
        self.summary.setText("" if self.preview is None else self.preview.sentence(self.foreground.rule))

    def _show_progress(self) -> None:
        if self._inspection is not None:
            self._show_bar(*self._inspection.state)

    def _show_bar(self, done: float, total: float, text: str) -> None:
        self.progress.setRange(0, 1000 if total else 0)
        self.progress.setValue(round(1000 * done / total) if total else 0)
        self.progress_label.setText(text)

    def _follow_job(self, record: JobRecord) -> None:
        if record is not self._job:
            return
        self._show_bar(record.done, record.total, record.text)
        if record.state.is_end:
            self._job = None
            if record.state is JobState.FINISHED:
                folder = record.project
                self.accept()
                self.created.emit(folder)
                return
            if record.state is not JobState.CANCELLED:
                self.banner.tell(record.message or "the project could not be made", record.hint, kind="bad")
        self._update()

    def _look_again(self) -> None:
        if self._inspection is not None:
            source, folder = self._inspection.source, self.folder_edit.text()
            images, masks = str(self.images_box.currentData() or ""), str(self.masks_box.currentData() or "")
            self.look_at(source, images, masks)
            self.folder_edit.setText(folder)

    def _choose_source(self, *, is_file: bool) -> None:
        if is_file:
            path = files.choose_dataset_file(self)
        else:
            path = files.choose_dataset_folder(self)
        if path is not None:
            self.look_at(path)

    def _take_written_source(self) -> None:
        """The person has written or pasted where the dataset lies; closing the dialog only looks as if they had."""
        words = self.source_edit.text().strip()
        source = Path(words).expanduser()
        if self._is_over:
            return
        if words and (self._inspection is None or source != self._inspection.source):
            self.look_at(source)

    def _choose_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(
            self, "Folder of the project", str(Path(self.folder_edit.text()).parent)
        )
        if path:
            folder = Path(path)
            is_empty = not any(folder.iterdir())
            self.folder_edit.setText(str(folder if is_empty else folder / Path(self.folder_edit.text()).name))

    def _cancel(self) -> None:
        if self._job is not None:
            self._queue.cancel(self._job.id)
        self.reject()

    def _update(self) -> None:
        is_looking, is_making = self._polling.isActive(), self._job is not None
        self._waiting.setVisible(is_looking or is_making)
        self._form.setEnabled(not is_making)
        why_not = self._why_not()
        self.create_button.setEnabled(not why_not)
        self.why_label.setText("" if is_looking or is_making else why_not)

    def _why_not(self) -> str:
        """Why the project cannot be made yet, or an empty string."""
        if self._job is not None or self._polling.isActive():
            return "wait"
        if self.preview is None:
            return "Choose a folder, an archive or a volume."
        if not self.folder_edit.text().strip():
            return "Name the folder of the project."
        if (Path(self.folder_edit.text()).expanduser() / INDEX).exists():
            return "There is a project in this folder already."
        return self.slicing.why_not or self.foreground.why_not

    # how it looks

    def _build(self) -> None:
        self.banner = Banner()
        self.source_edit = QLineEdit()
        self.source_edit.setPlaceholderText("a folder, a zip or a volume: choose, drop or write it")
        self.source_edit.editingFinished.connect(self._take_written_source)
        self.folder_edit = QLineEdit()
        self.folder_edit.textChanged.connect(lambda _text: self._update())
        self.summary = heading("")
        self.table = PairingTable()
        self.foreground = ForegroundChoice()
        self.foreground.changed.connect(self._update)
        self.foreground.changed.connect(self._show_summary)
        self.slicing = SlicingChoice(self._background)
        self.slicing.changed.connect(self._update)
        self.slicing.cut.connect(self._look_again)
        self._form = QWidget()
        content = QVBoxLayout(self._form)
        content.setContentsMargins(0, 0, 0, 0)
        content.setSpacing(10)
        content.addLayout(self._places())
        content.addWidget(self.summary)
        content.addWidget(self.table, 1)
        content.addWidget(self.slicing)
        content.addWidget(self.foreground)
        content.addLayout(self._choices())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addWidget(self.banner)
        layout.addWidget(self._form, 1)
        layout.addWidget(self._waiting_line())
        layout.addLayout(self._buttons())

    def _places(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setColumnMinimumWidth(0, _LABELS)
        grid.setHorizontalSpacing(_SPACING)
        folder, file, browse = QPushButton("Folder…"), QPushButton("File…"), QPushButton("Choose…")
        folder.setToolTip("A folder of images and masks, or of volumes")
        file.setToolTip("A zip, or one volume (NIfTI, MGH, DICOM of several frames, TIFF of several pages)")
        folder.clicked.connect(lambda _=False: self._choose_source(is_file=False))
        file.clicked.connect(lambda _=False: self._choose_source(is_file=True))
        browse.clicked.connect(lambda _=False: self._choose_folder())
        self.images_box, self.masks_box = QComboBox(), QComboBox()
        for box in (self.images_box, self.masks_box):
            box.addItem("found by name", "")
            box.activated.connect(lambda _index: self._look_again())
        lines = (
            ("Dataset", _line(self.source_edit, folder, file)),
            ("Project folder", _line(self.folder_edit, browse)),
            ("Images in", _line(self.images_box, muted("Masks in"), self.masks_box)),
        )
        for row, (words, line) in enumerate(lines):
            grid.addWidget(muted(words), row, 0)
            grid.addLayout(line, row, 1)
        return grid

    def _choices(self) -> QHBoxLayout:
        self.split_box = QComboBox()
        for words, text in SPLITS:
            self.split_box.addItem(words, text)
        self.split_box.setToolTip("The test split is frozen when the project is made.")
        self.seed_box = QSpinBox()
        self.seed_box.setRange(0, 2**31 - 1)
        self.seed_box.lineEdit().setTextMargins(TEXT_MARGIN, 0, 0, 0)
        self.seed_box.setToolTip("Another seed gives another split.")
        self.group_edit = QLineEdit()
        self.group_edit.setPlaceholderText("nothing; e.g. ^(\\w+)_")
        self.group_edit.setToolTip(
            "A regular expression: images whose paths give the same match stay on one side of the split.\n"
            "Near-duplicates always do."
        )
        line = QHBoxLayout()
        line.setSpacing(_SPACING)
        for words, widget, stretch in (
            ("Split", self.split_box, 2),
            ("Seed", self.seed_box, 0),
            ("Group by", self.group_edit, 1),
        ):
            title = muted(words)
            title.setMinimumWidth(_LABELS if widget is self.split_box else 0)  # below those of the places
            line.addWidget(title)
            line.addWidget(widget, stretch)
        return line

    def _waiting_line(self) -> QFrame:
        self._waiting = QFrame()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(10)
        self.progress_label = muted()
        self.progress_label.setMinimumWidth(220)
        line = QHBoxLayout(self._waiting)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.progress, 1)
        line.addWidget(self.progress_label)
        return self._waiting

    def _buttons(self) -> QHBoxLayout:
        self.why_label = muted()
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(lambda _=False: self._cancel())
        cancel.setAutoDefault(False)
        self.create_button = QPushButton("Create project")
        self.create_button.setProperty("primary", True)
        self.create_button.setDefault(True)
        self.create_button.clicked.connect(lambda _=False: self.create_project())
        line = QHBoxLayout()
        line.addWidget(self.why_label, 1)
        line.addWidget(cancel)
        line.addWidget(self.create_button)
        return line


def _line(*widgets: QWidget) -> QHBoxLayout:
    line = QHBoxLayout()
    line.setSpacing(6)
    for widget in widgets:
        line.addWidget(widget, 1 if isinstance(widget, QLineEdit | QComboBox) else 0, Qt.AlignmentFlag.AlignVCenter)
    return line


def _fill_folders(box: QComboBox, folders: list[str], found: list[str], chosen: str) -> None:
    box.clear()
    words = ", ".join(folder.rpartition("/")[2] for folder in found[:2]) + (", …" if len(found) > 2 else "")
    box.addItem(f"found by name: {words}" if found else "found by name: none", "")
    box.setItemData(0, "\n".join(found[:20]), Qt.ItemDataRole.ToolTipRole)
    for folder in folders:
        box.addItem("the dataset folder itself" if folder == "." else folder, folder)
        box.setItemData(box.count() - 1, folder, Qt.ItemDataRole.ToolTipRole)
    box.setCurrentIndex(max(0, box.findData(chosen)))
    box.setToolTip(str(box.currentData() or "\n".join(found[:20])))


def _free_folder(source: Path) -> Path:
    """A folder for the project that is not there yet, among the person's documents."""
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    home = (Path(documents) if documents else Path.home()) / "SegStudio"
    name = split_suffix(source.name)[0] if source.is_file() else source.name
    number, folder = 1, home / name
    while folder.exists():
        number += 1
        folder = home / f"{name}-{number}"
    return folder
