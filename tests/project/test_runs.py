"""Runs: numbers, folders, curves, the best one, and what becomes of one whose process died."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.errors import UserError
from segstudio.project.project import Project
from segstudio.project.runs import Owner, Run, read_events
from tests.project.processes import finish, start_python, wait_for_line
from tests.project.projects import append_metrics, make_project


def create(project: Project, **options: Any) -> Run:
    return project.runs.create("conv-unet-fast", "conv-unet", options, "scratch", "a try")


def finished(project: Project, iou: float | None, status: str = "finished", *, has_weights: bool = True) -> Run:
    run = create(project)
    if has_weights:
        run.best_weights.write_bytes(b"weights")
    return project.runs.update(run.id, status=status, best_val_iou=iou)


def test_a_run_has_a_folder_that_says_what_it_is(project: Project) -> None:
    run = create(project, epochs=3, weights=None, sizes=(1, 2), path=Path("x"), nested={"a": None, "b": 1})
    assert (run.id, run.name, run.status, run.is_running) == (1, "0001", "running", True)
    assert run.folder == project.folder / "runs" / "0001"
    said = tomllib.loads((run.folder / "options.toml").read_text(encoding="utf-8"))
    assert said["options"] == {"epochs": 3, "sizes": [1, 2], "path": "x", "nested": {"b": 1}}
    assert (said["preset"], said["model"], said["start"], said["note"]) == (
        "conv-unet-fast", "conv-unet", "scratch", "a try",
    )  # fmt: skip
    assert project.runs.get(1).options["weights"] is None


def test_numbers_are_never_given_twice(project: Project) -> None:
    create(project)
    (project.folder / "runs" / "0002").mkdir()
    assert create(project).id == 3
    assert [run.id for run in project.runs.list()] == [3, 1]
    latest = project.runs.latest()
    assert latest is not None
    assert latest.id == 3


def test_fields_change_and_the_change_is_written_down(project: Project) -> None:
    run = create(project)
    told = []
    project.changed.connect(told.append)
    changed = project.runs.update(
        run.id, status="finished", epochs=4, best_epoch=3, best_val_iou=0.5, precision="float32"
    )
    assert (changed.status, changed.epochs, changed.best_epoch, changed.precision) == ("finished", 4, 3, "float32")
    assert told == [frozenset({"runs"})]
    assert project.runs.events(run.id)[-1].items() >= {"event": "status", "status": "finished", "epochs": 4}.items()
    with pytest.raises(ValueError, match="colour"):
        project.runs.update(run.id, colour="red")
    with pytest.raises(ValueError, match="options"):
        project.runs.update(run.id, options={})


def test_an_unknown_run_is_a_user_error(project: Project) -> None:
    with pytest.raises(UserError, match="no run 99999999999999999999"):
        project.runs.resolve("99999999999999999999")
    with pytest.raises(UserError, match="no run 0009"):
        project.runs.get(9)


# Which one is meant


def test_the_best_run_ended_well_and_has_weights(project: Project) -> None:
    assert project.runs.best() is None
    with pytest.raises(UserError, match="no trained model"):
        project.runs.resolve("best")
    finished(project, 0.5)
    best = finished(project, 0.8, "stopped")
    finished(project, 0.9, has_weights=False)
    finished(project, 0.95, "failed")
    finished(project, None)
    assert project.runs.best() == project.runs.resolve("best") == project.runs.resolve(best.id) == best
    assert project.runs.resolve(" Best ") == best
    assert project.runs.resolve("0002") == best


def test_the_last_run_is_the_newest_with_weights(project: Project) -> None:
    finished(project, 0.5)
    finished(project, 0.4)
    finished(project, 0.9, has_weights=False)
    assert project.runs.resolve("last").id == 2
    with pytest.raises(UserError, match="run 0003 has no weights"):
        project.runs.resolve(3)
    for wrong in ("first", "-1", "1.5", "", "²"):
        with pytest.raises(UserError):
            project.runs.resolve(wrong)


# Curves


def test_curves_grow_by_epochs(project: Project) -> None:
    run = create(project)
    assert project.runs.metrics(run.id) == []
    append_metrics(run, 1, {"loss": 0.5, "images_per_second": 12})
    append_metrics(run, 2, {"loss": 0.25, "val_iou": 1 / 3})
    append_metrics(run, 2, {"loss": 0.125})
    assert project.runs.metrics(run.id) == [
        {"epoch": 1, "loss": 0.5, "images_per_second": 12}, {"epoch": 2, "loss": 0.125},
    ]  # fmt: skip


def test_a_line_torn_by_a_crash_is_left_out(project: Project) -> None:
    run = create(project)
    project.runs.append_event(run, "epoch", epoch=1, path=Path("x"))
    with (run.folder / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"event": "epo')
    assert [event["event"] for event in project.runs.events(run.id)] == ["status", "epoch"]
    assert read_events(project.folder) == []


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=30, deadline=None)
@given(options=st.dictionaries(st.text(max_size=5), plain, max_size=4))
def test_any_plain_options_are_kept(options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    with make_project(tmp_path_factory.mktemp("options"), 1) as project:
        run = project.runs.create("p", "m", options, "scratch")
        assert project.runs.get(run.id).options == json.loads(json.dumps(options))
        tomllib.loads((run.folder / "options.toml").read_text(encoding="utf-8"))


# Processes that die

TRAIN = """
import sys
from pathlib import Path
from segstudio.project.project import Project
project = Project.open(Path(sys.argv[1]))
project.runs.create("preset", "model", {}, "scratch")
print("training", flush=True)
sys.stdin.read()
"""


def test_a_run_of_a_dead_process_is_lost_and_can_be_resumed(project: Project) -> None:
    trainer = start_python(TRAIN, [project.folder])
    wait_for_line(trainer, "training")
    assert project.runs.get(1).status == "running"
    trainer.kill()
    finish(trainer)
    assert [run.status for run in project.runs.list()] == ["lost"]
    assert project.runs.resume(1).status == "running"
    assert project.runs.list()[0].status == "running"  # this process lives


def test_a_number_that_another_process_got_is_not_the_owner() -> None:
    me = Owner()
    assert me.is_alive
    assert not Owner(me.host, me.pid, me.started - 100).is_alive
    assert Owner("another computer", 1, 0.0).is_alive
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert not Owner(me.host, gone.pid, me.started).is_alive


def test_looking_does_not_change_a_read_only_project(project: Project) -> None:
    create(project)
    with project.transaction("runs") as connection:
        connection.execute("UPDATE run SET pid_started = 1")
    with Project.open(project.folder, is_editor=True), Project.open(project.folder, is_editor=True) as reader:
        assert reader.runs.list()[0].status == "running"
