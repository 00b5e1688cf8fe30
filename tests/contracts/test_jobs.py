"""What every job promises: it says what it is, its options survive the wire, its result is plain, it can be stopped.

A new job is tested by being there. One that needs options to do anything on a small project names them in EXAMPLES.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.errors import UserError
from segstudio.core.options import Options, checked
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.check import check_project
from segstudio.project.project import Project
from segstudio.project.topics import Topic
from tests.project.projects import make_project

NAMES = JOBS.names()

EXAMPLES: dict[str, dict[str, Any]] = {
    "new": {"source": "{dataset}"},
    "demo": {"count": 10, "epochs": 1},
    "generate": {"count": 2},
    "undo": {"list": True},
    "judge": {"state": "accepted"},
    "export-bundle": {"to": "{out}.zip", "reviewer": "Anna"},
    "accept": {"what": "masks", "filter": ""},
    "export-masks": {"to": "{out}"},
    "export-model": {"to": "{out}/model.keras"},
    "export-report": {"to": "{out}/report.html"},
    "export-study": {"to": "{out}/study.json"},
    "export-comparison": {"to": "{out}/comparison.html"},
    "train": {"preset": "conv-unet-fast", "epochs": 1},
    "ignore": {"clear": True},
    "preflight": {"preset": "conv-unet-fast", "size": 32, "filters": 4, "depth": 1, "batch": 1},
    "find-rate": {"preset": "conv-unet-fast", "size": 32, "filters": 4, "depth": 1, "batch": 1, "steps": 10},
    "advise": {"preset": "conv-unet-fast", "epochs": 1, "sizes": [1, 2, 3], "repeats": 1},
    "cross-validate": {"preset": "conv-unet-fast", "epochs": 1, "folds": 2},
    "compare": {"preset": "conv-unet-fast", "epochs": 1, "recipe": "flip", "repeats": 1},
}
"""Options with which a job has something to do on a small project."""

MAKES_A_FOLDER = {"new", "demo", "generate"}
"""Jobs whose folder must not be there before."""

SLOW = dict.fromkeys(
    ("train", "demo", "compare", "cross-validate", "advise", "find-rate", "preflight"), pytest.mark.training
)
"""Jobs that load TensorFlow before their first word."""


class StubbornReporter(ListReporter):
    """Wants to stop at its nth word of progress."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Keep it; raise Cancelled from the nth on."""
        self.is_cancel_wanted = len(self.progresses) + 1 >= self._at
        super().progress(done, total, text)


def example(name: str, folder: Path) -> dict[str, Any]:
    places = {"dataset": folder / "dataset", "out": folder / "out"}
    return {
        key: value.format(**places) if isinstance(value, str) else value
        for key, value in EXAMPLES.get(name, {}).items()
    }


def place_of(name: str, folder: Path) -> Path:
    return folder / ("fresh" if name in MAKES_A_FOLDER else "project")


@pytest.mark.parametrize("name", NAMES)
def test_a_job_says_what_it_is(name: str) -> None:
    job = JOBS[name]
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
    assert job.title
    assert job.title[0].isupper()
    assert job.lane in ("compute", "io")
    assert job.topics <= set(get_args(Topic))
    assert (job.__doc__ or "").rstrip().endswith(".")
    assert issubclass(job.Options, Options)
    for field in job.Options.model_fields.values():
        assert field.title
        assert field.description


@pytest.mark.parametrize("name", NAMES)
def test_the_defaults_are_options_and_survive_the_wire(name: str) -> None:
    options = checked(JOBS[name].Options, {})
    said = json.loads(json.dumps(options.model_dump(mode="json"), allow_nan=False))
    assert checked(JOBS[name].Options, said) == options
    JOBS[name].from_values(said)
    with pytest.raises(UserError, match="no_such_option"):
        JOBS[name].from_values({"no_such_option": 1})


@pytest.mark.parametrize("name", NAMES)
def test_any_legal_options_survive_the_wire(name: str) -> None:
    fields = JOBS[name].Options.model_fields
    if not fields:
        return
    plain = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=8)
        | st.lists(st.integers(), max_size=2)
    )

    @settings(max_examples=40, deadline=None)
    @given(changed=st.dictionaries(st.sampled_from(sorted(fields)), plain))
    def check(changed: dict[str, Any]) -> None:
        try:
            options = checked(JOBS[name].Options, changed)
        except UserError:
            return
        said = options.model_dump(mode="json")
        assert checked(JOBS[name].Options, json.loads(json.dumps(said))).model_dump(mode="json") == said

    check()


@pytest.mark.parametrize("name", [pytest.param(one, marks=SLOW.get(one, ())) for one in NAMES])
@pytest.mark.parametrize("at", [1, 3])
def test_a_job_stops_when_it_is_asked_to_and_leaves_a_sound_project(name: str, at: int, tmp_path: Path) -> None:
    make_project(tmp_path).close()
    job = JOBS[name].from_values(example(name, tmp_path))
    report = StubbornReporter(at)
    try:
        result = job.perform(place_of(name, tmp_path), report)
    except Cancelled:
        assert len(report.progresses) >= at
    except UserError:
        pass  # for example no run to predict with
    else:
        # It was done before it could be asked, or it keeps what it has (a training keeps its best weights).
        assert json.loads(json.dumps(result, allow_nan=False)) == result
    with Project.open(tmp_path / "project", is_editor=True) as project:
        assert not project.read_only  # nothing was left locked
        assert all(run.status != "running" for run in project.runs.list())
        findings = check_project(project, ListReporter())
        assert [finding for finding in findings if finding.severity == "error"] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_is_no_project_is_a_user_error(name: str, tmp_path: Path) -> None:
    if not issubclass(JOBS[name], ProjectJob):
        return
    (tmp_path / "note.txt").write_text("not a project", encoding="utf-8")
    with pytest.raises(UserError, match="not a SegStudio project"):
        JOBS[name].from_values(example(name, tmp_path)).perform(tmp_path, ListReporter())
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_the_jobs_are_there() -> None:
    assert {"new", "train", "predict", "evaluate", "check", "export-masks"} <= set(NAMES)


def test_looking_at_the_jobs_loads_neither_tensorflow_nor_qt() -> None:
    code = "import sys; from segstudio.jobs import JOBS; JOBS.names(); "
    code += "print([name for name in ('tensorflow', 'keras', 'PySide6', 'albumentations') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
