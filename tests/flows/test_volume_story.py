"""A researcher with CT: volumes in, a stroke, a training, predictions, and the volumes out again for 3D Slicer."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from segstudio.core.sample import Split
from segstudio.ui.dialogs import files
from segstudio.ui.job_queue import JobState
from tests.datasets import ct, nnunet
from tests.flows.test_story import choose_quick_training


@pytest.mark.training
def test_from_volumes_to_volumes(open_window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = nnunet(tmp_path / "dataset", 3, 6)
    originals = {path: path.read_bytes() for path in dataset.rglob("*.gz")}
    hands = open_window()
    window = hands.window
    dialog = window.new_project(dataset)
    hands.until(lambda: dialog.preview is not None)
    dialog.slicing.form.set_values({"window": "lung"})
    dialog.folder_edit.setText(str(tmp_path / "project"))
    hands.until(dialog.create_button.isEnabled)
    dialog.create_button.click()
    hands.until(lambda: window.session is not None)
    hands.settle()
    session = window.session
    rows = [session.project.samples.table().row(row) for row in range(18)]
    assert {row.split for row in rows} == set(Split)

    chosen = next(row for row in rows if row.image == "images/case_1_0000/case_1_0000_004.png")
    hands.go_to(chosen.id)
    hands.do("tool-brush")
    hands.drag("truth", (4, 4), (20, 6))
    painted = session.document.mask.copy()
    truth = ct(6, seed=1)[1]
    assert painted.sum() > truth[:, :, 3].sum() + 20

    window.workspace.tabs.setCurrentWidget(window.train_panel)
    choose_quick_training(hands)
    trained = hands.job(window.train_panel.start_button.click)
    assert trained.state is JobState.FINISHED, trained.message
    predicted = hands.job(lambda: hands.do("predict-all"))
    assert predicted.state is JobState.FINISHED, predicted.message
    hands.until(lambda: session.loaded.probability is not None)
    assert session.loaded.probability.shape == (30, 40)

    monkeypatch.setattr(files, "choose_export_folder", lambda _parent: tmp_path / "out")
    exported = hands.job(lambda: hands.do("export-volumes"))
    assert exported.state is JobState.FINISHED, exported.message
    truth[:, :, 3] = painted.T
    for number in range(3):
        back = nibabel.load(tmp_path / f"out/case_{number}.nii.gz")
        wanted = truth if number == 1 else ct(6, seed=number)[1]
        assert np.array_equal(np.asarray(back.dataobj), wanted)
        assert np.array_equal(back.affine, nibabel.load(dataset / f"labelsTr/case_{number}.nii.gz").affine)
    monkeypatch.setattr(files, "choose_export_folder", lambda _parent: tmp_path / "predicted")
    exported = hands.job(lambda: hands.do("export-predictions"))
    assert exported.state is JobState.FINISHED, exported.message
    stored = np.asarray(nibabel.load(tmp_path / "predicted/case_1.nii.gz").dataobj)
    assert np.array_equal(stored[:, :, 3].T, session.loaded.probability >= 128)
    assert {path: path.read_bytes() for path in dataset.rglob("*.gz")} == originals


def test_only_a_project_of_volumes_offers_them(open_window, project: Path) -> None:
    action = open_window(project).window.actions_by_name["export-volumes"]
    assert not action.isEnabled()
    assert "made from volumes" in action.toolTip()
