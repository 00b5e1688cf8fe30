"""From error to error through the real window, by keys and pointer."""

import threading
import time
from functools import partial

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest

from segstudio.core.blobs import Errors, Kind
from segstudio.project.project import Project
from segstudio.ui import app as application
from segstudio.ui.window import Window
from tests.ui.projects import make_project
from tests.ui.test_window import press
from tests.ui.windows import shown_window

SIZE = (160, 120)


def damaged_project(folder, count: int = 3):
    """A project whose predictions are the truth, and whose masks have a hole and an island each, larger from one to
    the next; returns its folder and the true masks by sample id."""
    path = make_project(folder, count, size=SIZE)
    truths = {}
    with Project.open(path, is_editor=True) as project:
        run = project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
        for number, sample in enumerate(project.samples.all()):
            truth = truths[sample.id] = project.masks.load(sample).copy()
            project.predictions.save(run.id, sample, truth * np.uint8(255))
            mask = truth.copy()
            y, x = (int(part) for part in np.argwhere(truth)[np.count_nonzero(truth) // 2])
            mask[y - 3 - number : y + 3, x - 3 : x + 4] = 0
            mask[2 : 10 + number, 2:10] = 1
            project.masks.save(sample.id, mask)
        project.predictions.score(run.id)
        project.predictions.set_current(run.id)
    return path, truths


@pytest.fixture
def window(qtbot, qapp):
    with shown_window(qtbot) as one:
        yield one


@pytest.fixture
def damaged(tmp_path):
    return damaged_project(tmp_path)


@pytest.fixture
def opened(qtbot, window: Window, damaged):
    window.open_project(damaged[0])
    qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled(), timeout=20_000)
    return window


def step(qtbot, window: Window, key: Qt.Key = Qt.Key.Key_N, modifier=Qt.KeyboardModifier.NoModifier) -> str:
    """Press a key of the walk, wait until all is done, and return the words of the place."""
    press(window, key, modifier)
    qtbot.waitUntil(lambda: not window.session.is_busy and not window.workspace.walk.is_busy, timeout=20_000)
    return window.workspace.walk.words


def expected_blobs(window: Window, tolerance: int = 0) -> list:
    project, found = window.session.project, []
    run = project.predictions.current()
    for sample in project.samples.all():
        predicted = (project.predictions.load(run, sample) >= 128).view(np.uint8)
        found += [(sample.id, blob) for blob in Errors(project.masks.load(sample), predicted, tolerance).worst(8)]
    return sorted(found, key=lambda item: -item[1].severity)


def test_an_error_is_not_deep_where_the_mask_has_no_boundary(qtbot, opened: Window):
    document = opened.session.document
    document.replace(np.zeros_like(document.mask), "Clear")
    qtbot.waitUntil(lambda: opened.session.autosave.state == "saved" and opened.is_settled())
    assert step(qtbot, opened).endswith("the mask has no boundary")


def test_n_visits_every_error_once_the_worst_first(qtbot, opened: Window):
    expected = expected_blobs(opened)
    count = len(expected)
    assert count >= 6
    for number, (sample_id, blob) in enumerate(expected, start=1):
        words = step(qtbot, opened)
        assert words.startswith(f"error {number} of {count}  ·  {blob.kind}  ·  {blob.area} px")
        assert words == opened.workspace.error_bar.words.accessibleDescription()
        assert opened.session.sample.id == sample_id
        assert opened.workspace.walk.place.blob == blob
        target = opened.panes.canvas("truth").marks.target
        assert target == blob.bounds
        frame = opened.panes.canvas("truth").frame
        shown = frame.device_rect(target)
        assert frame.pane.intersect(shown) == shown, "all of it is on screen"
        share = max(shown.width / frame.width, shown.height / frame.height)
        assert share > 0.2 or frame.zoom == 8 * frame.ratio, "and large"
    assert opened.workspace.error_bar.words.text().startswith("Error")
    assert step(qtbot, opened) == ""
    assert f"last of {count} errors" in opened.banner.text
    assert f"{count} that are left" in opened.banner.text
    assert "worst error" in opened.workspace.error_bar.words.text()
    assert step(qtbot, opened).startswith(f"error 1 of {count}")
    assert not opened.banner.isVisible()


def test_back_and_forth_along_the_way(qtbot, opened: Window):
    first, second = step(qtbot, opened), step(qtbot, opened)
    assert first != second
    assert step(qtbot, opened, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier) == first
    assert step(qtbot, opened, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier) == first
    assert step(qtbot, opened) == second


def test_keys_pressed_faster_than_images_load_mean_what_they_say(qtbot, opened: Window):
    expected = expected_blobs(opened)
    for _ in range(4):
        press(opened, Qt.Key.Key_N)
    words = step(qtbot, opened)
    assert words.startswith(f"error 5 of {len(expected)}")
    assert opened.session.sample.id == expected[4][0]


def test_taking_every_prediction_mends_every_mask_and_every_decision_is_one_undo_step(qtbot, opened: Window, damaged):
    truths, session = damaged[1], opened.session
    count = len(expected_blobs(opened))
    words = step(qtbot, opened)
    for number in range(2, count + 1):
        words = step(qtbot, opened, Qt.Key.Key_Y)
        assert words.startswith(f"error {number} of {count}")
    assert step(qtbot, opened, Qt.Key.Key_Y) == ""
    assert "None is left" in opened.banner.text
    assert session.save_now(wait=True)
    for sample in session.project.samples.all():
        assert np.array_equal(session.project.masks.load(sample), truths[sample.id])
    before = session.document.mask.copy()
    press(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not np.array_equal(session.document.mask, before)
    predicted = (session.loaded.probability >= 128).view(np.uint8)
    assert len(Errors(session.document.mask, predicted).worst(9)) == 1


def test_a_settled_error_is_shown_faintly_at_once_and_after_reopening(qtbot, opened: Window, damaged):
    opened.workspace.set_error_view(True)
    step(qtbot, opened)
    blob, sample_id = opened.workspace.walk.place.blob, opened.session.sample.id

    def colour() -> tuple[int, int, int]:
        """Of the error on screen: how red, green and blue it is."""
        canvas = opened.panes.canvas("errors")
        x, y = (round(part) for part in canvas.frame.to_widget(blob.x + 0.5, blob.y + 0.5))
        return canvas.grab().toImage().pixelColor(x, y).getRgb()[:3]

    def strength() -> int:
        return max(colour()) - min(colour())

    opened.workspace.walk.goes_on = False
    open_strength = strength()
    step(qtbot, opened, Qt.Key.Key_J)
    assert strength() < 0.6 * open_strength
    settled_strength = strength()
    opened.close_project()
    opened.open_project(damaged[0])
    qtbot.waitUntil(lambda: opened.session.sample is not None and opened.is_settled(), timeout=20_000)
    opened.workspace.walk.goes_on = False
    opened.session.show(sample_id)
    qtbot.waitUntil(lambda: opened.session.sample.id == sample_id and opened.is_settled())
    opened.workspace.set_error_view(True)
    opened.panes.look_at(blob.bounds)
    qtbot.waitUntil(lambda: opened.panes.settled is not None and not opened.workspace.walk.is_busy)
    assert abs(strength() - settled_strength) < 12, "before anybody walks"


def test_a_kept_error_is_settled_and_stays_so_over_restarts_and_edits_elsewhere(qtbot, opened: Window, damaged):
    expected = expected_blobs(opened)
    step(qtbot, opened)
    kept = opened.workspace.walk.place
    before = opened.session.document.mask.copy()
    words = step(qtbot, opened, Qt.Key.Key_J)
    assert words.startswith(f"error 2 of {len(expected)}")
    shift = Qt.KeyboardModifier.ShiftModifier
    assert step(qtbot, opened, Qt.Key.Key_N, shift).endswith("settled")
    assert np.array_equal(opened.session.document.mask, before)
    assert not opened.actions_by_name["undo"].isEnabled()
    edited = before.copy()
    edited[-2:, -2:] ^= 1
    opened.session.document.replace(edited, "An edit elsewhere")
    opened.close_project()
    opened.open_project(damaged[0])
    qtbot.waitUntil(lambda: opened.session.sample is not None and opened.is_settled(), timeout=20_000)
    seen = []
    while words := step(qtbot, opened):
        place = opened.workspace.walk.place
        seen.append((place.sample_id, place.blob.x, place.blob.y))
    assert (kept.sample_id, kept.blob.x, kept.blob.y) not in seen
    assert len(set(seen)) == len(seen) >= len(expected) - 1


def test_keeping_once_more_takes_the_decision_back(qtbot, opened: Window):
    count = len(expected_blobs(opened))
    step(qtbot, opened)
    opened.actions_by_name["error-go-on"].trigger()
    assert step(qtbot, opened, Qt.Key.Key_J).endswith("settled")
    assert not step(qtbot, opened, Qt.Key.Key_J).endswith("settled")
    folder = opened.session.project.folder
    opened.close_project()  # waits for what is written
    opened.open_project(folder)
    qtbot.waitUntil(lambda: opened.session.sample is not None and opened.is_settled(), timeout=20_000)
    assert step(qtbot, opened).startswith(f"error 1 of {count}")


def test_fill_and_erase_say_what_the_pixels_are_whatever_the_model_says(qtbot, opened: Window):
    while "false positive" not in step(qtbot, opened):
        pass
    opened.actions_by_name["error-go-on"].trigger()
    blob, mask = opened.workspace.walk.place.blob, opened.session.document.mask
    assert blob.kind is Kind.FALSE_POSITIVE
    assert step(qtbot, opened, Qt.Key.Key_D).endswith("settled"), "background is what the mask says: it is kept"
    step(qtbot, opened, Qt.Key.Key_D)  # taken back
    words = step(qtbot, opened, Qt.Key.Key_I)
    assert words.endswith("mended")
    assert mask[blob.bounds.slices].all()
    press(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not opened.workspace.walk.is_busy)
    assert not opened.workspace.walk.words.endswith("mended")


def test_the_error_under_the_pointer_is_meant_when_there_is_one(qtbot, opened: Window):
    step(qtbot, opened)
    walk, session = opened.workspace.walk, opened.session
    place = walk.place.blob
    opened.panes.fit()
    errors = Errors(session.document.mask.copy(), (session.loaded.probability >= 128).view(np.uint8))
    other = next(blob for blob in errors.worst(9) if blob != place)
    canvas = opened.panes.canvas("errors")
    x, y = canvas.frame.to_widget(other.x + 0.5, other.y + 0.5)
    QTest.mouseMove(canvas, QPoint(round(x) + 3, round(y)))
    QTest.mouseMove(canvas, QPoint(round(x), round(y)))
    qtbot.waitUntil(lambda: opened.panes.canvas("truth").marks.target == other.bounds)
    words = step(qtbot, opened, Qt.Key.Key_Y)
    assert errors.at(place.x, place.y) == place
    left = Errors(session.document.mask.copy(), errors.predicted)
    assert left.at(other.x, other.y) is None
    assert left.at(place.x, place.y) == place
    assert words.startswith("error 1 of"), "the walk stays where it is"


def test_the_walk_goes_over_the_listed_samples_alone(qtbot, opened: Window):
    panel = opened.samples_panel
    panel.set_filter("split:val")
    qtbot.waitUntil(lambda: not panel.is_busy)
    listed = set(panel.ids())
    expected = [item for item in expected_blobs(opened) if item[0] in listed]
    assert 0 < len(expected) < len(expected_blobs(opened))
    for number in range(1, len(expected) + 1):
        assert step(qtbot, opened).startswith(f"error {number} of {len(expected)}")
        assert opened.session.sample.id in listed
    assert step(qtbot, opened) == ""


def test_the_tolerance_follows_one_slider(qtbot, opened: Window):
    step(qtbot, opened)
    display, session = opened.workspace.display, opened.session
    legend = opened.panes.canvas("errors").accessibleDescription()
    with qtbot.waitSignal(session.measured):
        display.tolerance_slider.setValue(2)
    assert display.tolerance == 2
    qtbot.waitUntil(opened.is_settled, timeout=20_000)
    assert opened.workspace.walk.place is None
    legend_then = opened.panes.canvas("errors").accessibleDescription()
    assert legend_then != legend
    assert legend_then.endswith("± 2 px ignored")
    expected = expected_blobs(opened, 2)
    for number, (_, blob) in enumerate(expected, start=1):
        assert step(qtbot, opened).startswith(f"error {number} of {len(expected)}  ·  {blob.kind}  ·  {blob.area} px")
    step(qtbot, opened)
    opened.workspace.remembering.remember()
    assert opened.workspace.remembering.state()["tolerance"] == 2
    qtbot.waitUntil(lambda: "within 2 px" in opened.workspace.review_panel._note.text(), timeout=20_000)


def test_taking_with_a_tolerance_leaves_no_moat(qtbot, opened: Window, damaged):
    opened.workspace.display.tolerance_slider.setValue(2)
    step(qtbot, opened)
    sample_id = opened.session.sample.id
    opened.actions_by_name["error-go-on"].trigger()
    blob = opened.workspace.walk.place.blob
    step(qtbot, opened, Qt.Key.Key_Y)
    around = tuple(slice(max(part.start - 4, 0), part.stop + 4) for part in blob.bounds.slices)
    assert np.array_equal(opened.session.document.mask[around], damaged[1][sample_id][around])


def test_without_predictions_the_walk_cannot_begin(qtbot, window: Window, tmp_path):
    window.open_project(make_project(tmp_path, 2))
    qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled(), timeout=20_000)
    assert not window.actions_by_name["error-next"].isEnabled()
    window.workspace.walk.step(1)
    assert "no predictions yet" in window.banner.text


def test_a_read_only_project_can_be_walked_and_not_changed(qtbot, opened: Window, damaged):
    _, second = application.build(["segstudio"])
    qtbot.addWidget(second)
    second.show()
    second.open_project(damaged[0])
    qtbot.waitUntil(lambda: second.session.sample is not None and second.is_settled(), timeout=20_000)
    second.workspace.walk.step(1)
    qtbot.waitUntil(lambda: second.workspace.walk.words.startswith("error 1 of"))
    second.workspace.walk.decide("take")
    assert "reading only" in second.banner.text
    second.close_project()


def test_new_predictions_are_walked_over_and_visited_places_stay_visited(qtbot, opened: Window):
    step(qtbot, opened)
    place, count = opened.workspace.walk.place, len(expected_blobs(opened))
    project, session = opened.session.project, opened.session
    other = next(sample for sample in project.samples.all() if sample.id != place.sample_id)
    run = project.predictions.current()
    project.predictions.save(run, other, project.masks.load(other) * np.uint8(255))
    project.predictions.score(run, [other.id])
    qtbot.waitUntil(lambda: not session.is_busy and not opened.workspace.walk.is_busy, timeout=20_000)
    left = len(expected_blobs(opened))
    assert left < count
    words = step(qtbot, opened)
    assert words.startswith(f"error 2 of {left}")
    assert opened.workspace.walk.place.sample_id != other.id


def test_the_keys_work_under_a_russian_layout(qtbot, opened: Window):
    handle = opened.windowHandle()
    for letter in "Тт":
        opened.activateWindow()
        qtbot.waitUntil(opened.isActiveWindow)
        event = QKeyEvent(QEvent.Type.KeyPress, ord("Т"), Qt.KeyboardModifier.NoModifier, letter)
        QCoreApplication.sendEvent(handle, event)
        qtbot.waitUntil(lambda: not opened.session.is_busy and not opened.workspace.walk.is_busy, timeout=20_000)
    assert opened.workspace.walk.words.startswith("error 2 of")


def test_a_decision_under_the_pointer_needs_no_walk(qtbot, opened: Window):
    session, canvas = opened.session, opened.panes.canvas("truth")
    predicted = (session.loaded.probability >= 128).view(np.uint8)
    blob = Errors(session.document.mask.copy(), predicted).worst(1)[0]
    x, y = canvas.frame.to_widget(blob.x + 0.5, blob.y + 0.5)
    QTest.mouseMove(canvas, QPoint(round(x) + 2, round(y)))
    QTest.mouseMove(canvas, QPoint(round(x), round(y)))
    sample = session.sample.id
    step(qtbot, opened, Qt.Key.Key_Y)
    assert session.sample.id == sample
    assert session.document.mask[blob.y, blob.x] == predicted[blob.y, blob.x]
    assert blob not in Errors(session.document.mask.copy(), predicted).worst(9)


def test_where_there_is_no_error_a_decision_does_nothing_and_says_so(qtbot, opened: Window):
    before = opened.session.document.mask.copy()
    step(qtbot, opened, Qt.Key.Key_Y)
    assert "no error here" in opened.banner.text
    assert np.array_equal(opened.session.document.mask, before)


def ask_while_looking(qtbot, window: Window, monkeypatch, key: Qt.Key, then) -> None:
    """Press a key with the pointer on an error, do something else before it is known where errors are, and wait."""
    session, gate = window.session, threading.Event()
    predicted = (session.loaded.probability >= 128).view(np.uint8)
    blob = Errors(session.document.mask.copy(), predicted).worst(1)[0]
    canvas = window.panes.canvas("truth")
    x, y = canvas.frame.to_widget(blob.x + 0.5, blob.y + 0.5)
    QTest.mouseMove(canvas, QPoint(round(x) + 2, round(y)))
    QTest.mouseMove(canvas, QPoint(round(x), round(y)))
    find = session.project.predictions.find_missing_blobs

    def find_later(*wanted) -> None:
        gate.wait(20)
        find(*wanted)

    monkeypatch.setattr(session.project.predictions, "find_missing_blobs", find_later)
    press(window, key, Qt.KeyboardModifier.ShiftModifier if key == Qt.Key.Key_J else Qt.KeyboardModifier.NoModifier)
    then()
    gate.set()
    qtbot.waitUntil(lambda: not session.is_busy and not window.workspace.walk.is_busy, timeout=20_000)


@pytest.mark.parametrize("key", [Qt.Key.Key_Y, Qt.Key.Key_J])
def test_a_decision_that_waits_never_lands_on_another_sample(qtbot, opened: Window, monkeypatch, key):
    session = opened.session
    masks = {sample.id: session.project.masks.load(sample).copy() for sample in session.project.samples.all()}
    errors, first = len(expected_blobs(opened)), session.sample.id

    def leave() -> None:
        opened.actions_by_name["next"].trigger()
        qtbot.waitUntil(lambda: session.sample.id != first and not session.is_busy)

    ask_while_looking(qtbot, opened, monkeypatch, key, leave)
    assert "another sample is on screen" in opened.banner.text
    assert session.save_now(wait=True)
    for sample in session.project.samples.all():
        assert np.array_equal(session.project.masks.load(sample), masks[sample.id])
    assert step(qtbot, opened).startswith(f"error 1 of {errors}"), "nothing was kept"


def test_a_decision_that_waits_is_not_about_a_mask_that_has_changed_since(qtbot, opened: Window, monkeypatch):
    document = opened.session.document
    edited = document.mask.copy()
    edited[-2:, -2:] ^= 1
    change = partial(document.replace, edited, "An edit elsewhere")
    ask_while_looking(qtbot, opened, monkeypatch, Qt.Key.Key_Y, change)
    assert "its mask has changed" in opened.banner.text
    assert np.array_equal(document.mask, edited)


def test_closing_does_not_wait_until_the_errors_of_all_samples_are_found(qtbot, window: Window, tmp_path, monkeypatch):
    path, truths = damaged_project(tmp_path, 60)
    window.open_project(path)
    qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled(), timeout=20_000)
    project = window.session.project
    with project.transaction("blobs") as connection:
        project.blobs.forget(connection, [(project.predictions.current(), sample) for sample in truths])
    asked, find, is_closing = [], project.blobs.found, threading.Event()

    def find_slowly(*wanted):
        asked.append(wanted)
        is_closing.wait(20)  # however long it takes until somebody closes: on a busy machine all might be found
        time.sleep(0.05)
        return find(*wanted)

    monkeypatch.setattr(project.blobs, "found", find_slowly)
    press(window, Qt.Key.Key_N)
    qtbot.waitUntil(lambda: bool(asked))
    is_closing.set()
    window.close_project()
    assert len(asked) < 20, "those that were begun alone"


def test_closing_ends_the_thread_that_finds_what_is_forgiven(qtbot, opened: Window):
    before = set(threading.enumerate())
    panes = opened.panes  # held, so that its threads do not end because nobody remembers them
    opened.workspace.display.tolerance_slider.setValue(2)
    qtbot.waitUntil(opened.is_settled, timeout=20_000)
    threads = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("ring")]
    assert threads
    opened.close_project()
    assert not any(thread.is_alive() for thread in threads)
    assert not panes.is_forgiving
