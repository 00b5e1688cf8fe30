"""What the rooms of the house keep to, and what no list by hand would keep true."""

import ast
import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

import segstudio
from segstudio.jobs import JOBS
from tests.architecture.test_layers import REGISTRIES

PROGRAM = Path(segstudio.__file__).parent
TOP = PROGRAM.parent
CONTRACTS = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]

README = (TOP / "README.md").read_text(encoding="utf-8")

ROOMS = {module.name for module in pkgutil.iter_modules([str(PROGRAM)])}
NAMELESS = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}


def contract(name: str) -> dict[str, list[str]]:
    return next(one for one in CONTRACTS if one["name"].startswith(name))


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PROGRAM.rglob("*.py")):
        yield path.relative_to(PROGRAM).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def test_readme_tells_the_layers_that_are_checked():
    told = re.search(r"downwards only:\s*`(.*?)`", README, re.DOTALL)
    assert told, "README says who may import whom"
    layers = [{room.strip() for room in layer.split("|")} for layer in " ".join(told[1].split()).split(">")]
    assert layers == [{room.strip() for room in layer.split("|")} for layer in contract("Layers")["layers"]]


@pytest.mark.parametrize("room", sorted(ROOMS - {"__main__"}))
def test_readme_shows_every_room(room: str):
    house = README[README.index("## The house") :]
    assert re.search(rf"^  .*\b{room}(/|\.py)", house, re.MULTILINE)


@pytest.mark.parametrize(("name", "exempt"), [("Only ui imports Qt", {"ui", "cli"}), ("TensorFlow", {"ml"})])
def test_a_new_room_is_under_the_contracts_too(name: str, exempt: set[str]):
    # __main__ imports cli alone, and cli opens the window.
    guarded = {module.removeprefix("segstudio.") for module in contract(name)["source_modules"]}
    assert guarded == ROOMS - exempt - {"__main__"}


def test_no_module_needs_another_that_needs_it():
    graph = grimp.build_graph("segstudio", exclude_type_checking_imports=True)
    needs = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(needs).prepare()  # CycleError says which


def test_no_module_has_a_name_that_says_nothing():
    assert [where for where, _ in modules() if NAMELESS & set(Path(where).with_suffix("").parts)] == []


def test_the_file_of_a_job_begins_with_its_command():
    """So that the first lines of jobs/ tell which of its files are jobs and which are what jobs share."""
    commands = {job.__module__: job.name for job in JOBS}
    for module in pkgutil.iter_modules(importlib.import_module("segstudio.jobs").__path__, "segstudio.jobs."):
        first = (importlib.import_module(module.name).__doc__ or "").partition(": ")[0]
        command = first.replace("export ", "export-")
        assert (command if command in JOBS else None) == commands.get(module.name), module.name


def test_every_registry_is_looked_into():
    """So that each lists its entries without Qt or TensorFlow, see `test_layers`."""
    made = {
        f"{room}.{name}"
        for room in ROOMS
        if (PROGRAM / room).is_dir()
        for name in re.findall(r"^(\w+): Registry\[", (PROGRAM / room / "__init__.py").read_text("utf-8"), re.MULTILINE)
    }
    assert made == set(REGISTRIES)


def test_what_the_index_is_asked_is_asked_in_project():
    """Whoever shows or computes something calls what lies there, and knows no table."""
    for where, tree in modules():
        if not where.startswith("project/"):
            asked = {one.lineno for one in ast.walk(tree) if isinstance(one, ast.Attribute) and one.attr == "database"}
            assert not asked, f"{where}: {sorted(asked)}"


def test_who_begins_a_thread_ends_it():
    """A `Background` or a `NewestFirst` that a part of the window makes for itself is closed by that part."""
    kinds = {"Background", "NewestFirst"}
    for where, tree in modules():
        for owner in (one for one in ast.walk(tree) if isinstance(one, ast.ClassDef)):
            made = {
                target.attr
                for one in ast.walk(owner)
                if isinstance(one, ast.Assign) and isinstance(one.value, ast.Call)
                if getattr(one.value.func, "id", "") in kinds
                for target in one.targets
                if isinstance(target, ast.Attribute)
            }
            closed = {
                one.func.value.attr
                for one in ast.walk(owner)
                if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "close"
                if isinstance(one.func.value, ast.Attribute)
            }
            assert made <= closed, f"{where}: {owner.name} does not close {', '.join(made - closed)}"
