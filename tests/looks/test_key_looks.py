"""Pictures of the palette, the list of keys and their editor, dark and light; see test_window_looks."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from segstudio.ui import app as application
from segstudio.ui import theme
from segstudio.ui.dialogs.key_editor import KeyEditorDialog
from segstudio.ui.dialogs.keys import KeysDialog
from segstudio.ui.window import Window
from tests.looks.test_window_looks import clipped, overlapping
from tests.ui.projects import make_project, predict_noisily


@pytest.fixture
def window(qtbot, qapp: QApplication, tmp_path: Path) -> Iterator[Window]:
    QSettings().clear()
    _, one = application.build(["segstudio"])
    one.resize(1100, 700)
    one.show()
    one.activateWindow()
    one.open_project(make_project(tmp_path, 12))
    predict_noisily(one.session.project)
    qtbot.waitUntil(lambda: one.session.loaded is not None and one.session.loaded.probability is not None)
    qtbot.waitUntil(one.is_settled)
    yield one
    one.close()
    one.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    theme.choose("dark", is_kept=False)


def picture(widget: QWidget, name: str) -> np.ndarray:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    if folder := os.environ.get("SEGSTUDIO_LOOKS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        image.save(str(Path(folder) / f"{name}.png"))
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


@pytest.mark.parametrize("choice", ["dark", "light"])
def test_palette_list_and_editor_are_worth_showing(qtbot, window: Window, choice: theme.Choice):
    window.set_theme(choice)
    window.show_palette()
    window.finder.field.setText("err")
    qtbot.wait(20)
    shown = picture(window, f"palette-{choice}")
    accent = theme.color("accent")
    is_accent = (np.abs(shown.astype(int) - (accent.red(), accent.green(), accent.blue())).max(axis=2) < 30).sum()
    assert is_accent > 100, "the letters that were found"
    window.finder.close_again()
    for command, kind in (("keys", KeysDialog), ("change-keys", KeyEditorDialog)):
        window.actions_by_name[command].trigger()
        dialog = window.findChild(kind)
        qtbot.waitUntil(dialog.isVisible)
        qtbot.wait(20)
        assert len(np.unique(picture(dialog, f"{command}-{choice}").reshape(-1, 3), axis=0)) > 60
        assert not clipped(dialog)
        assert not overlapping(dialog)
        dialog.close()
