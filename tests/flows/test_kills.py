"""kill -9 of the window: a finished stroke is never lost, whenever it comes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from segstudio.project.documents import close_document, open_document
from segstudio.project.project import Project

PAINTER = """
import sys
from pathlib import Path
from PySide6.QtCore import QPoint, QTimer, Qt
from PySide6.QtTest import QTest
from segstudio.ui import app as application

project, mask_file = map(Path, sys.argv[1:])
app, window = application.build(["segstudio"])
window.resize(1200, 800)
window.show()
window.open_project(project)

def paint():
    session = window.session
    if session.sample is None or session.is_busy or not window.is_settled():
        return
    timer.stop()
    window.actions_by_name["tool-brush"].trigger()
    canvas = window.panes.canvas("truth")
    for stroke in range(3):
        spots = [canvas.frame.to_widget(x, 8 + 12 * stroke) for x in (4, 30, 58)]
        spots = [QPoint(round(x), round(y)) for x, y in spots]
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=spots[0])
        for spot in spots[1:]:
            QTest.mouseMove(canvas, spot)
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=spots[-1])
    mask_file.write_bytes(session.document.mask.tobytes())
    print(session.sample.id, flush=True)

timer = QTimer(interval=5)
timer.timeout.connect(paint)
timer.start()
app.exec()
"""


@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.9, 1.6])
def test_a_finished_stroke_survives_the_death_of_the_window(project, tmp_path, seconds):
    with Project.open(project) as seen:
        before = {row: seen.masks.load(seen.samples.table().row(row)) for row in range(16)}
    mask_file = tmp_path / "painted.bin"
    command = [sys.executable, "-c", PAINTER, str(project), str(mask_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as window:
        sample_id = int(window.stdout.readline())
        with pytest.raises(subprocess.TimeoutExpired):
            window.wait(timeout=seconds)  # alive until it is killed, in the middle of whatever it saves
        window.kill()
    painted = np.frombuffer(mask_file.read_bytes(), np.uint8)
    with Project.open(project, is_editor=True) as seen:
        assert not seen.read_only, "the dead window still holds the lock"
        sample = seen.samples.get(sample_id)
        document = open_document(seen, sample).document
        found = document.mask.copy()
        assert np.array_equal(found.ravel(), painted)
        undone = 0
        while document.undo():
            undone += 1
        assert undone == 3, "each stroke is a step of its own"
        row = seen.samples.table().index_of(sample_id)
        assert np.array_equal(document.mask, before[row])
        close_document(document)
        assert not [path for path in Path(project, "masks").rglob(".tmp-*") if path.stat().st_size == 0]
