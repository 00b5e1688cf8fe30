"""Help ▸ Change keys: other keys for commands, one that was taken already told at once; files to carry them along."""

from pathlib import Path

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QHeaderView, QLabel, QLineEdit, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.core.fuzzy import match
from segstudio.ui import theme
from segstudio.ui.actions import Actions, Command, plain_text
from segstudio.ui.bindings import Bindings, shown
from segstudio.ui.dialogs import places
from segstudio.ui.dialogs.questions import agrees
from segstudio.ui.keyboard import is_shifted_sign, key_meant
from segstudio.ui.rows_model import Index
from segstudio.ui.widgets import card, heading, muted, push_button, row_table, set_property, without_default

_COLUMNS = ("Command", "Menu", "Keys")
_ALONE = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr, Qt.Key.Key_CapsLock)
_FILES = "Keys of SegStudio (*.toml)"


class KeyField(QLineEdit):
    """Shows the key that was pressed in it; nothing can be written.

    Attributes:
        pressed: Told the key as files call it.
    """

    pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setAccessibleName("Press the new key here")
        self.setPlaceholderText("Click here, then press a key")

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = key_meant(event)
        if key in _ALONE or not key:
            return
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if is_shifted_sign(event):
            modifiers &= ~Qt.KeyboardModifier.ShiftModifier
        name = QKeySequence(int(modifiers.value) | int(key)).toString(QKeySequence.SequenceFormat.PortableText)
        self.setText(shown([name]))
        self.pressed.emit(name)


class KeyModel(QAbstractTableModel):
    """The commands that fit what was typed, with their keys."""

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self._actions = actions
        self._rows: list[Command] = list(actions.commands.values())

    def search(self, typed: str) -> None:
        """List what fits by its name, menu, help or keys."""
        words = typed.lower().split()

        def fits(command: Command) -> bool:
            keys = self._actions.shown_keys(command.name)
            text = f"{command.text} {command.menu} {command.help} {keys}".lower()
            return match(typed, plain_text(command)) is not None or all(word in text for word in words)

        self.beginResetModel()
        self._rows = [one for one in self._actions.commands.values() if fits(one)]
        self.endResetModel()

    def command(self, row: int) -> Command:
        """The command of a row."""
        return self._rows[row]

    def row_of(self, name: str) -> int:
        """The row of a command; -1 when it is not listed."""
        return next((row for row, one in enumerate(self._rows) if one.name == name), -1)

    def show_keys(self) -> None:
        """The keys have become others."""
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(_COLUMNS) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        is_title = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        return _COLUMNS[section] if is_title else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        command = self._rows[index.row()]
        is_changed = self._actions.bindings.is_changed(command.name)
        if role == Qt.ItemDataRole.DisplayRole:
            return (plain_text(command), command.menu, self._actions.shown_keys(command.name))[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return command.help
        if role == Qt.ItemDataRole.FontRole and is_changed and index.column() == len(_COLUMNS) - 1:
            font = QFont()
            font.setWeight(QFont.Weight.DemiBold)
            return font
        if role == Qt.ItemDataRole.ForegroundRole and index.column():
            return theme.color("accent" if is_changed and index.column() == 2 else "text_muted")
        return None


class KeyEditorDialog(QDialog):
    """Changes hold at once and are kept; not modal.

    Attributes:
        search: What is looked for.
        table: The commands.
        field: Where the new key is pressed.
        add_button: Gives the key to the command beside those it has.
        replace_button: Gives it the key in their place.
        remove_button: Takes all its keys away.
        reset_button: Gives it the program's keys.
        reset_all_button: Gives every command the program's keys.
    """

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Change keys")
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(860, 640)
        self._actions, self._wanted = actions, ""
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search: a command or a key")
        self.search.setAccessibleName("Search commands")
        self.search.setClearButtonEnabled(True)
        self.model = KeyModel(actions, self)
        self.table = row_table(self.model, "Commands and their keys")
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, wide in ((1, 90), (2, 240)):
            header.resizeSection(column, wide)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(10)
        layout.addWidget(self.search)
        layout.addWidget(self.table, 1)
        layout.addWidget(self._make_editor())
        layout.addLayout(self._make_foot())
        without_default(self)
        self.search.textChanged.connect(self._search)
        self.table.selectionModel().currentChanged.connect(lambda *_: self._choose())
        self.field.pressed.connect(self._press)
        actions.bindings.changed.connect(self._show)
        self.table.selectRow(0)

    @property
    def bindings(self) -> Bindings:
        """What is changed."""
        return self._actions.bindings

    @property
    def note(self) -> str:
        """What is told about the key that was pressed."""
        return self._note.text()

    def choose(self, name: str) -> None:
        """Go to a command."""
        self.search.clear()
        self.table.selectRow(self.model.row_of(name))

    def command(self) -> Command | None:
        """The command that is being changed."""
        row = self.table.currentIndex().row()
        return self.model.command(row) if row >= 0 else None

    def export_to(self, path: Path) -> None:
        """Write the changed keys into a file."""
        self._try(lambda: self.bindings.export_to(path), f"Written to {path}.")

    def import_from(self, path: Path) -> None:
        """Take the keys of a file."""
        unknown: list[str] = []
        self._try(lambda: unknown.extend(self.bindings.import_from(path)), f"Taken from {path}.")
        if unknown:
            self._tell(f"Taken, but for what this program does not know: {', '.join(unknown)}.", "warn")

    # what happens

    def _search(self, typed: str) -> None:
        before = self.command()
        self.model.search(typed)
        self.table.selectRow(max(0, self.model.row_of(before.name) if before is not None else 0))
        self._choose()

    def _choose(self) -> None:
        self._wanted = ""
        self.field.clear()
        self._tell("")
        self._show()

    def _press(self, key: str) -> None:
        command = self.command()
        if command is None:
            return
        refusal = self.bindings.refusal(command.name, key)
        self._wanted = "" if refusal else key
        owner = self.bindings.owner(key)
        if refusal:
            self._tell(refusal, "bad")
        elif owner == command.name:
            self._wanted = ""
            self._tell(f"{plain_text(command)} has {shown([key])} already.")
        elif owner:
            other = plain_text(self._actions.commands[owner])
            self._tell(f"{shown([key])} belongs to {other}, which loses it.", "warn")
        else:
            self._tell(f"{shown([key])} is free.", "good")
        self._show_buttons()

    def _give(self, *, keeps: bool) -> None:
        command, key = self.command(), self._wanted
        if command is None or not key:
            return
        kept = self.bindings.keys(command.name) if keeps else ()
        owner = self.bindings.owner(key)
        lost = f", {plain_text(self._actions.commands[owner])} has it no longer" if owner else ""
        words = f"{plain_text(command)} has {shown([key])} now{lost}."
        self._wanted = ""
        self.field.clear()
        self._try(lambda: self.bindings.give(command.name, [*kept, key]), words)

    def _remove(self) -> None:
        if (command := self.command()) is not None:
            self._try(lambda: self.bindings.give(command.name, []), f"{plain_text(command)} has no key now.")

    def _reset(self) -> None:
        if (command := self.command()) is not None:
            words = f"{plain_text(command)} has the program's keys again."
            self._try(lambda: self.bindings.reset(command.name), words)

    def _reset_all(self) -> None:
        count = len(self.bindings.changed_names)
        if agrees(self, f"{count} commands have keys of yours. All get those of the program again.", "Reset all"):
            self._try(self.bindings.reset_all, "Every command has the program's keys again.")

    def _choose_export(self) -> None:
        proposed = places.start("export", "segstudio-keys.toml")
        path, _ = QFileDialog.getSaveFileName(self, "Export keys", proposed, _FILES)
        if path:
            places.remember("export", path)
            self.export_to(Path(path))

    def _choose_import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Import keys", places.start("import"), _FILES)
        if path:
            places.remember("import", path)
            self.import_from(Path(path))

    def _try(self, work: object, words: str) -> None:
        assert callable(work)
        try:
            work()
        except UserError as error:
            self._tell(f"{error.message}{f': {error.hint}' if error.hint else ''}", "bad")
        else:
            self._tell(words, "good")

    def _tell(self, words: str, kind: str = "") -> None:
        self._note.setText(words)
        token = {"good": "good", "warn": "warn", "bad": "bad"}.get(kind, "text_muted")
        self._note.setStyleSheet(f"color: {theme.color(token).name()};")

    # how it looks

    def _show(self) -> None:
        self.model.show_keys()
        command = self.command()
        self._title.setText(plain_text(command) if command else "No command")
        self._help.setText(command.help if command else "")
        own = shown(self.bindings.defaults(command.name)) if command else ""
        self._default.setText(f"The program's: {own or 'none'}" if command else "")
        self._show_buttons()

    def _show_buttons(self) -> None:
        command = self.command()
        keys = self.bindings.keys(command.name) if command else ()
        self.field.setEnabled(command is not None)
        self.add_button.setEnabled(bool(self._wanted) and bool(keys))
        self.replace_button.setEnabled(bool(self._wanted))
        self.replace_button.setText("Replace" if keys else "Give it this key")
        self.remove_button.setEnabled(bool(keys))
        self.reset_button.setEnabled(command is not None and self.bindings.is_changed(command.name))
        self.reset_all_button.setEnabled(bool(self.bindings.changed_names))

    def _make_editor(self) -> QWidget:
        box = card()
        self._title, self._help, self._default = heading(""), muted(wraps=True), muted()
        self.field = KeyField()
        self.field.setFixedWidth(230)
        self._note = QLabel()
        self._note.setWordWrap(True)
        self._note.setMinimumHeight(self._note.fontMetrics().height() + 4)
        self.add_button = push_button("Add", "Give the command this key too", lambda: self._give(keeps=True))
        self.replace_button = push_button(
            "Replace", "Give the command this key in place of those it has", lambda: self._give(keeps=False)
        )
        self.remove_button = push_button("No key", "Take the keys of this command away", self._remove)
        self.reset_button = push_button("Reset", "Give this command the program's keys again", self._reset)
        set_property(self.replace_button, "primary", True)
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addStretch(1)
        head.addWidget(self._default)
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self.field)
        for button in (self.replace_button, self.add_button):
            line.addWidget(button)
        line.addStretch(1)
        for button in (self.remove_button, self.reset_button):
            line.addWidget(button)
        inside = QVBoxLayout(box)
        inside.setContentsMargins(14, 10, 14, 10)
        inside.setSpacing(6)
        inside.addLayout(head)
        inside.addWidget(self._help)
        inside.addLayout(line)
        inside.addWidget(self._note)
        return box

    def _make_foot(self) -> QHBoxLayout:
        self.reset_all_button = push_button(
            "Reset all…", "Give every command the program's keys again", self._reset_all
        )
        foot = QHBoxLayout()
        foot.addWidget(self.reset_all_button)
        foot.addStretch(1)
        foot.addWidget(push_button("Import…", "Take the keys of a file in place of yours", self._choose_import))
        foot.addWidget(push_button("Export…", "Write your keys into a file, for another machine", self._choose_export))
        foot.addWidget(push_button("Close", "", self.close))
        return foot
