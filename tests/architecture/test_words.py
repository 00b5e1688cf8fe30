"""Words that a user reads are written in one style all over the program: what is checked here stays so."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import segstudio
from segstudio.core.percentage import percent

PROGRAM = Path(segstudio.__file__).parent
OWN = PROGRAM / "core" / "percentage.py"

TIGHT = re.compile(r"\d%(?![a-zA-Z(])")
"""A percentage without a space; "%d" after a digit is a format and not one."""


def percentages(source: str) -> Iterator[int]:
    """The lines where a percentage is written without its space, or by a format of Python's, which puts none."""
    tree = ast.parse(source)
    docstrings = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if TIGHT.search(text) and id(node) not in docstrings:
                yield node.lineno
            case ast.JoinedStr(values=values):
                yield from (node.lineno for pair in pairwise(values) if _are_number_and_sign(*pair))


def _are_number_and_sign(number: ast.expr, text: ast.expr) -> bool:
    return isinstance(number, ast.FormattedValue) and isinstance(text, ast.Constant) and str(text.value)[:1] == "%"


def test_percentages_have_a_space():
    found = [
        f"{path.relative_to(PROGRAM)}:{line}"
        for path in sorted(PROGRAM.rglob("*.py"))
        if path != OWN
        for line in percentages(path.read_text(encoding="utf-8"))
    ]
    assert found == [], "say percent(share) of segstudio.core.percentage"


@pytest.mark.parametrize("line", ['f"{share:.1%}"', 'f"{share:.{digits}%}"', 'f"{number:.0f}% of {all}"', '"79% done"'])
def test_what_would_be_found(line):
    assert list(percentages(f"x = {line}")) == [1]


@pytest.mark.parametrize("line", ['"95 % interval"', '"%H:%M"', '"v1%s"', '"%"', 'f"{number:.1f} %"'])
def test_what_is_no_tight_percentage(line):
    assert list(percentages(f"x = {line}")) == []


def test_percent():
    assert percent(0.131) == "13 %"
    assert percent(0.131, 1) == "13.1 %"
    assert percent(1) == "100 %"
