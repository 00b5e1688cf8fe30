"""Recipes: the program's and the project's by name, broken files that hurt nobody, names that every system can have."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segstudio.augmentation.recipe import NONE, Recipe, Step, built_in_recipes
from segstudio.core.errors import ReadOnlyProject, UserError
from segstudio.project.project import Project
from segstudio.project.recipes import MAX_LENGTH, folder_name, plain_name

MINE = Recipe("mine", "My own", "Turned by ninety degrees.", (Step("RandomRotate90", 1.0),))


def test_ours_come_first_and_then_the_projects(project: Project) -> None:
    project.recipes.save(MINE)
    project.recipes.save(replace(MINE, name="Another"))
    names = [recipe.name for recipe in project.recipes.all()]
    assert names == [*built_in_recipes(), "Another", "mine"]
    assert names == project.recipes.names()


def test_a_saved_recipe_comes_back(project: Project) -> None:
    told: list[frozenset[str]] = []
    project.changed.connect(told.append)
    project.recipes.save(MINE)
    assert told == [frozenset({"recipes"})]
    assert project.recipes.get("mine") == MINE
    assert project.recipes.is_own("mine")
    assert not project.recipes.is_own("flip")
    changed = replace(MINE, title="Changed")
    project.recipes.save(changed)
    assert project.recipes.get("mine") == changed


def test_letters_of_another_case_are_the_same_file(project: Project) -> None:
    project.recipes.save(MINE)
    project.recipes.save(replace(MINE, name="Mine", title="Again"))
    assert [path.name for path in project.recipes.folder.iterdir()] == ["mine.json"]
    assert project.recipes.get("MINE").title == "Again"


def test_no_recipe_is_a_recipe_without_steps(project: Project) -> None:
    assert project.recipes.get(NONE).is_empty


def test_a_recipe_from_a_file(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "turned.json"
    path.write_text(MINE.to_json(), encoding="utf-8")
    assert project.recipes.get(str(path)) == replace(MINE, name="turned")
    with pytest.raises(UserError, match="no recipe file"):
        project.recipes.get(str(tmp_path / "gone.json"))


def test_an_unknown_name_gets_the_nearest(project: Project) -> None:
    with pytest.raises(UserError, match="chest-xray"):
        project.recipes.get("chest_xray")


def test_a_broken_file_is_left_out_and_told_of(project: Project) -> None:
    project.recipes.save(MINE)
    (project.recipes.folder / "torn.json").write_text('{"format": "segst', encoding="utf-8")
    (project.recipes.folder / "flip.json").write_text(MINE.to_json(), encoding="utf-8")
    unknown = json.loads(MINE.to_json())
    unknown["steps"][0]["transform"] = "Nonsense"
    (project.recipes.folder / "unknown.json").write_text(json.dumps(unknown), encoding="utf-8")
    assert [one.path for one in project.recipes.broken()] == ["recipes/flip.json", "recipes/torn.json"]
    assert "recipes/unknown.json" in [one.path for one in project.recipes.broken(is_checked=True)]
    assert project.recipes.get("flip") == built_in_recipes()["flip"]
    with pytest.raises(UserError, match="torn"):
        project.recipes.get("torn")


@pytest.mark.parametrize("name", ["flip", "Flip", NONE, "", "  ", "a/b", "nul", "x.", 'what"', "long" * 50])
def test_a_name_that_cannot_be(project: Project, name: str) -> None:
    with pytest.raises(UserError):
        project.recipes.save(replace(MINE, name=name))
    assert not project.recipes.folder.exists()


def test_only_the_projects_recipes_can_be_deleted(project: Project) -> None:
    project.recipes.save(MINE)
    project.recipes.delete("mine")
    assert not project.recipes.is_own("mine")
    for name in ("mine", "flip"):
        with pytest.raises(UserError, match="no recipe called"):
            project.recipes.delete(name)


def test_a_read_only_project_keeps_its_recipes(project: Project) -> None:
    project.recipes.save(MINE)
    project.database.read_only_reason = "for a test"
    for change in (lambda: project.recipes.save(MINE), lambda: project.recipes.delete("mine")):
        with pytest.raises(ReadOnlyProject):
            change()
    assert project.recipes.get("mine") == MINE


def test_a_free_name(project: Project) -> None:
    assert project.recipes.free_name("Lens dirt, strong") == "lens-dirt-strong"
    assert project.recipes.free_name("Flip!") == "flip-2"
    project.recipes.save(replace(MINE, name="flip-2"))
    assert project.recipes.free_name("flip") == "flip-3"
    assert project.recipes.free_name("???") == "recipe"


@given(st.text(max_size=200))
def test_any_name_has_a_folder_and_only_one(name: str) -> None:
    folder = folder_name(name)
    assert folder_name(folder) == folder
    assert 0 < len(folder) <= MAX_LENGTH
    assert len(folder.encode()) < 250
    assert not set(folder) & set('<>:"/\\|?*\0\n')
    assert folder.strip(" .") == folder
    assert folder_name(plain_name(name)) == plain_name(name)


@given(st.sets(st.text(max_size=80), max_size=20))
def test_different_names_have_different_folders(names: set[str]) -> None:
    assert len({folder_name(name) for name in names}) == len(names)
