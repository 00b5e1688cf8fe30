import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest

from segstudio.core.errors import UserError
from segstudio.formats.survey import survey_masks
from segstudio.project.project import Project
from segstudio.ui.dataset_preview import Inspection
from segstudio.ui.dialogs.foreground import telling_mask
from segstudio.ui.dialogs.new_project import NewProjectDialog
from segstudio.ui.job_queue import JobQueue
from tests.datasets import ct, make_dataset, nifti, nnunet

WORKER_MS = 60_000


@pytest.fixture
def queue(qtbot):
    one = JobQueue()
    yield one
    one.shutdown()


@pytest.fixture
def dialog(qtbot, queue: JobQueue):
    one = NewProjectDialog(queue)
    yield one
    one.close()
    one.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def look(qtbot, dialog: NewProjectDialog, source: Path) -> None:
    dialog.look_at(source)
    qtbot.waitUntil(lambda: not dialog.is_busy)


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Masks with two classes, of which only a person can say which is foreground."""
    dataset = make_dataset(tmp_path / "classes", 4)
    for path in (dataset / "masks").iterdir():
        mask = (np.array(Image.open(path)) > 0).astype(np.uint8)
        mask[:10, :20] = 2
        Image.fromarray(mask).save(path)
    return dataset


def test_a_clean_dataset_can_be_taken_as_it_is(qtbot, dialog: NewProjectDialog, tmp_path: Path):
    look(qtbot, dialog, make_dataset(tmp_path / "data", 5))
    assert dialog.summary.text() == "5 images  ·  5 with a mask"
    assert dialog.table.model().rowCount() == 5
    assert dialog.create_button.isEnabled()
    assert dialog.options()["foreground"] == ""


def test_the_place_of_the_dataset_can_be_written(qtbot, dialog: NewProjectDialog, tmp_path: Path):
    dataset = make_dataset(tmp_path / "data", 5)
    dialog.show()
    QTest.keyClicks(dialog.source_edit, str(dataset))
    QTest.keyClick(dialog.source_edit, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dialog.preview is not None)
    assert dialog.summary.text() == "5 images  ·  5 with a mask"
    assert dialog.folder_edit.text().endswith("data")
    assert dialog.isVisible()  # Enter has not made a project that nobody has looked at
    shown = dialog.preview
    dialog.source_edit.editingFinished.emit()
    assert dialog.preview is shown  # nothing else was written


def test_what_needs_a_look_comes_first_and_with_a_reason(qtbot, dialog: NewProjectDialog, tmp_path: Path):
    dataset = make_dataset(tmp_path / "data", 5)
    (dataset / "masks" / "sample_01.png").unlink()
    Image.new("L", (10, 10), 255).save(dataset / "masks" / "sample_02.png")
    (dataset / "images" / "sample_03.png").write_bytes(b"nothing")
    Image.new("L", (64, 48)).save(dataset / "masks" / "nobody.png")
    look(qtbot, dialog, dataset)
    model = dialog.table.model()
    reasons = " | ".join(str(model.index(row, 2).data()) for row in range(4))
    assert "no mask" in reasons
    assert "10×10" in reasons
    assert "mask without an image" in reasons
    assert "same name" in str(model.index(model.rowCount() - 1, 2).data())
    assert "1 of another size than their image" in dialog.summary.text()
    assert "1 mask full" in dialog.summary.text()


def test_how_many_masks_are_empty_follows_from_what_is_foreground(
    qtbot, dialog: NewProjectDialog, classes: Path
) -> None:
    for path in sorted((classes / "masks").iterdir())[:3]:
        mask = np.array(Image.open(path))
        mask[mask == 1] = 0
        Image.fromarray(mask).save(path)
    look(qtbot, dialog, classes)
    assert dialog.summary.text() == "4 images  ·  4 with a mask", "nothing is chosen yet"
    row = next(row for row in range(2) if dialog.foreground.list.item(row).text().startswith("1"))
    dialog.foreground.list.item(row).setCheckState(Qt.CheckState.Checked)
    assert dialog.summary.text() == "4 images  ·  4 with a mask  ·  3 masks empty"
    dialog.foreground.list.item(1 - row).setCheckState(Qt.CheckState.Checked)
    assert dialog.summary.text() == "4 images  ·  4 with a mask"


def test_an_empty_folder_is_explained(qtbot, dialog: NewProjectDialog, tmp_path: Path):
    look(qtbot, dialog, tmp_path)
    assert "no pictures" in dialog.banner.text
    assert not dialog.create_button.isEnabled()


def test_two_classes_must_be_chosen_from(qtbot, dialog: NewProjectDialog, classes: Path):
    look(qtbot, dialog, classes)
    assert not dialog.create_button.isEnabled()
    assert "Tick" in dialog.why_label.text()
    values = dialog.foreground
    one = next(row for row in range(values.list.count()) if values.list.item(row).text().startswith("1 "))
    values.list.item(one).setCheckState(Qt.CheckState.Checked)
    assert dialog.create_button.isEnabled()
    assert dialog.options()["foreground"] == "1"
    qtbot.waitUntil(lambda: not values._picture.pixmap().isNull())


def test_the_project_is_made_and_told(qtbot, dialog: NewProjectDialog, classes: Path, tmp_path: Path):
    look(qtbot, dialog, classes)
    dialog.foreground.list.item(0).setCheckState(Qt.CheckState.Checked)
    dialog.split_box.setCurrentIndex(2)
    dialog.folder_edit.setText(str(tmp_path / "made" / "project"))
    with qtbot.waitSignal(dialog.created, timeout=WORKER_MS) as told:
        dialog.create_project()
    with Project.open(told.args[0]) as project:
        assert project.samples.count == 4
        assert project.rule.kind == "values"
        assert project.settings.get("split")["split"] == "70/30"


def test_a_split_that_the_folders_say_is_offered_and_chosen(qtbot, dialog: NewProjectDialog, tmp_path: Path):
    for number, name in enumerate(("train", "val", "test")):
        make_dataset(tmp_path / "data" / name, 3, seed=number)
    look(qtbot, dialog, tmp_path / "data")
    assert " ".join(dialog.split_box.currentText().split()) == "As its folders say train 3, val 3, test 3"
    assert dialog.options()["split"] == "folders"
    choices = dialog.split_box.count()
    look(qtbot, dialog, tmp_path / "data")
    assert dialog.split_box.count() == choices
    look(qtbot, dialog, make_dataset(tmp_path / "plain", 3))
    assert dialog.split_box.count() == choices - 1
    assert dialog.options()["split"] == "70/15/15"


def test_a_project_folder_that_is_taken_is_refused(qtbot, dialog: NewProjectDialog, tmp_path: Path):
    look(qtbot, dialog, make_dataset(tmp_path / "data", 3))
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "project.sqlite").touch()
    dialog.folder_edit.setText(str(tmp_path / "taken"))
    assert not dialog.create_button.isEnabled()


def test_an_archive_is_looked_at_and_cleaned_up(qtbot, dialog: NewProjectDialog, tmp_path: Path):
    dataset = make_dataset(tmp_path / "data", 3)
    archive = tmp_path / "data.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(dataset.rglob("*.png")):
            file.write(path, path.relative_to(tmp_path).as_posix())
    look(qtbot, dialog, archive)
    assert dialog.preview is not None
    unpacked = dialog.preview.found.source
    assert unpacked.exists()
    dialog.close()
    assert not unpacked.exists()


def test_a_look_that_nobody_wants_ends(tmp_path: Path):
    from segstudio.core.reporter import Cancelled

    inspection = Inspection(make_dataset(tmp_path, 3))
    inspection.cancel()
    with pytest.raises(Cancelled):
        inspection.run()


def test_what_is_not_there_is_told_and_the_waiting_ends(qtbot, dialog: NewProjectDialog, tmp_path: Path):
    look(qtbot, dialog, tmp_path / "nowhere")
    assert "there is no such folder" in dialog.banner.text
    assert dialog.progress.parentWidget().isHidden()


def test_the_preview_shows_a_mask_that_is_neither_empty_nor_full(tmp_path: Path):
    masks = {"empty": 0, "thin": 2, "half": 32, "full": 64}
    for name, rows in masks.items():
        mask = np.zeros((64, 64), np.uint8)
        mask[:rows] = 255
        Image.fromarray(mask).save(tmp_path / f"{name}.png")
    survey = survey_masks([tmp_path / f"{name}.png" for name in masks])
    assert telling_mask(survey, survey.rule) == tmp_path / "half.png"
    only_full = survey_masks([tmp_path / "full.png"])
    assert telling_mask(only_full, only_full.rule) is None


def test_a_value_that_nobody_ticks_is_no_foreground(qtbot, dialog: NewProjectDialog, tmp_path: Path):
    look(qtbot, dialog, make_dataset(tmp_path / "data", 3))
    dialog.foreground.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert not dialog.create_button.isEnabled()
    assert "Tick" in dialog.why_label.text()


def test_volumes_are_shown_as_such_and_a_slice_through_the_window(qtbot, dialog: NewProjectDialog, tmp_path: Path):
    dataset = nnunet(tmp_path / "lungs", 2)
    dialog.show()
    look(qtbot, dialog, dataset)
    assert dialog.summary.text() == "2 volumes  ·  24 images  ·  24 with a mask"
    assert [(row.image, row.mask, row.problem) for row in dialog.preview.rows] == [
        (f"imagesTr/case_{number}_0000.nii.gz", f"labelsTr/case_{number}.nii.gz", "") for number in range(2)
    ]
    assert dialog.preview.rows[0].how.startswith("12 axial slices of 40×30, ")
    assert dialog.slicing.isVisible()
    before = dialog.slicing.picture.pixmap().toImage()
    assert not before.isNull()
    dialog.slicing.form.set_values({"window": "-800/50"})
    qtbot.waitUntil(lambda: not dialog.is_busy)
    assert dialog.slicing.picture.pixmap().toImage() != before
    assert dialog.options()["window"] == "-800/50"
    assert dialog.slicing.form.note("window") == "black up to -825, white from -775"
    dialog.slicing.form.set_values({"window": "-800"})
    assert not dialog.create_button.isEnabled()
    assert "window" in dialog.why_label.text()
    dialog.slicing.form.set_values({"window": "bone", "plane": "coronal"})
    qtbot.waitUntil(lambda: not dialog.is_busy)
    assert dialog.summary.text().startswith("2 volumes  ·  60 images  ·  60 with a mask")
    assert "30 coronal slices" in dialog.preview.rows[0].how
    assert dialog.slicing.picture.pixmap().toImage() != before
    assert (dialog.options()["plane"], dialog.options()["window"]) == ("coronal", "bone")
    look(qtbot, dialog, make_dataset(tmp_path / "plain", 3))
    assert not dialog.slicing.isVisible()
    assert "window" not in dialog.options()


def test_a_project_of_one_volume_whose_mask_is_chosen(qtbot, dialog: NewProjectDialog, tmp_path: Path):
    source = nifti(tmp_path / "set/ct.nii.gz", ct()[0])
    nifti(tmp_path / "set/other.nii", ct()[1] * 3)
    dialog.folder_edit.setText(str(tmp_path / "project"))
    look(qtbot, dialog, source)
    assert dialog.summary.text() == "1 volume  ·  12 images  ·  0 with a mask  ·  12 without a mask"
    assert dialog.folder_edit.text().endswith("ct")
    assert not dialog.images_box.isEnabled()
    dialog.folder_edit.setText(str(tmp_path / "project"))
    dialog.masks_box.setCurrentIndex(dialog.masks_box.findText("other.nii"))
    dialog.masks_box.activated.emit(dialog.masks_box.currentIndex())
    qtbot.waitUntil(lambda: not dialog.is_busy)
    assert dialog.summary.text() == "1 volume  ·  12 images  ·  12 with a mask"
    assert dialog.masks_box.currentText() == "other.nii"
    with qtbot.waitSignal(dialog.created, timeout=WORKER_MS):
        dialog.create_project()
    with Project.open(tmp_path / "project") as project:
        sample = project.samples.by_image("images/ct/ct_006.png")
        assert np.array_equal(project.masks.load(sample), ct()[1][:, :, 5].T)
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["ct.nii.gz", "other.nii"]


def test_what_is_unpacked_to_look_at_volumes_is_removed_again(tmp_path: Path):
    (tmp_path / "set").mkdir()
    inspection = Inspection(nnunet(tmp_path / "set", 1))
    shown = inspection.run()
    folder = shown.found.source
    assert folder.exists()
    assert shown.look is not None
    pixels, seen = shown.look.picture("auto")
    assert pixels.shape == (30, 40)
    assert seen is not None
    assert -1100 < seen[0] < -950
    assert seen == shown.look.picture("auto")[1]
    assert shown.look.picture("lung")[1] == (-1350, 150)
    inspection.clean_up()
    assert not folder.exists()
    nifti(tmp_path / "set/imagesTr/case_0_0000.nii.gz", ct()[0]).write_bytes(b"\x1f\x8bnothing")
    inspection = Inspection(tmp_path / "set")
    try:
        with pytest.raises(UserError, match="damaged"):
            inspection.run()
    finally:
        inspection.clean_up()


def test_a_channel_that_is_not_there_can_be_mended(qtbot, dialog: NewProjectDialog, tmp_path: Path):
    dialog.show()
    look(qtbot, dialog, nifti(tmp_path / "set/ct.nii.gz", np.stack([ct()[0]] * 2, axis=3)))
    assert any("it holds 2 volumes" in row.problem for row in dialog.preview.rows)
    dialog.slicing.form.set_values({"channel": 3})
    qtbot.waitUntil(lambda: not dialog.is_busy)
    assert (dialog.preview, dialog.slicing.isVisible()) == (None, True)
    assert "it has 2 volumes" in dialog.banner.text
    dialog.slicing.form.set_values({"channel": 2})
    qtbot.waitUntil(lambda: not dialog.is_busy)
    assert dialog.create_button.isEnabled()
