"""A sample without a mask begins with its prediction, of which nothing is stored before somebody says something."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QSettings, Qt
from PySide6.QtTest import QTest
from shiboken6 import isValid

from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState, Split
from segstudio.project.check import check_project
from segstudio.project.project import Project
from segstudio.project.samples import NewSample
from segstudio.ui import app as application
from segstudio.ui.window import Window
from tests.datasets import make_dataset

SIZE = (64, 48)
CONTROL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier


def predicted(number: int) -> np.ndarray:
    """A probability that falls off to the right of a bar; the fifth image is predicted empty."""
    row = np.clip(255 - 8 * np.abs(np.arange(64) - 20 - number), 0, 255).astype(np.uint8)
    return np.broadcast_to(row if number != 4 else np.uint8(3), (48, 64)).copy()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two samples with a mask, four without, and one without in the test split; all are predicted."""
    source = make_dataset(tmp_path / "dataset", 7, SIZE)
    samples = [
        NewSample(f"images/sample_{n:02}.png", f"masks/sample_{n:02}.png" if n < 2 else None, *SIZE,
                  split=Split.TEST if n == 6 else Split.TRAIN) for n in range(7)
    ]  # fmt: skip
    with Project.create(tmp_path / "project", source, samples) as project:
        run = project.runs.create("p", "m", {}, "scratch").id
        for number, sample in enumerate(project.samples.all()):
            project.predictions.save(run, sample, predicted(number))
        project.predictions.set_current(run)
        project.predictions.score(run)
    return tmp_path / "project"


@pytest.fixture
def window(qtbot, qapp, folder: Path):
    QSettings().clear()
    one = opened(qtbot, folder)
    yield one
    if isValid(one):
        close(one)


def opened(qtbot, folder: Path) -> Window:
    _, one = application.build(["segstudio"])
    one.resize(1440, 900)
    one.show()
    one.activateWindow()
    qtbot.waitUntil(one.isActiveWindow)
    one.open_project(folder)
    qtbot.waitUntil(lambda: one.session.sample is not None and one.is_settled())
    one.samples_panel.set_sort("name")
    go_to(qtbot, one, 1)
    return one


def close(one: Window) -> None:
    one.close()
    one.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def go_to(qtbot, window: Window, sample_id: int) -> None:
    window.session.show(sample_id)
    qtbot.waitUntil(lambda: window.session.sample.id == sample_id and window.is_settled())


def press(qtbot, window: Window, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window.windowHandle(), key, modifiers)
    qtbot.waitUntil(lambda: window.is_settled() and window.session.autosave.state == "saved")


def verdict(qtbot, window: Window, key: Qt.Key, state: ReviewState, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key that gives the sample on screen another state."""
    project, sample_id = window.session.project, window.session.sample.id
    press(qtbot, window, key, modifiers)
    qtbot.waitUntil(lambda: project.samples.get(sample_id).state is state and window.is_settled())
    qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled())


def take_back_act(qtbot, window: Window, state: ReviewState) -> None:
    qtbot.waitUntil(window.actions_by_name["undo-act"].isEnabled)
    verdict(qtbot, window, Qt.Key.Key_Z, state, CONTROL | ALT)


def paint(window: Window) -> None:
    canvas = window.panes.canvas("truth")
    at = QPoint(*(round(part) for part in canvas.frame.to_widget(55, 10)))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    QTest.mouseMove(canvas, at + QPoint(9, 9))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at + QPoint(9, 9))


def bar(number: int, level: int = 128) -> np.ndarray:
    return (predicted(number) >= level).astype(np.uint8)


def files(folder: Path) -> set[str]:
    return {path.name for name in ("masks", "journal", "history") for path in (folder / name).rglob("*.*")}


def test_looking_stores_nothing_and_masks_are_left_alone(qtbot, window: Window, folder: Path) -> None:
    session = window.session
    for number in range(7):
        go_to(qtbot, window, number + 1)
        document = session.document
        assert document.is_proposed == (2 <= number < 6)
        assert document.is_saved
        if number == 6:
            assert not document.mask.any(), "what a model says is no beginning for what it is measured by"
        elif number >= 2:
            assert np.array_equal(document.mask, bar(number))
            assert not document.history.can_undo
            assert window.panes.pane("truth").header.detail == "proposed by run 0001"
            assert "is proposed" in window.workspace.review_panel._note.text()
        else:
            assert np.array_equal(document.mask, session.project.masks.load_original(session.sample))
            assert window.panes.pane("truth").header.detail == "from the dataset"
    close(window)
    assert files(folder) == set()
    with Project.open(folder) as project:
        assert all(one.state is ReviewState.TODO for one in project.samples.all())
        assert [one.has_mask for one in project.samples.all()] == [True] * 2 + [False] * 5


def test_one_key_accepts_what_is_proposed_and_goes_on(qtbot, window: Window, folder: Path) -> None:
    session, go_on = window.session, window.actions_by_name["verdict-go-on"]
    go_to(qtbot, window, 3)
    press(qtbot, window, Qt.Key.Key_A)
    assert session.sample.id == 3, "a verdict stays where it is until that is asked for"
    go_to(qtbot, window, 4)
    go_on.trigger()
    for _ in range(4):
        QTest.keyClick(window.windowHandle(), Qt.Key.Key_A)
        qtbot.waitUntil(lambda: window.is_settled() and session.autosave.state == "saved")
    assert session.sample.id == 1, "from the top again, to those without a verdict"
    press(qtbot, window, Qt.Key.Key_A)
    press(qtbot, window, Qt.Key.Key_A)
    assert "Every sample of this list has a verdict" in window.banner.text
    samples = list(session.project.samples.all())
    assert all(one.state is ReviewState.ACCEPTED for one in samples)
    assert [one.has_mask for one in samples] == [True] * 6 + [False]
    for number in range(2, 6):
        assert np.array_equal(session.project.masks.load(samples[number]), bar(number)), "also where nothing is"
    press(qtbot, window, Qt.Key.Key_Z, CONTROL | ALT)
    assert session.sample.id == 2, "undoing a verdict leads back to it"
    close(window)
    again = opened(qtbot, folder)
    assert again.actions_by_name["verdict-go-on"].isChecked(), "it is remembered"
    close(again)


@pytest.mark.parametrize("number", [2, 4])
def test_undoing_an_accept_takes_the_mask_away_again_and_proposes_it(number, qtbot, window, folder) -> None:
    session, samples = window.session, window.session.project.samples
    assert bar(number).any() == (number == 2), "also where the prediction shows nothing"
    go_to(qtbot, window, number + 1)
    verdict(qtbot, window, Qt.Key.Key_F, ReviewState.FLAGGED)
    verdict(qtbot, window, Qt.Key.Key_A, ReviewState.ACCEPTED)
    assert session.project.masks.revisions(samples.get(number + 1))
    for _ in range(2):
        take_back_act(qtbot, window, ReviewState.FLAGGED)  # as before the verdict, and not corrected by hand
        assert not samples.get(number + 1).has_mask, "what nobody has said is not learnt from"
        qtbot.waitUntil(lambda: session.document is not None and session.document.is_proposed)
        assert np.array_equal(session.document.mask, bar(number))
        qtbot.waitUntil(window.actions_by_name["redo-act"].isEnabled)
        verdict(qtbot, window, Qt.Key.Key_Y, ReviewState.ACCEPTED, CONTROL | ALT)
        assert np.array_equal(session.project.masks.load(samples.get(number + 1)), bar(number))
    take_back_act(qtbot, window, ReviewState.FLAGGED)
    take_back_act(qtbot, window, ReviewState.TODO)
    close(window)
    with Project.open(folder) as project:
        assert check_project(project, ListReporter()) == []


def test_undoing_an_accept_of_what_was_painted_keeps_the_strokes(qtbot, window: Window) -> None:
    session = window.session
    go_to(qtbot, window, 3)
    paint(window)
    painted = session.document.mask.copy()
    verdict(qtbot, window, Qt.Key.Key_A, ReviewState.ACCEPTED)
    take_back_act(qtbot, window, ReviewState.CORRECTED)
    assert np.array_equal(session.document.mask, painted)


def test_a_stroke_takes_it_and_both_can_be_undone_after_reopening(qtbot, window: Window, folder: Path) -> None:
    undo, redo = window.actions_by_name["undo"], window.actions_by_name["redo"]
    assert undo.text() == "&Undo"
    go_to(qtbot, window, 3)
    assert undo.text() == "&Undo: proposed mask"
    paint(window)
    painted = window.session.document.mask.copy()
    assert painted.sum() > bar(2).sum()
    assert undo.text() == "&Undo: Brush"
    press(qtbot, window, Qt.Key.Key_Z, CONTROL)
    assert (undo.text(), redo.text()) == ("&Undo: Take whole prediction", "&Redo: Brush")
    window.workspace.show_training()
    window.workspace.tabs.setCurrentWidget(window.workspace.pages.augment)
    assert undo.text() == "&Undo", "there it is about the recipe"
    window.workspace.tabs.setCurrentWidget(window.workspace.review_panel)
    press(qtbot, window, Qt.Key.Key_Y, CONTROL)
    assert undo.text() == "&Undo: Brush"
    qtbot.waitUntil(lambda: window.session.autosave.state == "saved")
    assert [edit.label for edit in window.session.document.history.past] == ["Take whole prediction", "Brush"]
    close(window)
    again = opened(qtbot, folder)
    go_to(qtbot, again, 3)
    assert np.array_equal(again.session.document.mask, painted)
    press(qtbot, again, Qt.Key.Key_Z, CONTROL)
    assert np.array_equal(again.session.document.mask, bar(2))
    assert again.session.sample.state is ReviewState.CORRECTED
    press(qtbot, again, Qt.Key.Key_Z, CONTROL)
    assert not again.session.document.mask.any()
    qtbot.waitUntil(lambda: again.session.sample.state is ReviewState.TODO)
    assert not again.session.sample.has_mask
    close(again)


def test_undo_begins_with_nothing_as_long_as_the_sample_is_on_screen(qtbot, window: Window) -> None:
    session = window.session
    go_to(qtbot, window, 3)
    press(qtbot, window, Qt.Key.Key_Z, CONTROL)
    assert not session.document.mask.any()
    assert window.panes.pane("truth").header.detail == "no mask yet"
    session.try_level(200)
    qtbot.waitUntil(window.is_settled)
    assert not session.document.mask.any()
    assert not window.actions_by_name["undo"].isEnabled()
    session.try_level(None)
    go_to(qtbot, window, 4)
    go_to(qtbot, window, 3)
    assert np.array_equal(session.document.mask, bar(2))


def test_it_follows_threshold_and_prediction_until_somebody_paints(qtbot, window: Window) -> None:
    session, samples = window.session, window.session.project.samples
    go_to(qtbot, window, 3)
    session.try_level(200)
    qtbot.waitUntil(lambda: window.is_settled() and np.array_equal(session.document.mask, bar(2, 200)))
    session.try_level(None)
    qtbot.waitUntil(lambda: window.is_settled() and np.array_equal(session.document.mask, bar(2)))
    session.project.predictions.save(1, samples.get(3), predicted(5))
    session.project.predictions.score(1)
    qtbot.waitUntil(lambda: window.is_settled() and np.array_equal(session.document.mask, bar(5)))
    canvas = window.panes.canvas("truth")
    at = QPoint(*(round(part) for part in canvas.frame.to_widget(55, 10)))
    window.workspace.set_tool("polygon")
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    changed: list[object] = []
    session.document.changed.connect(changed.append)
    for is_drawing in (True, False):
        session.proposing.renew()
        qtbot.waitUntil(window.is_settled)
        assert bool(changed) != is_drawing, "nothing changes under the hand of who draws"
        QTest.keyClick(window.windowHandle(), Qt.Key.Key_Escape)
    window.workspace.set_tool("brush")
    paint(window)
    painted = session.document.mask.copy()
    session.try_level(220)
    qtbot.waitUntil(window.is_settled)
    assert np.array_equal(session.document.mask, painted)


def test_it_can_be_turned_off(qtbot, window: Window, folder: Path) -> None:
    action = window.actions_by_name["propose"]
    go_to(qtbot, window, 3)
    assert action.isChecked()
    action.trigger()
    assert not window.session.document.mask.any()
    go_to(qtbot, window, 4)
    assert not window.session.document.mask.any()
    action.trigger()
    qtbot.waitUntil(lambda: window.session.document.is_proposed)
    action.trigger()
    close(window)
    again = opened(qtbot, folder)
    go_to(qtbot, again, 3)
    assert not again.session.document.is_proposed
    close(again)
