"""Comparisons on disk: what was written is read, what is damaged is said, nobody works on one twice at a time."""

import json
import threading

import numpy as np
import pytest

from segstudio.core.errors import BadImage, ReadOnlyProject, UserError
from segstudio.core.reporter import ListReporter
from segstudio.project.cells import Arm, Score
from segstudio.project.check import check_project
from segstudio.project.project import Project

ARMS = (
    Arm("original", "conv-unet-fast", "conv-unet", {"epochs": 2, "seed": 7}),
    Arm("strong", "conv-unet-fast", "conv-unet", {"epochs": 2}, "strong", '{"steps": []}', "abc"),
    Arm("control", "conv-unet-fast", "conv-unet", {"epochs": 2}, seed_offset=1000),
)


def create(project, **changes):
    settings = {
        "arms": ARMS, "repeats": 2, "seed": 5, "split": "test", "metric": "iou", "groups": ("name:*a*",),
        "samples": (1, 2), "images_per_epoch": 4,
    }  # fmt: skip
    return project.comparisons.create(**settings | changes)


def test_what_is_written_is_read(project):
    made = create(project, about={"segstudio": "1"})
    assert project.comparisons.get(made.id) == made
    changed = project.comparisons.update(made, result={"repeats": 2, "verdict": "helps"}, looks=(2,))
    assert project.comparisons.get(made.id) == changed
    assert changed.is_finished
    assert not project.comparisons.update(changed, repeats=3).is_finished, "repeats were added"
    assert made.title == "original vs strong vs control"


def test_cells_are_paired_by_seed_and_a_control_is_not(project):
    made = create(project)
    assert [(cell.arm, cell.repeat, cell.seed) for cell in made.cells()] == [
        ("original", 0, 5), ("strong", 0, 5), ("control", 0, 1005),
        ("original", 1, 6), ("strong", 1, 6), ("control", 1, 1006),
    ]  # fmt: skip
    assert made.arm("control").is_control
    with pytest.raises(KeyError):
        made.arm("weak")


def test_the_newest_is_first_and_numbers_are_not_used_again(project):
    first, second = create(project), create(project)
    assert [one.id for one in project.comparisons.list()] == [second.id, first.id]
    assert project.comparisons.latest() == second
    project.comparisons.remove(first.id)
    assert [one.id for one in project.comparisons.list()] == [2]
    assert create(project).id == 3
    with pytest.raises(UserError, match="no comparison 0001"):
        project.comparisons.get(first.id)


def test_every_change_is_told(project):
    told = []
    project.changed.connect(told.append)
    made = create(project)
    project.comparisons.update(made, looks=(2,))
    project.comparisons.remove(made.id)
    assert told == [frozenset({"comparisons"})] * 3


def test_a_cell_keeps_predictions_curves_and_how_it_went(project):
    cell = create(project).cell("strong", 1)
    assert (cell.is_done, cell.done(), cell.metrics()) == (False, {}, [])
    cell.folder.mkdir(parents=True)
    (cell.folder / "metrics.csv").write_text("epoch,val_iou,loss\n1,0.5,0.7\n2,0.6,torn\n", encoding="utf-8")
    assert cell.metrics() == [{"epoch": 1, "val_iou": 0.5, "loss": 0.7}, {"epoch": 2, "val_iou": 0.6}]
    sample = next(iter(project.samples.all()))
    probability = np.random.default_rng(0).integers(0, 256, (sample.height, sample.width)).astype(np.uint8)
    with pytest.raises(BadImage, match="missing"):
        cell.prediction(sample)
    cell.save_prediction(sample, probability)
    assert (cell.prediction(sample) == probability).all()
    cell.save_prediction(sample, probability[:-1])
    with pytest.raises(BadImage, match="size"):
        cell.prediction(sample)
    cell.finish(steps=4)
    assert cell.is_done
    assert cell.done() == {"steps": 4}


def test_scores_survive_the_file(project):
    made = create(project)
    assert project.comparisons.scores(made) == []
    scores = [Score(1, "a, b.png", "", "todo", 0, 0.1, "original", 0, 5, 1, 2, 3, 4, 1 / 3, 0.1 + 0.2)]
    project.comparisons.save_scores(made, scores)
    assert project.comparisons.scores(made) == scores
    made.results.write_text("sample,iou\n1,x\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"results\.csv"):
        project.comparisons.scores(made)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": "other", "version": 1}', b"\xff", b'{"arms": 1}'])
def test_a_damaged_file_hides_no_other(project, content):
    good, bad = create(project), create(project)
    (bad.folder / "comparison.json").write_bytes(content)
    assert project.comparisons.list() == [good]
    assert len(project.comparisons.problems()) == 1
    with pytest.raises(UserError, match=r"comparison\.json cannot be read"):
        project.comparisons.get(bad.id)


def test_one_of_a_later_version_is_said(project):
    made = create(project)
    path = made.folder / "comparison.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"version": 99}), encoding="utf-8")
    with pytest.raises(UserError, match="later version"):
        project.comparisons.get(made.id)


def test_two_cannot_work_on_one_comparison(project):
    made = create(project)
    assert not project.comparisons.is_running(made)
    with project.comparisons.claimed(made):
        assert project.comparisons.is_running(made)
        with pytest.raises(UserError, match="another process"), project.comparisons.claimed(made, patience=0.1):
            pass
    assert not project.comparisons.is_running(made)


def test_whoever_only_looks_at_a_comparison_stops_nobody(project):
    made = create(project)
    looks, is_seen = threading.Event(), threading.Event()

    def look():
        with project.comparisons.claimed(made, patience=0):
            is_seen.set()
            looks.wait(0.2)

    thread = threading.Thread(target=look)
    thread.start()
    is_seen.wait(10)
    with project.comparisons.claimed(made):
        pass
    thread.join()


def test_a_project_for_reading_only_gets_none(project):
    folder = project.folder
    with Project.open(folder) as other:
        other.database.read_only_reason = "for the test"
        with pytest.raises(ReadOnlyProject):
            create(other)
        assert other.comparisons.list() == []


def test_check_finds_what_is_damaged(project):
    made, bad = create(project), create(project)
    cell = made.cell("strong", 0)
    samples = list(project.samples.all(made.samples))
    for sample in samples:
        cell.save_prediction(sample, np.zeros((sample.height, sample.width), np.uint8))
    cell.finish(predicted=len(samples))
    assert [one.path for one in check_project(project, ListReporter())] == []
    next(cell.folder.rglob("*.png")).unlink()
    (bad.folder / "comparison.json").write_text("{", encoding="utf-8")
    found = check_project(project, ListReporter())
    assert [(one.path, one.severity) for one in found] == [
        ("comparisons", "warning"),
        ("comparisons/0001/cells/strong-0", "warning"),
    ]
