import pytest

from segstudio.core.errors import UserError
from segstudio.core.steering import Change, Wish
from segstudio.project.project import Project
from segstudio.project.runs import read_options
from segstudio.project.steering import FILE, RunSteering, forget_wishes, steer


@pytest.fixture
def run(project):
    return project.runs.create("conv-unet-fast", "conv-unet", {"epochs": 4, "learning_rate": 0.1}, "scratch")


def test_wishes_of_any_process_arrive_once_and_in_order(project, run):
    steering = RunSteering(project, run)
    assert steering.wishes() == []
    steer(run, Wish(pause=True))
    with Project.open(project.folder) as other:  # as the command line does beside the window
        steer(other.runs.get(run.id), Wish(learning_rate=1e-4, epochs=9))
    assert steering.wishes() == [Wish(pause=True), Wish(learning_rate=1e-4, epochs=9)]
    assert steering.wishes() == []
    steer(run, Wish(stop=True))
    assert steering.wishes() == [Wish(stop=True)]


def test_a_line_under_way_is_waited_for_and_nonsense_is_passed_over(project, run):
    steering, path = RunSteering(project, run), run.folder / FILE
    path.write_bytes(b'{"learning_rate": 5}\n[1, 2]\nnothing\n{"speed": 3}\n\xff\n{"pa')
    assert steering.wishes() == []
    with path.open("ab") as file:
        file.write(b'use": true}\n')
    assert steering.wishes() == [Wish(pause=True)]


def test_only_a_run_that_is_trained_can_be_steered(project, run):
    ended = project.runs.update(run.id, status="stopped")
    with pytest.raises(UserError, match="not being trained"):
        steer(ended, Wish(pause=True))
    assert not (run.folder / FILE).exists()


def test_what_was_asked_before_a_crash_is_not_asked_after_it(project, run):
    forget_wishes(run)
    steer(run, Wish(pause=True))
    forget_wishes(run)
    assert RunSteering(project, run).wishes() == []


def test_changes_are_events_and_more_epochs_an_option_of_the_run(project, run):
    made = [Change(2, 3, learning_rate=0.01), Change(2, 4, epochs=9, was=4)]
    for change in made:
        RunSteering(project, run).keep(change)
    assert RunSteering(project, run).changes() == made
    told = project.runs.get(run.id).options
    assert told == {"epochs": 9, "learning_rate": 0.1}
    assert read_options(run.folder)["options"] == told
    with (run.folder / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"event": "steer", "epoch": 3}\n{"event": "steer", "ep')
    assert RunSteering(project, run).changes() == made


def test_replanning_with_what_is_planned_already_writes_nothing(project, run):
    before = run.options_file.stat().st_mtime_ns, project.runs.events(run.id)
    assert project.runs.replan(run.id, epochs=4) == run
    assert (run.options_file.stat().st_mtime_ns, project.runs.events(run.id)) == before
