"""Stop advice: nested masks, equal steps, and a result that follows from the files."""

import itertools
import json

import numpy as np
import pytest

from segstudio.core.errors import UserError
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.jobs import JOBS
from segstudio.jobs.stop_advice import nested_roles, result_of_sizes, sizes_of
from segstudio.project.studies import LEARNT, MEASURED, VALIDATES
from tests.jobs.projects import TINY, make_project

SMALL = {name: value for name, value in TINY.items() if name != "preset"}


def advise(project, report=None, **values):
    given = {"preset": TINY["preset"], "options": SMALL, "epochs": 1, "sizes": (2, 4, 8), "repeats": 2} | values
    return JOBS["advise"].from_values(given).perform(project.folder, report or ListReporter())


class StopIn(ListReporter):
    """Wants to stop when the progress speaks of something."""

    def __init__(self, words):
        super().__init__()
        self._words = words

    def progress(self, done, total, text=""):
        self.is_cancel_wanted = self.is_cancel_wanted or self._words in text
        super().progress(done, total, text)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with make_project(tmp_path_factory.mktemp("advice"), "t" * 8 + "vvv" + "ee") as made:
        yield made


def test_sizes_are_halves_or_what_was_asked_for():
    assert sizes_of(70, 4, ()) == (9, 18, 35, 70)
    assert sizes_of(12, 4, ()) == (3, 6, 12)
    assert sizes_of(70, 4, (10, 20, 30)) == (10, 20, 30)
    for count, asked in [(6, ()), (2, ()), (70, (10, 20)), (70, (20, 10, 30)), (70, (10, 20, 71)), (70, (0, 1, 2))]:
        with pytest.raises(UserError, match=r"too few|no sizes"):
            sizes_of(count, 3, asked)


def test_masks_are_nested_and_others_in_another_repeat(project):
    samples = list(project.samples.all())
    roles = [nested_roles(samples, size, seed=3) for size in (2, 4, 8)]
    assert [letters.count(LEARNT) for letters in roles] == [2, 4, 8]
    for few, many in itertools.pairwise(roles):
        assert all(b == LEARNT for a, b in zip(few, many, strict=True) if a == LEARNT)
    assert len({nested_roles(samples, 4, seed) for seed in range(6)}) > 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sizes": (1, 2, 9)}, "up to the 8 masks"),
        ({"more": (10, 5)}, "rising numbers"),
        ({"preset": "no-such"}, "there is no preset"),
        ({"resume": 1}, "keeps its"),
    ],
)
def test_what_is_wrong_is_said_before_anything_begins(project, values, words):
    before = project.studies.list()
    with pytest.raises(UserError, match=words):
        advise(project, **values)
    assert project.studies.list() == before


@pytest.mark.training
def test_a_stopped_study_goes_on_and_says_what_more_masks_would_bring(project):
    with pytest.raises(Cancelled):
        advise(project, StopIn("size-4, repeat 1 (2/6): epoch"))
    study = project.studies.latest()
    assert [cell.is_done for cell in study.cells()] == [True] + [False] * 5
    with pytest.raises(UserError, match="advise --resume"):
        JOBS["cross-validate"].from_values({"resume": study.id}).perform(project.folder, ListReporter())
    report = ListReporter()
    result = JOBS["advise"].from_values({"resume": study.id}).perform(project.folder, report)
    assert "1 of 6 trainings are done already" in report.lines
    assert json.loads(json.dumps(result, allow_nan=False)) == result == project.studies.get(study.id).result

    chosen, cells = study.chosen(), study.cells()
    assert len({cell.done()["steps"] for cell in cells}) == 1
    assert {cell.done()["seed"] for cell in cells if cell.repeat == 1} == {1}
    for cell in cells:
        assert len(chosen.of(cell, LEARNT)) == int(cell.arm.removeprefix("size-"))
        assert {one.split for one in chosen.of(cell, LEARNT)} == {"train"}
        assert [one.sample for one in chosen.of(cell, VALIDATES)] == [one.sample for one in chosen.of(cell, MEASURED)]
    assert [one["size"] for one in result["points"]] == [2, 4, 8]
    for one, part in zip(result["points"], study.parts, strict=True):
        scores = [score.iou for score in project.studies.scores(study) if score.arm == part]
        assert one["mean"] == pytest.approx(np.mean(scores))
    assert [one["more"] for one in result["gains"]] == [10, 25, 50]
    assert result["advice"] in ("more helps", "enough", "cannot tell")
    assert result["images"] == 3
    assert result["summary"].startswith("10 / 25 / 50 more masks like these ≈ ")
    assert result_of_sizes(study, list(project.studies.scores(study))) == result


@pytest.mark.training
def test_the_test_split_is_measured_when_that_is_wanted(project):
    before = len(project.looks.all())
    result = advise(project, split="test", repeats=1, sizes=(1, 2, 3))
    assert [look.by for look in project.looks.all()[before:]] == ["advise"]
    study = project.studies.get(result["study"])
    for cell in study.cells():
        assert {one.split for one in study.chosen().of(cell, MEASURED)} == {"test"}
        assert {one.split for one in study.chosen().of(cell, VALIDATES)} == {"val"}
    assert result["images"] == 2
    assert result["advice"] == "cannot tell"
    assert "With one repeat" in result["explanation"]
