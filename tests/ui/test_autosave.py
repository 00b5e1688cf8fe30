from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent

from segstudio.core.document import Document, Snapshot
from segstudio.project.journal import Journal
from segstudio.ui import autosave as module
from segstudio.ui.autosave import Autosave
from segstudio.ui.background import Background
from segstudio.ui.job_queue import JobQueue
from segstudio.ui.status_bar import StatusBar


class Disk:
    """Where snapshots go; it can be full."""

    def __init__(self) -> None:
        self.is_full = False
        self.saved: list[tuple[int, np.ndarray]] = []
        self.closed: list[Document] = []

    def save(self, sample_id: int, document: Document, snapshot: Snapshot) -> None:
        if self.is_full:
            raise OSError(28, "No space left on device", "masks/a.png")
        self.saved.append((sample_id, snapshot.mask))

    def close(self, document: Document) -> None:
        self.closed.append(document)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def autosave(qapp, disk: Disk):
    background = Background("save")
    saver = Autosave(background, disk.save, disk.close)
    yield saver
    saver.close()
    background.close()
    saver.deleteLater()
    background.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def document() -> Document:
    return Document(np.zeros((32, 48), np.uint8))


def paint(document: Document, column: int = 5) -> None:
    mask = document.mask.copy()
    mask[4:8, column : column + 3] ^= 1
    document.replace(mask, "Paint")


def test_a_stroke_is_written_by_itself(qtbot, autosave: Autosave, disk: Disk, document: Document):
    autosave.watch(1, document)
    assert autosave.state == "saved"
    paint(document)
    assert autosave.state == "saving"
    qtbot.waitUntil(lambda: autosave.state == "saved")
    assert document.is_saved
    assert [sample_id for sample_id, _ in disk.saved] == [1]
    np.testing.assert_array_equal(disk.saved[0][1], document.mask)


def test_strokes_without_a_rest_are_written_nevertheless(qtbot, autosave, disk, document, monkeypatch):
    monkeypatch.setattr(module, "REST_MS", 200)
    monkeypatch.setattr(module, "LONGEST_MS", 300)
    autosave.watch(1, document)

    def painted_and_saved() -> bool:
        paint(document)
        return bool(disk.saved)

    qtbot.waitUntil(painted_and_saved)


def test_nothing_is_written_without_a_change(autosave: Autosave, disk: Disk, document: Document):
    autosave.watch(1, document)
    assert autosave.save_now(wait_seconds=5)
    autosave.watch(2, Document(np.zeros((8, 8), np.uint8)))
    assert autosave.save_now(wait_seconds=5)
    assert not disk.saved


def test_undo_back_to_what_is_saved_is_written_too(qtbot, autosave: Autosave, disk: Disk, document: Document):
    autosave.watch(1, document)
    paint(document)
    assert autosave.save_now(wait_seconds=5)
    document.undo()
    assert not document.is_saved
    assert autosave.save_now(wait_seconds=5)
    assert not disk.saved[-1][1].any()


def test_a_full_disk_is_told_with_its_reason_and_tried_again(qtbot, autosave, disk, document, monkeypatch):
    monkeypatch.setattr(module, "RETRY_MS", (20,))
    autosave.watch(1, document)
    told: list[tuple[str, str]] = []
    autosave.changed.connect(lambda state, reason: told.append((state, reason)))
    disk.is_full = True
    paint(document)
    assert not autosave.save_now(wait_seconds=5)
    assert autosave.state == "unsaved"
    assert "No space left" in autosave.reason
    assert not document.is_saved
    disk.is_full = False
    qtbot.waitUntil(lambda: autosave.state == "saved")
    assert ("saved", "") not in told[:-1], "never said before it was so"
    np.testing.assert_array_equal(disk.saved[-1][1], document.mask)


def test_a_journal_that_cannot_be_written_is_told_while_all_is_saved(qtbot, autosave: Autosave, tmp_path: Path):
    mask = np.zeros((32, 48), np.uint8)
    document = Document(mask, journal=Journal.open(tmp_path / "journal" / "a.journal", mask).journal)
    (tmp_path / "journal").write_bytes(b"in the way of the folder")
    autosave.watch(1, document)
    assert autosave.reason == ""
    paint(document)
    assert autosave.save_now(wait_seconds=5)
    assert autosave.state == "saved"
    assert autosave.reason == autosave.journal_problem != ""
    queue = JobQueue()
    bar = StatusBar(queue)
    qtbot.addWidget(bar)
    bar.show_saved(autosave.state, autosave.reason)
    assert bar.saved.text() == f"✓ saved — no journal: {autosave.reason}"
    assert "crash" in bar.saved.toolTip()
    queue.shutdown()
    (tmp_path / "journal").unlink()
    paint(document)
    assert autosave.save_now(wait_seconds=5)
    assert (autosave.state, autosave.reason) == ("saved", "")


def test_a_document_that_was_left_unsaved_is_kept_until_it_is_written(qtbot, autosave, disk, document, monkeypatch):
    monkeypatch.setattr(module, "RETRY_MS", (20,))
    disk.is_full = True
    autosave.watch(1, document)
    paint(document)
    autosave.watch(2, Document(np.zeros((8, 8), np.uint8)))
    qtbot.waitUntil(lambda: autosave.state == "unsaved")
    assert autosave.unsaved_document(1) is document
    assert document not in disk.closed
    disk.is_full = False
    qtbot.waitUntil(lambda: document in disk.closed)
    assert autosave.unsaved_document(1) is None
    assert autosave.state == "saved"


def test_a_stroke_during_the_writing_is_written_afterwards(qtbot, autosave: Autosave, disk: Disk, document: Document):
    autosave.watch(1, document)
    paint(document, 5)
    autosave.save_now()
    paint(document, 20)
    qtbot.waitUntil(lambda: autosave.state == "saved")
    np.testing.assert_array_equal(disk.saved[-1][1], document.mask)
    assert len(disk.saved) == 2


def test_strokes_of_a_crash_are_written_at_opening(qtbot, autosave: Autosave, disk: Disk):
    recovered = Document(np.ones((8, 8), np.uint8), is_saved=False)
    autosave.watch(7, recovered)
    qtbot.waitUntil(lambda: autosave.state == "saved")
    assert disk.saved[0][0] == 7


def test_leaving_closes_the_document_after_its_last_save(qtbot, autosave: Autosave, disk: Disk, document: Document):
    autosave.watch(1, document)
    paint(document)
    autosave.watch(None, None)
    qtbot.waitUntil(lambda: disk.closed == [document])
    assert document.is_saved
    assert not autosave.is_closing(1)
