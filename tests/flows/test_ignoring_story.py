"""Regions to be ignored: marked with the mouse, undone, kept through kill -9, left out of learning and of figures."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from segstudio.core.manifest import load_manifest
from segstudio.core.metrics import Counts
from segstudio.formats import read_mask_values
from segstudio.project.project import Project

TINY = {"preset": "conv-unet-fast", "size": 32, "filters": 4, "depth": 1, "batch": 4, "epochs": 1, "samples": "all"}

PAINTER = """
import sys
from pathlib import Path
from PySide6.QtCore import QPoint, QTimer, Qt
from PySide6.QtTest import QTest
from segstudio.ui import app as application

app, window = application.build(["segstudio"])
window.resize(1200, 800)
window.show()
window.open_project(Path(sys.argv[1]))

def drag(*points):
    canvas = window.panes.canvas("image")
    spots = [QPoint(*map(round, canvas.frame.to_widget(x, y))) for x, y in points]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=spots[0])
    for spot in spots[1:]:
        QTest.mouseMove(canvas, spot)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=spots[-1])

def paint():
    session = window.session
    if session.sample is None or session.is_busy or not window.is_settled():
        return
    timer.stop()
    do = window.actions_by_name
    do["tool-rectangle"].trigger()
    drag((4, 4), (16, 16))                 # of the mask
    do["ignore"].trigger()
    drag((30, 8), (50, 28))
    drag((4, 30), (20, 40))
    do["tool-brush"].trigger()
    drag((40, 38), (44, 38))
    do["undo"].trigger()                   # the stroke of the brush, and it alone
    do["ignore"].trigger()
    Path(sys.argv[2]).write_bytes(session.ignored.mask.tobytes() + session.document.mask.tobytes())
    print(session.sample.id, flush=True)

timer = QTimer(interval=5)
timer.timeout.connect(paint)
timer.start()
app.exec()
"""


@pytest.mark.training
def test_regions_survive_a_kill_and_are_neither_learnt_from_nor_measured(project, tmp_path, open_window):
    painted = tmp_path / "painted.bin"
    command = [sys.executable, "-c", PAINTER, str(project), str(painted)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as window:
        sample_id = int(window.stdout.readline())
        window.kill()
    hands = open_window(project)
    session, panes = hands.window.session, hands.window.panes
    hands.go_to(sample_id)
    hands.settle()
    hands.until(lambda: session.ignored is not None)
    ignored, mask = np.frombuffer(painted.read_bytes(), np.uint8).reshape(2, *session.document.shape)
    assert np.array_equal(session.ignored.mask, ignored)
    assert np.array_equal(session.document.mask, mask)
    assert ignored.any()
    assert not np.array_equal(ignored, mask)
    # Undo goes on where it was, each layer for itself; Z is the key of the layer.
    hands.key(Qt.Key.Key_Z)
    assert session.is_ignoring
    hands.do("redo")
    assert session.ignored.mask.sum() > ignored.sum()
    hands.do("undo")
    assert np.array_equal(session.ignored.mask, ignored)
    hands.do("undo")
    assert session.ignored.mask.sum() < ignored.sum()
    hands.do("redo")
    hands.key(Qt.Key.Key_Z)
    # Undo is about what was done last, whichever layer is in hand.
    hands.do("tool-rectangle")
    hands.drag("truth", (40, 4), (60, 10))
    assert not np.array_equal(session.document.mask, mask)
    hands.do("ignore")
    hands.drag("truth", (2, 42), (12, 46))
    hands.do("ignore")
    hands.do("undo")
    assert np.array_equal(session.ignored.mask, ignored)
    assert not np.array_equal(session.document.mask, mask)
    hands.do("undo")
    assert np.array_equal(session.document.mask, mask)
    # The file is an ordinary picture.
    assert session.save_now(wait=True)
    sample = session.project.samples.get(sample_id)
    path = session.project.ignored.path(sample)
    assert np.array_equal(read_mask_values(path), ignored * 255)
    # It goes with the sample, and comes back with it.
    other = next(one.id for one in session.project.samples.all() if one.id != sample_id)
    hands.go_to(other)
    hands.settle()
    assert not session.ignored.mask.any()
    hands.go_to(sample_id)
    hands.settle()
    assert np.array_equal(session.ignored.mask, ignored)

    record = hands.job(lambda: hands.window.queue.submit("train", dict(TINY), "Train"))
    assert record.state == "finished", record.message
    run = session.project.runs.latest()
    row = next((row for row in load_manifest(run.manifest) if row.sample == sample_id), None)
    record = hands.job(lambda: hands.window.learning.predict_all())
    assert record.state == "finished", record.message
    hands.until(lambda: session.loaded.probability is not None)
    hands.settle()
    wanted = Counts.of(mask, session.loaded.probability >= session.level, ignored)
    assert session.project.predictions.counts(run.id)[sample_id] == wanted
    said: list[Counts] = []
    session.measured.connect(lambda measurement: said.append(measurement.counts))
    session.set_tolerance(1)
    session.set_tolerance(0)
    hands.until(lambda: said[-1:] == [wanted])
    if not panes.is_error_view:
        hands.do("error-view")
    both, too_much, too_little = panes._comparison.agreement.counts
    assert (both, too_much, too_little) == (wanted.tp, wanted.fp, wanted.fn)
    if row is not None:
        assert row.ignored_sha256
        labels = session.project.ignored.load_kept(sample, row.ignored_sha256)
        assert np.array_equal(labels, ignored)
    hands.do("ignore-clear")
    assert not session.ignored.mask.any()
    hands.until(lambda: said[-1] == Counts.of(mask, session.loaded.probability >= session.level))
    hands.do("undo")
    assert np.array_equal(session.ignored.mask, ignored)


def test_a_damaged_region_blocks_the_ignoring_and_not_the_mask(project, open_window):
    with Project.open(project) as seen:
        sample = seen.samples.get(1)
        path = seen.ignored.path(sample)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"no picture")
    hands = open_window(project)
    hands.go_to(1)
    hands.settle()
    hands.until(lambda: "sample_00" in hands.window.banner.text)
    hands.do("tool-rectangle")
    hands.do("ignore")
    hands.drag("truth", (4, 4), (16, 16))
    assert "cannot be painted" in hands.window.banner.text
    hands.do("ignore")
    hands.drag("truth", (4, 4), (16, 16))
    assert hands.window.session.document.history.can_undo
    assert Path(path).read_bytes() == b"no picture"
