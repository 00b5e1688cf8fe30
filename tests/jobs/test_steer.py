"""Steering a run through its folder, as the window and the command line do; the real training heeds it."""

import shutil

import pytest

from segstudio.cli import main
from segstudio.core.errors import UserError
from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
from segstudio.project.check import check_project
from segstudio.project.runs import read_options
from tests.jobs.projects import TINY, make_project


@pytest.fixture
def project(tmp_path):
    with make_project(tmp_path) as made:
        yield made


def steer(project, **values):
    return JOBS["steer"].from_values(values).perform(project.folder, ListReporter())


class Helmsman(ListReporter):
    """Steers the run that is trained at the first progress whose words begin as given."""

    def __init__(self, project, wishes):
        super().__init__()
        self._project = project
        self._wishes = dict(wishes)

    def progress(self, done, total, text=""):
        super().progress(done, total, text)
        for begin in [begin for begin in self._wishes if text.startswith(begin)]:
            steer(self._project, **self._wishes.pop(begin))


STEERED = {"epoch 2 of 3": {"learning_rate": 0.002, "epochs": 4}}


def train(project, wishes, **values):
    report = Helmsman(project, wishes)
    options = {**TINY, "epochs": 3, "schedule": "cosine", "tensorboard": True} if "resume" not in values else {}
    return JOBS["train"].from_values(options | values).perform(project.folder, report), report


def figures(project, run):
    of_the_machine = ("images_per_second", "epoch_seconds", "memory_mib", "gpu_memory_mib")
    return [
        {name: value for name, value in row.items() if name not in of_the_machine} for row in project.runs.metrics(run)
    ]


@pytest.mark.training
@pytest.mark.skipif(bool(shutil.which("nvidia-smi")), reason="bit for bit on a CPU alone")
def test_a_run_is_steered_and_gone_on_with_as_it_was_steered(project):
    whole, report = train(project, STEERED)
    assert (whole["status"], whole["epochs"]) == ("finished", 4)
    run = project.runs.get(whole["run"])
    assert run.options_file in report.artifacts, "whoever steers must know where the run lies"
    assert run.options["epochs"] == read_options(run.folder)["options"]["epochs"] == 4
    steered = [event for event in project.runs.events(run.id) if event["event"] == "steer"]
    assert [(event["epoch"], event["step"]) for event in steered] == [(2, 1), (2, 1)]
    assert (steered[0]["learning_rate"], steered[1]["epochs"], steered[1]["was"]) == (0.002, 4, 3)
    assert project.runs.metrics(run.id)[1]["learning_rate"] == 0.002
    assert any("learning rate 0.002 instead of" in line for line in report.lines)

    assert len(list((run.folder / "strip").glob("epoch_*.png"))) == 4
    assert [len(list((run.folder / "tensorboard" / name).iterdir())) for name in ("train", "validation")] == [1, 1]
    assert check_project(project, ListReporter()) == []

    # The same, stopped by the same door within the epoch in which it was steered.
    stopped, _ = train(project, STEERED | {"epoch 2 of 4": {"stop": True}})
    assert (stopped["status"], stopped["epochs"]) == ("stopped", 1)
    resumed, _ = train(project, {}, resume=str(stopped["run"]))
    assert (resumed["status"], resumed["epochs"]) == ("finished", 4)
    assert figures(project, resumed["run"]) == figures(project, whole["run"])

    # Extended afterwards: the run remembers for how long, and says what becomes of its rate.
    extended, report = train(project, {"epoch 5 of 6": {"stop": True}}, resume=str(whole["run"]), epochs=6)
    assert extended["status"] == "stopped"
    assert any("the cosine is stretched" in line for line in report.lines)
    assert project.runs.get(whole["run"]).options["epochs"] == 6
    further, report = train(project, {}, resume=str(whole["run"]))
    assert (further["status"], further["epochs"]) == ("finished", 6)
    assert not any("stretched" in line for line in report.lines)


def test_there_must_be_a_training_and_a_wish(project, capsys):
    with pytest.raises(UserError, match="no run is being trained"):
        steer(project, pause=True)
    ended = project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
    project.runs.update(ended.id, status="finished")
    with pytest.raises(UserError, match="not being trained"):
        steer(project, run=str(ended.id), stop=True)
    run = project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
    with pytest.raises(UserError, match="nothing is asked"):
        steer(project)
    with pytest.raises(UserError, match="learning_rate"):
        steer(project, learning_rate=3)
    with pytest.raises(UserError, match="not the number"):
        steer(project, run="best", pause=True)
    folder = str(project.folder)
    assert main(["steer", folder, "--pause", "--learning-rate", "1e-4"]) == 0
    assert main(["steer", folder, "--run", str(run.id), "--resume", "--epochs", "9", "--json"]) == 0
    assert '"asked": {"pause": false, "epochs": 9}' in capsys.readouterr().out
    assert (run.folder / "steering.jsonl").read_text() == (
        '{"pause": true, "learning_rate": 0.0001}\n{"pause": false, "epochs": 9}\n'
    )
    assert main(["steer", folder]) == 1
    assert "--pause" in capsys.readouterr().err


def test_the_list_of_runs_says_how_one_that_was_broken_off_goes_on(project, capsys):
    run = project.runs.create("conv-unet-fast", "conv-unet", {"epochs": 9}, "scratch")
    project.runs.update(run.id, status="lost", epochs=4)
    assert main(["runs", str(project.folder)]) == 0
    said = f"broken off after epoch 4: `segstudio train {project.folder} --resume {run.id}`"
    assert said in capsys.readouterr().out.replace("\n", " ")
    project.runs.update(run.id, status="finished")
    assert main(["runs", str(project.folder)]) == 0
    assert "broken off" not in capsys.readouterr().out
