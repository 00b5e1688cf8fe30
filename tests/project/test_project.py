"""Making, opening and closing a project; what is kept of it, and what is never written."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from segstudio.core.errors import BadImage, NotAProject, ProjectTooNew, ReadOnlyProject, UserError
from segstudio.core.sample import ReviewState, Split
from segstudio.formats.foreground import ForegroundRule
from segstudio.project.project import INDEX, Project, natural_key
from segstudio.project.samples import NewSample
from tests.datasets import make_dataset
from tests.project.processes import finish, start_python, wait_for_line
from tests.project.projects import make_project, new_samples


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_was_given_is_there_after_opening_again(tmp_path: Path) -> None:
    source = make_dataset(tmp_path / "dataset", 2)
    rule = ForegroundRule(kind="values", values=((250, 50, 83),))
    rows = [
        NewSample("images/sample_01.png", None, 64, 48, Split.TEST, "twins", "the mask is damaged"),
        NewSample("images/sample_00.png", "masks/sample_00.png", 64, 48, foreground=0.25, state=ReviewState.FLAGGED),
    ]
    split = {"fractions": [70, 15, 15], "seed": 3}
    Project.create(
        tmp_path / "p", source, rows, rule=rule, split=split, notes=[("x.png", "torn")], name="Lungs"
    ).close()
    with Project.open(tmp_path / "p") as project:
        assert project.name == "Lungs"
        assert project.source == source
        assert project.rule == rule
        assert project.settings.get("split") == split
        first, second = project.samples.all()
        assert (first.image, first.truth, first.state, first.split) == (
            "images/sample_00.png", "masks/sample_00.png", ReviewState.FLAGGED, Split.TRAIN,
        )  # fmt: skip
        assert (second.truth, second.split, second.group, second.problem) == (
            None, Split.TEST, "twins", "the mask is damaged",
        )  # fmt: skip
        assert [(one.path, one.reason, one.sample_id) for one in project.problems.list()] == [
            ("images/sample_01.png", "the mask is damaged", second.id),
            ("x.png", "torn", None),
        ]
        assert project.samples.table().foreground[0] == 0.25


def test_the_dataset_is_never_written(tmp_path: Path) -> None:
    source = make_dataset(tmp_path / "dataset", 6)
    before = files_of(source)
    with Project.create(tmp_path / "p", source, new_samples(6)) as project:
        for sample in project.samples.all():
            project.masks.save(sample.id, 1 - project.masks.load(sample))
        project.samples.set_state([1, 2], ReviewState.ACCEPTED)
    assert files_of(source) == before


def test_samples_stand_in_the_order_a_person_expects(tmp_path: Path) -> None:
    names = ["frame10.png", "frame2.png", "Frame1.png", "b/1.png", "a/20.png", "a/3.png"]
    rows = [NewSample(name, None, 1, 1) for name in names]
    with _created(tmp_path, rows) as project:
        assert [sample.image for sample in project.samples.all()] == [
            "a/3.png", "a/20.png", "b/1.png", "Frame1.png", "frame2.png", "frame10.png",
        ]  # fmt: skip
        assert list(project.samples.table().position) == [0, 1, 2, 3, 4, 5]


def _created(tmp_path: Path, rows: list[NewSample]) -> Project:
    (tmp_path / "dataset").mkdir(exist_ok=True)
    return Project.create(tmp_path / "project", tmp_path / "dataset", rows)


def test_natural_keys_compare_whatever_the_names_are() -> None:
    names = ["", "1", "a", "a1", "1a", "01", "1", "²", "٣", "Ä", "ä", "a1b2", "a1b10"]
    assert sorted(names, key=natural_key)[-2:] != []
    assert natural_key("a1b2") < natural_key("a1b10")
    assert natural_key("IMG9") < natural_key("img10")


def test_a_source_inside_moves_with_the_project(tmp_path: Path) -> None:
    make_dataset(tmp_path / "p" / "data", 6)
    Project.create(tmp_path / "p", tmp_path / "p" / "data", new_samples(6)).close()
    shutil.move(tmp_path / "p", tmp_path / "elsewhere")
    with Project.open(tmp_path / "elsewhere") as project:
        assert project.source == tmp_path / "elsewhere" / "data"
        assert project.read_image(project.samples.get(1)).shape == (48, 64)


def test_an_archive_s_folder_is_no_dataset_to_protect(tmp_path: Path) -> None:
    make_dataset(tmp_path / "p" / "data" / "lungs", 6)
    Project.create(tmp_path / "p", tmp_path / "p" / "data" / "lungs", new_samples(6)).close()
    assert (tmp_path / "p" / INDEX).is_file()


@pytest.mark.parametrize("where", [".", "project", "deep/er/project"])
def test_a_project_is_not_made_in_the_dataset(tmp_path: Path, where: str) -> None:
    source = make_dataset(tmp_path / "dataset", 1)
    before = files_of(source)
    with pytest.raises(UserError, match="lies in the dataset"):
        Project.create(source / where, source, new_samples(1))
    assert files_of(source) == before


def test_a_project_is_not_made_over_other_files(tmp_path: Path) -> None:
    source = make_dataset(tmp_path / "dataset", 1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.doc").write_text("years of work", encoding="utf-8")
    with pytest.raises(UserError, match=r"not empty.*thesis\.doc"):
        Project.create(tmp_path / "full", source, new_samples(1))
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match="is a file"):
        Project.create(tmp_path / "file", source, new_samples(1))
    Project.create(tmp_path / "p", source, new_samples(1)).close()
    with pytest.raises(UserError, match="is a project already"):
        Project.create(tmp_path / "p", source, new_samples(1))


def test_a_project_that_could_not_be_made_leaves_no_half_of_one(tmp_path: Path) -> None:
    source = make_dataset(tmp_path / "dataset", 1)
    twice = [*new_samples(1), *new_samples(1)]
    with pytest.raises(Exception, match="UNIQUE"):
        Project.create(tmp_path / "p", source, twice)
    assert not (tmp_path / "p" / INDEX).exists()
    assert not list((tmp_path / "p").glob("*sqlite*"))


def test_a_name_that_no_text_can_hold_is_a_note(tmp_path: Path) -> None:
    rows = [NewSample("broken\udcff.png", None, 1, 1), NewSample("good.png", None, 1, 1)]
    with _created(tmp_path, rows) as project:
        assert [sample.image for sample in project.samples.all()] == ["good.png"]
        assert project.problems.list()[0].path == "broken\\udcff.png"


@pytest.mark.parametrize("content", [None, b"", b"something else"])
def test_a_folder_without_a_project_says_so(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / INDEX).write_bytes(content)
    with pytest.raises(NotAProject):
        Project.open(tmp_path)


def test_a_project_of_a_later_version_leaves_no_lock(project: Project) -> None:
    project.database.connection().execute("PRAGMA user_version = 9999")
    project.close()
    for _ in range(2):
        with pytest.raises(ProjectTooNew):
            Project.open(project.folder, is_editor=True)


def test_images_are_checked_against_what_the_project_knows(project: Project) -> None:
    sample = project.samples.get(1)
    assert project.read_image(sample).shape == (48, 64)
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(project.image_path(sample))
    with pytest.raises(BadImage, match="7x5"):
        project.read_image(sample)
    project.image_path(sample).unlink()
    with pytest.raises(BadImage, match=r"sample_00\.png"):
        project.read_image(sample)


def test_a_dataset_that_is_gone_can_be_found_again(project: Project, tmp_path: Path) -> None:
    shutil.move(project.source, tmp_path / "moved")
    with pytest.raises(BadImage, match=r"dataset folder .* is missing"):
        project.read_image(project.samples.get(1))
    with pytest.raises(UserError, match="not a folder"):
        project.relocate(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"none of the images.*images/sample_00\.png"):
        project.relocate(tmp_path)
    project.relocate(tmp_path / "moved")
    assert project.read_image(project.samples.get(1)).shape == (48, 64)
    project.close()
    with Project.open(project.folder) as again:
        assert again.source == tmp_path / "moved"


def test_settings_keep_plain_values(project: Project) -> None:
    values = {"text": "ü", "list": [1, 2.5, None], "object": {"a": True}, "none": None}
    for name, value in values.items():
        project.settings.set(name, value)
    assert {name: project.settings.get(name, "missing") for name in values} == values
    assert project.settings.get("unknown", 7) == 7
    with pytest.raises(ValueError, match="not JSON compliant"):
        project.settings.set("nan", float("nan"))
    assert project.settings.all().items() >= values.items()


def test_problems_come_and_go(project: Project) -> None:
    project.problems.add("a.png", "torn")
    project.problems.extend([("a.png", "torn"), ("b.png", "empty")])
    project.samples.set_problem(2, "no header")
    assert [(one.path, one.sample_id) for one in project.problems.list()] == [
        ("images/sample_01.png", 2), ("a.png", None), ("b.png", None),
    ]  # fmt: skip
    project.problems.remove("a.png")
    project.samples.set_problem(2, "")
    assert [one.path for one in project.problems.list()] == ["b.png"]
    project.problems.clear()
    assert project.problems.list() == []


# One editor at a time

HOLD = """
import sys
from pathlib import Path
from segstudio.project.project import Project
project = Project.open(Path(sys.argv[1]), is_editor=True)
print("read-only" if project.read_only else "editing", flush=True)
sys.stdin.read()
"""


def test_a_second_window_reads_only_until_the_first_is_gone(project: Project) -> None:
    first = start_python(HOLD, [project.folder])
    wait_for_line(first, "editing")
    with Project.open(project.folder, is_editor=True) as second:
        assert second.read_only
        assert "another window" in second.read_only_reason
        assert f"process {first.pid}" in second.read_only_reason
        assert second.samples.count == 6
        assert second.masks.load(second.samples.get(1)).shape == (48, 64)
        for change in (
            lambda: second.masks.save(1, np.zeros((48, 64), np.uint8)),
            lambda: second.samples.set_state([1], ReviewState.ACCEPTED),
            lambda: second.settings.set("a", 1),
            lambda: second.runs.create("a", "b", {}, "scratch"),
        ):
            with pytest.raises(ReadOnlyProject, match="another window"):
                change()
    finish(first)
    with Project.open(project.folder, is_editor=True) as third:
        assert not third.read_only


def test_the_lock_vanishes_with_a_killed_process(project: Project) -> None:
    first = start_python(HOLD, [project.folder])
    wait_for_line(first, "editing")
    first.kill()
    finish(first)
    with Project.open(project.folder, is_editor=True) as second:
        assert not second.read_only


def test_a_job_may_write_beside_the_editor(project: Project) -> None:
    with Project.open(project.folder, is_editor=True) as editor, Project.open(project.folder) as job:
        job.runs.create("a", "b", {}, "scratch")
        editor.samples.set_state([1], ReviewState.ACCEPTED)
        assert len(editor.runs.list()) == 1
        assert job.samples.get(1).state is ReviewState.ACCEPTED


def test_closing_lets_another_window_edit(project: Project) -> None:
    first = Project.open(project.folder, is_editor=True)
    first.close()
    first.close()
    with Project.open(project.folder, is_editor=True) as second:
        assert not second.read_only


def test_a_disk_without_locks_is_edited_with_a_warning(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise NotImplementedError("flock")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with Project.open(project.folder, is_editor=True) as editor:
        assert not editor.read_only
        assert "no locks" in editor.notes[0]
        editor.samples.set_state([1], ReviewState.ACCEPTED)


def test_a_project_whose_index_is_gone_says_how_to_get_it_back(project: Project) -> None:
    project.close()
    (project.folder / INDEX).unlink()
    with pytest.raises(NotAProject, match="--rebuild"):
        Project.open(project.folder)


READ_ONLY = """
import os, sys, tempfile
from pathlib import Path
from segstudio.project.project import Project
from tests.project.projects import make_project
# All modules are imported before the rights are given away: another user may not be able to read them.
with tempfile.TemporaryDirectory() as warm, make_project(Path(warm)) as project:
    project.masks.load(project.samples.get(1))
if hasattr(os, "setuid") and os.getuid() == 0:
    os.setuid(65534)
project = Project.open(Path(sys.argv[1]), is_editor=True)
assert project.read_only, "it should be read-only"
sample = project.samples.get(1)
print(project.read_only_reason)
print(project.samples.count, project.masks.load(sample).shape, project.runs.list(), flush=True)
try:
    project.samples.set_state([1], "accepted")
except Exception as error:
    print(type(error).__name__, flush=True)
project.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such permission there")
@pytest.mark.parametrize("has_log", [False, True])
def test_a_read_only_disk_can_be_looked_at(has_log: bool) -> None:
    # Not tmp_path: another user must be able to reach it, because nothing is read-only for root.
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        make_project(folder).close()
        if has_log:  # the process died and left its log
            crash = "import os; from pathlib import Path; import sys; from segstudio.project.project import Project; "
            crash += "p = Project.open(Path(sys.argv[1])); p.settings.set('a', 1); os._exit(1)"
            finish(start_python(crash, [folder / "project"]))
            assert (folder / "project" / f"{INDEX}-wal").exists()
        for path in [folder / "project", *(folder / "project").rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        reader = start_python(READ_ONLY, [folder / "project"])
        out, errors = reader.communicate(timeout=60)
        assert "cannot be written" in out, errors
        assert "6 (48, 64) []" in out
        assert "ReadOnlyProject" in out
    finally:
        for path in [folder / "project", *(folder / "project").rglob("*")]:
            path.chmod(0o755)
        shutil.rmtree(folder)


def test_the_umask_decides_who_may_read_a_mask(project: Project) -> None:
    project.masks.save(1, np.ones((48, 64), np.uint8))
    if os.name == "posix":
        assert (project.folder / "masks/images/sample_00.png").stat().st_mode & 0o077 == 0o044 & ~_umask()


def _umask() -> int:
    umask = os.umask(0o022)
    os.umask(umask)
    return umask
