"""What every argument of every command promises: it reaches the job, as itself and as nothing else."""

import argparse
import json
from typing import Any

import pytest

from segstudio.cli import COMMANDS, main
from segstudio.jobs import JOBS

WITHOUT_JOB = {"open", "bound"}
OF_THE_COMMAND = {("demo", "--no-window"), ("demo", "--to")}
"""What a command heeds itself."""


class Reached(Exception):
    """A job was asked for."""


class Listening:
    """In the place of the jobs: tells which of them was asked for, and with which values."""

    def __init__(self) -> None:
        self._names = JOBS.names()  # found now: their modules register with what they find in this place

    def __getitem__(self, name: str) -> Any:
        assert name in self._names
        self.name = name
        return self

    def from_values(self, values: dict[str, Any]) -> Any:
        raise Reached(self.name, values)


def arguments_of(name: str) -> list[argparse.Action]:
    parser = argparse.ArgumentParser()
    COMMANDS[name][1](parser)
    return [one for one in parser._actions if one.dest != "help"]


def value_of(argument: argparse.Action, place: int) -> tuple[list[str], str]:
    """A value that is no default and no other argument's: as it is written, and as it arrives in JSON."""
    if argument.nargs == 0:
        return [], ""
    if argument.choices is not None:
        value: Any = list(argument.choices)[-1]
    elif argument.type is int:
        value = 700 + place
    elif argument.type is float:
        value = 0.5 + place / 1024
    else:
        value = f"option{place}=word{place}" if argument.metavar == "OPTION=VALUE" else f"word{place}"
    return [str(value)], str(value).partition("=")[2] or str(value)


def told(monkeypatch: pytest.MonkeyPatch, argv: list[str]) -> tuple[str, str]:
    """The job that a command asks for, and its values as JSON."""
    listening = Listening()
    with monkeypatch.context() as patched:
        patched.setattr("segstudio.jobs.JOBS", listening)
        with pytest.raises(Reached) as reached:
            main(argv)
    name, values = reached.value.args
    return name, json.dumps(values, sort_keys=True, default=str)


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_JOB))
def test_every_argument_reaches_the_job(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = arguments_of(name)
    needed = [name]
    for place, one in enumerate(arguments):
        if one.required and one.nargs not in ("?", "*"):
            needed += [*one.option_strings[-1:], *value_of(one, place)[0]]
    found = {"": told(monkeypatch, needed)}
    for place, one in enumerate(arguments):
        if not one.option_strings or (name, flag := one.option_strings[-1]) in OF_THE_COMMAND:
            continue
        written, arrives = value_of(one, place)
        said = told(monkeypatch, needed if one.required else [*needed, flag, *written])
        assert arrives in said[1], f"{flag} {arrives} did not reach the job {said[0]}"
        if not one.required:
            assert said not in found.values(), f"{flag} makes no difference, or the same as another argument"
            found[flag] = said
