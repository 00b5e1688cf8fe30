"""A reviewer in a process of its own, that can be killed: `python -m tests.flows.reviewing PROJECT TRUTHS TOLERANCE`.

Opens the real window, goes from error to error by keys and pointer alone, and decides about each as somebody does who
knows the truth (an .npz file, by image). At the end it prints one JSON line, with the changes of each image by its
name; then it waits, alive, for whatever comes.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from segstudio.ui import app as application
from tests.flows.conftest import Hands

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
NO = Qt.KeyboardModifier.NoModifier


class Patience:
    """What Hands wants of pytest-qt."""

    def __init__(self, app: QApplication) -> None:
        self._app = app

    def waitUntil(self, condition, timeout: int) -> None:
        end = time.monotonic() + timeout / 1000
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("what was waited for never came")
            self._app.processEvents()
            time.sleep(0.001)


class Reviewer:
    """Looks at what the window shows, and presses keys."""

    def __init__(self, hands: Hands, truths: dict[str, np.ndarray]) -> None:
        self.hands = hands
        self.window = hands.window
        self.truths = truths
        self.steps: dict[str, int] = {}
        self.visited = 0

    @property
    def walk(self):
        return self.window.workspace.walk

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NO) -> None:
        self.hands.key(key, modifier)
        self.hands.settle()

    def set_tolerance(self, pixels: int) -> None:
        """With the arrow keys, on the slider."""
        display = self.window.workspace.display
        display.tolerance_slider.setFocus()
        while display.tolerance != pixels:
            self.hands.key(Qt.Key.Key_Right)
        self.hands.key(Qt.Key.Key_Escape)  # back to the picture
        self.hands.settle()

    def review(self) -> None:
        """Every error that the walk offers, until it has none."""
        self.press(Qt.Key.Key_N)
        while self.walk.words:
            self.visited += 1
            assert self.visited < 500, self.walk.words
            self.decide()

    def decide(self) -> None:
        session, blob = self.window.session, self.walk.place.blob
        image = session.sample.image
        error = self.walk._found.errors.pixels(blob)
        is_true = self.truths[image][error.rect.slices][error.inside]
        truth = int(is_true.mean() > 0.5)  # a few of its pixels may lie where the model is not quite right
        if truth == int(session.document.mask[blob.y, blob.x]):
            self.press(Qt.Key.Key_J)  # the model is wrong here
            return
        way = len(self.steps) % 4 if image not in self.steps else 0
        if way == 3:
            self.lasso(blob.bounds)
            self.press(Qt.Key.Key_Y)
        elif self.visited % 3:
            self.press(Qt.Key.Key_I if truth else Qt.Key.Key_D)
        else:
            self.press(Qt.Key.Key_Y)
        self.steps[image] = self.steps.get(image, 0) + 1

    def lasso(self, bounds) -> None:
        """Around an error, with Ctrl held, in the pane of errors."""
        canvas, away = self.window.panes.canvas("errors"), 12
        corners = ((bounds.x - away, bounds.y - away), (bounds.right + away, bounds.y - away),
                   (bounds.right + away, bounds.bottom + away), (bounds.x - away, bounds.bottom + away))  # fmt: skip
        spots = [QPoint(*(round(part) for part in canvas.frame.to_widget(x, y))) for x, y in corners]
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, CONTROL, spots[0])
        for spot in spots[1:]:
            QTest.mouseMove(canvas, spot)
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, CONTROL, spots[-1])
        assert not self.window.panes.selection.is_empty


def main() -> None:
    project, truth_file, tolerance = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    app, window = application.build(["segstudio"])
    window.resize(1440, 900)
    window.show()
    hands = Hands(Patience(app), window)
    window.open_project(project)
    hands.settle()
    with np.load(truth_file) as stored:
        reviewer = Reviewer(hands, dict(stored))
    reviewer.set_tolerance(tolerance)
    reviewer.review()
    told = {"steps": reviewer.steps, "visited": reviewer.visited, "banner": window.banner.text}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    while True:
        app.processEvents()
        time.sleep(0.005)


if __name__ == "__main__":
    main()
