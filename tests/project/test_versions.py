"""Every mask of a sample that there is, and where runs contradict each other."""

import numpy as np
import pytest

from segstudio.core.sample import ReviewState
from segstudio.project.project import Project
from segstudio.project.versions import NOW, Disagreement, Version, load_version, runs_of, versions_of


def predicted(project: Project, value: int) -> int:
    run = project.runs.create("p", "m", {}, "scratch").id
    sample = project.samples.get(1)
    probability = np.full((sample.height, sample.width), value, np.uint8)
    probability[:, :10] = 255 - value
    project.predictions.save(run, sample, probability)
    project.predictions.score(run)
    return int(run)


def test_all_masks_of_a_sample_can_be_chosen(project: Project) -> None:
    runs = [predicted(project, value) for value in (100, 90, 40)]
    project.predictions.set_current(runs[1])
    sample = project.samples.get(1)
    original = project.masks.load(sample)
    first = np.zeros_like(original)
    first[5:9, 5:9] = 1
    project.masks.save(1, first)
    project.samples.set_state([1], ReviewState.ACCEPTED)
    project.masks.save(1, 1 - first)
    sample = project.samples.get(1)
    assert [version.number for version in runs_of(project, sample)] == [runs[1], runs[2], runs[0]]
    assert Version("run", 9, "Ann").title == "Ann"
    versions = versions_of(project, sample)
    assert [one.title for one in versions] == [
        "Mask now", "Run 0002", "Run 0003", "Run 0001", "Revision 1", "From the dataset",
    ]  # fmt: skip
    assert np.array_equal(load_version(project, sample, Version("revision", 1)), first)
    assert np.array_equal(load_version(project, sample, Version("revision", 0)), original)
    project.predictions.set_threshold(runs[0], 0.3)
    at_threshold = load_version(project, sample, Version("run", runs[0]))
    assert at_threshold is not None
    assert at_threshold.all()
    assert load_version(project, project.samples.get(2), Version("run", runs[0])) is None
    project.runs.update(runs[2], status="finished")
    project.runs.delete(runs[2])
    assert [version.number for version in runs_of(project, sample)] == [runs[1], runs[0]]
    with pytest.raises(ValueError, match="in memory"):
        load_version(project, sample, NOW)


def test_disagreement_is_twice_the_deviation() -> None:
    values = np.array([[0, 255, 0, 100], [0, 255, 255, 200], [0, 255, 255, 30]], np.uint8)[:, None]
    found = Disagreement()
    assert found.heat is None
    for probability in values:
        found.add(probability, (probability >= 128).astype(np.uint8))
    expected = np.rint(np.minimum(2 * values.std(axis=0), 255))
    assert found.heat is not None
    assert np.abs(found.heat - expected).max() <= 1
    assert found.heat[0, 0] == found.heat[0, 1] == 0
    assert found.share == 0.5
    with pytest.raises(ValueError, match="shape"):
        found.add(values[0][:, 1:], values[0][:, 1:])
    alone = Disagreement()
    alone.add(values[0], values[0])
    assert (alone.heat, alone.share) == (None, 0.0)
