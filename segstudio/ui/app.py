"""The composition root of the window: what is made once, and in which order."""

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
from PySide6.QtCore import QCoreApplication, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QStyle

from segstudio import __version__
from segstudio.core.errors import UserError
from segstudio.ui import theme
from segstudio.ui.dialogs.crash import ErrorHooks, install_faulthandler, install_message_handler
from segstudio.ui.garbage import collect_in_this_thread, leave_out_what_is_there
from segstudio.ui.interrupt import Interrupt
from segstudio.ui.job_queue import JobQueue
from segstudio.ui.window import Window


def build(argv: Sequence[str]) -> tuple[QApplication, Window]:
    """The application and its window, not shown yet; the application that is there already, in tests."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
        app = QApplication(list(argv))
    QCoreApplication.setOrganizationName("SegStudio")
    QCoreApplication.setApplicationName("SegStudio")
    QCoreApplication.setApplicationVersion(__version__)
    QGuiApplication.setDesktopFileName("segstudio")
    # A picture on screen is small work, and waiting for a helper thread costs more than it gains while a job has the
    # processor: with two threads painting took up to half as long again at the 95th percentile.
    cv2.setNumThreads(1)
    # The window waits for Python's lock at nearly every call from Qt; a thread that computes lets go of it after this
    # many seconds, five times as often as usual. Loading Albumentations then stops the window for 17 ms and not for 98
    # (99th percentile).
    sys.setswitchinterval(0.001)
    collect_in_this_thread(app)
    theme.install(app)
    app.setWindowIcon(theme.app_icon())
    return app, Window(JobQueue())


def main(path: str | Path | None = None, *, sample: str | None = None) -> int:
    """Open the window and stay until it is closed.

    Args:
        path: A project, a dataset folder or a zip; None shows the welcome page.
        sample: The image of the sample to begin with; the one that was on screen last time when None.

    Returns:
        The exit code of the process.

    Raises:
        UserError: When there is no display.
    """
    if sys.platform.startswith("linux"):
        _check_display()
    install_message_handler()
    app, window = build(["segstudio"])
    hooks = ErrorHooks(window.tell, window)
    hooks.install()
    crash_log = install_faulthandler()
    _show(window)
    # After the first picture of the window, so that whoever waits sees that something happens.
    QTimer.singleShot(0, lambda: _begin(window, path, sample))
    interrupt = Interrupt(window.close, window)
    code = app.exec()
    interrupt.close()
    if crash_log is not None:
        import faulthandler

        faulthandler.disable()
        crash_log.close()
    return code


def _show(window: Window) -> None:
    """Show the window so that all of it can be reached: not every desktop makes one smaller that is too large for it.

    How wide the frame around it is, nobody knows before it is shown; so a window that nearly fills the screen fills it.
    """
    screen, filling = window.screen().availableSize(), Qt.WindowState.WindowMaximized | Qt.WindowState.WindowFullScreen
    title = window.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
    is_too_large = window.width() > screen.width() or window.height() + title > screen.height()
    if window.windowState() & filling or not is_too_large:
        window.show()
        return
    window.resize(window.size().boundedTo(screen * 0.9))  # its size when it does not fill the screen any more
    window.show()  # first, for that size is only kept of a window that was seen with it
    window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)


def _begin(window: Window, path: str | Path | None, sample: str | None) -> None:
    try:
        if path is not None:
            window.open_path(path)
        if sample is not None:
            window.show_image(sample)
    finally:
        # What is there now stays. Looking through it again and again for garbage would stop the window each time.
        leave_out_what_is_there()


def _check_display() -> None:
    """Say in one line what Qt says in ten before it aborts the process."""
    import os

    if os.environ.get("QT_QPA_PLATFORM") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return
    raise UserError(
        "there is no display to open the window on",
        "every job also works without one: segstudio --help; for a try, set QT_QPA_PLATFORM=offscreen",
    )
