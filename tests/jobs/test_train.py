import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from segstudio.augmentation.recipe import Recipe, Step
from segstudio.core.errors import ReadOnlyProject, UserError
from segstudio.core.options import Options
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.sample import ReviewState
from segstudio.jobs import JOBS
from segstudio.jobs.presets import preset
from segstudio.jobs.training_samples import choose
from segstudio.models import pretrained
from tests.jobs.projects import TINY, damage, make_project, review


def train(project, report=None, **values):
    return JOBS["train"].from_values(TINY | {"epochs": 2} | values).perform(project.folder, report or ListReporter())


def resume(project, **values):
    return JOBS["train"].from_values(values).perform(project.folder, ListReporter())


class StopInEpoch(ListReporter):
    def __init__(self, number):
        super().__init__()
        self._number = number

    def progress(self, done, total, text=""):
        self.is_cancel_wanted = self.is_cancel_wanted or text.startswith(f"epoch {self._number} ")
        super().progress(done, total, text)


@pytest.fixture
def project(tmp_path):
    with make_project(tmp_path) as made:
        yield made


def test_without_weights_it_fails_before_anything_is_begun(project, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "WEIGHTS_SITE", "http://127.0.0.1:9/")  # the port of "discard": nobody answers
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    report = ListReporter()
    with pytest.raises(UserError, match="cannot be downloaded"):
        JOBS["train"].from_values({"preset": "mobilenetv2-unet"}).perform(project.folder, report)
    assert report.progresses == []
    assert project.runs.list() == []


# --- which samples ------------------------------------------------------------------------------------------------


def chosen(project, **values):
    report = ListReporter()
    return choose(project, preset("conv-unet-fast").options(**values), report), report


def names(samples):
    return [int(one.name[-6:-4]) for one in samples]


def test_learns_from_train_validates_by_val_and_never_sees_test(project):
    found, _ = chosen(project)
    assert names(found.train) == [0, 1, 2, 3, 4]
    assert names(found.val) == [5, 6]


def test_flagged_rejected_and_maskless_samples_are_not_used(project):
    review(project, [0], ReviewState.FLAGGED)
    review(project, [1], ReviewState.REJECTED)
    review(project, [2], ReviewState.ACCEPTED)
    found, _ = chosen(project)
    assert names(found.train) == [2, 3, 4]


def test_reviewed_alone_when_asked(project):
    review(project, [1, 3], ReviewState.ACCEPTED)
    found, _ = chosen(project, samples="reviewed")
    assert names(found.train) == [1, 3]
    assert names(found.val) == [5, 6]


def test_retrain_takes_everything_until_a_batch_is_reviewed(project):
    review(project, [1, 3], ReviewState.ACCEPTED)
    found, report = chosen(project, samples="retrain", batch=4)
    assert len(found.train) == 5
    assert "only 2 reviewed" in report.lines[0]
    found, report = chosen(project, samples="retrain", batch=2)
    assert names(found.train) == [1, 3]


def test_without_a_validation_split_some_groups_validate_always_the_same(tmp_path):
    with make_project(tmp_path, "t" * 10 + "e") as project:
        first, report = chosen(project)
        assert "no validation split" in report.lines[0]
        assert len(first.val) == 2
        assert not set(names(first.val)) & set(names(first.train))
        assert names(chosen(project)[0].val) == names(first.val)


@pytest.mark.parametrize("splits", ["t", "e", "v"])
def test_too_little_to_learn_from_is_said(tmp_path, splits):
    with make_project(tmp_path, splits) as project, pytest.raises(UserError, match="not enough samples"):
        chosen(project)


def test_masks_that_are_used_become_permanent(project):
    sample = project.samples.by_image("images/sample_00.png")
    mask = project.masks.load(sample) ^ 1
    project.masks.save(sample.id, mask)
    found, _ = chosen(project)
    assert found.train[0].revision == 1
    project.masks.save(sample.id, mask ^ 1)
    assert (project.masks.load_revision(project.samples.get(sample.id), 1) == mask).all()


# --- training -----------------------------------------------------------------------------------------------------


@pytest.mark.training
def test_the_result_is_the_contract_and_the_run_keeps_everything(project):
    broken = damage(project, 4)
    report = ListReporter()
    result = train(project, report)
    json.dumps(result, allow_nan=False)
    assert {"run", "epochs", "best", "model"} <= result.keys()
    assert result["best"].keys() == {"epoch", "val_iou", "val_loss"}
    assert result["epochs"] == 2
    run = project.runs.get(result["run"])
    assert (run.status, run.epochs, run.start, run.preset) == ("finished", 2, "scratch", "conv-unet-fast")
    assert run.best_val_iou == result["best"]["val_iou"]
    assert run.precision
    assert Path(result["model"]) == run.best_weights
    assert run.best_weights.is_file()
    assert run.last_weights.is_file()
    assert [row["epoch"] for row in project.runs.metrics(run.id)] == [1, 2]
    assert run.options["filters"] == 4
    # The damaged image is noted and left out; everything else is in the manifest with its hashes.
    assert [subject for subject, _ in report.notes] == [broken]
    lines = run.manifest.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 6
    assert not any(broken in line for line in lines)
    assert any(event["event"] == "note" for event in project.runs.events(run.id))
    assert not (project.folder / "cache" / "training" / run.name).exists()


@pytest.mark.training
def test_loss_balance_and_schedule_arrive_and_what_is_decided_is_said(project):
    from segstudio.ml.network import load_network

    report = ListReporter()
    options = {"loss": "focal", "balance": "frequency", "warm_up": 1, "clipping": 1, "patience": 9, "frozen_epochs": 1}
    result = train(project, report, **options)
    assert (result["status"], result["ended"]) == ("finished", "")
    assert any(line.startswith("balance: foreground is ") for line in report.lines)
    assert any("frozen epochs are left out" in line for line in report.lines)
    rates = [row["learning_rate"] for row in project.runs.metrics(result["run"])]
    assert rates == pytest.approx([0.005, 0.01]), "warm-up, then where the cosine begins"
    compiled = load_network(project.runs.get(result["run"]).last_weights, "float32")
    assert (compiled.loss.loss, compiled.optimizer.global_clipnorm) == ("focal", 1)
    assert compiled.loss.weights.foreground > 1 > compiled.loss.weights.background, "foreground is the rarer one"
    assert resume(project, resume="last", epochs=3, patience=8)["epochs"] == 3


@pytest.mark.training
def test_retrain_begins_with_the_best_and_says_how_good_that_was(project):
    report = ListReporter()
    first = train(project, report, start="best", samples="retrain")
    assert "no model yet" in report.lines[0]
    assert first["baseline"] is None
    # A run of another network that came to nothing says nothing about how to train this one.
    other = project.runs.create("mobilenetv2-unet", "mobilenetv2-unet", {"learning_rate": 1e-5}, "imagenet")
    project.runs.update(other.id, status="failed")
    retrain = {"start": "best", "samples": "retrain", "epochs": 1}
    report = ListReporter()
    second = JOBS["train"].from_values(retrain).perform(project.folder, report)
    assert second["baseline"]["val_iou"] == pytest.approx(first["best"]["val_iou"], abs=0.02)
    run = project.runs.get(second["run"])
    assert run.start == str(first["run"])
    assert (run.options["filters"], run.options["learning_rate"]) == (4, 0.01), "options of the last run"
    assert project.runs.metrics(run.id)[1]["learning_rate"] == pytest.approx(0.001), "and a tenth of its rate"
    assert "only 0 reviewed" in second["learnt_from"]
    assert [step for step, _ in report.metrics] == [0, 1]
    with pytest.raises(UserError, match="another one"):
        JOBS["train"].from_values(retrain | {"filters": 8}).perform(project.folder, ListReporter())
    assert project.runs.latest().status == "failed"


@pytest.mark.training
def test_stop_keeps_the_best_and_the_run_can_be_resumed(project):
    stopped = train(project, StopInEpoch(2), epochs=3)
    assert (stopped["status"], stopped["epochs"]) == ("stopped", 1)
    with pytest.raises(UserError, match="keeps its batch"):
        resume(project, resume=str(stopped["run"]), batch=4)
    done = resume(project, resume="last")
    assert (done["run"], done["status"], done["epochs"]) == (stopped["run"], "finished", 3)
    assert len(project.runs.metrics(done["run"])) == 3
    with pytest.raises(UserError, match="done all of 3 epochs"):
        resume(project, resume="last")
    assert resume(project, resume="last", epochs=4)["epochs"] == 4


@pytest.mark.training
def test_a_killed_run_goes_on_with_the_masks_it_began_with(project):
    train(project, StopInEpoch(2), epochs=3)
    run = project.runs.latest()
    # What a kill -9 leaves: a run that says it is running, owned by a process that is no more.
    with project.transaction("runs") as connection:
        connection.execute("UPDATE run SET status = 'running', pid = 2147483000 WHERE id = ?", (run.id,))
    before = run.manifest.read_text(encoding="utf-8")
    sample = project.samples.by_image("images/sample_00.png")
    project.masks.save(sample.id, np.ones_like(project.masks.load(sample)))
    assert project.runs.get(run.id).status == "lost"
    result = resume(project, resume=run.name)
    assert result["epochs"] == 3
    assert run.manifest.read_text(encoding="utf-8") == before


@pytest.mark.training
def test_cancelled_in_the_first_epoch_leaves_a_cancelled_run(project):
    with pytest.raises(Cancelled):
        train(project, StopInEpoch(1))
    assert project.runs.latest().status == "cancelled"
    with pytest.raises(UserError, match="before its first epoch"):
        resume(project, resume="last")
    assert project.runs.best() is None


# --- augmentation -------------------------------------------------------------------------------------------------

TURN = Recipe("turn", "Turn", "", (Step("Rotate", 0.8, {"limit": [-20, 20]}), Step("GaussNoise", 0.5)))
BOTH = {"recipe": "turn", "augmentation": "both", "epochs": 3}


def figures(project, run):
    """All that training computes, exactly; how fast it was is another matter."""
    rows = project.runs.metrics(run)
    of_the_machine = ("images_per_second", "epoch_seconds", "memory_mib", "gpu_memory_mib")
    return [{name: value for name, value in row.items() if name not in of_the_machine} for row in rows]


@pytest.mark.training
@pytest.mark.skipif(bool(shutil.which("nvidia-smi")), reason="bit for bit on a CPU alone")
def test_a_run_that_was_interrupted_ends_as_if_it_had_not_been_whatever_became_of_its_recipe(project):
    project.recipes.save(TURN)
    JOBS["augment"].from_values({"recipe": "turn", "copies": 2}).perform(project.folder, ListReporter())
    whole = train(project, **BOTH)
    assert whole["learnt_from"] == "all 5 usable masks and 10 augmented copies"
    run = project.runs.get(whole["run"])
    assert (run.options["recipe"], run.options["recipe_digest"]) == ("turn", TURN.digest)
    assert Recipe.from_json(run.recipe.read_text(encoding="utf-8"), "turn") == TURN
    from segstudio.core.manifest import load_manifest

    rows = load_manifest(run.manifest)
    assert [row.recipe for row in rows] == [""] * 5 + ["turn"] * 10 + [""] * 2
    assert all((project.folder / row.image).is_file() for row in rows if row.recipe)

    stopped = train(project, StopInEpoch(2), **BOTH)
    project.recipes.save(dataclasses.replace(TURN, steps=(Step("HorizontalFlip", 1.0),)))
    project.augmented.reject("turn", [copy.name for copy in project.augmented.copies("turn")])
    resumed = resume(project, resume=str(stopped["run"]))
    assert resumed["epochs"] == 3
    assert figures(project, resumed["run"]) == figures(project, whole["run"])
    assert load_manifest(project.runs.get(resumed["run"]).manifest) == rows

    project.augmented.copies("turn")[4].image_file.unlink()
    with pytest.raises(UserError, match="1 augmented copies that the run learnt from are gone"):
        resume(project, resume="last", epochs=4)
    assert project.runs.get(resumed["run"]).status == "finished"


@pytest.mark.training
def test_retraining_takes_the_recipe_of_the_last_run_even_when_it_is_gone(project, tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(TURN.to_json(), encoding="utf-8")
    first = train(project, recipe=str(file), epochs=1)
    file.unlink()
    retrain = {"start": "best", "samples": "retrain", "epochs": 1}
    second = JOBS["train"].from_values(retrain).perform(project.folder, ListReporter())
    options = [project.runs.get(one["run"]).options for one in (first, second)]
    assert {one["recipe"] for one in options} == {str(file)}
    assert {one["recipe_digest"] for one in options} == {TURN.digest}
    with pytest.raises(UserError, match=r"mine\.json"):
        JOBS["train"].from_values(retrain | {"recipe": str(file)}).perform(project.folder, ListReporter())
    third = JOBS["train"].from_values(retrain | {"recipe": "none"}).perform(project.folder, ListReporter())
    assert not project.runs.get(third["run"]).recipe.exists()
    assert project.runs.get(third["run"]).options["recipe_digest"] == ""


@pytest.mark.parametrize(
    ("values", "said", "hint"),
    [
        ({"recipe": "chest-xry"}, "no recipe called 'chest-xry'", "chest-xray"),
        ({"recipe": "/nowhere/at-all.json"}, "at-all.json", ".json"),
        ({"recipe": "turn", "augmentation": "queued"}, "no copies by recipe turn", "segstudio augment"),
        ({"recipe": "broken"}, "Rotat", "Rotate"),
        ({"recipe": "turn", "recipe_digest": "0" * 64}, "something else", "recipe.json"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_refused_before_anything_begins(project, values, said, hint):
    project.recipes.save(TURN)
    broken = TURN.to_json().replace('"Rotate"', '"Rotat"')
    (project.recipes.folder / "broken.json").write_text(broken, encoding="utf-8")
    report = ListReporter()
    with pytest.raises(UserError) as error:
        train(project, report, **values)
    assert said in str(error.value)
    assert hint in str(error.value.hint)
    assert report.progresses == []
    assert project.runs.list() == []


def test_a_recipe_file_is_found_from_where_the_command_was_given(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    job = JOBS["train"].from_values({"recipe": "mine.json"})
    assert job.request.values["recipe"] == str(tmp_path / "mine.json")


@pytest.mark.training
def test_two_to_learn_from_and_one_to_validate_by_are_enough(tmp_path):
    with make_project(tmp_path, "ttv") as project:
        assert train(project, epochs=1, batch=8)["status"] == "finished"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"start": "best"}, "no trained model"),
        ({"start": "7"}, "no run 0007"),
        ({"resume": "last"}, "no run to resume"),
        ({"resume": "first"}, "not the number of a run"),
    ],
)
def test_a_run_that_is_not_there_is_the_users_fault(project, values, words):
    with pytest.raises(UserError, match=words):
        resume(project, **values)
    assert project.runs.list() == []


def test_a_weights_file_that_is_not_there_is_named_at_once(project, tmp_path):
    values = {"preset": "mobilenetv2-unet-fast", "weights": str(tmp_path / "none.h5")}
    with pytest.raises(UserError, match=r"none\.h5"):
        JOBS["train"].from_values(values).perform(project.folder, ListReporter())
    assert project.runs.list() == []


def test_the_job_declares_options_for_the_command_line():
    assert issubclass(JOBS["train"].Options, Options)
    assert JOBS["train"].lane == "compute"


def test_read_only_projects_are_refused(project, monkeypatch):
    project.database.read_only_reason = "for the test"
    with pytest.raises(ReadOnlyProject):
        JOBS["train"].from_values(TINY).run(project, ListReporter())
