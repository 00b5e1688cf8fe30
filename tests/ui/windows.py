"""The real window for tests of it: as on the first day, in front, and gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from pytestqt.qtbot import QtBot

from segstudio.ui import app as application
from segstudio.ui.window import Window


@contextmanager
def shown_window(qtbot: QtBot, folder: Path | None = None, *, size: tuple[int, int] = (1440, 900)) -> Iterator[Window]:
    """The window, with the project in `folder` open and its first sample on screen when one is given."""
    QSettings().clear()
    _, window = application.build(["segstudio"])
    try:
        window.resize(*size)
        window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        if folder is not None:
            window.open_project(folder)
            qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled(), timeout=20_000)
        yield window
    finally:
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
