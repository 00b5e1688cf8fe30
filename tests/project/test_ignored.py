"""Ignored regions: files beside the masks that take pixels out of every figure."""

import numpy as np
import pytest

from segstudio.core.errors import BadImage, ReadOnlyProject
from segstudio.core.metrics import Counts
from segstudio.core.reporter import ListReporter
from segstudio.formats import encode_mask, read_mask_values
from segstudio.project.check import check_project
from segstudio.project.project import Project
from segstudio.project.scores import THRESHOLD

REGION = np.zeros((48, 64), np.uint8)
REGION[10:30, 5:50] = 1
NOISE = np.random.default_rng(0).integers(0, 256, (48, 64), np.uint8)


def predicted(project: Project) -> int:
    run = project.runs.create("p", "m", {}, "scratch").id
    for sample in project.samples.all():
        project.predictions.save(run, sample, NOISE)
    project.predictions.set_current(run)
    project.predictions.score(run)
    return run


def test_a_region_is_an_ordinary_picture(project: Project) -> None:
    sample = project.samples.get(2)
    assert project.ignored.load(sample) is None
    project.ignored.save(2, np.zeros_like(REGION))
    assert not project.ignored.path(sample).exists()
    project.ignored.save(2, REGION)
    assert project.ignored.path(sample) == project.folder / "ignore/images/sample_01.png"
    assert np.array_equal(read_mask_values(project.ignored.path(sample)), REGION * 255)
    assert np.array_equal(project.ignored.load(sample), REGION)
    project.ignored.save(2, np.zeros_like(REGION))
    assert project.ignored.load(sample) is None
    with pytest.raises(ValueError, match="wants uint8"):
        project.ignored.save(2, REGION[1:])


def test_figures_and_errors_leave_it_out(project: Project) -> None:
    run = predicted(project)
    sample = project.samples.get(2)
    mask = project.masks.load(sample)
    topics: list[frozenset[str]] = []
    project.changed.connect(topics.append)
    project.ignored.save(2, REGION)
    assert topics == [frozenset({"masks", "samples", "predictions"})]
    wanted = Counts.of(mask, NOISE >= THRESHOLD, REGION)
    assert wanted.total == (REGION == 0).sum()
    assert project.predictions.counts(run)[2] == wanted
    assert project.predictions.score(run, [2])[2].counts == wanted
    ranking = project.blobs.ranking(run, 0)
    places = ranking[ranking["sample"] == 2]
    assert len(places)
    assert not REGION[places["y"], places["x"]].any()
    # Correcting the mask goes on leaving it out.
    project.masks.save(2, np.ones_like(mask))
    assert project.predictions.counts(run)[2] == Counts.of(np.ones_like(mask), NOISE >= THRESHOLD, REGION)
    project.ignored.save(2, np.zeros_like(REGION))
    assert project.predictions.counts(run)[2].total == mask.size


def test_what_a_run_has_used_is_kept(project: Project) -> None:
    sample = project.samples.get(2)
    assert project.ignored.keep(sample) == ""
    assert project.ignored.load_kept(sample, "") is None
    project.ignored.save(2, REGION)
    first = project.ignored.keep(sample)
    assert project.ignored.keep(sample) == first
    project.ignored.save(2, 1 - REGION)
    second = project.ignored.keep(sample)
    assert np.array_equal(project.ignored.load_kept(sample, first), REGION)
    assert np.array_equal(project.ignored.load_kept(sample, second), 1 - REGION)
    project.ignored.kept_path(sample, first).unlink()
    with pytest.raises(BadImage, match="is missing"):
        project.ignored.load_kept(sample, first)


def test_a_bad_file_is_told_of_and_never_taken_for_nothing(project: Project) -> None:
    for sample_id, data in ((1, b"no picture"), (2, encode_mask(REGION[:9]))):
        path = project.ignored.path(project.samples.get(sample_id))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        with pytest.raises(BadImage):
            project.ignored.load(project.samples.get(sample_id))
    project.ignored.path(project.samples.get(1)).with_name("stranger.png").write_bytes(encode_mask(REGION))
    report = ListReporter()
    found = {finding.path: finding.severity for finding in check_project(project, report)}
    assert found == {
        "ignore/images/sample_00.png": "error",
        "ignore/images/sample_01.png": "error",
        "ignore/images/stranger.png": "warning",
    }
    assert project.samples.get(2).problem


def test_a_read_only_project_keeps_its_regions(project: Project) -> None:
    project.database.read_only_reason = "a test"
    with pytest.raises(ReadOnlyProject):
        project.ignored.save(2, REGION)
    assert not project.ignored.path(project.samples.get(2)).exists()
