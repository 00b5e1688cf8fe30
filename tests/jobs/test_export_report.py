"""The report: of the run that it names, and never written where it must not be."""

import re
from pathlib import Path

import numpy as np
import pytest

from segstudio.core.errors import UserError
from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
from segstudio.project.project import Project


@pytest.fixture
def runs(project: Project) -> tuple[int, int]:
    """Two runs: one that is always right and one, shown now, that predicts nothing."""
    made = []
    for is_right in (True, False):
        run = project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
        run.best_weights.touch()
        project.runs.update(run.id, status="finished", best_val_iou=float(is_right))
        for sample in project.samples.all():
            mask = project.masks.load(sample)
            project.predictions.save(run.id, sample, mask * np.uint8(255 * is_right))
        project.predictions.score(run.id)
        made.append(run.id)
    project.predictions.set_current(made[1])
    return made[0], made[1]


def report(project: Project, to: Path, **options: object) -> str:
    made = JOBS["export-report"].from_values({"to": str(to), **options}).perform(project.folder, ListReporter())
    return Path(made["path"]).read_text(encoding="utf-8")


def test_the_pictures_are_of_the_run_that_was_asked_for(project: Project, runs: tuple[int, int], tmp_path: Path):
    for run, figure in zip(runs, ("1.0000", "0.0000"), strict=True):
        page = report(project, tmp_path / "r.html", run=str(run))
        assert set(re.findall(r"· IoU ([\d.]+) ·", page)) == {figure}
        assert "above 127" in page


def test_nothing_is_written_into_the_dataset_or_over_another_kind_of_file(
    project: Project, runs: tuple[int, int], tmp_path: Path
):
    with pytest.raises(UserError, match="never written"):
        report(project, project.source / "report.html")
    with pytest.raises(UserError, match="never written"):
        report(project, project.source)
    thesis = tmp_path / "thesis.docx"
    thesis.write_text("years of work")
    with pytest.raises(UserError, match="exists already"):
        report(project, thesis)
    assert thesis.read_text() == "years of work"
    assert report(project, tmp_path / "new" / "folder") == (tmp_path / "new/folder/report.html").read_text()
