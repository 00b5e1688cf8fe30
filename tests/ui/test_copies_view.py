"""The copies view: what is there is shown, found and rejected, by mouse and by keys; nothing waits for the disk."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
from segstudio.project.augmented import Copy
from segstudio.project.project import Project
from segstudio.ui import theme
from segstudio.ui.copy_thumbnails import CopyThumbnails
from segstudio.ui.session import Session
from segstudio.ui.views.copies import CopiesView
from segstudio.ui.views.copies_model import CopiesModel, Counts, tooltip
from segstudio.ui.wrapping_bar import WrappingBar
from tests.ui.projects import make_project

COPIES = 2


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Four training samples with two mirrored and turned copies of each."""
    folder = make_project(tmp_path, 8)
    augment(folder)
    return folder


def augment(folder: Path, **options: object) -> None:
    values = {"recipe": "chest-xray", "copies": COPIES, **options}
    JOBS["augment"].from_values(values).perform(folder, ListReporter())


@pytest.fixture
def session(qtbot: QtBot, project: Path) -> Iterator[Session]:
    one = Session(Project.open(project, is_editor=True))
    yield one
    one.close()


@pytest.fixture
def view(qtbot: QtBot, session: Session) -> Iterator[CopiesView]:
    one = CopiesView(session)
    qtbot.addWidget(one)
    one.resize(900, 700)
    one.set_recipe("chest-xray")
    one.show()
    settle(qtbot, one)
    yield one
    one.close_threads()


def settle(qtbot: QtBot, view: CopiesView) -> None:
    qtbot.waitUntil(lambda: not view.is_busy, timeout=20_000)


def names(view: CopiesView) -> list[str]:
    return [copy.name.rpartition("/")[2] for copy in view.model.copies]


def rejected(view: CopiesView) -> list[str]:
    copies = view._session.project.augmented.copies("chest-xray")
    return [copy.name.rpartition("/")[2] for copy in copies if copy.is_rejected]


def click(view: CopiesView, row: int, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    spot = view.gallery.visualRect(view.model.index(row)).center()
    QTest.mouseClick(view.gallery.viewport(), Qt.MouseButton.LeftButton, modifier, spot)


def test_every_copy_is_shown_with_its_picture(qtbot: QtBot, view: CopiesView) -> None:
    assert names(view)[:3] == ["sample_00-01", "sample_00-02", "sample_01-01"]
    assert len(names(view)) == 4 * COPIES
    assert "<b>8</b> usable" in view.count_label.text()
    assert view.recipe_box.currentText() == "Chest X-ray"

    def is_painted() -> bool:
        spot = view.gallery.visualRect(view.model.index(0)).center()
        place = view.gallery.viewport().mapTo(view, spot)
        return bool(view.grab().toImage().pixelColor(place) != theme.color("canvas"))

    qtbot.waitUntil(is_painted, timeout=20_000)  # a picture is made once its place is seen
    said = view.model.data(view.model.index(0), Qt.ItemDataRole.ToolTipRole)
    assert "Made from images/sample_00.png" in said
    assert "seed" in said


def test_a_recipe_without_copies_says_what_to_do(qtbot: QtBot, view: CopiesView) -> None:
    view.set_recipe("light")
    settle(qtbot, view)
    assert not view.gallery.isVisible()
    assert not view.reject_button.isEnabled()
    assert [view.recipe_box.itemText(row) for row in range(view.recipe_box.count())] == ["Chest X-ray", "Light"]
    view.recipe_box.setCurrentIndex(0)
    view.recipe_box.activated.emit(0)
    settle(qtbot, view)
    assert view.recipe == "chest-xray"
    assert view.gallery.isVisible()


def test_a_click_and_a_button_reject_and_restore(qtbot: QtBot, view: CopiesView) -> None:
    assert not view.reject_button.isEnabled()
    click(view, 1)
    assert view.reject_button.isEnabled()
    assert not view.restore_button.isEnabled()
    QTest.mouseClick(view.reject_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "1 rejected" in view.count_label.text())
    assert rejected(view) == ["sample_00-02"]
    assert [copy.name for copy in view.selected()] == ["images/sample_00-02"], "the selection stays"
    assert not view.reject_button.isVisible()
    view.resize(786, 700)  # what it has in a window of 1440 pixels
    assert not view.findChild(WrappingBar).is_wrapped
    QTest.mouseClick(view.restore_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "rejected" not in view.count_label.text())
    assert rejected(view) == []


@pytest.mark.parametrize("key", [Qt.Key.Key_X, Qt.Key.Key_Delete])
def test_a_key_rejects_and_the_same_key_restores(qtbot: QtBot, view: CopiesView, key: Qt.Key) -> None:
    click(view, 0)
    QTest.keyClick(view.gallery, Qt.Key.Key_Right)
    QTest.keyClick(view.gallery, key)
    qtbot.waitUntil(lambda: rejected(view) == ["sample_00-02"])
    settle(qtbot, view)
    click(view, 3, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(view.gallery, key)  # one of the two is not rejected yet
    qtbot.waitUntil(lambda: rejected(view) == ["sample_00-02", "sample_01-02"])
    settle(qtbot, view)
    QTest.keyClick(view.gallery, key)
    qtbot.waitUntil(lambda: rejected(view) == [])


def test_the_key_is_known_under_a_russian_layout(qtbot: QtBot, view: CopiesView) -> None:
    click(view, 0)
    event = QKeyEvent(QEvent.Type.KeyPress, ord("Ч"), Qt.KeyboardModifier.NoModifier, "ч")
    QApplication.sendEvent(view.gallery, event)
    qtbot.waitUntil(lambda: rejected(view) == ["sample_00-01"])


def test_copies_are_found_by_source_and_by_kind(qtbot: QtBot, view: CopiesView, session: Session) -> None:
    session.project.augmented.reject("chest-xray", ["images/sample_01-01"])
    qtbot.waitUntil(lambda: "1 rejected" in view.count_label.text())
    QTest.keyClicks(view.filter_edit, "SAMPLE_01")
    qtbot.waitUntil(lambda: names(view) == ["sample_01-01", "sample_01-02"])
    view.kind_box.setCurrentIndex(view.kind_box.findData("usable"))
    view.kind_box.activated.emit(0)
    assert names(view) == ["sample_01-02"]
    view.kind_box.setCurrentIndex(view.kind_box.findData("rejected"))
    view.kind_box.activated.emit(0)
    assert names(view) == ["sample_01-01"]
    view.filter_edit.setText("nothing like this")
    view.filter_edit.textEdited.emit("")
    qtbot.waitUntil(lambda: names(view) == [])
    view.filter_edit.clear()
    qtbot.waitUntil(lambda: names(view) == ["sample_01-01"])


def test_who_rejects_one_after_the_other_stays_at_the_place(qtbot: QtBot, view: CopiesView) -> None:
    view.kind_box.setCurrentIndex(view.kind_box.findData("usable"))
    view.kind_box.activated.emit(0)
    click(view, 2)
    for count in (7, 6):
        QTest.keyClick(view.gallery, Qt.Key.Key_X)
        qtbot.waitUntil(lambda count=count: len(names(view)) == count)
    assert rejected(view) == ["sample_01-01", "sample_01-02"]
    assert view.gallery.currentIndex().row() == 2


def test_copies_of_another_mask_are_marked(qtbot: QtBot, view: CopiesView, session: Session) -> None:
    session.project.masks.save(1, np.ones((48, 64), np.uint8))
    qtbot.waitUntil(lambda: f"{COPIES} out of date" in view.count_label.text())
    assert "Make the copies again" in tooltip(view.model.copies[0], {})
    assert Counts.of(view.model.copies) == (6, 0, 2)


def test_copies_that_another_process_makes_appear(qtbot: QtBot, view: CopiesView, project: Path) -> None:
    augment(project, copies=COPIES + 1)
    qtbot.waitUntil(lambda: len(names(view)) == 4 * (COPIES + 1), timeout=10_000)


def test_a_close_look_beside_the_source(qtbot: QtBot, view: CopiesView) -> None:
    click(view, 1)
    QTest.keyClick(view.gallery, Qt.Key.Key_Return)
    settle(qtbot, view)
    assert view.look.isVisible()
    assert not view.gallery.isVisible()
    source, made = view.look._tiles.tiles
    assert (source.face.width, made.face.width) == (64, 64)
    QTest.keyClick(view.look, Qt.Key.Key_Right)
    assert view.look.copy.name == "images/sample_01-01"
    QTest.keyClick(view.look, Qt.Key.Key_X)
    qtbot.waitUntil(lambda: rejected(view) == ["sample_01-01"])
    qtbot.waitUntil(lambda: view.look.copy.is_rejected)
    QTest.keyClick(view.look, Qt.Key.Key_Left)
    QTest.keyClick(view.look, Qt.Key.Key_Escape)
    assert view.gallery.isVisible()
    assert view.gallery.currentIndex().row() == 1


def test_a_copy_that_cannot_be_read_is_marked_and_the_rest_is_shown(
    qtbot: QtBot, session: Session, tmp_path: Path
) -> None:
    first, second, *_ = session.project.augmented.copies("chest-xray")
    first.mask_file.write_bytes(b"torn")
    thumbnails = CopyThumbnails()
    told: list[str] = []
    thumbnails.ready.connect(told.append)
    assert thumbnails.pixmap(first) is None
    assert thumbnails.pixmap(second) is None
    qtbot.waitUntil(lambda: sorted(told) == [first.name, second.name])
    assert thumbnails.pixmap(first) is None
    assert thumbnails.is_broken(first)
    assert thumbnails.pixmap(second) is not None
    assert thumbnails.is_idle, "what is broken is not tried again and again"
    thumbnails.close()


def test_a_read_only_project_can_be_looked_at(qtbot: QtBot, view: CopiesView, session: Session) -> None:
    session.project.database.read_only_reason = "for a test"
    click(view, 0)
    assert not view.reject_button.isEnabled()
    QTest.keyClick(view.gallery, Qt.Key.Key_X)
    settle(qtbot, view)
    assert rejected(view) == []


def test_the_model_keeps_qts_rules(qtbot: QtBot, session: Session) -> None:
    model = CopiesModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    copies = session.project.augmented.copies("chest-xray")
    model.show(copies)
    model.show(copies[2:])
    model.show([])
    del tester


def test_a_long_list_is_laid_out_and_scrolled(qtbot: QtBot, view: CopiesView) -> None:
    pattern = view.model.copies[0]
    copies: list[Copy] = [
        Copy(*(f"{pattern.name}-{number}" if name == "name" else getattr(pattern, name) for name in Copy.__slots__))
        for number in range(5000)
    ]
    view.model.show(copies)
    view.gallery.scrollToBottom()
    spot = view.gallery.viewport().rect().center() - QPoint(200, 0)
    assert view.gallery.indexAt(spot).row() > 4000


def test_all_copies_are_deleted_at_the_second_press_and_not_while_some_are_made(
    qtbot: QtBot, session: Session, view: CopiesView
) -> None:
    augmented = session.project.augmented
    place = view.delete_button.geometry()
    QTest.mouseClick(view.delete_button, Qt.MouseButton.LeftButton)
    settle(qtbot, view)
    assert view.delete_button.text() == "Delete 8?"
    assert view.delete_button.geometry() == place, "the second press is at the same spot"
    view.set_recipe("light")
    settle(qtbot, view)
    assert (view.delete_button.text(), view.delete_button.isEnabled()) == ("Delete all", False), "of another recipe"
    view.set_recipe("chest-xray")
    settle(qtbot, view)
    with augmented.locked("chest-xray"), qtbot.waitSignal(session.failed, timeout=20_000) as said:
        for _ in range(2):
            QTest.mouseClick(view.delete_button, Qt.MouseButton.LeftButton)
    assert "another job is making copies" in said.args[0]
    settle(qtbot, view)
    assert len(names(view)) == 8
    for _ in range(2):
        QTest.mouseClick(view.delete_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: names(view) == [], timeout=20_000)
    assert not augmented.folder("chest-xray").exists()
    assert view.delete_button.text() == "Delete all"
