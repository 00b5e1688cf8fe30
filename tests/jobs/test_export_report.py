"""The report: of the run that it names, and never written where it must not be."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from segstudio.core.errors import UserError
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState, Split
from segstudio.jobs import JOBS
from segstudio.jobs.report_charts import Line, histogram, line_chart, steps_of
from segstudio.project.project import Project
from segstudio.project.runs import READER
from tests.project.projects import append_metrics


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


def test_the_report_tells_of_dataset_runs_curves_and_conventions(
    project: Project, runs: tuple[int, int], tmp_path: Path
):
    run = project.runs.get(runs[0])
    for epoch in range(1, 6):
        values = {"loss": 1 / epoch, "val_loss": 1.2 / epoch, "iou": 1 - 1 / (1 + epoch), "val_iou": 0.9}
        append_metrics(run, epoch, values)
    project.problems.extend([("images/broken.png", "it is <cut> off")])
    first = next(iter(project.samples.all()))
    project.samples.set_state([first.id], ReviewState.FLAGGED)
    second = list(project.samples.all())[1]
    page = report(project, tmp_path / "r.html", run=str(run.id), chosen="state:flagged", samples=(second.id, 999))
    for chart in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ET.fromstring(chart)  # well formed
    assert page.count("<svg") >= 4, "loss, IoU, and two distributions"
    for words in ("Loss", "Foreground IoU", "IoU of each image", "Dice of each image", "Runs", "Conventions"):
        assert words in page
    assert "it is &lt;cut&gt; off" in page
    chosen = page.partition("Chosen: state:flagged</h2>")[2].partition("<h2")[0]
    assert first.image in chosen
    assert chosen.count("data:image/png;base64,") == 4
    selected = page.partition("Selected</h2>")[2].partition("<h2")[0]
    assert second.image in selected
    assert selected.count("data:image/png;base64,") == 4
    for title in ("Worst", "Best", "At random"):
        group = page.partition(f"{title}</h2>")[2].partition("<h2")[0]
        assert group.count("data:image/png;base64,") >= 4
    links = re.findall(r'(?:src|href)="?([^">\s]+)', page)
    assert links
    assert all(link.startswith(("#", "data:")) for link in links), "nothing lies outside of the file"


def test_without_a_run_it_is_about_the_dataset(project: Project, tmp_path: Path):
    page = report(project, tmp_path / "r.html")
    assert "about the dataset alone" in page
    assert "<svg" not in page
    reader = project.runs.create(READER, READER, {"reader": "Ada"}, "scratch")
    project.runs.update(reader.id, status="finished")
    assert "about the dataset alone" in report(project, tmp_path / "r.html"), "a reader is no training"
    with pytest.raises(UserError, match="no run 0007"):
        report(project, tmp_path / "r.html", run="7")
    with pytest.raises(UserError):
        report(project, tmp_path / "r.html", chosen="state:unknown")


def test_without_a_test_split_the_validation_split_is_measured_and_that_is_said(
    project: Project, runs: tuple[int, int], tmp_path: Path
):
    assert "no test split" not in report(project, tmp_path / "r.html", run="1")
    test = [one.id for one in project.samples.all() if one.split is Split.TEST]
    project.samples.set_state(test, ReviewState.REJECTED)
    page = report(project, tmp_path / "r.html", run="1")
    assert "There is no test split" in page
    assert "Figures on the val split" in page


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.9, 1), (0, 3), (1e-5, 1e-3), (0, 0), (-2, 70000)])
def test_axes_have_round_numbers(low: float, high: float):
    steps = steps_of(low, high)
    assert len(steps) <= 9
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in steps)
    assert high == low or len(steps) >= 2


def test_there_is_no_half_an_epoch():
    chart = ET.fromstring(line_chart("Loss", [Line("train", "red", [(1, 0.75), (2, 0.5), (3, 0.25), (4, 0.125)])]))
    texts = [one for one in chart.iter() if one.tag == "text" and one.get("text-anchor") == "middle"]
    assert [one.text for one in texts] == ["1", "2", "3", "4"]


def test_a_chart_of_nothing_is_nothing_and_one_value_is_a_chart():
    assert line_chart("Loss", [Line("train", "red", [])]) == ""
    assert histogram("IoU", [], across="IoU") == ""
    for chart in (histogram("IoU", [1.0], across="IoU"), line_chart("Loss", [Line("a<b", "red", [(1, 0.5)])])):
        ET.fromstring(chart)
        assert "nan" not in chart.lower()
