"""Looks: what shows how right a run is on the test split is a look, is counted, and before that shows nothing."""

import numpy as np
import pytest

from segstudio.core.errors import UserError
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import Split
from segstudio.jobs import JOBS
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.rebuilding import rebuild_index
from segstudio.project.runs import READER
from segstudio.project.sample_table import SPLITS
from segstudio.project.sorting import sorted_rows

LEFT = np.zeros((48, 64), np.uint8)
LEFT[:, :20] = 255
OF_TRUTH = ("iou", "dice", "precision", "recall", "wrong", "iou_before")


def predicted(project: Project, model: str = "m") -> int:
    """A run that has predicted everything and is shown."""
    run = project.runs.create("p", model, {"reader": "Anna"} if model == READER else {}, "scratch").id
    for sample in project.samples.all():
        project.predictions.save(run, sample, LEFT)
    project.predictions.score(run)
    project.predictions.set_current(run)
    project.predictions.expect(run)
    return run


def listed(project: Project, **options: str) -> dict:
    return JOBS["list"].from_values(options).perform(project.folder, ListReporter())


def known(project: Project, name: str = "iou") -> set[Split]:
    """The splits of which there are such figures."""
    table = project.samples.table()
    return {SPLITS[code] for code in table.split[~np.isnan(getattr(table, name))]}


def test_figures_of_the_test_split_are_hidden_until_somebody_looks(project: Project) -> None:
    predicted(project)
    run = predicted(project)
    for name in OF_TRUTH:
        assert known(project, name) == {Split.TRAIN, Split.VAL}, name
    for name in ("work", "uncertainty", "change", "manner"):
        assert known(project, name) == set(Split), "what needs no truth chooses no network"
    table = project.samples.table()
    assert table.hidden.tolist() == [code == SPLITS.index(Split.TEST) for code in table.split]
    assert not len(compile_filter("-split:train,val iou>=0").rows(table))
    with pytest.raises(UserError, match="hidden until somebody looks"):
        compile_filter("split:test iou>=0").rows(table)
    hidden = int(table.hidden.sum())
    assert hidden > 0
    assert compile_filter("iou<2").left_out(table) == compile_filter("iou<2 -split:train").left_out(table) == hidden
    assert compile_filter("-split:test iou<2").left_out(table) == compile_filter("state:todo").left_out(table) == 0
    assert len(compile_filter("split:test uncertainty>=0").rows(table)) == 1
    order = sorted_rows(table, np.arange(len(table)), "iou")
    assert SPLITS[table.split[order[-1]]] is Split.TEST, "the place in the order tells nothing"
    test = next(one for one in project.samples.all() if one.split is Split.TEST)
    project.masks.save(test.id, 1 - project.masks.load(test))
    assert known(project) == {Split.TRAIN, Split.VAL}, "rows that are brought up to date hide them too"
    assert project.looks.hides(test, run)
    project.looks.record(f"{run:04}", "window")
    assert known(project) == set(Split)
    assert known(project, "iou_before") == {Split.TRAIN, Split.VAL}, "nobody has looked at the run before"
    assert not project.looks.hides(test, run)
    assert not project.samples.table().hidden.any()
    assert compile_filter("iou<2").left_out(project.samples.table()) == 0


def test_each_run_is_looked_at_on_its_own_and_other_weights_are_another_run(project: Project) -> None:
    first, second = predicted(project), predicted(project)
    project.looks.record(f"{first:04}", "evaluate")
    project.looks.record("", "compare")
    assert (project.looks.has_seen(first), project.looks.has_seen(second)) == (True, False)
    assert known(project) == {Split.TRAIN, Split.VAL}
    project.predictions.set_current(first)
    assert known(project) == set(Split)
    project.looks.forget(first)
    assert known(project) == {Split.TRAIN, Split.VAL}
    assert len(project.looks.all()) == 2, "what was seen was seen"


def test_another_reader_is_no_network_that_could_be_chosen(project: Project) -> None:
    reader = predicted(project, READER)
    assert known(project) == set(Split)
    assert not any(project.looks.hides(one, reader) for one in project.samples.all())


@pytest.mark.parametrize("options", [{}, {"filter": "split:test iou<=1"}, {"filter": "iou<=1", "sort": "iou"}])
def test_a_list_with_figures_of_the_test_split_is_a_look_at_the_run_once(project: Project, options: dict) -> None:
    run = predicted(project)
    result = listed(project, **options)
    assert all(row["iou"] is not None for row in result["samples"] if row["split"] == "test")
    assert (result["test_shown"], result["test_looks"]) == (1, 1)
    assert [(one.run, one.by) for one in project.looks.all()] == [(f"{run:04}", "list")]
    assert listed(project, **options)["test_looks"] == 1, "the same figures tell nothing new"
    predicted(project)
    assert listed(project, **options)["test_looks"] == 2


@pytest.mark.parametrize("text", ["-split:test", "split:train,val iou<=1"])
def test_a_list_without_them_is_none(project: Project, text: str) -> None:
    predicted(project)
    result = listed(project, filter=text)
    assert result["samples"]
    assert (result["test_shown"], result["test_looks"]) == (0, 0)
    assert known(project) == {Split.TRAIN, Split.VAL}


def test_what_was_looked_at_is_known_without_the_index_too(project: Project) -> None:
    run = predicted(project)
    project.looks.record(f"{run:04}", "evaluate")
    folder = project.folder
    project.close()
    (folder / "project.sqlite").unlink()
    rebuild_index(folder, ListReporter())
    with Project.open(folder) as again:
        assert [one.run for one in again.looks.all()] == [f"{run:04}"]
        assert again.looks.has_seen(run)
