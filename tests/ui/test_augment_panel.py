"""The Augment panel through its real widgets: recipes edited with mouse and keys, and what the preview shows."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from segstudio.augmentation.augmenter import Augmenter, seed_of
from segstudio.augmentation.recipe import Recipe, Step, built_in_recipes, read_recipe
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import Split
from segstudio.core.scaling import scaled_image, scaled_mask, without_colour
from segstudio.formats import read_image
from segstudio.jobs import JOBS
from segstudio.jobs.presets import DEFAULT, preset
from segstudio.jobs.training_samples import choose, examples
from segstudio.project.project import Project
from segstudio.ui.panels.augment import AugmentPanel
from segstudio.ui.panels.queue_box import name_filter, usable_rows
from segstudio.ui.panels.recipe_steps import share_text
from segstudio.ui.views import variations
from segstudio.ui.window import Window
from tests.ui.projects import make_project
from tests.ui.windows import shown_window

ALT, CTRL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_project(tmp_path, 6, size=(96, 64))


@pytest.fixture
def window(qtbot, qapp, folder: Path) -> Iterator[Window]:
    with shown_window(qtbot, folder) as one:
        qtbot.waitUntil(one.is_settled)
        workspace = one.workspace
        workspace.tabs.setCurrentWidget(workspace.pages.augment)
        settle(qtbot, workspace.augment_panel)
        yield one


@pytest.fixture
def panel(window: Window) -> AugmentPanel:
    return window.workspace.augment_panel


def settle(qtbot, panel: AugmentPanel) -> None:
    qtbot.waitUntil(lambda: not panel.is_busy, timeout=60_000)
    QCoreApplication.processEvents()


def names(panel: AugmentPanel) -> list[str]:
    return [step.transform for step in panel.editing.recipe.steps]


def shown(panel: AugmentPanel, number: int) -> np.ndarray:
    """The pixels that a tile shows."""
    face = panel.view.preview.tiles.tiles[number].seen
    return face.picture._pyramid.pixels


def add(qtbot, panel: AugmentPanel, words: str) -> None:
    """Search the catalogue and click what it finds first."""
    QTest.mouseClick(panel.add_button, Qt.MouseButton.LeftButton)
    QTest.keyClicks(panel.picker.search, words)
    listed = panel.picker.list
    spot = listed.visualRect(listed.currentIndex()).center()
    QTest.mouseClick(listed.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    settle(qtbot, panel)


def drag(panel: AugmentPanel, source: int, target: int, *, dy: int = -8) -> None:
    """Take a line up with the mouse and drop it at the upper edge of another."""
    listed = panel.steps
    rect = lambda row: listed.visualRect(listed.model_.index(row))  # noqa: E731
    begin, end = rect(source).center(), rect(target).center() + QPoint(0, dy)
    QTest.mousePress(listed.viewport(), Qt.MouseButton.LeftButton, pos=begin)
    for share in (0.3, 0.7, 1.0):
        QTest.mouseMove(listed.viewport(), begin + (end - begin) * share)
    QTest.mouseRelease(listed.viewport(), Qt.MouseButton.LeftButton, pos=end)


def test_a_click_in_the_catalogue_adds_a_step_and_the_preview_shows_it(qtbot, window, panel, folder):
    panel.editing.choose("flip")
    settle(qtbot, panel)
    before = shown(panel, 1).copy()
    add(qtbot, panel, "fog")
    assert names(panel) == ["HorizontalFlip", "RandomFog"]
    assert panel.editing.recipe.title == "Flip (mine)", "the program's recipes are never changed"
    assert built_in_recipes()["flip"].steps == (Step("HorizontalFlip", 0.5),)
    panel.step_form.form.set_values({"p": 100})
    settle(qtbot, panel)
    assert not np.array_equal(shown(panel, 1), before)
    assert "Fog" in panel.view.preview.tiles.tiles[1].header.detail
    panel.editing.wait()
    with Project.open(folder) as project:
        kept = project.recipes.get(panel.editing.recipe.name)
    assert [step.transform for step in kept.steps] == ["HorizontalFlip", "RandomFog"]
    assert kept.steps[1].p == 1
    assert panel.recipe_box.currentText() == "Flip (mine)"


def test_what_is_looked_at_in_the_catalogue_is_tried_in_the_preview(qtbot, panel):
    panel.editing.choose("flip")
    settle(qtbot, panel)
    before = shown(panel, 2).copy()
    panel.open_catalogue()
    QTest.keyClicks(panel.picker.search, "negative")
    settle(qtbot, panel)
    qtbot.waitUntil(lambda: not np.array_equal(shown(panel, 2), before), timeout=60_000)
    QTest.keyClick(panel.picker.search, Qt.Key.Key_Escape)
    panel.picker.hide()
    settle(qtbot, panel)
    qtbot.waitUntil(lambda: np.array_equal(shown(panel, 2), before), timeout=60_000)
    assert names(panel) == ["HorizontalFlip"]


def test_keys_find_and_add_a_transform(qtbot, panel):
    panel.steps.setFocus()
    QTest.keyClick(panel.steps, Qt.Key.Key_Insert)
    assert panel.picker.isVisible()
    QTest.keyClicks(panel.picker.search, "blur")
    first = panel.picker.current
    QTest.keyClick(panel.picker.search, Qt.Key.Key_Down)
    assert panel.picker.current is not first
    wanted = panel.picker.current.name
    QTest.keyClick(panel.picker.search, Qt.Key.Key_Return)
    assert not panel.picker.isVisible()
    assert wanted in names(panel)
    QTest.keyClicks(panel.picker.search, "no such thing")
    assert panel.picker.current is None


def test_steps_are_dragged_with_the_mouse(qtbot, panel):
    panel.editing.choose("chest-xray")
    settle(qtbot, panel)
    drag(panel, 3, 0)
    assert names(panel) == ["HorizontalFlip", "Rotate", "RandomBrightnessContrast", "GaussNoise"]
    assert panel.editing.place == (0,)
    drag(panel, 0, 3, dy=8)
    assert names(panel) == ["Rotate", "RandomBrightnessContrast", "GaussNoise", "HorizontalFlip"]
    before = panel.editing.recipe
    drag(panel, 1, 1, dy=8)
    assert panel.editing.recipe == before, "nothing moves when it is dropped where it was"


def test_a_step_is_dragged_into_a_combination_and_out(qtbot, panel):
    panel.editing.choose("lens-dirt")
    settle(qtbot, panel)
    rows = panel.steps.model_.rows
    holder = max(number for number, row in enumerate(rows) if row.step.transform == "OneOf")  # the last step
    panel.steps.scrollToBottom()
    drag(panel, holder - 1, holder, dy=4)
    inner = panel.editing.recipe.steps[-1].steps
    assert inner[0].transform == "HueSaturationValue"
    assert len(panel.editing.place) == 2
    panel.undo_stack.undo()
    assert panel.editing.recipe.steps == built_in_recipes()["lens-dirt"].steps


def test_steps_are_edited_with_keys(qtbot, panel):
    panel.editing.choose("chest-xray")
    settle(qtbot, panel)
    panel.editing.select((0,))
    QTest.keyClick(panel.steps, Qt.Key.Key_Down, ALT)
    assert names(panel)[:2] == ["RandomBrightnessContrast", "Rotate"]
    QTest.keyClick(panel.steps, Qt.Key.Key_Up, ALT)
    assert names(panel)[0] == "Rotate"
    QTest.keyClick(panel.steps, Qt.Key.Key_Space)
    assert not panel.editing.step.is_enabled
    QTest.keyClick(panel.steps, Qt.Key.Key_D, CTRL)
    assert names(panel)[:2] == ["Rotate", "Rotate"]
    QTest.keyClick(panel.steps, Qt.Key.Key_Delete)
    QTest.keyClick(panel.steps, Qt.Key.Key_Delete)
    assert names(panel) == ["Rotate", "GaussNoise", "HorizontalFlip"]
    for _ in range(6):
        panel.undo_stack.undo()
    assert panel.editing.recipe.steps == built_in_recipes()["chest-xray"].steps


def test_a_click_on_the_box_lets_a_step_rest(qtbot, panel):
    panel.editing.choose("chest-xray")
    settle(qtbot, panel)
    spot = panel.steps.box_rect(1).center()
    QTest.mouseClick(panel.steps.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert [step.is_enabled for step in panel.editing.recipe.steps] == [True, False, True, True]


def test_undo_and_redo_are_those_of_the_window(qtbot, window, panel):
    panel.editing.choose("chest-xray")
    settle(qtbot, panel)
    assert not window.actions_by_name["undo"].isEnabled()
    panel.editing.remove_step()
    assert window.actions_by_name["undo"].isEnabled()
    window.actions_by_name["undo"].trigger()
    assert len(names(panel)) == 4
    window.actions_by_name["redo"].trigger()
    assert len(names(panel)) == 3


def test_moving_a_slider_is_undone_at_once(qtbot, panel):
    panel.editing.choose("chest-xray")
    settle(qtbot, panel)
    panel.editing.select((0,))
    slider = panel.step_form.form.slider("limit")
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=slider.knob(1).toPoint())
    for x in (5, 12, 20):
        QTest.mouseMove(slider, slider.knob(1).toPoint() + QPoint(x, 0))
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=slider.knob(1).toPoint())
    assert panel.step_form.form.values()["limit"][1] > 10
    assert panel.editing.step.parameters["limit"] == panel.step_form.form.values()["limit"]
    panel.undo_stack.undo()
    assert panel.editing.step.parameters["limit"] == [-10, 10]
    assert panel.step_form.form.values()["limit"] == [-10, 10]
    assert not panel.undo_stack.canUndo()


def test_the_same_seed_shows_what_training_and_queue_make(qtbot, window, panel):
    panel.editing.choose("strong")
    preview, session = panel.view.preview, window.session
    preview.seed_box.set_value(11)
    settle(qtbot, panel)
    augmenter = Augmenter(panel.editing.recipe)
    side = preview._side
    image = without_colour(scaled_image(session.loaded.image, (side, side, 3)))
    mask = scaled_mask(session.document.mask, side, side)
    expected, _ = augmenter.apply_fitted(image, mask, seed_of(11, "epoch", 2, session.sample.image))
    np.testing.assert_array_equal(shown(panel, 2), expected.reshape(side, side))
    preview.size_box.setCurrentIndex(1)
    settle(qtbot, panel)
    made = augmenter.apply(session.loaded.image, session.document.mask, seed_of(11, session.sample.image, 3))
    np.testing.assert_array_equal(shown(panel, 3), made.image)
    other = shown(panel, 3).copy()
    QTest.mouseClick(preview.next_button, Qt.MouseButton.LeftButton)
    settle(qtbot, panel)
    assert preview.seed == 12
    assert not np.array_equal(shown(panel, 3), other)
    QTest.mouseClick(preview.previous_button, Qt.MouseButton.LeftButton)
    settle(qtbot, panel)
    np.testing.assert_array_equal(shown(panel, 3), other)


def test_the_preview_follows_the_size_in_the_form_of_training(qtbot, window, panel):
    preview, train = panel.view.preview, window.workspace.train_panel
    side = preview._side
    train.options.form.set_values(train.options.form.values() | {"size": 2 * side})
    train.options.form.changed.emit()
    settle(qtbot, panel)
    assert preview._side == 2 * side
    assert shown(panel, 1).shape[:2] == (2 * side, 2 * side)
    assert f"{2 * side} px" in preview.size_box.itemText(0)


def test_what_is_pasted_is_shown_as_training_and_queue_paste_it(qtbot, window, panel):
    """Both with the real code: the batches of an epoch, and the job that writes copies."""
    from segstudio.ml.data import batches_of_epoch, load_pairs, visits

    recipe = Recipe("paste", "Paste", "", (Step("PasteForeground", 1.0),))
    project, preview = window.session.project, panel.view.preview
    panel.editing.add_recipe(recipe)
    settle(qtbot, panel)
    assert {one.kind for one in panel.findings} == {"meaning"}
    train, _ = examples(project, choose(project, preset("conv-unet-fast").options(), ListReporter()))
    side, sample = preview._side, window.session.sample
    pairs = load_pairs(train, (side, side, 1), project.folder / "cache", ListReporter())
    rows = [row.image for row in pairs.rows]
    order, _ = visits(len(pairs), len(pairs), seed=0, epoch=2)
    batches = list(batches_of_epoch(pairs, len(pairs), seed=0, epoch=2, augmenter=Augmenter(recipe)))
    place = order.tolist().index(rows.index(sample.image))
    assert not np.array_equal(shown(panel, 2), shown(panel, 0))
    np.testing.assert_array_equal(shown(panel, 2), batches[0][0][place, ..., 0])
    preview.size_box.setCurrentIndex(1)
    settle(qtbot, panel)
    panel.editing.wait()
    name = panel.editing.recipe.name
    JOBS["augment"].from_values({"recipe": name, "copies": 3}).perform(project.folder, ListReporter())
    copy = next(one for one in project.augmented.copies(name) if one.sample == sample.id and one.number == 3)
    np.testing.assert_array_equal(shown(panel, 3), read_image(copy.image_file))
    donor = json.loads(copy.parameters)[0]["pasted"][0]["donor"]
    assert f"of {donor}" in preview.tiles.tiles[3].canvas.toolTip()


def test_that_there_is_nothing_to_paste_is_said(qtbot, window, panel):
    project = window.session.project
    for one in project.samples.all():
        project.masks.save(one.id, np.zeros((one.height, one.width), np.uint8))
    panel.editing.add_recipe(Recipe("paste", "Paste", "", (Step("PasteForeground", 1.0),)))
    settle(qtbot, panel)
    assert [one.kind for one in panel.findings] == ["meaning", "alone"]


def test_another_sample_is_previewed_and_its_split_is_told(qtbot, window, panel):
    before = shown(panel, 0).copy()
    test = next(one for one in window.session.project.samples.all() if one.split is Split.TEST)
    window.session.show(test.id)
    qtbot.waitUntil(lambda: window.session.sample.id == test.id)
    settle(qtbot, panel)
    assert not np.array_equal(shown(panel, 0), before)
    assert "never augmented" in panel.view._about.text()


def test_what_takes_long_does_not_show_another_sample_meanwhile(qtbot, window, panel, monkeypatch):
    preview, gate, at_once = panel.view.preview, threading.Event(), variations._varied
    settle(qtbot, panel)
    kept = shown(panel, 1)

    def slowly(*asked):
        gate.wait(60)
        return at_once(*asked)

    monkeypatch.setattr(variations, "_varied", slowly)
    preview.step_seed(1)
    preview._on_slow()
    assert shown(panel, 1) is kept, "the same sample and recipe: better an old picture than none"
    other = next(one for one in window.session.project.samples.all() if one.id != window.session.sample.id)
    window.session.show(other.id)
    qtbot.waitUntil(lambda: preview._subject.sample == other.id)
    preview._on_slow()
    assert [tile.seen for tile in preview.tiles.tiles] == [None] * len(preview.tiles.tiles)
    assert preview.tiles.tiles[1].canvas.message == "computing…"
    gate.set()
    settle(qtbot, panel)
    assert all(tile.seen is not None for tile in preview.tiles.tiles)


def test_the_original_is_seen_as_long_as_a_key_or_the_button_is_down(qtbot, window, panel):
    preview = panel.view.preview
    settle(qtbot, panel)
    original, varied = shown(panel, 0), shown(panel, 1)
    canvas = preview.tiles.tiles[1].canvas
    canvas.setFocus()
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    assert shown(panel, 1) is original
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert shown(panel, 1) is varied
    QTest.mousePress(preview.compare_button, Qt.MouseButton.LeftButton)
    assert shown(panel, 2) is original
    QTest.mouseRelease(preview.compare_button, Qt.MouseButton.LeftButton)
    window.actions_by_name["original"].setChecked(True)
    assert shown(panel, 1) is original
    window.actions_by_name["original"].setChecked(False)
    assert shown(panel, 1) is varied


def test_extremes_show_both_ends_of_every_range(qtbot, panel):
    panel.editing.choose("chest-xray")
    panel.editing.select((0,))
    settle(qtbot, panel)
    QTest.mouseClick(panel.step_form.extremes_button, Qt.MouseButton.LeftButton)
    settle(qtbot, panel)
    tiles = panel.view.preview.tiles.tiles
    assert [tile.header.title for tile in tiles] == ["Original", "Lowest: -10 °", "Highest: 10 °"]
    assert [tile.header.detail for tile in tiles[1:]] == ["Angle", "Angle"]
    panel.editing.select((1,))
    settle(qtbot, panel)
    assert len(panel.view.preview.tiles.tiles) == 5, "brightness and contrast"
    panel.editing.select((0,))
    settle(qtbot, panel)
    panel.step_form.form.set_values({"limit": (5.0, 5.0)})
    settle(qtbot, panel)
    assert [tile.header.title for tile in tiles] == ["Original", "Always: 5 °"], "not the same picture twice"
    QTest.mouseClick(panel.step_form.extremes_button, Qt.MouseButton.LeftButton)
    settle(qtbot, panel)
    assert tiles[1].header.title == "Epoch 1"


def test_what_the_safety_check_finds_stands_beside_the_step(qtbot, panel):
    panel.editing.choose("flip")
    settle(qtbot, panel)
    assert panel.steps.model_.rows[0].mark == "warning"
    assert "heart" in panel.step_form.findings.findings[0].message
    assert panel.queue_box.agree_box.isHidden(), "a warning is no error"


def test_an_error_must_be_agreed_to_before_copies_are_queued(qtbot, panel):
    panel.editing.add_recipe(Recipe("", "Broken", "", (Step("RandomCrop", 1.0, {"height": 5000, "width": 5000}),)))
    settle(qtbot, panel)
    assert any(one.severity == "error" for one in panel.findings)
    assert not panel.queue_box.start_button.isEnabled()
    assert panel.queue_box.start() is None
    panel.queue_box.agree_box.click()
    assert panel.queue_box.start_button.isEnabled()
    assert "5000" in panel.view.preview.tiles.tiles[1].canvas.message or panel.view.preview.tiles.tiles[1].face is None


def test_recipes_are_made_renamed_deleted_and_brought_back(qtbot, panel, folder):
    panel.editing.choose("light")
    panel.editing.duplicate()
    panel._begin_rename()
    panel.name_edit.setText("Night shift")
    QTest.keyClick(panel.name_edit, Qt.Key.Key_Return)
    settle(qtbot, panel)
    assert panel.recipe_box.currentText() == "Night shift"
    assert [path.name for path in (folder / "recipes").iterdir()] == ["night-shift.json"]
    steps = panel.editing.recipe.steps
    panel._delete()
    settle(qtbot, panel)
    assert panel.editing.recipe.title != "Night shift"
    assert not list((folder / "recipes").glob("*.json"))
    assert "Night shift" in panel.restore_button.text()
    panel.restore_button.click()
    settle(qtbot, panel)
    assert panel.editing.recipe.steps == steps
    panel.editing.new()
    settle(qtbot, panel)
    assert not panel.editing.recipe.steps
    assert not panel.queue_box.start_button.isEnabled()
    assert "no step" in panel.queue_box._words.text()


def test_recipes_go_to_files_and_come_from_them(qtbot, panel, tmp_path):
    panel.editing.choose("lens-dirt")
    settle(qtbot, panel)
    ours, theirs = tmp_path / "ours.json", tmp_path / "theirs.json"
    for path, is_albumentations in ((ours, False), (theirs, True)):
        panel._export(is_albumentations=is_albumentations)
        dialog = panel.findChildren(QFileDialog)[-1]
        dialog.fileSelected.emit(str(path))
        dialog.close()
        settle(qtbot, panel)
    assert json.loads(theirs.read_text())["transform"]["__class_fullname__"] == "Compose"
    digest = panel.editing.recipe.digest
    for path in (ours, theirs):
        panel.editing.take_file(str(path))
        settle(qtbot, panel)
        assert panel.editing.recipe.digest == digest
        assert panel.editing.is_own
    ours.write_text("no recipe")
    panel.editing.take_file(str(ours))
    settle(qtbot, panel)
    assert "JSON" in panel._note.text()


def test_a_recipe_that_another_program_changed_is_read_again(qtbot, window, panel, folder):
    panel.editing.choose("light")
    panel.editing.duplicate()
    settle(qtbot, panel)
    name = panel.editing.recipe.name
    path = folder / "recipes" / f"{name}.json"
    path.write_text(Recipe(name, "Light", "", (Step("InvertImg", 1.0),)).to_json())
    window.session.take_job_end(frozenset({"recipes"}))
    qtbot.waitUntil(lambda: names(panel) == ["InvertImg"])
    assert read_recipe(path).steps == panel.editing.recipe.steps


def test_it_begins_with_the_recipe_of_training_and_its_first_step(qtbot, window, panel, folder):
    assert panel.editing.recipe.name == preset(DEFAULT).values["recipe"] == "flip"
    assert panel.step_form.isEnabled()
    assert panel.editing.place == (0,)
    assert window.close_project()
    with Project.open(folder, is_editor=True) as project, project.transaction() as connection:
        connection.execute("DELETE FROM setting WHERE name = 'augment'")
    with Project.open(folder, is_editor=True) as project:
        project.settings.set("train", {"preset": "conv-unet", "values": {"recipe": "lens-dirt"}})
    window.open_project(folder)
    qtbot.waitUntil(window.is_settled)
    again = window.workspace.augment_panel
    settle(qtbot, again)
    assert again.editing.recipe.name == "lens-dirt"
    assert again.editing.place == (0,)


def test_everything_is_as_it_was_when_the_project_is_opened_again(qtbot, window, panel, folder):
    panel.editing.choose("strong")
    panel.view.preview.seed_box.set_value(7)
    panel.view.preview.count_box.set_value(3)
    panel.view.preview.size_box.setCurrentIndex(1)
    panel.queue_box.copies_box.set_value(9)
    panel.editing.remove_step()
    assert window.close_project()
    window.open_project(folder)
    qtbot.waitUntil(window.is_settled)
    again = window.workspace.augment_panel
    assert again is not panel
    settle(qtbot, again)
    assert again.editing.recipe.title == "Strong (mine)"
    assert (again.view.preview.seed, again.view.preview.count, again.view.preview.scale) == (7, 3, "full")
    assert again.queue_box.copies == 9
    assert not window.panes.isVisible()


def test_a_read_only_project_shows_everything_and_changes_nothing(qtbot, window, folder):
    assert window.close_project()
    with Project.open(folder, is_editor=True):
        window.open_project(folder)
        qtbot.waitUntil(window.is_settled)
        workspace = window.workspace
        workspace.tabs.setCurrentWidget(workspace.pages.augment)
        panel = workspace.augment_panel
        settle(qtbot, panel)
        assert len(panel.view.preview.tiles.tiles) == 6
        before = panel.editing.recipe
        QTest.keyClick(panel.steps, Qt.Key.Key_Delete)
        assert panel.editing.recipe == before
        assert not panel.add_button.isEnabled()
        assert not panel.queue_box.start_button.isEnabled()
        recipes = list(panel.editing.recipes)
        panel.editing.new()
        panel.editing.duplicate()
        assert panel.editing.recipes == recipes, "no recipe is shown that is nowhere"
        assert panel.editing.recipe == before
        assert window.close_project()


def test_only_training_samples_are_counted(qtbot, window, panel):
    table = window.session.project.samples.table()
    train = [row for row in range(len(table)) if table.row(row).split is Split.TRAIN]
    assert usable_rows(table, "").tolist() == train
    assert f"{len(train)} training samples, {3 * len(train)} copies" in panel.queue_box._words.text()
    image = table.row(train[0]).image
    assert usable_rows(table, name_filter(image)).tolist() == [train[0]]
    window.samples_panel.set_filter("split:test")
    qtbot.waitUntil(lambda: not window.samples_panel.is_busy)
    panel.queue_box.which_box.setCurrentIndex(1)
    assert not panel.queue_box.start_button.isEnabled()
    assert "only training samples" in panel.queue_box._trouble.text()
    panel.queue_box.which_box.setCurrentIndex(0)
    assert panel.queue_box.start_button.isEnabled()


def test_shares_are_told_in_words():
    holder = Step("OneOf", 1.0, {}, True, (Step("Rotate", 1.0), Step("Blur", 3.0)))
    assert share_text(Step("Rotate", 0.7), None) == "70 %"
    assert share_text(holder.steps[1], holder) == "75 %"
    assert share_text(Step("Rotate", 0.001), None) == "0.001"


def test_copies_are_made_and_the_rest_of_them_later(qtbot, window, panel):
    panel.editing.choose("flip")
    box = panel.queue_box
    box.copies_box.set_value(1)
    settle(qtbot, panel)
    total = len(usable_rows(window.session.project.samples.table(), ""))
    for copies, words in ((1, f"Make {total} copies"), (3, f"Resume: {total} of {3 * total} made")):
        box.copies_box.set_value(copies)
        assert box.start_button.text() == words
        with qtbot.waitSignal(window.queue.ended, timeout=120_000) as ended:
            QTest.mouseClick(box.start_button, Qt.MouseButton.LeftButton)
            assert box.is_running
            assert not box.cancel_button.isHidden()
        assert ended.args[0].result["written"] == (1 if copies == 1 else 2) * total
        qtbot.waitUntil(lambda: box.start_button.text() == "All are made", timeout=30_000)
        assert not box.start_button.isEnabled()
    QTest.mouseClick(box.browse_button, Qt.MouseButton.LeftButton)
    assert panel.view.copies.isVisible()
    qtbot.waitUntil(lambda: panel.view.copies.model.rowCount() == 3 * total, timeout=30_000)
    QTest.mouseClick(panel.view.preview_button, Qt.MouseButton.LeftButton)
    assert panel.view.preview.isVisible()


def test_the_list_of_steps_takes_what_it_needs_until_somebody_moves_its_edge(qtbot, panel):
    def listed() -> int:
        return panel._splitter.sizes()[0]

    panel.editing.choose("flip")
    settle(qtbot, panel)
    short, whole = listed(), sum(panel._splitter.sizes())
    panel.editing.choose("lens-dirt")
    settle(qtbot, panel)
    assert short < listed() <= 0.46 * whole, "the selected step keeps the larger part"
    edge = panel._splitter.handle(1)
    middle = edge.rect().center()
    QTest.mousePress(edge, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(edge, middle - QPoint(0, 40))
    QTest.mouseRelease(edge, Qt.MouseButton.LeftButton, pos=middle - QPoint(0, 40))
    moved = listed()
    panel.editing.choose("flip")
    panel.editing.choose("strong")
    settle(qtbot, panel)
    assert listed() == moved
