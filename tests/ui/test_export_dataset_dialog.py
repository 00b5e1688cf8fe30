"""The dialog that exports a dataset asks what the job needs, and the real worker writes it."""

import csv
from pathlib import Path

import pytest

from segstudio.core.sample import ReviewState
from segstudio.ui.dialogs import places
from segstudio.ui.dialogs.export_dataset import ExportDatasetDialog
from segstudio.ui.job_queue import JobState
from segstudio.ui.window import Window
from tests.ui.projects import make_project
from tests.ui.windows import shown_window

WORKER_MS = 60_000


@pytest.fixture
def window(qtbot, qapp, tmp_path: Path):
    with shown_window(qtbot, make_project(tmp_path)) as one:
        yield one


@pytest.fixture
def dialog(window: Window, tmp_path: Path) -> ExportDatasetDialog:
    places.remember("export", tmp_path / "something")
    window.session.project.samples.set_state([2, 5], ReviewState.ACCEPTED)
    window.samples_panel.set_filter("name:*_00*")
    window.actions_by_name["export-dataset"].trigger()
    (shown,) = window.findChildren(ExportDatasetDialog)
    assert not shown.isModal()
    return shown


def choose(box, start: str) -> None:
    box.setCurrentIndex(next(index for index in range(box.count()) if box.itemText(index).startswith(start)))


def test_what_is_asked_for_is_written(qtbot, window: Window, dialog: ExportDatasetDialog, tmp_path: Path):
    offered = [dialog.samples_box.itemText(index) for index in range(dialog.samples_box.count())]
    assert offered == ["All samples  ·  6", "Those in the list now  ·  1", "Accepted and corrected ones  ·  2"]
    choose(dialog.samples_box, "Accepted")
    choose(dialog.format_box, "COCO")
    dialog.category_edit.setText("lung")
    folder = Path(dialog.path_edit.text())
    assert folder == tmp_path / f"{window.session.project.name}-dataset"
    with qtbot.waitSignal(window.queue.ended, timeout=WORKER_MS) as told:
        dialog.export_button.click()
    assert told.args[0].state is JobState.FINISHED, told.args[0].message
    with (folder / "samples.csv").open(encoding="utf-8") as file:
        assert {row["state"] for row in csv.DictReader(file)} == {"accepted"}
    assert '"lung"' in "".join(path.read_text(encoding="utf-8") for path in (folder / "annotations").iterdir())


def test_it_says_what_a_format_is_for_and_what_stands_in_the_way(dialog: ExportDatasetDialog, tmp_path: Path):
    assert dialog.export_button.isEnabled()
    assert not dialog.category_edit.isEnabled()
    choose(dialog.format_box, "YOLO")
    assert dialog.category_edit.isEnabled()
    assert "Ultralytics" in dialog._said.text()
    assert "gnored" in dialog._said.text()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine", encoding="utf-8")
    for text in (str(tmp_path / "full"), str(tmp_path / "full/mine.txt"), "  "):
        dialog.path_edit.setText(text)
        assert not dialog.export_button.isEnabled()
        assert dialog._said.text().endswith((".", "folder."))
    dialog.path_edit.setText(str(tmp_path / "new"))
    assert dialog.export_button.isEnabled()


def test_a_folder_that_is_there_gets_a_number(window: Window, dialog: ExportDatasetDialog, tmp_path: Path):
    dialog.reject()
    Path(dialog.path_edit.text()).mkdir()
    again = ExportDatasetDialog(window.session.project, "iou<", window)
    assert Path(again.path_edit.text()).name == f"{window.session.project.name}-dataset-2"
    assert again.samples_box.count() == 2, "a filter that is still being written is not offered"
    again.close()
