"""The real window over the real worker process, offscreen, and hands to use it with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtTest import QTest

from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
from segstudio.ui import app as application
from segstudio.ui.canvas.panes import PaneName
from segstudio.ui.job_queue import JobRecord
from segstudio.ui.window import Window
from tests.datasets import make_dataset

PATIENCE_MS = 240_000
"""For jobs that load TensorFlow on a busy machine; nothing waits that long when all is well."""


class Hands:
    """What a person does: looks, points, drags, presses keys, and waits until something has happened."""

    def __init__(self, qtbot, window: Window) -> None:
        self.qtbot = qtbot
        self.window = window

    def until(self, condition, timeout: int = 30_000) -> None:
        """Wait until a condition holds."""
        self.qtbot.waitUntil(condition, timeout=timeout)

    def settle(self) -> None:
        """Wait until the sample is on screen and nothing is being loaded."""
        self.until(lambda: self.window.session.sample is not None and not self.window.session.is_busy)
        self.until(self.window.is_settled)

    def go_to(self, sample_id: int) -> None:
        """Click a sample in the list, and wait until it is on screen."""
        panel, session = self.window.samples_panel, self.window.session
        self.until(lambda: panel.model.row_of(sample_id) is not None)
        index = panel.model.index(panel.model.row_of(sample_id))
        panel.view.scrollTo(index)
        spot = panel.view.visualRect(index).center()
        QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        self.until(lambda: session.sample.id == sample_id and not session.is_busy)

    def drag(self, pane: PaneName, *points: tuple[float, float]) -> None:
        """Drag with the left button through points given in image pixels."""
        canvas = self.window.panes.canvas(pane)
        spots = [self._spot(pane, x, y) for x, y in points]
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=spots[0])
        for spot in spots[1:]:
            QTest.mouseMove(canvas, spot)
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=spots[-1])

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key where the focus is."""
        # A window manager does this for a person; the offscreen platform has none.
        self.window.activateWindow()
        self.until(self.window.isActiveWindow)
        QTest.keyClick(self.window.windowHandle(), key, modifier)

    def do(self, action: str) -> None:
        """Choose a command of the menu."""
        chosen = self.window.actions_by_name[action]
        assert chosen.isEnabled(), f"{action} cannot be chosen"
        chosen.trigger()

    def job(self, start) -> JobRecord:
        """Do something that begins a job, and wait for that job's end."""
        with self.qtbot.waitSignal(self.window.queue.ended, timeout=PATIENCE_MS) as ended:
            start()
        (record,) = ended.args
        return record

    def _spot(self, pane: PaneName, x: float, y: float) -> QPoint:
        wx, wy = self.window.panes.canvas(pane).frame.to_widget(x, y)
        return QPoint(round(wx), round(wy))


@pytest.fixture
def open_window(qtbot, tmp_path: Path) -> Iterator:
    """Opens windows; all are closed at the end."""
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    windows: list[Window] = []

    def open_one(project: Path | None = None) -> Hands:
        _, window = application.build(["segstudio"])
        window.resize(1440, 900)
        window.show()
        windows.append(window)
        hands = Hands(qtbot, window)
        if project is not None:
            window.open_project(project)
            hands.settle()
        return hands

    yield open_one
    for window in windows:
        window.close()
        window.deleteLater()


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Sixteen small pairs."""
    return make_dataset(tmp_path / "dataset", 16)


@pytest.fixture
def project(tmp_path: Path, dataset: Path) -> Path:
    """A project of the dataset."""
    JOBS["new"].from_values({"source": str(dataset)}).perform(tmp_path / "project", ListReporter())
    return tmp_path / "project"
