"""What happens with an exception that nobody caught: the world's faults become a banner, ours a report to copy."""

import faulthandler
import logging
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO

from PySide6.QtCore import (
    QMessageLogContext,
    QObject,
    QStandardPaths,
    Qt,
    QtMsgType,
    Signal,
    qInstallMessageHandler,
    qVersion,
)
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from segstudio import __version__
from segstudio.core.errors import UserError

log = logging.getLogger("segstudio")

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class CrashDialog(QDialog):
    """Says that the program has made a mistake, and offers what a report of it needs. Not modal."""

    def __init__(self, report: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("SegStudio has made a mistake")
        self.setModal(False)
        self.resize(720, 460)
        words = QLabel(
            "Something went wrong that should not. Your strokes are saved and journalled as always; you can go on, but "
            "restart the program if it behaves oddly. Please send the report below."
        )
        words.setWordWrap(True)
        self.text = QPlainTextEdit(report, readOnly=True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy report", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(words)
        layout.addWidget(self.text, 1)
        layout.addWidget(buttons)


class ErrorHooks(QObject):
    """Catches what reaches the top of a thread and brings it to the window's thread."""

    _raised = Signal(object)

    def __init__(self, tell: Callable[[UserError], object], parent: QWidget) -> None:
        """Tell `tell` of the world's faults; show a dialog over `parent` for ours."""
        super().__init__(parent)
        self._tell = tell
        self._window = parent
        self._dialog: CrashDialog | None = None
        self._raised.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Catch from now on."""
        sys.excepthook = self._hook
        threading.excepthook = lambda args: self._hook(args.exc_type, args.exc_value, args.exc_traceback)

    def _hook(self, kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QGuiApplication.quit()
            return
        if not isinstance(error, UserError):
            traceback.print_exception(kind, error, where)
        self._raised.emit(error)

    def _show(self, error: BaseException) -> None:
        if isinstance(error, UserError):
            self._tell(error)
        elif self._dialog is None or not self._dialog.isVisible():  # the first of many is the one that matters
            self._dialog = CrashDialog(report_of(error), self._window)
            self._dialog.show()


def report_of(error: BaseException) -> str:
    """All that somebody far away needs to understand the mistake; no names of people or folders but the traceback's."""
    trace = "".join(traceback.format_exception(error))
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"SegStudio {__version__}, Python {platform.python_version()}, Qt {qVersion()}, {system}\n\n{trace}"


def install_message_handler() -> None:
    """Let Qt's own messages go through `logging`, so that they are formatted and kept like ours."""

    def handle(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        category = f"{context.category}: " if context.category else ""
        log.log(_LEVELS.get(kind, logging.WARNING), "%s%s", category, message)

    qInstallMessageHandler(handle)


def install_faulthandler() -> IO[str] | None:
    """Write the Python stacks of all threads to a file when the process itself dies; the open file, or None."""
    folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "crash.log").open("w", encoding="utf-8")
    except OSError:
        return None
    faulthandler.enable(file)
    return file
