import json

import pytest

from segstudio.core.errors import UserError
from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
from tests.jobs.projects import TINY, make_project


@pytest.mark.training
def test_it_gives_a_curve_and_leaves_no_run(tmp_path):
    with make_project(tmp_path) as project:
        job = JOBS["find-rate"].from_values(TINY | {"steps": 12, "loss": "dice", "balance": "frequency", "clipping": 1})
        report = ListReporter()
        result = job.perform(project.folder, report)
        json.dumps(result, allow_nan=False)
        assert [point["rate"] for point in result["curve"]] == sorted(point["rate"] for point in result["curve"])
        assert 0 < result["steps"] == len(result["curve"]) <= 12
        assert result["learning_rate"] == 0.01
        assert result["reason"] == report.lines[-1]
        assert any("overlap" in line for line in report.lines)
        assert project.runs.list() == []
        assert not (project.folder / "cache" / "find-rate").exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"steps": 3}, "steps"),
        ({"loss": "dise"}, "bce-dice"),
        ({"resume": "1"}, "resume"),
        ({"momentum": 1}, "momentum"),
    ],
)
def test_a_wrong_option_is_named_at_once(values, words):
    with pytest.raises(UserError, match=words):
        JOBS["find-rate"].from_values(TINY | values)
