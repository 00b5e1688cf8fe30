"""The real window over the real worker process, offscreen, and hands to use it with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPoint, QPointF, QSettings, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QMenu, QScrollArea, QWidget

from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
from segstudio.ui import app as application
from segstudio.ui.canvas.pane import PaneName
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

    def click(self, widget: QWidget, spot: QPoint | None = None) -> None:
        """Click a widget, in its middle unless a spot is named; what is out of sight is scrolled to before."""
        self.until(lambda: widget.isVisible() and widget.isEnabled())
        spots: list[QPoint] = []

        def is_in_sight() -> bool:
            # What was folded out just now gets its place a moment later.
            self.bring(widget)
            spots[:] = [spot or widget.rect().center()]
            return widget.visibleRegion().contains(spots[0])

        self.until(is_in_sight)
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=spots[0])

    def click_row(self, view, index: QModelIndex) -> None:
        """Click an entry of a list or a table."""
        self.click(view.viewport(), view.visualRect(index).center())

    def tab(self, title: str) -> None:
        """Click a tab at the right."""
        tabs = self.window.workspace.tabs
        (number,) = (number for number in range(tabs.count()) if tabs.tabText(number) == title)
        self.click(tabs.tabBar(), tabs.tabBar().tabRect(number).center())
        self.until(lambda: tabs.currentIndex() == number)

    def pick(self, box: QComboBox, text: str) -> None:
        """Open a combo box and click an entry."""
        assert box.findText(text) >= 0, f"{text!r} is not among {[box.itemText(n) for n in range(box.count())]}"
        self.click(box)
        view = box.view()
        self.until(view.isVisible)
        spot = view.visualRect(view.model().index(box.findText(text), box.modelColumn())).center()
        QTest.mouseMove(view.viewport(), spot)
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        self.until(lambda: not view.isVisible() and box.currentText() == text)

    def choose(self, button: QWidget, *titles: str) -> None:
        """Open the menu of a button and click an entry of it, or of a menu that an entry opens."""
        wanted, tries = list(titles), 0
        timer = QTimer(interval=10)

        def look() -> None:
            # The menu has an event loop of its own: the click that opens it returns when it is closed.
            nonlocal tries
            menu = QApplication.activePopupWidget()
            if not isinstance(menu, QMenu):
                return
            tries += 1
            entry = next((one for one in menu.actions() if wanted and one.text().replace("&", "") == wanted[0]), None)
            if entry is not None:
                del wanted[0]
                QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(entry).center())
            elif tries > 500:
                menu.close()

        timer.timeout.connect(look)
        timer.start()
        self.click(button)
        self.until(lambda: QApplication.activePopupWidget() is None)
        timer.stop()
        assert not wanted, f"there is no {wanted[0]!r} to choose"

    def write(self, edit: QLineEdit, text: str) -> None:
        """Click a field and type another text into it."""
        self.window.activateWindow()
        self.click(edit)
        self.until(edit.hasFocus)
        self.key(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(edit, text)
        assert edit.text() == text

    def do(self, action: str) -> None:
        """Choose a command of the menu, as soon as it can be: what a job has made possible is shown a moment later."""
        chosen = self.window.actions_by_name[action]
        self.until(chosen.isEnabled)
        chosen.trigger()

    def job(self, start) -> JobRecord:
        """Do something that begins a job, and wait for that job's end."""
        ended_for_good = self.window.queue.ended
        # A training is checked first: that is a job too, and not the one that was asked for.
        is_asked_for = lambda record: record.job != "preflight"  # noqa: E731
        with self.qtbot.waitSignal(ended_for_good, timeout=PATIENCE_MS, check_params_cb=is_asked_for) as ended:
            start()
        (record,) = ended.args
        return record

    def bring(self, widget: QWidget) -> None:
        """Turn the wheel until a widget is in sight."""
        area = widget.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        if area is None or area.widget() is None or not area.widget().isAncestorOf(widget):
            return
        view, bar = area.viewport(), area.verticalScrollBar()
        middle = QPointF(view.rect().center())
        for _ in range(200):
            top = widget.mapTo(view, QPoint(0, 0)).y()
            if top >= 0 and top + widget.height() <= view.height():
                return
            before, turn = bar.value(), QPoint(0, 40 if top < 0 else -40)
            wheel = QWheelEvent(
                middle, view.mapToGlobal(middle), QPoint(), turn, Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
            )  # fmt: skip
            QApplication.sendEvent(view, wheel)
            if bar.value() == before:
                return

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
