"""Images and thumbnails: read in threads, told in the window's thread, kept within a budget, gone after close."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QThread
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from segstudio.core.sample import Sample
from segstudio.project.project import Project
from segstudio.ui.images import SIDE, ImageStore, LoadedSample, Thumbnails
from segstudio.ui.newest_first import NewestFirst
from tests.project.projects import make_project

OURS = ("image-", "thumbnail-", "test-")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with make_project(tmp_path, count=6) as project:
        yield project
    assert not ours()


def ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(OURS)]


@pytest.fixture
def store(project: Project, qapp: QApplication) -> Iterator[ImageStore]:
    store = ImageStore(project)
    yield store
    store.close()


@pytest.fixture
def thumbnails(project: Project, qapp: QApplication) -> Iterator[Thumbnails]:
    thumbnails = Thumbnails(project)
    yield thumbnails
    thumbnails.close()


def samples(project: Project) -> list[Sample]:
    return [project.samples.get(int(sample_id)) for sample_id in project.samples.table().id]


def read(qtbot: QtBot, store: ImageStore, sample_id: int) -> LoadedSample:
    with qtbot.waitSignal(store.loaded, check_params_cb=lambda told, _: told == sample_id) as loaded:
        store.request(sample_id)
    return loaded.args[1]


def predict(project: Project, sample: Sample, value: int) -> int:
    run = project.runs.create("conv-unet", "conv-unet", {}, "scratch")
    project.predictions.save(run.id, sample, np.full((sample.height, sample.width), value, np.uint8))
    project.predictions.set_current(run.id)
    return run.id


# --- images


def test_a_sample_is_read_and_told_in_this_thread(project: Project, store: ImageStore, qtbot: QtBot) -> None:
    threads = []
    store.loaded.connect(lambda *_: threads.append(QThread.currentThread()))
    sample = samples(project)[0]
    loaded = read(qtbot, store, sample.id)
    assert np.array_equal(loaded.image, project.read_image(sample))
    assert loaded.sample == sample
    assert loaded.probability is None
    assert threads == [QApplication.instance().thread()]  # type: ignore[union-attr]
    assert store.cached(sample.id) is loaded


def test_an_answer_never_comes_inside_the_call(project: Project, store: ImageStore, qtbot: QtBot) -> None:
    sample = samples(project)[0]
    read(qtbot, store, sample.id)
    told = []
    store.loaded.connect(lambda *both: told.append(both))
    store.request(sample.id)
    assert not told
    qtbot.waitUntil(lambda: len(told) == 1)


def test_the_current_prediction_comes_along_and_follows_a_change(
    project: Project, store: ImageStore, qtbot: QtBot
) -> None:
    sample = samples(project)[0]
    before = read(qtbot, store, sample.id)
    run_id = predict(project, sample, 200)
    assert store.cached(sample.id) is before
    store.invalidate()
    assert store.cached(sample.id) is None
    after = read(qtbot, store, sample.id)
    assert after.run_id == run_id
    assert after.probability is not None
    assert np.all(after.probability == 200)
    assert after.image is before.image  # the file is the same: not decoded again


def test_a_changed_image_is_read_again(project: Project, store: ImageStore, qtbot: QtBot) -> None:
    sample = samples(project)[0]
    before = read(qtbot, store, sample.id)
    Image.fromarray(255 - before.image).save(project.image_path(sample))
    store.invalidate(sample.id)
    assert np.array_equal(read(qtbot, store, sample.id).image, 255 - before.image)


def test_a_failure_is_told_each_time(project: Project, store: ImageStore, qtbot: QtBot) -> None:
    sample = samples(project)[0]
    project.image_path(sample).unlink()
    for _ in range(20):
        with qtbot.waitSignal(store.failed):
            store.request(sample.id)


def test_a_damaged_prediction_is_none(project: Project, store: ImageStore, qtbot: QtBot) -> None:
    sample = samples(project)[0]
    run_id = predict(project, sample, 200)
    project.predictions.path(run_id, sample).write_bytes(b"no picture")
    assert read(qtbot, store, sample.id).probability is None


def test_a_damaged_image_is_told_with_its_name(project: Project, store: ImageStore, qtbot: QtBot) -> None:
    sample = samples(project)[0]
    project.image_path(sample).write_bytes(b"no picture")
    with qtbot.waitSignal(store.failed) as failed:
        store.request(sample.id)
    assert failed.args[0] == sample.id
    assert sample.name in failed.args[1]
    assert store.cached(sample.id) is None


def test_neighbours_are_ready_before_they_are_asked_for(project: Project, store: ImageStore, qtbot: QtBot) -> None:
    told = []
    store.loaded.connect(lambda sample_id, _: told.append(sample_id))
    ids = [sample.id for sample in samples(project)]
    project.image_path(samples(project)[2]).unlink()
    store.prefetch(ids[1:4])
    qtbot.waitUntil(lambda: store.cached(ids[1]) is not None and store.cached(ids[3]) is not None)
    assert not told
    assert store.cached(ids[2]) is None


def test_a_sample_that_is_being_prefetched_is_told_when_it_is_asked_for(
    project: Project, store: ImageStore, qtbot: QtBot
) -> None:
    ids = [sample.id for sample in samples(project)]
    for _ in range(20):
        store.invalidate()
        store.prefetch(ids)
        read(qtbot, store, ids[0])


def test_only_the_last_request_is_answered(project: Project, store: ImageStore, qtbot: QtBot) -> None:
    ids = [sample.id for sample in samples(project)]
    told = []
    store.loaded.connect(lambda sample_id, _: told.append(sample_id))
    for sample_id in ids:
        store.request(sample_id)
    qtbot.waitUntil(lambda: bool(told))
    store.prefetch(ids[:2])
    qtbot.waitUntil(lambda: store.cached(ids[0]) is not None and store.cached(ids[1]) is not None)
    assert told == [ids[-1]]


def test_memory_stays_within_the_budget(project: Project, qtbot: QtBot) -> None:
    one = 64 * 48
    store = ImageStore(project, budget=3 * one)
    ids = [sample.id for sample in samples(project)]
    for sample_id in ids:
        read(qtbot, store, sample_id)
    assert store.nbytes <= 3 * one
    assert [store.cached(sample_id) is not None for sample_id in ids] == [False] * 3 + [True] * 3
    tiny = ImageStore(project, budget=1)
    assert read(qtbot, tiny, ids[0]) is tiny.cached(ids[0])  # the one that is shown is kept whatever its size
    store.close()
    tiny.close()


def test_after_close_nothing_is_told_and_no_thread_is_left(project: Project, qtbot: QtBot) -> None:
    for _ in range(10):
        store, thumbnails = ImageStore(project), Thumbnails(project)
        told: list[object] = []
        store.loaded.connect(lambda *both, told=told: told.append(both))
        store.failed.connect(lambda *all_three, told=told: told.append(all_three))
        thumbnails.ready.connect(told.append)
        for sample in samples(project):
            store.request(sample.id)
            thumbnails.pixmap(sample)
        store.close()
        thumbnails.close()
        assert not ours()
        QApplication.processEvents()
        assert not told
        store.request(1)
        store.prefetch([1, 2])
        assert thumbnails.pixmap(samples(project)[0]) is None


# --- thumbnails


def made(qtbot: QtBot, thumbnails: Thumbnails, sample: Sample) -> QPixmap | None:
    with qtbot.waitSignal(thumbnails.ready, check_params_cb=lambda sample_id: sample_id == sample.id):
        thumbnails.pixmap(sample)
    return thumbnails.pixmap(sample)


def centre_tint(pixmap: QPixmap, mask: np.ndarray) -> int:
    """How much bluer than red the picture is in the middle of the mask."""
    rows, columns = np.nonzero(mask)
    scale = pixmap.width() / mask.shape[1]
    middle = len(rows) // 2
    colour = pixmap.toImage().pixelColor(int(columns[middle] * scale), int(rows[middle] * scale))
    return colour.blue() - colour.red()


def test_a_thumbnail_shows_the_mask_faintly(project: Project, thumbnails: Thumbnails, qtbot: QtBot) -> None:
    sample = samples(project)[0]
    assert thumbnails.pixmap(sample) is None
    pixmap = made(qtbot, thumbnails, sample)
    assert pixmap is not None
    assert (pixmap.width(), pixmap.height()) == (64, 48)  # not enlarged
    assert centre_tint(pixmap, project.masks.load(sample)) > 20


def test_large_images_become_small(project: Project, thumbnails: Thumbnails, qtbot: QtBot) -> None:
    sample = samples(project)[0]
    Image.fromarray(np.full((300, 1200, 3), 99, np.uint8)).save(project.image_path(sample))
    pixmap = made(qtbot, thumbnails, sample)
    assert pixmap is not None
    assert max(pixmap.width(), pixmap.height()) == SIDE


def test_a_new_mask_makes_a_new_thumbnail_and_the_old_one_stays_until_then(
    project: Project, thumbnails: Thumbnails, qtbot: QtBot
) -> None:
    sample = samples(project)[0]
    before = made(qtbot, thumbnails, sample)
    assert before is not None
    empty = np.zeros((sample.height, sample.width), np.uint8)
    mask = project.masks.load(sample)
    saved = project.masks.save(sample.id, empty)
    assert thumbnails.pixmap(saved) is before
    after = made(qtbot, thumbnails, saved)
    assert after is not None
    assert abs(centre_tint(after, mask)) < 5
    project.masks.save(sample.id, mask)  # the same revision, saved once more
    again = made(qtbot, thumbnails, saved)
    assert again is not None
    assert centre_tint(again, mask) > 20


def test_what_has_not_changed_is_not_told_again(project: Project, thumbnails: Thumbnails, qtbot: QtBot) -> None:
    first, second = samples(project)[:2]
    before = made(qtbot, thumbnails, first)
    project.masks.save(second.id, np.zeros((48, 64), np.uint8))
    told = []
    thumbnails.ready.connect(told.append)
    assert thumbnails.pixmap(first) is before
    made(qtbot, thumbnails, project.samples.get(second.id))
    assert thumbnails.pixmap(first) is before
    assert first.id not in told


def test_thumbnails_are_cached_on_disk(project: Project, qtbot: QtBot) -> None:
    sample = samples(project)[0]
    first = Thumbnails(project)
    drawn = made(qtbot, first, sample)
    first.close()
    files = [path for path in (project.folder / "cache" / "thumbnails").rglob("*") if path.is_file()]
    assert len(files) == 1
    before = files[0].stat().st_mtime_ns
    second = Thumbnails(project)
    read_back = made(qtbot, second, sample)
    second.close()
    assert drawn is not None
    assert read_back is not None
    assert read_back.toImage() == drawn.toImage().convertToFormat(read_back.toImage().format())
    assert files[0].stat().st_mtime_ns == before
    files[0].write_bytes(b"damaged")
    third = Thumbnails(project)
    assert made(qtbot, third, sample) is not None
    third.close()


def test_a_damaged_image_has_no_thumbnail_and_is_tried_once(
    project: Project, thumbnails: Thumbnails, qtbot: QtBot
) -> None:
    sample = samples(project)[0]
    project.image_path(sample).write_bytes(b"no picture")
    told = []
    thumbnails.ready.connect(told.append)
    assert made(qtbot, thumbnails, sample) is None
    for _ in range(5):
        thumbnails.pixmap(sample)
    made(qtbot, thumbnails, samples(project)[1])
    assert told.count(sample.id) == 1


def test_a_damaged_mask_leaves_the_picture(project: Project, thumbnails: Thumbnails, qtbot: QtBot) -> None:
    sample = samples(project)[0]
    (project.source / str(sample.truth)).write_bytes(b"no picture")
    assert made(qtbot, thumbnails, sample) is not None


def test_scrolling_past_a_hundred_thousand_does_not_pile_up(project: Project, qtbot: QtBot) -> None:
    thumbnails = Thumbnails(project, budget=10 * 4 * SIDE * SIDE)
    sample = replace(samples(project)[0], truth=None)
    for number in range(100_000):
        thumbnails.pixmap(replace(sample, id=10 + number))
    last = replace(sample, id=10 + 99_999)
    qtbot.waitUntil(lambda: thumbnails.pixmap(last) is not None)
    thumbnails.close()
    files = list((project.folder / "cache" / "thumbnails").rglob("*.png"))
    assert len(files) < 2000  # nearly all were forgotten before anybody made them


# --- newest first


def test_the_newest_is_done_first_and_the_oldest_forgotten() -> None:
    done: list[int] = []
    may_go, is_busy, is_done = threading.Event(), threading.Event(), threading.Event()

    def work(key: int, value: str) -> int:
        is_busy.set()
        may_go.wait(10)
        return key

    def take(key: int) -> None:
        done.append(key)
        if key == 99:
            is_done.set()

    workers = NewestFirst("test", 1, work, take, most=3)
    workers.push(0, "")
    assert is_busy.wait(10)
    assert workers.active(0) == ""
    for key in (1, 2, 3, 4):
        workers.push(key, "")
    workers.push(2, "")  # once more: it is the newest now
    workers.push(99, "", is_urgent=False)
    may_go.set()
    # 99 was put behind three that wait already, so it is what is forgotten; ask once more when there is room.
    workers.push(98, "")
    while not {0, 2, 98} <= set(done):
        assert workers._threads[0].is_alive()
    workers.push(99, "", is_urgent=False)
    assert is_done.wait(10)
    assert workers.close()
    assert done[0] == 0
    assert done.index(98) < done.index(2)
    assert 1 not in done


def test_nothing_is_begun_after_close() -> None:
    done: list[int] = []
    workers: NewestFirst[int, None, int] = NewestFirst("test", 2, lambda key, _: key, done.append)
    assert workers.close()
    workers.push(1, None)
    assert workers.close()
    assert not done


def test_masks_of_the_neighbours_are_read_ahead(qtbot, project: Project, store: ImageStore):
    ids = [sample.id for sample in project.samples.all()][:2]
    store.prefetch(ids)
    qtbot.waitUntil(lambda: store.is_idle)
    assert set(project.masks._ahead) == set(ids)
