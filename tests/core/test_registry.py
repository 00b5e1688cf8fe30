"""Registries: entries are found by themselves, and a file that cannot be imported is never left out in silence."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from segstudio.core.errors import UserError
from segstudio.core.registry import Named, Registry

ROOM = "a_room_of_this_test"

ENTRY = """
from {room} import THINGS

@THINGS.register
class Entry:
    name = "{name}"
"""


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / ROOM
    folder.mkdir()
    (folder / "__init__.py").write_text(
        f"from segstudio.core.registry import Registry\n\nTHINGS = Registry({ROOM!r}, 'thing')\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [one for one in sys.modules if one.partition(".")[0] == ROOM]:
        del sys.modules[name]


def things() -> Registry[Named]:
    import importlib

    registry: Registry[Named] = importlib.import_module(ROOM).THINGS
    return registry


def test_adding_an_entry_is_adding_a_file(room: Path) -> None:
    for name in ("brush", "eraser"):
        (room / f"{name}.py").write_text(ENTRY.format(room=ROOM, name=name), encoding="utf-8")
    assert things().names() == ["brush", "eraser"]
    assert things()["brush"].name == "brush"
    assert [one.name for one in things()] == ["brush", "eraser"]
    with pytest.raises(UserError, match="no thing called 'brsh'") as found:
        things()["brsh"]
    assert "brush" in found.value.hint


def test_two_of_one_name_are_a_bug(room: Path) -> None:
    for file in ("one", "other"):
        (room / f"{file}.py").write_text(ENTRY.format(room=ROOM, name="brush"), encoding="utf-8")
    with pytest.raises(ValueError, match="two things are called 'brush'"):
        things().names()


def test_a_file_that_cannot_be_imported_is_told_to_everybody_who_asks(room: Path) -> None:
    (room / "brush.py").write_text(ENTRY.format(room=ROOM, name="brush"), encoding="utf-8")
    (room / "slip.py").write_text("import nothing_of_that_name\n", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="nothing_of_that_name"):
            things().names()
    (room / "slip.py").write_text(ENTRY.format(room=ROOM, name="slip"), encoding="utf-8")
    assert things().names() == ["brush", "slip"]
