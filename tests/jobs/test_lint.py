import json
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from segstudio.cli import main
from segstudio.core.lint import LintRules
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import Sample, Split
from segstudio.formats import encode_mask
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.samples import NewSample
from segstudio.project.sorting import sorted_rows
from tests.core.test_lint import two_discs

COUNT = 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve samples of two discs each; the last one is without a mask, and the second has a hole."""
    source = tmp_path / "dataset"
    rows = []
    for number in range(COUNT):
        mask = two_discs(shift=number % 4)
        if number == 1:
            mask[45:49, 21:25] = 0
        for kind, pixels in (("images", mask * 90), ("masks", mask)):
            (source / kind).mkdir(parents=True, exist_ok=True)
            (source / kind / f"{number:02}.png").write_bytes(encode_mask((pixels > 0).astype(np.uint8)))
        truth = f"masks/{number:02}.png" if number < COUNT - 1 else None
        rows.append(NewSample(f"images/{number:02}.png", truth, 96, 96, Split.TRAIN))
    Project.create(tmp_path / "project", source, rows).close()
    return tmp_path / "project"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def listed(project: Project, text: str, sort: str) -> list[str]:
    table = project.samples.table()
    return [table.image[row] for row in sorted_rows(table, compile_filter(text).rows(table), sort)]


def test_unusual_masks_are_found_and_forgotten_when_they_change(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(capsys, "lint", folder)
    assert result["learnt_from"] == COUNT - 1
    assert result["checked"] == {"masks": COUNT - 1}
    (one,) = result["unusual"]
    assert (one["image"], one["what"], one["findings"]) == (
        "images/01.png", "masks", ["1 hole, where none is usual"],
    )  # fmt: skip
    with Project.open(folder) as project:
        assert listed(project, "lint>0", "lint") == ["images/01.png"]
        assert listed(project, "", "lint")[0] == "images/01.png"
        assert listed(project, "lint:none", "name") == ["images/11.png"], "it has no mask and no prediction"
        project.masks.save(2, two_discs())
        assert listed(project, "lint>0", "lint") == []
        assert project.lint.findings() == []
    assert run(capsys, "lint", folder)["learnt_from"] is None, "the rules are those of the project"
    with Project.open(folder) as project:
        project.lint.set_rules(LintRules(area=(0, 1)))
        assert listed(project, "lint:none", "name") == [f"images/{n:02}.png" for n in range(COUNT)]
    result = run(capsys, "lint", folder)
    assert len(result["unusual"]) == COUNT - 1
    assert "where 0.0 to 1.0 % is usual" in result["unusual"][0]["findings"][0]


def test_predictions_are_judged_without_a_truth(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(folder), "--what", "predictions"]) == 1
    assert "there are no predictions" in capsys.readouterr().err
    with Project.open(folder) as project:
        run_id = project.runs.create("p", "m", {}, "scratch").id
        for sample in project.samples.all():
            mask = two_discs()
            if sample.id == COUNT:
                mask[:, 48:] = 0
            project.predictions.save(run_id, sample, mask * np.uint8(200))
        project.predictions.set_current(run_id)
    result = run(capsys, "lint", folder, "--what", "both")
    assert [(one["image"], one["what"]) for one in result["unusual"]] == [
        ("images/11.png", "predictions"), ("images/01.png", "masks"),
    ]  # fmt: skip
    with Project.open(folder) as project:
        assert listed(project, "lint>0", "lint") == ["images/11.png", "images/01.png"]
        project.predictions.save(run_id, project.samples.get(COUNT), two_discs() * np.uint8(200))
        assert listed(project, "lint>0", "lint") == ["images/01.png"]


@pytest.mark.parametrize("what", ["masks", "predictions"])
def test_what_is_saved_while_it_is_looked_at_is_judged_as_it_is_then(
    folder: Path, monkeypatch: pytest.MonkeyPatch, what: Literal["masks", "predictions"]
) -> None:
    holed = two_discs()
    holed[45:49, 21:25] = 0
    with Project.open(folder) as project:
        project.lint.set_rules(LintRules(holes=0))
        run_id = project.runs.create("p", "m", {}, "scratch").id
        project.predictions.set_current(run_id)
        for sample_id in (1, 2):  # one becomes better while it is looked at, the other worse; the number stays
            project.masks.save(sample_id, holed if sample_id == 1 else two_discs(shift=1))
            first = project.masks.load(project.samples.get(sample_id)) * np.uint8(200)
            project.predictions.save(run_id, project.samples.get(sample_id), first)
        owner = project.masks if what == "masks" else project.predictions
        load, met = owner.load, set()

        def slow(*of: object) -> np.ndarray:
            found, sample = load(*of), of[-1]
            if sample.id not in met:
                met.add(sample.id)
                better = two_discs() if sample.id == 1 else holed
                if what == "masks":
                    project.masks.save(sample.id, better)
                else:
                    project.predictions.save(run_id, sample, better * np.uint8(200))
            return found

        monkeypatch.setattr(owner, "load", slow)
        assert project.lint.look(what, [1, 2], ListReporter()) == 2
        (found,) = project.lint.findings([what])
        assert (found.sample_id, found.words) == (2, ("1 hole, where none is usual",))


def test_rules_that_change_while_masks_are_looked_at_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Project.open(folder) as project:
        project.lint.set_rules(LintRules(holes=0))
        load = project.masks.load

        def slow(sample: Sample) -> np.ndarray:
            if project.lint.rules() == LintRules(holes=0):
                project.lint.set_rules(LintRules(holes=5))
            return load(sample)

        monkeypatch.setattr(project.masks, "load", slow)
        assert project.lint.look("masks", [2], ListReporter()) == 1
        assert project.lint.findings(["masks"]) == []


def test_too_few_masks_teach_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Project.open(folder) as project, project.transaction("samples") as connection:
        connection.execute("UPDATE sample SET truth = NULL WHERE id > 5")
    assert main(["lint", str(folder)]) == 1
    assert "5 masks are too few" in capsys.readouterr().err
