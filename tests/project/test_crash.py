"""kill -9 in the middle of saving: files stay whole, what was acknowledged is there, the project is sound."""

import random
import subprocess
from pathlib import Path

import numpy as np
import pytest

from segstudio.core.reporter import ListReporter
from segstudio.project.check import check_project
from segstudio.project.project import Project
from tests.project.processes import finish, start_python, wait_for_line
from tests.project.projects import make_project

SAVE_FOREVER = """
import itertools, sys
from pathlib import Path
import numpy as np
from segstudio.core.sample import ReviewState
from segstudio.project.project import Project
project = Project.open(Path(sys.argv[1]), is_editor=True)
assert not project.read_only, project.read_only_reason
for number in itertools.count(int(sys.argv[2])):
    mask = np.zeros((48, 64), np.uint8)
    mask.flat[:number] = 1
    if number % 3 == 0:
        project.masks.seal([1])
    if number % 7 == 0:
        project.samples.set_state([1], ReviewState.ACCEPTED)
    project.masks.save(1, mask)
    print(number, flush=True)
"""


def last_number(process: "subprocess.Popen[str]", saves: int) -> int:
    """Let it save some times, kill it without warning, and return the last number that it said."""
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(saves)]
    process.kill()
    said += [int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.wait()
    finish(process)
    return said[-1]


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_process_leaves_whole_masks_and_a_sound_project(tmp_path: Path, seed: int) -> None:
    make_project(tmp_path, 1).close()
    folder, first = tmp_path / "project", 1
    chance = random.Random(seed)
    for _ in range(2):
        last = last_number(start_python(SAVE_FOREVER, [folder, first]), chance.randint(3, 40))
        with Project.open(folder, is_editor=True) as project:
            assert not project.read_only
            mask = project.masks.load(project.samples.get(1))
            count = int(mask.sum())
            assert count in (last, last + 1)  # the next one may have been saved and not yet said
            assert mask.flat[:count].all()
            sample = project.samples.get(1)
            for revision in project.masks.revisions(sample):
                kept = project.masks.load_revision(sample, revision.number)
                assert kept.flat[: int(kept.sum())].all() or revision.number == 0
            numbers = [revision.number for revision in project.masks.revisions(sample)]
            assert numbers == list(range(sample.revision + 1))
            findings = check_project(project, ListReporter(), is_thorough=True)
            assert [finding for finding in findings if finding.severity != "mended"] == []
        first = count + 1


HOLD_TRANSACTION = """
import sys
from pathlib import Path
from segstudio.project.project import Project
project = Project.open(Path(sys.argv[1]))
with project.transaction("samples") as connection:
    connection.execute("UPDATE sample SET state = 'rejected'")
    print("in the middle", flush=True)
    sys.stdin.read()
"""


def test_a_process_killed_inside_a_transaction_changes_nothing(tmp_path: Path) -> None:
    make_project(tmp_path).close()
    process = start_python(HOLD_TRANSACTION, [tmp_path / "project"])
    wait_for_line(process, "in the middle")
    process.kill()
    finish(process)
    with Project.open(tmp_path / "project") as project:
        assert not project.samples.table().state.any()
        project.masks.save(1, np.ones((48, 64), np.uint8))


WRITE = """
import sys
from pathlib import Path
import numpy as np
from segstudio.project.project import Project
project = Project.open(Path(sys.argv[1]))
run = project.runs.create("preset", "model", {}, "scratch")
print("ready", flush=True)
for number in range(40):
    for sample in project.samples.all():
        project.predictions.save(run.id, sample, np.full((48, 64), number, np.uint8))
    project.runs.update(run.id, epochs=number)
project.runs.update(run.id, status="finished")
project.close()
"""


def test_a_window_saves_while_a_job_writes(tmp_path: Path) -> None:
    make_project(tmp_path).close()
    job = start_python(WRITE, [tmp_path / "project"])
    wait_for_line(job, "ready")
    with Project.open(tmp_path / "project", is_editor=True) as project:
        number = 0
        while job.poll() is None:
            number += 1
            project.masks.save(1 + number % 6, np.full((48, 64), number % 2, np.uint8))
            assert len(project.samples.table()) == 6
        _, errors = job.communicate()
        assert (job.returncode, errors) == (0, "")
        assert project.runs.get(1).status == "finished"
        assert number > 0
