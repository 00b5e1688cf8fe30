"""Edit > Settings: what is saved is what the program uses, and nothing is lost by looking."""

from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRect, QSettings
from PySide6.QtWidgets import QDialogButtonBox, QWidget

from segstudio.core import user_settings
from segstudio.core.user_settings import UserSettings, load_settings, save_settings, settings_path
from segstudio.ui import app as application
from segstudio.ui.dialogs.settings import SettingsDialog, show_settings


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_settings.platformdirs, "user_config_dir", lambda *_, **__: str(tmp_path / "config"))


@pytest.fixture
def parent(qtbot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


def press(dialog: SettingsDialog, kind: QDialogButtonBox.StandardButton) -> None:
    dialog.buttons.button(kind).click()


def test_settings_are_shown_and_saved(parent: QWidget, tmp_path: Path):
    save_settings(UserSettings(weights=str(tmp_path)))
    dialog = show_settings(parent)
    assert not dialog.isModal()
    assert dialog.form.text("weights") == str(tmp_path)
    dialog.form.set_values({"weights": str(tmp_path / "вес")})
    assert load_settings().weights == str(tmp_path)  # nothing before Save
    assert "There is no" in dialog.note
    press(dialog, QDialogButtonBox.StandardButton.Save)
    assert load_settings().weights == str(tmp_path / "вес")
    assert not dialog.isVisible()


def test_no_word_lies_upon_a_field(qtbot, parent: QWidget):
    dialog = show_settings(parent)
    qtbot.waitExposed(dialog)
    seen = [one for one in dialog.form.findChildren(QWidget) if one.isVisible() and not one.findChildren(QWidget)]
    areas = [QRect(one.mapTo(dialog, QPoint()), one.size()) for one in seen]
    assert len(areas) >= 6  # two names, two fields, two explanations
    for area, widget in zip(areas, seen, strict=True):
        assert not [one for one in areas if one is not area and one.intersects(area)]
        assert widget.height() >= widget.minimumSizeHint().height()


def test_cancel_changes_nothing_and_defaults_come_back(parent: QWidget, tmp_path: Path):
    save_settings(UserSettings(weights=str(tmp_path)))
    dialog = show_settings(parent)
    press(dialog, QDialogButtonBox.StandardButton.RestoreDefaults)
    assert dialog.form.text("weights") == ""
    press(dialog, QDialogButtonBox.StandardButton.Cancel)
    assert load_settings().weights == str(tmp_path)


def test_a_damaged_file_is_told_of_and_replaced_only_by_saving(parent: QWidget):
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text("weights = [")
    dialog = show_settings(parent)
    assert "damaged" in dialog.note
    assert settings_path().read_text() == "weights = ["
    press(dialog, QDialogButtonBox.StandardButton.Save)
    assert load_settings() == UserSettings()


def test_what_cannot_be_written_is_said(parent: QWidget):
    settings_path().parent.parent.mkdir(parents=True, exist_ok=True)
    settings_path().parent.write_bytes(b"in the way")
    dialog = SettingsDialog(parent)
    dialog.show()
    dialog.form.set_values({"weights": "/weights"})
    press(dialog, QDialogButtonBox.StandardButton.Save)
    assert dialog.isVisible()
    assert str(settings_path().parent) in dialog.note


def test_the_command_opens_one_dialog(qtbot, qapp):
    QSettings().clear()
    _, window = application.build(["segstudio"])
    action = window.actions_by_name["settings"]
    assert action.shortcut().toString() == "Ctrl+,"
    action.trigger()
    action.trigger()
    assert len(window.findChildren(SettingsDialog)) == 1
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
