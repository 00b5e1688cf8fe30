from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QCoreApplication, QEvent

from segstudio.core.sample import ReviewState
from segstudio.project.project import Project
from segstudio.ui.session import Session
from tests.ui.projects import make_project, predict_noisily


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_project(tmp_path)


@pytest.fixture
def session(qtbot, folder: Path):
    one = Session(Project.open(folder, is_editor=True))
    yield one
    assert one.close()
    delete(one)


def delete(session: Session) -> None:
    """Now and here: what is left to Python's collector may end in any thread, and Qt's timers must not."""
    session.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def show(qtbot, session: Session, number: int) -> int:
    sample_id = int(session.project.samples.table().id[number])
    session.show(sample_id)
    qtbot.waitUntil(lambda: session.sample is not None and session.sample.id == sample_id and not session.is_busy)
    return sample_id


def paint(session: Session, column: int = 1) -> np.ndarray:
    assert session.document is not None
    mask = session.document.mask.copy()
    mask[2:9, column : column + 6] ^= 1
    session.document.replace(mask, "Paint")
    return mask


def file_of(session: Session, sample_id: int) -> Path:
    return session.project.folder / "masks" / f"{session.project.samples.get(sample_id).stem}.png"


def content(path: Path) -> np.ndarray:
    return (np.array(Image.open(path)) > 127).astype(np.uint8)


def test_a_sample_comes_with_image_and_mask(qtbot, session: Session):
    show(qtbot, session, 0)
    assert session.loaded is not None
    assert session.loaded.image.shape == (48, 64)
    assert session.document is not None
    assert session.document.mask.any()
    assert session.problem is None


def test_the_old_sample_stays_until_the_new_one_is_there(qtbot, session: Session):
    first = show(qtbot, session, 0)
    with qtbot.waitSignal(session.sample_changed):
        session.show(int(session.project.samples.table().id[1]))
        assert session.sample is not None
        assert session.sample.id == first
        assert session.is_busy
    assert session.sample.id != first


def test_a_sample_that_is_left_was_seen_and_so_was_the_last_one(qtbot, session: Session):
    first, second = show(qtbot, session, 0), show(qtbot, session, 1)
    qtbot.waitUntil(lambda: not np.isnan(session.project.samples.table().seen[0]))
    assert np.isnan(session.project.samples.table().seen[1])
    folder = session.project.folder
    assert session.close()
    with Project.open(folder) as project:
        table = project.samples.table()
        assert list(table.id[~np.isnan(table.seen)]) == [first, second]


def test_a_stroke_is_saved_and_the_sample_corrected(qtbot, session: Session):
    sample_id = show(qtbot, session, 0)
    mask = paint(session)
    qtbot.waitUntil(lambda: session.autosave.state == "saved")
    np.testing.assert_array_equal(content(file_of(session, sample_id)), mask)
    qtbot.waitUntil(lambda: session.sample is not None and session.sample.state is ReviewState.CORRECTED)
    assert session.sample.revision == 1


def test_switching_saves_at_once_and_seals(qtbot, session: Session):
    sample_id = show(qtbot, session, 0)
    mask = paint(session)
    show(qtbot, session, 1)
    assert session.save_now(wait=True)
    np.testing.assert_array_equal(content(file_of(session, sample_id)), mask)
    show(qtbot, session, 0)
    paint(session, 20)
    assert session.save_now(wait=True)
    assert session.project.samples.get(sample_id).revision == 2
    np.testing.assert_array_equal(session.project.masks.load_revision(session.project.samples.get(sample_id), 1), mask)


def test_undo_survives_going_away_and_coming_back(qtbot, session: Session):
    show(qtbot, session, 0)
    assert session.document is not None
    before = session.document.mask.copy()
    paint(session)
    show(qtbot, session, 1)
    show(qtbot, session, 0)
    session.undo()
    np.testing.assert_array_equal(session.document.mask, before)


def test_a_verdict_comes_after_the_mask_it_is_about(qtbot, session: Session):
    sample_id = show(qtbot, session, 0)
    mask = paint(session)
    session.decisions.set_states([sample_id], ReviewState.ACCEPTED)
    qtbot.waitUntil(lambda: session.sample is not None and session.sample.state is ReviewState.ACCEPTED)
    assert session.save_now(wait=True)
    assert session.project.samples.get(sample_id).state is ReviewState.ACCEPTED
    np.testing.assert_array_equal(content(file_of(session, sample_id)), mask)


def test_who_holds_the_key_down_arrives_at_the_last_sample(qtbot, session: Session):
    ids = [int(sample_id) for sample_id in session.project.samples.table().id]
    for _ in range(4):
        for sample_id in ids:
            session.show(sample_id)
    session.show(ids[2])
    qtbot.waitUntil(lambda: not session.is_busy)
    assert session.sample is not None
    assert session.sample.id == ids[2]
    assert session.document is not None
    paint(session)
    assert session.save_now(wait=True)


def test_who_goes_elsewhere_before_an_image_is_read_can_come_back(qtbot, session: Session, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(session.images, "request", lambda _sample_id: None)  # a very slow disk
        patch.setattr(session.images, "cached", lambda _sample_id: None)
        session.show(2)
        qtbot.waitUntil(lambda: not session._reader.is_busy)
        session.show(3)
    show(qtbot, session, 4)
    assert show(qtbot, session, 1) == 2
    assert session.is_editable


def test_a_damaged_mask_blocks_editing_and_is_left_as_it_is(qtbot, session: Session):
    sample_id = show(qtbot, session, 0)
    paint(session)
    show(qtbot, session, 1)
    assert session.save_now(wait=True)
    path = file_of(session, sample_id)
    path.write_bytes(path.read_bytes()[:40])
    damaged = path.read_bytes()
    show(qtbot, session, 0)
    assert session.document is None
    assert session.problem is not None
    assert path.name in session.problem.message
    assert not session.is_editable
    show(qtbot, session, 2)
    assert path.read_bytes() == damaged


def test_an_image_that_cannot_be_read_is_a_problem_and_no_end(qtbot, session: Session):
    sample = session.project.samples.get(int(session.project.samples.table().id[1]))
    session.project.image_path(sample).write_bytes(b"not a picture")
    show(qtbot, session, 1)
    assert session.loaded is None
    assert session.document is None
    assert session.problem is not None
    show(qtbot, session, 0)
    assert session.document is not None


def test_a_mask_that_cannot_be_written_is_told_and_nothing_is_lost(qtbot, session: Session, folder: Path):
    sample_id = show(qtbot, session, 0)
    obstacle = folder / "masks"
    obstacle.write_bytes(b"a file where the folder should be")
    mask = paint(session)
    assert not session.save_now(wait=True)
    assert session.autosave.state == "unsaved"
    assert session.autosave.reason
    show(qtbot, session, 1)
    show(qtbot, session, 0)
    assert session.document is not None
    np.testing.assert_array_equal(session.document.mask, mask)
    obstacle.unlink()
    assert session.save_now(wait=True)
    np.testing.assert_array_equal(content(file_of(session, sample_id)), mask)
    qtbot.waitUntil(lambda: session.autosave.state == "saved")


def test_what_was_never_written_comes_back_from_the_journal(qtbot, folder: Path):
    session = Session(Project.open(folder, is_editor=True))
    show(qtbot, session, 0)
    (folder / "masks").write_bytes(b"in the way")
    mask = paint(session)
    assert not session.close()
    delete(session)
    (folder / "masks").unlink()
    again = Session(Project.open(folder, is_editor=True))
    sample_id = show(qtbot, again, 0)
    assert again.document is not None
    np.testing.assert_array_equal(again.document.mask, mask)
    assert again.close()
    delete(again)
    with Project.open(folder) as project:
        np.testing.assert_array_equal(project.masks.load(project.samples.get(sample_id)), mask)


def test_a_second_window_may_look_and_not_touch(qtbot, session: Session, folder: Path):
    other = Session(Project.open(folder, is_editor=True))
    assert other.project.read_only
    sample_id = show(qtbot, other, 0)
    assert other.document is not None
    assert not other.is_editable
    other.decisions.set_states([sample_id], ReviewState.REJECTED)
    other.remember("window", {"sort": "name"})
    assert other.close()
    delete(other)
    assert session.project.samples.progress()[ReviewState.REJECTED] == 0


def test_the_mask_is_measured_against_the_prediction(qtbot, session: Session):
    predict_noisily(session.project)
    show(qtbot, session, 0)
    qtbot.waitUntil(lambda: session.is_measured)
    with qtbot.waitSignal(session.measured) as told:
        paint(session)
    measurement = told.args[0]
    assert session.document is not None
    assert measurement.foreground == int(session.document.mask.sum())
    assert 0 < measurement.counts.iou < 1


def test_new_predictions_are_shown_without_going_away(qtbot, session: Session):
    show(qtbot, session, 0)
    assert session.loaded is not None
    assert session.loaded.probability is None
    with qtbot.waitSignals([session.predicted, session.probability_changed]):
        predict_noisily(session.project)
        session.take_job_end(frozenset({"predictions"}))
    assert session.loaded.probability is not None


def test_new_predictions_on_the_way_to_another_sample_do_not_hold_it_up(qtbot, session: Session):
    show(qtbot, session, 0)
    predict_noisily(session.project)
    for number in (1, 2, 3, 0, 1):
        sample_id = int(session.project.samples.table().id[number])
        session.show(sample_id)
        session.take_job_end(frozenset({"predictions"}))
        qtbot.waitUntil(lambda sample_id=sample_id: session.sample.id == sample_id)
        qtbot.waitUntil(lambda: session.loaded.probability is not None)


def test_saving_a_mask_is_no_new_prediction(qtbot, session: Session):
    predict_noisily(session.project)
    show(qtbot, session, 0)
    qtbot.waitUntil(lambda: not session._telling.isActive())
    heard: list[int] = []
    session.predicted.connect(lambda: heard.append(1))
    with qtbot.waitSignal(session.project_changed):
        paint(session)
        session.save_now(wait=True)
    assert not heard


def test_an_earlier_revision_can_be_taken_and_undone(qtbot, session: Session):
    show(qtbot, session, 0)
    assert session.document is not None
    original = session.document.mask.copy()
    painted = paint(session)
    assert session.save_now(wait=True)
    session.take_revision(0)
    qtbot.waitUntil(lambda: np.array_equal(session.document.mask, original))
    session.undo()
    np.testing.assert_array_equal(session.document.mask, painted)
