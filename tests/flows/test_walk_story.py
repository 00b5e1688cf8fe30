"""A reviewer mends damaged masks with the walk from error to error alone: real window, real keys and mouse moves."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from segstudio.core.blobs import Errors
from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
from segstudio.project.project import Project
from tests.flows.conftest import Hands

COUNT, SIDE = 5, 128
TOLERANCE = 2
"""Both the model and the reviewer are right to so many pixels."""

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def true_mask(rng: np.random.Generator) -> np.ndarray:
    """Two lungs, more or less."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for x in (38, 90):
        centre = (x + int(rng.integers(-3, 4)), 64 + int(rng.integers(-4, 5)))
        cv2.ellipse(mask, centre, (17 + int(rng.integers(0, 4)), 42), 0, 0, 360, 1, -1)
    return mask


def damaged_mask(mask: np.ndarray, number: int) -> np.ndarray:
    """A hole, an island and an edge that is shifted over a part of its length."""
    result = mask.copy()
    cv2.circle(result, (38, 60), 6 + number % 3, 0, -1)
    cv2.rectangle(result, (58, 108 - number), (70, 120), 1, -1)
    part = (slice(40, 84), slice(86, 122))
    result[part] = cv2.dilate(mask, np.ones((15, 15), np.uint8))[part]
    return result


def modelled(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a good model says: right but for a pixel along the boundary, here and there."""
    jitter = (rng.random(mask.shape) < 0.5).astype(np.uint8)
    return np.where(jitter, cv2.dilate(mask, np.ones((3, 3), np.uint8)), mask)


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[Path, dict[int, np.ndarray], dict[int, np.ndarray]]:
    """A project with damaged masks and good predictions; the true and the damaged masks by sample id."""
    rng, dataset = np.random.default_rng(5), tmp_path / "dataset"
    truths = [true_mask(rng) for _ in range(COUNT)]
    broken = [damaged_mask(mask, number) for number, mask in enumerate(truths)]
    for name in ("images", "masks"):
        (dataset / name).mkdir(parents=True)
    for number, (truth, mask) in enumerate(zip(truths, broken, strict=True)):
        noise = rng.normal(120, 10, truth.shape) - 60 * truth
        Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)).save(dataset / "images" / f"{number}.png")
        Image.fromarray(mask * 255).save(dataset / "masks" / f"{number}.png")
    # Without a test split: the walk leaves its images out while their figures are hidden, see test_test_figures.py.
    JOBS["new"].from_values({"source": str(dataset), "split": "80/20/0"}).perform(tmp_path / "project", ListReporter())
    with Project.open(tmp_path / "project", is_editor=True) as project:
        run = project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
        samples = sorted(project.samples.all(), key=lambda sample: sample.name)
        for sample, truth in zip(samples, truths, strict=True):
            project.predictions.save(run.id, sample, modelled(truth, rng) * np.uint8(255))
        project.predictions.score(run.id)
        project.predictions.set_current(run.id)
        ids = [sample.id for sample in samples]
    return tmp_path / "project", dict(zip(ids, truths, strict=True)), dict(zip(ids, broken, strict=True))


def press(hands: Hands, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> str:
    """Press a key, wait until what it asks for is done, and read the bar of errors."""
    hands.key(key, modifier)
    hands.settle()
    return hands.window.workspace.error_bar.words.accessibleDescription()


def point_at(hands: Hands, x: int, y: int) -> None:
    """Move the mouse onto the middle of an image pixel in the error pane."""
    canvas = hands.window.panes.canvas("errors")
    wx, wy = canvas.frame.to_widget(x + 0.5, y + 0.5)
    for offset in (2, 0):
        QTest.mouseMove(canvas, QPoint(round(wx) + offset, round(wy)))


def set_tolerance(hands: Hands, pixels: int) -> None:
    """With the arrow keys, on the slider."""
    slider, display = hands.window.workspace.display.tolerance_slider, hands.window.workspace.display
    while display.tolerance != pixels:
        QTest.keyClick(slider, Qt.Key.Key_Right)
    hands.window.workspace.focus_centre()
    hands.settle()


def test_damaged_masks_are_mended_by_the_walk_and_all_of_it_can_be_undone(open_window, damaged):
    folder, truths, broken = damaged
    hands = open_window(folder)
    session = hands.window.session
    set_tolerance(hands, TOLERANCE)

    # one key goes to the worst error; under the pointer lies another one on the same image: that is taken first
    words = press(hands, Qt.Key.Key_N)
    assert words.startswith(f"error 1 of {3 * COUNT}"), "a hole, an island and a shifted edge each"
    at = hands.window.workspace.walk.place.blob
    predicted = (session.loaded.probability >= 128).view(np.uint8)
    others = Errors(session.document.mask.copy(), predicted, TOLERANCE).worst(9)
    other = next(blob for blob in others if blob != at)
    hands.do("fit")
    hands.settle()
    point_at(hands, other.x, other.y)
    press(hands, Qt.Key.Key_Y)
    assert session.document.mask[other.y, other.x] == predicted[other.y, other.x]
    assert session.document.mask[at.y, at.x] != predicted[at.y, at.x]
    QTest.mouseMove(hands.window.samples_panel, QPoint(5, 5))
    hands.window.panes.pointer.hovered.emit(None)  # the offscreen platform tells of no leaving

    # every other error is settled by one key, which leads to the next: false positives are filled, others erased
    settled = 1
    while words := hands.window.workspace.walk.words:
        key = Qt.Key.Key_I if "false positive" in words else Qt.Key.Key_D
        press(hands, key if settled % 2 else Qt.Key.Key_Y)
        settled += 1
        assert settled <= 4 * COUNT, words
    assert settled == 3 * COUNT
    assert "None is left" in hands.window.banner.text
    assert hands.window.close()

    with Project.open(folder) as project:
        for sample in project.samples.all():
            mask = project.masks.load(sample)
            assert not np.array_equal(mask, broken[sample.id])
            assert not Errors(truths[sample.id], mask, TOLERANCE).worst(1), sample.name
            assert not project.blobs.ranking(project.predictions.current(), TOLERANCE)["sample"].size

    # all of it can be undone after reopening, step by step
    again = open_window(folder)
    session = again.window.session
    assert again.window.workspace.display.tolerance == TOLERANCE, "the tolerance is remembered"
    undone = 0
    for sample_id, mask in broken.items():
        again.go_to(sample_id)
        again.settle()
        while again.window.actions_by_name["undo"].isEnabled():
            press(again, Qt.Key.Key_Z, CONTROL)
            undone += 1
        assert np.array_equal(session.document.mask, mask)
    assert undone == settled, "each decision was one step"


def test_what_is_kept_is_not_asked_again_after_a_restart(open_window, damaged):
    folder, _, broken = damaged
    hands = open_window(folder)
    set_tolerance(hands, TOLERANCE)
    press(hands, Qt.Key.Key_N)
    for _ in range(COUNT):
        words = press(hands, Qt.Key.Key_J)
    assert words.startswith(f"error {COUNT + 1} of {3 * COUNT}")
    assert press(hands, Qt.Key.Key_N, SHIFT).endswith("settled")
    assert hands.window.close()

    again = open_window(folder)
    assert press(again, Qt.Key.Key_N).startswith(f"error 1 of {2 * COUNT}")
    press(again, Qt.Key.Key_J, SHIFT)  # all that is left of this image
    seen = 0
    while words := again.window.workspace.walk.words:
        seen += 1
        press(again, Qt.Key.Key_N)
    assert seen < 2 * COUNT
    with Project.open(folder) as project:
        for sample in project.samples.all():
            assert np.array_equal(project.masks.load(sample), broken[sample.id]), "keeping changes no mask"
