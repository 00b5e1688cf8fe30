"""Augmentation as a person tries it: a recipe, its copies, a training with them, a comparison that says if it helps.

Every step is a click, a drag or a key in the real window over the real worker; what is asked of objects is only how
things stand.
"""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from segstudio.core.reporter import ListReporter
from segstudio.core.sample import Split
from segstudio.formats import read_image
from segstudio.jobs import JOBS
from segstudio.project.project import Project
from segstudio.ui.job_queue import JobState
from tests.datasets import blob_pair
from tests.flows.conftest import PATIENCE_MS, Hands

TINY = "size=32, filters=4, depth=2"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Ten pairs of 1280 x 960, five of them in the train split: fog on all of these takes seconds."""
    dataset, rng = tmp_path / "large", np.random.default_rng(5)
    for name in ("images", "masks"):
        (dataset / name).mkdir(parents=True)
    for number in range(10):
        pair = zip(("images", "masks"), blob_pair(rng, (80, 60)), (1, 255), strict=True)
        for name, pixels, factor in pair:
            grown = cv2.resize(pixels * factor, (1280, 960), interpolation=cv2.INTER_NEAREST)
            Image.fromarray(grown).save(dataset / name / f"scene_{number}.png")
    options = {"source": str(dataset), "split": "50/20/30", "near_duplicates": False}
    JOBS["new"].from_values(options).perform(tmp_path / "project", ListReporter())
    return tmp_path / "project"


def settle(hands: Hands) -> None:
    """Wait until the Augment tab shows all there is."""
    hands.until(lambda: not hands.window.workspace.augment_panel.is_busy, 60_000)


def seen(hands: Hands, number: int) -> np.ndarray:
    """The pixels of a picture of the preview."""
    return hands.window.workspace.augment_panel.view.preview.tiles.tiles[number].seen.picture._pyramid.pixels.copy()


def names(hands: Hands) -> list[str]:
    return [step.transform for step in hands.window.workspace.augment_panel.editing.recipe.steps]


def add_step(hands: Hands, words: str, title: str) -> None:
    """Search the catalogue and click a transform."""
    panel = hands.window.workspace.augment_panel
    hands.click(panel.add_button)
    QTest.keyClicks(panel.picker.search, words)
    model = panel.picker.model
    (row,) = (row for row, line in enumerate(model.lines) if line.entry is not None and line.title == title)
    hands.click_row(panel.picker.list, model.index(row))
    settle(hands)


def slide(hands: Hands, field: str, by: int) -> None:
    """Move the upper knob of a parameter's slider."""
    slider = hands.window.workspace.augment_panel.step_form.form.slider(field)
    hands.bring(slider)
    begin = slider.knob(1).toPoint()
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=begin)
    for share in (0.3, 0.7, 1.0):
        QTest.mouseMove(slider, begin + QPoint(round(by * share), 0))
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=begin + QPoint(by, 0))
    settle(hands)


def drag_step(hands: Hands, source: int, target: int) -> None:
    """Take a step up and drop it at the upper edge of another."""
    listed = hands.window.workspace.augment_panel.steps
    begin, end = (listed.visualRect(listed.model_.index(row)).center() for row in (source, target))
    QTest.mousePress(listed.viewport(), Qt.MouseButton.LeftButton, pos=begin)
    for share in (0.3, 0.7, 1.0):
        QTest.mouseMove(listed.viewport(), begin + (end - QPoint(0, 8) - begin) * share)
    QTest.mouseRelease(listed.viewport(), Qt.MouseButton.LeftButton, pos=end - QPoint(0, 8))
    settle(hands)


def pairs(project: Path, recipe: str) -> dict[str, tuple[bytes, bytes, int, int]]:
    """The copies by name: what their files hold, and when these were written."""
    with Project.open(project) as opened:
        copies = opened.augmented.copies(recipe)
    files = {copy.name: (copy.image_file, copy.mask_file) for copy in copies}
    return {
        name: (*(one.read_bytes() for one in both), *(one.stat().st_mtime_ns for one in both))
        for name, both in files.items()
    }


@pytest.mark.training
def test_from_a_recipe_to_a_verdict(open_window, large):
    hands = open_window(large)
    window, workspace = hands.window, hands.window.workspace
    project = window.session.project
    splits = Counter(str(one.split) for one in project.samples.all())
    assert splits == {"train": 5, "val": 2, "test": 3}

    # a new recipe: two transforms out of the catalogue, a slider, another order
    hands.tab("Augment")
    panel, preview = workspace.augment_panel, workspace.augment_panel.view.preview
    settle(hands)
    hands.choose(panel.menu_button, "New recipe")
    settle(hands)
    assert names(hands) == []
    plain = seen(hands, 1)
    add_step(hands, "fog", "Fog")
    slide(hands, "p", 400)
    assert panel.editing.step.p == 1
    foggy = seen(hands, 1)
    assert not np.array_equal(foggy, plain), "the preview shows the fog"
    add_step(hands, "rotat", "Rotate")
    slide(hands, "p", 400)
    turned = seen(hands, 1)
    before = list(panel.editing.step.parameters.get("limit", panel.step_form.form.values()["limit"]))
    slide(hands, "limit", -12)
    assert list(panel.editing.step.parameters["limit"]) != before
    slid = seen(hands, 1)
    assert not np.array_equal(slid, turned), "the preview follows the slider"
    drag_step(hands, 1, 0)
    assert names(hands) == ["Rotate", "RandomFog"]
    ordered = seen(hands, 1)
    assert not np.array_equal(ordered, slid), "the preview follows the order"
    hands.click(preview.next_button)
    settle(hands)
    assert not np.array_equal(seen(hands, 1), ordered), "another seed, another picture"
    hands.click(preview.previous_button)
    settle(hands)
    assert np.array_equal(seen(hands, 1), ordered), "the same seed, the same picture"
    recipe = panel.editing.recipe

    # three copies of five samples, stopped on the way
    box = panel.queue_box
    assert (box.copies, box.which) == (3, "all")
    assert box.start_button.text() == "Make 15 copies"
    ended = []
    window.queue.ended.connect(ended.append)
    hands.click(box.start_button)
    hands.until(lambda: box.record.text.endswith(" of 15 copies") and box.record.done >= 1, PATIENCE_MS)
    hands.click(box.cancel_button)
    hands.until(lambda: bool(ended), PATIENCE_MS)
    assert ended.pop().state is JobState.CANCELLED
    made = pairs(large, recipe.name)
    assert 1 <= len(made) < 15
    settle(hands)
    assert box.start_button.text() == f"Resume: {len(made)} of 15 made"

    # gone on with: 15 pairs, and nothing is made again
    resumed = hands.job(lambda: hands.click(box.start_button))
    assert resumed.state is JobState.FINISHED, resumed.message
    assert (resumed.result["kept"], resumed.result["written"]) == (len(made), 15 - len(made))
    whole = pairs(large, recipe.name)
    assert len(whole) == 15
    assert len({image for image, *_ in whole.values()}) == 15, "no copy is like another"
    assert {name: whole[name] for name in made} == made
    settle(hands)
    assert box.start_button.text() == "All are made"
    copies = project.augmented.copies(recipe.name)
    train = {one.id for one in project.samples.all() if one.split is Split.TRAIN}
    assert Counter(copy.sample for copy in copies) == dict.fromkeys(train, 3)

    # one of them is not wanted
    hands.click(box.browse_button)
    gallery = panel.view.copies
    hands.until(lambda: gallery.model.rowCount() == 15 and not gallery.is_busy)
    hands.click_row(gallery.gallery, gallery.model.index(4))
    (unwanted,) = gallery.selected()
    hands.key(Qt.Key.Key_X)
    hands.until(lambda: [one.name for one in project.augmented.copies(recipe.name) if one.is_rejected] != [])
    hands.until(lambda: not gallery.is_busy)
    assert [one.name for one in gallery.model.copies if one.is_rejected] == [unwanted.name]
    assert "1 rejected" in gallery.count_label.text()

    # a training with the other fourteen
    hands.tab("Train")
    training = workspace.train_panel
    hands.pick(training.options.preset_box, "Convolutional U-Net, fast")
    hands.pick(training.options.augmentation.recipe_box, recipe.title)
    hands.pick(training.options.augmentation.mode_box, "queued")
    hands.click(training.options.fold._button)
    for field, text in (("epochs", "1"), ("size", "32"), ("filters", "4"), ("depth", "2")):
        hands.write(training.form.editor(field).lineEdit(), text)
    trained = hands.job(lambda: hands.click(training.start_button))
    assert trained.state is JobState.FINISHED, trained.message
    from segstudio.core.manifest import load_manifest

    rows = load_manifest(project.runs.latest().manifest)
    assert Counter((row.split, row.recipe) for row in rows) == {
        ("train", ""): 5, ("train", recipe.name): 14, ("val", ""): 2,
    }  # fmt: skip
    learnt = {Path(row.image).stem for row in rows if row.recipe}
    assert learnt == {Path(copy.name).name for copy in copies} - {Path(unwanted.name).name}
    assert {row.sample for row in rows if row.split == "train"} == train
    assert "14 augmented copies" in training._message.text()

    # does the recipe help? two repeats of each arm
    hands.tab("Compare")
    comparing = workspace.compare_panel.comparing
    hands.until(lambda: not comparing.is_busy)
    assert [arm.recipe for arm in comparing.arms.arms] == ["none", recipe.name], "the recipe that was edited"
    hands.click(comparing.arms.fold._button)
    for number in range(2):
        hands.click_row(comparing.arms.list, comparing.arms.list.model().index(number, 0))
        hands.write(comparing.arms.options_edit, TINY)
    for number, name in enumerate(("original", "foggy")):
        hands.click_row(comparing.arms.list, comparing.arms.list.model().index(number, 0))
        hands.write(comparing.arms.name_edit, name)
    for field, text in (("repeats", "2"), ("epochs", "1")):
        hands.write(comparing.form.editor(field).lineEdit(), text)
    compared = hands.job(lambda: hands.click(comparing.start_button))
    assert compared.state is JobState.FINISHED, compared.message
    hands.until(lambda: comparing.view.verdict.isVisible() and not comparing.view.is_busy)
    verdict = comparing.view.verdict.text()
    assert verdict.startswith("foggy")
    assert compared.result["verdict"] in verdict
    assert [len(cells) for cells in comparing.view.comparison.curves().values()] == [2, 2]

    # another day
    assert window.close()
    again = open_window(large)
    window, workspace = again.window, again.window.workspace
    assert workspace.tabs.tabText(workspace.tabs.currentIndex()) == "Compare"
    comparing = workspace.compare_panel.comparing
    again.until(lambda: comparing.view.verdict.isVisible() and not comparing.view.is_busy)
    assert comparing.view.verdict.text() == verdict
    assert [one.is_finished for one in comparing.model.rows] == [True]
    again.tab("Augment")
    panel = workspace.augment_panel
    settle(again)
    assert panel.editing.recipe == recipe
    again.go_to(copies[0].sample)
    again.pick(panel.view.preview.size_box, "Full size, as queued")
    settle(again)
    assert np.array_equal(seen(again, 1), read_image(copies[0].image_file)), "what is seen is what was made"
    again.click(panel.view.copies_button)
    gallery = panel.view.copies
    again.until(lambda: gallery.model.rowCount() == 15 and not gallery.is_busy)
    assert [one.name for one in gallery.model.copies if one.is_rejected] == [unwanted.name]
    assert pairs(large, recipe.name) == whole
