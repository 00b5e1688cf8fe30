import json
from pathlib import Path

import numpy as np
import pytest

from segstudio.cli import main
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState
from segstudio.project.accepting import accept, plan_accept, read_audits
from segstudio.project.check import check_project
from segstudio.project.project import Project
from tests.project.projects import make_project

COUNT = 14


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Fourteen samples (two in the test split), all predicted, some of which a person has judged."""
    with make_project(tmp_path, COUNT) as project:
        with project.transaction("samples") as connection:
            connection.execute("UPDATE sample SET truth = NULL WHERE id = 1")
        run = project.runs.create("p", "m", {}, "scratch")
        project.runs.update(run.id, status="finished")
        run.best_weights.write_bytes(b"weights")
        for sample in project.samples.all():
            project.predictions.save(run.id, sample, predicted(sample.id))
        project.predictions.score(run.id)
        project.predictions.set_current(run.id)
        project.samples.set_state([2], ReviewState.ACCEPTED)
        project.samples.set_state([3], ReviewState.FLAGGED)
        project.masks.save(4, np.zeros((48, 64), np.uint8))  # becomes corrected
    return tmp_path / "project"


def predicted(number: int) -> np.ndarray:
    probability = np.zeros((48, 64), np.uint8)
    probability[:, : 4 * number] = 255
    return probability


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_plan_changes_nothing_and_says_what_would_be_done(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = run(capsys, "accept", folder, "--filter", "", "--audit", 4)
    assert plan["total"] == 9
    assert plan["left_out"] == {
        "flagged or rejected": 1, "in the test split, where no prediction is accepted": 2,
        "corrected or accepted by a person": 2,
    }  # fmt: skip
    assert (plan["replaced"], plan["replaced_by_person"]) == (8, 0), "one has no mask"
    assert len(set(plan["check"])) == 4
    assert plan["bound_if_clean"] == pytest.approx(1 - 0.05**0.25)
    assert plan["accepted"] is None
    assert "at most 52.8 % of all 9 are wrong" in plan["words"]
    with Project.open(folder) as project:
        assert read_audits(project) == []
        assert project.samples.progress()[ReviewState.TODO] == COUNT - 3


def test_answers_accept_all_but_the_wrong_ones_and_one_undo_takes_it_back(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = run(capsys, "accept", folder, "--filter", "", "--audit", 4)
    wrong = plan["check"][0]
    answers = tmp_path / "answers.csv"
    answers.write_text("".join(f"{one},{'wrong' if one == wrong else 'right'}\n" for one in plan["check"]), "utf-8")
    with Project.open(folder) as project:
        before = [(one.state, one.revision, one.has_mask) for one in project.samples.all()]
    done = run(
        capsys, "accept", folder, "--filter", "", "--audit", 4, "--seed", plan["seed"], "--answers", answers,
        "--reviewer", "Anna",
    )  # fmt: skip
    assert (done["accepted"], done["wrong"]) == (8, [wrong])
    assert done["bound"] == pytest.approx(0.7514, abs=1e-3)
    with Project.open(folder) as project:
        for sample in project.samples.all():
            if sample.state is ReviewState.ACCEPTED and sample.id != 2:
                assert (project.masks.load(sample) == (predicted(sample.id) > 0)).all()
                assert project.samples.reviews([sample.id])[0].reviewer == "Anna"
        assert project.samples.by_image(wrong).state is ReviewState.TODO
        assert not project.masks.load(project.samples.get(4)).any(), "a corrected mask stays"
        (audit,) = read_audits(project)
        assert (audit.reviewer, audit.total, audit.wrong, audit.accepted) == ("Anna", 9, 1, 8)
        assert [one["image"] for one in audit.checked if not one["right"]] == [wrong]
        assert check_project(project, ListReporter()) == []
    assert run(capsys, "info", folder)["audits"][0]["checked"] == 4
    undone = run(capsys, "undo", folder)
    assert (undone["act"]["title"], undone["changed"], undone["left"]) == ("accept 8 predictions", 8, 0)
    with Project.open(folder) as project:
        assert [(one.state, one.revision, one.has_mask) for one in project.samples.all()] == before
        assert np.isnan(project.samples.table().iou[0]), "it has no mask to be measured by"
    run(capsys, "undo", folder, "--redo")
    with Project.open(folder) as project:
        assert project.samples.progress()[ReviewState.ACCEPTED] == 9


def test_answers_to_something_else_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = run(capsys, "accept", folder, "--audit", 3)
    answers = tmp_path / "answers.csv"
    for text, said in (
        (f"{plan['check'][0]},right\n", "has no answer"),
        ("".join(f"{one},right\n" for one in [*plan["check"], "other.png"]), "other.png was not drawn"),
        (f"{plan['check'][0]},perhaps\n", "right or wrong"),
    ):
        answers.write_text(text, "utf-8")
        command = ["accept", str(folder), "--audit", "3", "--seed", str(plan["seed"]), "--answers", str(answers)]
        assert main(command) == 1
        assert said in capsys.readouterr().err


def test_masks_are_accepted_as_they_are(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = run(capsys, "accept", folder, "--what", "masks", "--filter", "split:test", "--audit", 5)
    assert plan["total"] == 2
    assert plan["bound_if_clean"] == 0.0, "all of them are looked at"
    answers = tmp_path / "answers.csv"
    answers.write_text("".join(f"{one},right\n" for one in plan["check"]), "utf-8")
    arguments = ("--what", "masks", "--filter", "split:test", "--audit", 5, "--seed", plan["seed"])
    assert run(capsys, "accept", folder, *arguments, "--answers", answers)["accepted"] == 2
    with Project.open(folder) as project:
        assert [one.revision for one in project.samples.all() if one.split == "test"] == [0, 0]


def test_a_mask_that_a_person_was_at_work_on_comes_back_when_a_prediction_has_replaced_it(folder: Path) -> None:
    mine = (predicted(2) > 0).astype(np.uint8)
    with Project.open(folder) as project:
        project.masks.save(4, mine)  # in the revision that is open
        assert project.samples.get(4).revision == 1
        plan = plan_accept(project, "predictions", "", replaces_corrected=True)
        assert plan.replaced_by_person == 2
        assert 4 in accept(project, plan, ListReporter())
        assert np.array_equal(project.masks.load(project.samples.get(4)), predicted(4) > 0)
        assert np.array_equal(project.masks.load_revision(project.samples.get(4), 1), mine)
        assert project.acts.undo().left == 0
        assert np.array_equal(project.masks.load(project.samples.get(4)), mine)
        assert check_project(project, ListReporter()) == []


def test_a_bound_is_said_without_a_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bound", "--checked", "59", "--wrong", "0", "--of", "4000"]) == 0
    assert capsys.readouterr().out == "at most 5 % are wrong (95 % sure)\n"
    assert main(["bound", "--checked", "5", "--wrong", "6"]) == 1
