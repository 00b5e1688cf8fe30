"""Edit ▸ Settings: what holds on this machine for every project."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.core.options import is_path
from segstudio.core.user_settings import UserSettings, load_settings, save_settings, settings_path
from segstudio.ui.form import Form

WIDTH = 560


class SettingsDialog(QDialog):
    """The settings as a form; not modal, and nothing is changed before Save.

    Attributes:
        form: The values.
        buttons: Save, Cancel, Restore Defaults.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.form = Form(UserSettings)
        self._note = QLabel()
        self._note.setWordWrap(True)
        self._note.setProperty("muted", True)
        self._trouble = ""
        kinds = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kinds.Save | kinds.Cancel | kinds.RestoreDefaults)
        self.buttons.button(kinds.Save).setProperty("primary", True)
        self.buttons.accepted.connect(self._save)
        self.buttons.rejected.connect(self.reject)
        self.buttons.button(kinds.RestoreDefaults).clicked.connect(self.form.reset)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(self.form)
        layout.addStretch(1)
        layout.addWidget(self._note)
        layout.addWidget(self.buttons)
        try:
            self.form.set_values(load_settings().model_dump(mode="json"))
        except UserError as error:
            self._trouble = f"{error.message} — what is saved here takes its place."
        self.form.set_notes({name: field.description or "" for name, field in UserSettings.model_fields.items()})
        self.form.changed.connect(self._show_note)
        self._show_note()
        # Words that wrap need more height than a dialog gives them that has been asked for its size only.
        self.resize(WIDTH, max(layout.totalHeightForWidth(WIDTH), self.sizeHint().height()))

    @property
    def note(self) -> str:
        """What is worth knowing of the values as they stand."""
        return self._note.text()

    def _show_note(self) -> None:
        values = self.form.values()
        missing = [str(values[name]) for name, field in UserSettings.model_fields.items()
                   if is_path(field) and values[name] and not Path(values[name]).exists()]  # fmt: skip
        gone = f"There is no {missing[0]} now." if missing else ""
        self._note.setText(self._trouble or gone or f"Kept in {settings_path()}")
        self.buttons.button(QDialogButtonBox.StandardButton.Save).setEnabled(self.form.is_valid)

    def _save(self) -> None:
        try:
            save_settings(UserSettings.model_validate(self.form.options().model_dump()))
        except UserError as error:
            self._trouble = error.message
            self._show_note()
            return
        self.accept()


def show_settings(parent: QWidget) -> SettingsDialog:
    """Show the dialog; the one that is open already comes to the front."""
    dialog = parent.findChild(SettingsDialog) or SettingsDialog(parent)
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()
    return dialog
