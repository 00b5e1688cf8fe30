"""Copies view: what a recipe has made of the training samples; looked through, and rejected one by one or many at once.

Copies appear while a job is still making them. The list is read in a thread, as are the pictures.
"""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from PySide6.QtCore import QItemSelectionModel, QMargins, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QListView, QSizePolicy, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.project.augmented import Copy
from segstudio.project.stems import folded
from segstudio.project.topics import Topics
from segstudio.ui import theme
from segstudio.ui.background import Background
from segstudio.ui.combo import Combo
from segstudio.ui.copy_thumbnails import CopyThumbnails
from segstudio.ui.keyboard import key_meant
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.session import Session
from segstudio.ui.views.close_look import CloseLook
from segstudio.ui.views.copies_model import CELL, KINDS, CopiesModel, CopyDelegate, Counts, fits
from segstudio.ui.widgets import READ_ONLY, allow, keeping_focus, muted, push_button, text_button
from segstudio.ui.wrapping_bar import WrappingBar

_TOPICS: Topics = frozenset({"augmented", "masks", "recipes"})
_TYPING_MS = 150
_CONFIRM_MS = 5000
"""So long "Delete 120?" is asked."""

_LOOK_MS = 1000
"""How often it is looked whether a job has made more."""


@dataclass(frozen=True, eq=False)
class _Listed:
    """What a thread has read.

    Attributes:
        recipe: The recipe whose copies these are.
        names: All recipes that there are copies of, and this one.
        titles: What the window calls them.
        copies: All copies of the recipe.
    """

    recipe: str
    names: list[str]
    titles: dict[str, str]
    copies: list[Copy]


class Gallery(QListView):
    """Pictures in rows and columns that fill the width.

    Signals:
        toggled: The person wants to reject or restore what is selected.
        opened: The person wants to see the current copy large.
    """

    toggled = Signal()
    opened = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Copies")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setLayoutMode(QListView.LayoutMode.SinglePass)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setSelectionRectVisible(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setMouseTracking(True)
        self.verticalScrollBar().setSingleStep(CELL.height() // 3)
        self.doubleClicked.connect(lambda _index: self.opened.emit())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = key_meant(event)
        if key in (Qt.Key.Key_X, Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.toggled.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.opened.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        width = self.viewport().width() - 1
        columns = max(1, width // CELL.width())
        self.setGridSize(QSize(max(width // columns, CELL.width()), CELL.height()))
        super().resizeEvent(event)


class CopiesView(QWidget):
    """The copies of one recipe, and what can be done with them."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._recipe = ""
        self._copies: list[Copy] = []
        self._stamp: object = None
        self._is_closed = False
        self._background = Background("copies", self)
        self._thumbnails = CopyThumbnails(self)
        self.model = CopiesModel(self)
        self.gallery = Gallery()
        self.look = CloseLook(session)
        self._build()
        self._typing = QTimer(self, singleShot=True, interval=_TYPING_MS)
        self._typing.timeout.connect(self._show)
        self._unconfirm = QTimer(self, singleShot=True, interval=_CONFIRM_MS)
        self._unconfirm.timeout.connect(self._tell)
        self._looking = QTimer(self, interval=_LOOK_MS)
        self._looking.timeout.connect(self._look)
        self._thumbnails.ready.connect(self.model.repaint_copy)
        session.project_changed.connect(self._notice)
        theme.notifier().changed.connect(self.gallery.viewport().update)
        self._show()

    # what others ask

    @property
    def recipe(self) -> str:
        """The recipe whose copies are shown."""
        return self._recipe

    @property
    def is_busy(self) -> bool:
        """Whether copies are being listed or drawn."""
        return self._background.is_busy or not self._thumbnails.is_idle or self.look.is_busy

    def set_recipe(self, name: str) -> None:
        """Show the copies of a recipe."""
        if name != self._recipe:
            self._recipe = name
            self._unconfirm.stop()  # what was asked about is not what a press would delete now
            self._copies = []
            self._close_look()
            self.reload()

    def set_titles(self, titles: Mapping[str, str]) -> None:
        """Say what the window calls each transform, for what is said of a copy."""
        self.model.titles = self.look.titles = titles

    def selected(self) -> list[Copy]:
        """The copies that are selected, in order."""
        if self.look.isVisible() and self.look.copy is not None:
            return [self.look.copy]
        rows = sorted(index.row() for index in self.gallery.selectionModel().selectedIndexes())
        return [self.model.copies[row] for row in rows]

    def select(self, names: set[str]) -> None:
        """Select these copies, and bring the first into view."""
        chosen = [self.model.index(row) for row, copy in enumerate(self.model.copies) if copy.name in names]
        self.gallery.clearSelection()
        for index in reversed(chosen):
            self.gallery.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.Select)
        if chosen:
            self.gallery.scrollTo(chosen[0])

    def reload(self) -> None:
        """Read the list again."""
        if self._is_closed or not self._recipe:
            return
        project, recipe = self._session.project, self._recipe
        self._stamp = self._stamp_now()

        def read() -> _Listed:
            names = project.augmented.recipes()
            titles = {one.name: one.title for one in project.recipes.all()}
            return _Listed(recipe, sorted({*names, recipe}, key=folded), titles, project.augmented.copies(recipe))

        self._background.submit(read, self._take)

    def reject(self) -> None:
        """Keep the selected copies out of trainings."""
        self._set_rejected([copy for copy in self.selected() if not copy.is_rejected], is_rejected=True)

    def restore(self) -> None:
        """Let the selected copies in again."""
        self._set_rejected([copy for copy in self.selected() if copy.is_rejected], is_rejected=False)

    def toggle(self) -> None:
        """Reject the selected copies, or restore them when all of them are rejected."""
        chosen = self.selected()
        if all(copy.is_rejected for copy in chosen):
            self.restore()
        else:
            self.reject()

    def delete(self) -> None:
        """Delete all copies of the recipe at the second press: which ones were rejected is not known any more then."""
        if not self._unconfirm.isActive():
            self._unconfirm.start()
            self._tell()
            return
        self._unconfirm.stop()
        project, recipe = self._session.project, self._recipe
        self._background.submit(lambda: project.augmented.remove(recipe), self._told)

    def close_threads(self) -> None:
        """Stop all that runs; call it before the project is closed."""
        self._is_closed = True
        self._unconfirm.stop()
        self._looking.stop()
        self._typing.stop()
        self._background.close()
        self._thumbnails.close()
        self.look.close_threads()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._looking.start()
        self._look()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._looking.stop()

    # what happens

    def _set_rejected(self, copies: list[Copy], *, is_rejected: bool) -> None:
        if not copies or self._session.project.read_only:
            return
        project, recipe, names = self._session.project, self._recipe, [copy.name for copy in copies]
        self._background.submit(lambda: project.augmented.reject(recipe, names, is_rejected), self._told)

    def _told(self, future: "Future[None]") -> None:
        error = future.exception()
        if isinstance(error, UserError):
            self._session.failed.emit(error.message, error.hint)
        elif isinstance(error, OSError):
            self._session.failed.emit(f"The copies could not be changed: {error}", "")
        elif error is not None:
            raise error
        self.reload()

    def _notice(self, topics: Topics) -> None:
        if topics & _TOPICS:
            self._stamp = None  # what is hidden looks again when it is shown
            if self.isVisible():
                self.reload()

    def _look(self) -> None:
        """See whether the files are others now: a job writes them in a process of its own."""
        if self._recipe and not self._background.is_busy and self._stamp_now() != self._stamp:
            self.reload()

    def _stamp_now(self) -> object:
        folder, stamps = self._session.project.augmented.folder(self._recipe), []
        for name in ("manifest.csv", "rejected.csv", "about.json"):
            try:
                status = (folder / name).stat()
            except OSError:
                stamps.append((0, 0))
            else:
                stamps.append((status.st_mtime_ns, status.st_size))
        return self._recipe, tuple(stamps)

    def _take(self, future: "Future[_Listed]") -> None:
        error = future.exception()
        if isinstance(error, UserError | OSError):
            self._session.failed.emit(f"The copies cannot be listed: {error}", "")
            return
        if error is not None:
            raise error
        listed = future.result()
        if listed.recipe != self._recipe:
            return
        self._copies = listed.copies
        self.recipe_box.blockSignals(True)
        self.recipe_box.clear()
        for name in listed.names:
            self.recipe_box.addItem(listed.titles.get(name, name), name)
        self.recipe_box.setCurrentIndex(self.recipe_box.findData(self._recipe))
        self.recipe_box.blockSignals(False)
        self._empty.set_text(
            f"No copies by {listed.titles.get(self._recipe, self._recipe)} yet",
            "Press Make copies at the right: they appear here as they are made, to be looked through before a "
            "training learns from them.",
        )
        self._show()

    def _show(self) -> None:
        """List the copies that are asked for; the selection stays, or goes to the place where it was."""
        text, kind = folded(self.filter_edit.text()), str(self.kind_box.currentData())
        names, row = {copy.name for copy in self.selected()}, self.gallery.currentIndex().row()
        shown = [copy for copy in self._copies if fits(copy, kind, text)]
        is_other = [copy.name for copy in shown] != [copy.name for copy in self.model.copies]
        self.model.show(shown)
        if is_other and names:
            still = names & {copy.name for copy in shown}
            if not still and shown:
                still = {shown[min(max(row, 0), len(shown) - 1)].name}
            self.select(still)
        if self.look.copy is not None:
            self.look.show_copy(next((one for one in self._copies if one.name == self.look.copy.name), None))
        self._either.show_content(bool(self._copies))
        self._nothing.setVisible(bool(self._copies) and not shown)
        self._tell()

    def _tell(self) -> None:
        """The counts, and what the buttons can do."""
        counts = Counts.of(self._copies)
        words = [f"<b>{counts.usable}</b> usable"]
        words += [f'<span style="color:{_hex("bad")}">{counts.rejected} rejected</span>'] if counts.rejected else []
        words += [f'<span style="color:{_hex("warn")}">{counts.stale} out of date</span>'] if counts.stale else []
        self.count_label.setText("  ·  ".join(words))
        for widget in (self.count_label, self.kind_box, self.filter_edit):
            widget.setVisible(bool(self._copies))
        chosen, is_writable = self.selected(), not self._session.project.read_only
        writable, any_chosen = (is_writable, READ_ONLY), (chosen, "choose copies")
        usable, rejected = (any(one.is_rejected is wanted for one in chosen) for wanted in (False, True))
        allow(self.reject_button, writable, any_chosen, (usable, "they are rejected"))
        allow(self.restore_button, writable, any_chosen, (rejected, "none of them is rejected"))
        # Of the two only what can be done with the selection stands there: the bar has room for one line.
        with keeping_focus(self.reject_button, self.restore_button):
            self.restore_button.setVisible(rejected)
            self.reject_button.setVisible(usable or not rejected)
        allow(self.folder_button, (self._copies, "there are no copies"))
        allow(self.delete_button, writable, (self._copies, "there are no copies"))
        asks = self._unconfirm.isActive()
        self.delete_button.setText(f"Delete {len(self._copies)}?" if asks else "Delete all")

    def _open_look(self) -> None:
        index = self.gallery.currentIndex()
        if index.isValid():
            self.look.show_copy(self.model.copies[index.row()])
            self.look.show()
            self.gallery.hide()
            self.look.setFocus(Qt.FocusReason.OtherFocusReason)
            self._tell()

    def _close_look(self) -> None:
        if not self.look.isHidden():
            self.look.hide()
            self.gallery.show()
            self.gallery.setFocus(Qt.FocusReason.OtherFocusReason)
            self._tell()

    def _step(self, by: int) -> None:
        """Look at the next copy, or the one before."""
        copy = self.look.copy
        row = None if copy is None else self.model.row_of(copy.name)
        row = self.gallery.currentIndex().row() if row is None else row
        target = min(max(row + by, 0), len(self.model.copies) - 1)
        if self.model.copies:
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.gallery.selectionModel().setCurrentIndex(self.model.index(target), flags)
            self.look.show_copy(self.model.copies[target])
            self._tell()

    def _open_folder(self) -> None:
        folder = self._session.project.augmented.folder(self._recipe)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    # how it looks

    def _build(self) -> None:
        self.recipe_box = Combo()
        self.recipe_box.setAccessibleName("Recipe")
        self.recipe_box.setToolTip("Whose copies are shown")
        self.recipe_box.setMinimumContentsLength(10)
        self.recipe_box.activated.connect(lambda _row: self.set_recipe(str(self.recipe_box.currentData())))
        self.kind_box = Combo()
        self.kind_box.setAccessibleName("Which copies")
        for kind, words in KINDS:
            self.kind_box.addItem(words, kind)
        self.kind_box.activated.connect(lambda _row: self._show())
        self.filter_edit = QLineEdit()
        self.filter_edit.setPlaceholderText("Name")
        self.filter_edit.setToolTip("Only copies of samples whose path contains these words")
        self.filter_edit.setAccessibleName("Made from")
        self.filter_edit.setClearButtonEnabled(True)
        self.filter_edit.setMaximumWidth(220)
        self.filter_edit.setMinimumWidth(70)
        self.filter_edit.textEdited.connect(lambda _text: self._typing.start())
        self.filter_edit.textChanged.connect(lambda text: None if text else self._typing.start())
        self.filter_edit.returnPressed.connect(lambda: self.gallery.setFocus(Qt.FocusReason.OtherFocusReason))
        self.count_label = QLabel()
        self.count_label.setTextFormat(Qt.TextFormat.RichText)
        self.count_label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.reject_button = push_button(
            "Reject", "No training learns from the selected copies  (X or Del)", self.reject
        )
        self.restore_button = push_button("Restore", "Let the selected copies in again  (X or Del)", self.restore)
        self.folder_button = text_button("", "Open the folder of these copies")
        self.folder_button.clicked.connect(lambda _=False: self._open_folder())
        self.delete_button = push_button(
            "Delete all", "Delete all copies by this recipe; they can be made again, with the same bytes", self.delete
        )
        # It stays where it is while it asks: the second press is at the same spot.
        self.delete_button.setText("Delete 99999?")
        self.delete_button.setMinimumWidth(self.delete_button.sizeHint().width())
        self.gallery.setModel(self.model)
        self.gallery.setItemDelegate(CopyDelegate(self._thumbnails, self.gallery))
        self.gallery.toggled.connect(self.toggle)
        self.gallery.opened.connect(self._open_look)
        self.gallery.selectionModel().selectionChanged.connect(lambda _new, _old: self._tell())
        self.look.hide()
        self.look.closed.connect(self._close_look)
        self.look.toggled.connect(self.toggle)
        self.look.stepped.connect(self._step)
        self._nothing = muted("No copy fits.")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._lay_out()
        self.setFocusProxy(self.gallery)
        self.folder_button.setIcon(theme.icon("folder"))
        theme.notifier().changed.connect(self._dress)

    def _dress(self) -> None:
        self.folder_button.setIcon(theme.icon("folder"))
        self._tell()

    def _lay_out(self) -> None:
        bar = WrappingBar(
            (self.recipe_box, self.kind_box, self.filter_edit),
            (self.count_label, self.reject_button, self.restore_button, self.folder_button, self.delete_button),
            margins=QMargins(2, 0, 2, 0),
        )
        content = QWidget()
        inside = QVBoxLayout(content)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self._nothing)
        inside.addWidget(self.gallery, 1)
        inside.addWidget(self.look, 1)
        self._empty = Empty("copy", "No copies yet", "Choose a recipe and queue it.")
        self._either = Either(content, self._empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(bar)
        column.addLayout(self._either, 1)


def _hex(token: str) -> str:
    return theme.color(token).name()
