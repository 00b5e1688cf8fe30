"""Augmented copies on disk: what is torn is left out, what changed is stale, rejections hold for what was looked at."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segstudio.augmentation.recipe import Recipe, Step, built_in_recipes
from segstudio.core.errors import ReadOnlyProject, UserError
from segstudio.core.reporter import ListReporter
from segstudio.formats import read_image, read_mask_values
from segstudio.project.augmented import copy_name, image_file, mask_file
from segstudio.project.check import check_project
from segstudio.project.copy_rows import About, Row, manifest_lines, read_manifest, read_rejected
from segstudio.project.copy_writer import CopyWriter
from segstudio.project.project import Project
from segstudio.project.rebuilding import rebuild_index
from segstudio.project.stems import assign_stems, folded

FLIP = built_in_recipes()["flip"]


def row_of(project: Project, sample_id: int = 1, number: int = 1, **changes: object) -> Row:
    sample = project.samples.get(sample_id)
    name = copy_name(sample.stem, number)
    row = Row(name, sample.image, number, 7, sample.revision, "1" * 64, "2" * 64, FLIP.digest, "[]", "")
    return replace(row, **changes)


def write(project: Project, *rows: Row, value: int = 0) -> None:
    """Copies that are all of one value."""
    with CopyWriter.opened(project.augmented, "flip") as writer:
        writer.drop([row.name for row in rows if row.name in writer.rows])
        writer.say(About(FLIP, FLIP.digest, 1, "", 0))
        for row in rows:
            writer.write(row, np.full((48, 64), value, np.uint8), np.ones((48, 64), np.uint8))


def names(project: Project, *, usable: bool = False) -> list[str]:
    return [copy.name for copy in project.augmented.copies("flip", usable=usable)]


# what is there


def test_nothing_is_there_at_first(project: Project) -> None:
    assert project.augmented.recipes() == []
    assert project.augmented.copies("flip") == []
    assert project.augmented.about("flip") is None
    assert not (project.folder / "augmented").exists()


def test_copies_are_files_that_anybody_can_read(project: Project) -> None:
    told: list[frozenset[str]] = []
    project.changed.connect(told.append)
    write(project, row_of(project, 2), row_of(project, 1, 2), row_of(project, 1, 1))
    assert frozenset({"augmented"}) in told
    assert project.augmented.recipes() == ["flip"]
    copies = project.augmented.copies("flip")
    assert [copy.name for copy in copies] == ["images/sample_00-01", "images/sample_00-02", "images/sample_01-01"]
    first = copies[0]
    assert (first.sample, first.source, first.number, first.seed) == (1, "images/sample_00.png", 1, 7)
    assert not first.is_rejected
    assert not first.is_stale
    assert first.image_file == project.folder / "augmented/flip/images/images/sample_00-01.png"
    assert not read_image(first.image_file).any()
    assert (read_mask_values(first.mask_file) == 255).all()
    manifest = (project.folder / "augmented/flip/manifest.csv").read_text(encoding="utf-8").splitlines()
    assert [line.partition(",")[0] for line in manifest] == ["name", *(copy.name for copy in copies)]


def test_colours_stay_what_they_are(project: Project) -> None:
    image = np.zeros((4, 5, 3), np.uint8)
    image[..., 0] = 200
    with CopyWriter.opened(project.augmented, "flip") as writer:
        writer.write(row_of(project), image, np.zeros((4, 5), np.uint8))
    np.testing.assert_array_equal(read_image(image_file(writer.folder, "images/sample_00-01")), image)


def test_only_copies_of_training_samples_are_usable(project: Project) -> None:
    write(project, row_of(project, 1), row_of(project, 3))  # the third validates
    assert names(project) == ["images/sample_00-01", "images/sample_02-01"]
    assert names(project, usable=True) == ["images/sample_00-01"]


def test_copies_of_what_is_no_sample_are_not_shown(project: Project) -> None:
    write(project, row_of(project, name="x-01", source="images/x.png"))
    assert names(project) == []


# stale


def test_another_mask_makes_copies_stale(project: Project) -> None:
    write(project, row_of(project, 1), row_of(project, 2))
    project.masks.save(1, np.ones((48, 64), np.uint8))
    assert [copy.is_stale for copy in project.augmented.copies("flip")] == [True, False]
    assert names(project, usable=True) == ["images/sample_01-01"]


def test_the_content_of_a_corrected_mask_decides_and_not_its_number(project: Project) -> None:
    project.masks.save(1, np.ones((48, 64), np.uint8))
    project.masks.seal([1])
    (sha256,) = project.database.row("SELECT mask_sha256 FROM sample WHERE id = 1")
    write(project, row_of(project, 1, mask_sha256=sha256))
    assert names(project, usable=True) == ["images/sample_00-01"]
    with project.transaction("masks") as connection:
        connection.execute("UPDATE sample SET revision = 5 WHERE id = 1")
    assert names(project, usable=True) == ["images/sample_00-01"]
    project.masks.save(1, np.zeros((48, 64), np.uint8))
    assert names(project, usable=True) == []


def test_another_recipe_of_the_same_name_makes_copies_stale(project: Project) -> None:
    mine = Recipe("mine", "Mine", "", (Step("HorizontalFlip", 1.0),))
    project.recipes.save(mine)
    with CopyWriter.opened(project.augmented, "mine") as writer:
        writer.say(About(mine, mine.digest, 1, "", 0))
        image = np.zeros((48, 64), np.uint8)
        writer.write(row_of(project, recipe_digest=mine.digest), image, image)

    def is_stale() -> bool:
        (copy,) = project.augmented.copies("mine")
        return copy.is_stale

    assert not is_stale()
    project.recipes.save(replace(mine, title="Another title"))
    assert not is_stale()
    project.recipes.save(replace(mine, steps=(Step("HorizontalFlip", 0.5),)))
    assert is_stale()
    project.recipes.save(mine)
    assert not is_stale()
    project.recipes.delete("mine")
    assert not is_stale(), "a recipe that is gone cannot have changed"


# the manifest


@given(cut=st.integers(0, 3000))
def test_a_manifest_that_was_cut_off_keeps_its_whole_lines(cut: int) -> None:
    row = Row("a-01", 'images/a "b",\nc.png', 1, 2, 0, "1" * 64, "2" * 64, "3", '[{"x":"ä"}]', "4" * 64)
    rows = [replace(row, name=f"a-{number:02}", number=number) for number in range(1, 5)]
    ends = [len(manifest_lines(rows[:count], with_head=True)) for count in range(5)]
    data = manifest_lines(rows, with_head=True)[:cut]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_text", lambda self, **_: data.decode(errors="replace"))
        read = read_manifest(Path("manifest.csv"))
    count = sum(cut >= end for end in ends[1:])
    assert list(read.rows.values()) == rows[:count]
    assert read.is_whole == (cut in ends or cut >= ends[-1])


def test_lines_that_are_no_copies_are_left_out(tmp_path: Path) -> None:
    row = Row("a-01", "a.png", 1, 2, 0, "1" * 64, "2" * 64, "3" * 64, "[]", "4" * 64)
    path = tmp_path / "manifest.csv"
    bad = [b"a,b\n", b"\n", manifest_lines([replace(row, copy_sha256="")])]
    bad += [manifest_lines([replace(row, name=name)]) for name in ("../a", "/a", "", "a/../../b")]
    for line in bad:
        path.write_bytes(manifest_lines([row], with_head=True) + line)
        assert read_manifest(path) == ({"a-01": row}, False)


def test_a_writer_goes_on_behind_the_last_whole_line(project: Project) -> None:
    write(project, row_of(project, 1))
    path = project.folder / "augmented/flip/manifest.csv"
    with path.open("ab") as file:
        file.write(manifest_lines([row_of(project, 2, copy_sha256="5" * 64)])[:-20])
    assert names(project) == ["images/sample_00-01"]
    write(project, row_of(project, 4))
    assert names(project) == ["images/sample_00-01", "images/sample_03-01"]
    assert read_manifest(path).is_whole


def test_what_a_killed_job_left_behind_is_removed_and_nothing_else(project: Project) -> None:
    write(project, row_of(project, 1))
    folder = project.folder / "augmented/flip"
    kept = [image_file(folder, "images/sample_00-01"), mask_file(folder, "images/sample_00-01")]
    mine = folder / "images/my own picture.png"
    left = [mask_file(folder, "images/sample_01-01"), image_file(folder, "images/sample_01-01")]
    left += [folder / "images/images/.tmp-0123456789abcdef"]
    for path in (mine, *left):
        path.write_bytes(b"")
    write(project)
    assert all(path.exists() for path in (*kept, mine))
    assert not any(path.exists() for path in left)


def test_two_writers_of_one_recipe_do_not_meet(project: Project) -> None:
    with CopyWriter.opened(project.augmented, "flip"), Project.open(project.folder) as other:
        with pytest.raises(UserError, match="another job"), CopyWriter.opened(other.augmented, "flip"):
            pass
        with CopyWriter.opened(other.augmented, "light"):
            pass
        with pytest.raises(UserError, match="another job"):
            other.augmented.remove("flip")


# rejecting


def test_a_rejected_copy_is_kept_out_until_it_is_restored(project: Project) -> None:
    write(project, row_of(project, 1), row_of(project, 2))
    project.augmented.reject("flip", ["images/sample_00-01", "not there"])
    assert [copy.is_rejected for copy in project.augmented.copies("flip")] == [True, False]
    assert names(project, usable=True) == ["images/sample_01-01"]
    with Project.open(project.folder) as other:
        assert [copy.is_rejected for copy in other.augmented.copies("flip")] == [True, False]
    project.augmented.reject("flip", ["images/sample_00-01"], is_rejected=False)
    assert names(project, usable=True) == ["images/sample_00-01", "images/sample_01-01"]
    assert not (project.folder / "augmented/flip/rejected.csv").exists()


def test_a_rejection_survives_only_when_the_same_bytes_are_made_again(project: Project) -> None:
    write(project, row_of(project, 1))
    project.augmented.reject("flip", ["images/sample_00-01"])
    write(project, row_of(project, 1))
    assert [copy.is_rejected for copy in project.augmented.copies("flip")] == [True]
    write(project, row_of(project, 1), value=1)
    assert [copy.is_rejected for copy in project.augmented.copies("flip")] == [False]
    assert read_rejected(project.folder / "augmented/flip/rejected.csv") == {}


def test_a_read_only_project_shows_its_copies(project: Project) -> None:
    write(project, row_of(project, 1))
    project.database.read_only_reason = "for a test"
    assert names(project) == ["images/sample_00-01"]
    for change in (
        lambda: project.augmented.reject("flip", ["images/sample_00-01"]),
        lambda: project.augmented.remove("flip"),
    ):
        with pytest.raises(ReadOnlyProject):
            change()


def test_all_copies_of_a_recipe_can_be_removed(project: Project) -> None:
    write(project, row_of(project, 1))
    project.augmented.remove("flip")
    assert project.augmented.recipes() == []
    assert not (project.folder / "augmented/flip").exists()


# names


def test_a_copy_is_called_like_its_sample() -> None:
    assert copy_name("images/frame_7", 3) == "images/frame_7-03"
    assert copy_name("a", 123) == "a-123"


@given(st.sets(st.text(st.sampled_from("ab-01.png/A~"), min_size=1, max_size=12), max_size=8))
def test_names_of_copies_are_unique_on_any_file_system(texts: set[str]) -> None:
    images = {"/".join(part for part in text.split("/") if part.strip(".")) for text in texts}
    stems = assign_stems(sorted(image for image in images if image))
    names = [folded(copy_name(stem, number)) for stem in stems for number in (1, 2, 10, 11, 100)]
    assert len(set(names)) == len(names)
    files = {f"{name}.png" for name in names}
    folders = {name[:place] for name in names for place, sign in enumerate(name) if sign == "/"}
    assert not files & folders


def test_a_name_is_never_too_long_for_a_file() -> None:
    name = copy_name("ы" * 125 + "z", 1)
    assert len(f"{name}.png".encode()) <= 255
    assert name != copy_name("ы" * 125 + "z", 2)


# check and rebuild


def test_check_is_content_with_whole_copies(project: Project) -> None:
    write(project, row_of(project, 1), row_of(project, 2))
    assert check_project(project, ListReporter(), is_thorough=True) == []


def test_check_forgets_what_is_damaged_and_sweeps_what_is_left_over(project: Project) -> None:
    write(project, row_of(project, 1), row_of(project, 2), row_of(project, 4))
    project.recipes.save(replace(FLIP, name="mine"))
    (project.folder / "recipes/torn.json").write_text("{", encoding="utf-8")
    folder = project.folder / "augmented/flip"
    image_file(folder, "images/sample_00-01").unlink()
    torn = mask_file(folder, "images/sample_01-01")
    torn.write_bytes(torn.read_bytes()[:-5])
    stray = mask_file(folder, "images/sample_04-01")
    stray.write_bytes(b"")
    found = check_project(project, ListReporter())
    assert [(one.path, one.severity) for one in found] == [
        ("recipes/torn.json", "warning"),
        ("augmented/flip/images/images/sample_00-01.png", "warning"),
        ("augmented/flip/images/images/sample_01-01.png", "warning"),
        ("augmented/flip/masks/images/sample_04-01.png", "mended"),
    ]
    assert names(project) == ["images/sample_03-01"]
    assert not stray.exists()
    (project.folder / "recipes/torn.json").unlink()
    assert check_project(project, ListReporter()) == []


def test_only_a_thorough_check_reads_what_is_in_the_pixels(project: Project) -> None:
    write(project, row_of(project, 1), row_of(project, 2))
    folder = project.folder / "augmented/flip"
    image_file(folder, "images/sample_00-01").write_bytes(mask_file(folder, "images/sample_00-01").read_bytes())
    assert check_project(project, ListReporter()) == []
    (found,) = check_project(project, ListReporter(), is_thorough=True)
    assert found.path == "augmented/flip/images/images/sample_00-01.png"


def test_an_index_made_anew_has_the_same_copies(project: Project) -> None:
    project.masks.save(2, np.ones((48, 64), np.uint8))
    project.masks.seal([2])
    (sha256,) = project.database.row("SELECT mask_sha256 FROM sample WHERE id = 2")
    write(project, row_of(project, 1), row_of(project, 2, mask_sha256=sha256), row_of(project, 4))
    project.augmented.reject("flip", ["images/sample_03-01"])
    project.recipes.save(replace(FLIP, name="mine"))
    before = project.augmented.copies("flip")
    project.close()
    found = rebuild_index(project.folder, ListReporter())
    assert (found["recipes"], found["copies"]) == (1, 3)
    with Project.open(project.folder) as rebuilt:
        assert rebuilt.augmented.copies("flip") == before
