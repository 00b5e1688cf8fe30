"""Filter: the expressions of the filter box and of --filter.

    state:todo,flagged split:test iou<0.8 uncertainty>0.2 name:*lens* -problem:yes unseen>30 "two words"

A space means "and", a comma "or", a minus before a term "not"; a word alone is looked for in the image's path. Quotes
hold a value with spaces together. `iou:none` finds what has no such figure, `iou:0.2..0.8` a range. `unseen`
is in days; what was never on screen has been unseen for ever. `comment:*blur*` looks into comments, `comment:?*` finds
every sample that has one.
"""

import fnmatch
import math
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segstudio.core.errors import UserError
from segstudio.core.sample import Split
from segstudio.project.sample_table import SPLITS, STATES, SampleTable
from segstudio.project.stems import folded

Flags: TypeAlias = NDArray[np.bool_]
Condition: TypeAlias = Callable[[SampleTable], Flags]

NUMBERS = (
    "iou", "dice", "precision", "recall", "uncertainty", "wrong", "expected", "work", "change", "suspicion", "fold_iou",
    "unseen", "lint", "foreground", "width", "height", "revision", "seconds",
)  # fmt: skip
"""Fields that are compared as numbers."""

OF_TRUTH = ("iou", "dice", "precision", "recall", "wrong")
"""Those of them that say how right the current run is."""

CHOICES = {"state": tuple(map(str, STATES)), "split": tuple(map(str, SPLITS)), "mask": ("yes", "no"),
           "problem": ("yes", "no"), "seen": ("yes", "no")}  # fmt: skip
"""Fields with a few known values."""

TEXTS = ("name", "group", "comment", "reviewer")
"""Fields whose value is a text in which * and ? stand for anything."""

DAY = 86400.0
"""Seconds."""

FIELDS = (*CHOICES, *TEXTS, *NUMBERS)

_FIELD = re.compile(r"([^\W\d]\w*)(<=|>=|!=|<|>|=|:)")
_COMPARISONS: dict[str, Callable[[NDArray[np.floating], float], Flags]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "=": np.equal, ":": np.equal,
}  # fmt: skip


@dataclass(frozen=True)
class Filter:
    """A compiled expression; made by `compile_filter`.

    Attributes:
        text: What it was compiled from.
        asks_test_figures: Whether it asks for samples of the test split by how right a run is on them.
        others: Those of the conditions that ask nothing of the kind.
    """

    text: str
    conditions: tuple[Condition, ...]
    asks_test_figures: bool = False
    others: tuple[Condition, ...] = ()

    def rows(self, table: SampleTable) -> NDArray[np.intp]:
        """The rows of the table that fulfil every term, ascending.

        Raises:
            UserError: When it asks for figures of the test split at which nobody has looked, see `project.looks`:
                "none" would be no answer.
        """
        if self.asks_test_figures and table.hidden.any():
            raise UserError(
                "figures of the test split are hidden until somebody looks at them",
                "View ▸ Show test figures, `segstudio list` or `segstudio evaluate` shows them, which is counted",
            )
        return np.flatnonzero(self._fulfils(table, self.conditions))

    def left_out(self, table: SampleTable) -> int:
        """How many samples are not found only because their figures are hidden: they may fulfil every term or not."""
        if len(self.others) == len(self.conditions) or not table.hidden.any():
            return 0
        candidates = self._fulfils(table, self.others) & (table.hidden == 1)
        return int(np.count_nonzero(candidates & ~self._fulfils(table, self.conditions)))

    @staticmethod
    def _fulfils(table: SampleTable, conditions: tuple[Condition, ...]) -> Flags:
        found = np.ones(len(table), np.bool_)
        for condition in conditions:
            found &= condition(table)
        return found


@dataclass(frozen=True)
class _Term:
    """One term as it was written; `position` counts characters from 1."""

    position: int
    is_negated: bool
    field: str
    operator: str
    value: str


def compile_filter(text: str) -> Filter:
    """Compile an expression; an empty one keeps everything.

    Raises:
        UserError: For a field, a value or an operator that does not exist, with its place in the text.
    """
    terms = list(_terms(text))
    asks = Split.TEST in asked_splits(text) and any(term.field in OF_TRUTH for term in terms)
    conditions = [(_condition(term), term.field in OF_TRUTH) for term in terms]
    others = tuple(condition for condition, is_of_truth in conditions if not is_of_truth)
    return Filter(text, tuple(condition for condition, _ in conditions), asks, others)


def asked_splits(text: str) -> frozenset[Split]:
    """The splits that an expression asks for by name: val of `split:val`, none of `-split:test`."""
    asked = (
        term.value.casefold().split(",")
        for term in _terms(text)
        if term.field == "split" and term.operator in ":=" and not term.is_negated
    )
    return frozenset(Split(value) for values in asked for value in values if value in set(Split))


def _terms(text: str) -> Iterator[_Term]:
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        start = place
        is_negated = text[place] == "-" and place + 1 < len(text) and not text[place + 1].isspace()
        place += is_negated
        field, operator = "", ""
        if match := _FIELD.match(text, place):
            field, operator = match[1].lower(), match[2]
            place = match.end()
        value, place = _value(text, place)
        yield _Term(start + 1, is_negated, field, operator, value)


def _value(text: str, place: int) -> tuple[str, int]:
    """The text up to the next space outside quotes, without the quotes, and the place after it."""
    value, start = "", place
    while place < len(text) and not text[place].isspace():
        if text[place] != '"':
            value += text[place]
            place += 1
            continue
        end = text.find('"', place + 1)
        if end < 0:
            raise UserError(f"the filter has a quote without an end at character {start + 1}", 'close it with "')
        value += text[place + 1 : end]
        place = end + 1
    return value, place


def _condition(term: _Term) -> Condition:
    made = _positive(term)
    return (lambda table: ~made(table)) if term.is_negated else made


def _positive(term: _Term) -> Condition:
    if not term.field:
        return _text_condition("name", term.value)
    if term.field not in FIELDS:
        near = get_close_matches(term.field, FIELDS, n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"fields are {', '.join(FIELDS)}"
        raise _refusal(term, f"there is no field {term.field!r}", hint)
    if not term.value:
        raise _refusal(term, f"{term.field}{term.operator} wants a value", "for example state:todo or iou<0.8")
    if term.operator == "!=":
        equal = _positive(_Term(term.position, False, term.field, "=", term.value))
        return lambda table: ~equal(table)
    if term.field in NUMBERS:
        return _number_condition(term)
    if term.operator not in ":=":
        raise _refusal(term, f"{term.field} cannot be compared with {term.operator}", f"write {term.field}:value")
    return _choice_condition(term) if term.field in CHOICES else _texts_condition(term)


def _choice_condition(term: _Term) -> Condition:
    known = CHOICES[term.field]
    values = [value.casefold() for value in term.value.split(",") if value]
    for value in values:
        if value not in known:
            raise _refusal(term, f"{term.field} is never {value!r}", f"it is one of {', '.join(known)}")
    if term.field in ("state", "split"):
        codes = [known.index(value) for value in values]
        return lambda table: np.isin(table.state if term.field == "state" else table.split, codes)
    wanted = [value == "yes" for value in values]
    return lambda table: np.isin(_YES_OR_NO[term.field](table), wanted)


_YES_OR_NO: dict[str, Callable[[SampleTable], Flags]] = {
    "mask": lambda table: table.has_mask,
    "problem": lambda table: table.has_problem,
    "seen": lambda table: ~np.isnan(table.seen),
}


def _texts_condition(term: _Term) -> Condition:
    conditions = [_text_condition(term.field, value) for value in term.value.split(",") if value]
    return lambda table: np.logical_or.reduce([np.zeros(len(table), np.bool_), *(one(table) for one in conditions)])


def _text_condition(field: str, value: str) -> Condition:
    wanted = folded(value)
    is_pattern = any(sign in wanted for sign in "*?")
    if field == "name":
        is_like = _like(wanted) if is_pattern else lambda path: wanted in path
        return lambda table: _flags(map(is_like, table.folded_image))
    if field == "comment":
        is_in = _glob(wanted) if is_pattern else lambda comment: wanted in comment
        return lambda table: _flags(map(is_in, table.folded_comment))
    is_like = _like(wanted) if is_pattern else lambda text: wanted == text
    return lambda table: _flags(is_like(folded(text)) for text in getattr(table, field))


def _like(pattern: str) -> Callable[[str], bool]:
    """Whether all of a path, or all of it behind some /, is like the pattern, in which * and ? stand for anything."""
    literal = pattern.strip("*")
    if pattern == f"*{literal}*" and not any(sign in literal for sign in "*?"):
        return lambda path: literal in path
    # [ has no meaning here: it is common in file names and rare in what people search for.
    glob = fnmatch.translate(pattern.replace("[", "[[]"))
    matches = re.compile(glob if pattern.startswith("*") else rf"(?:[^/]*/)*{glob}").match
    return lambda path: matches(path) is not None


def _glob(pattern: str) -> Callable[[str], bool]:
    """Whether all of a text is like the pattern."""
    matches = re.compile(fnmatch.translate(pattern.replace("[", "[[]"))).match
    return lambda text: matches(text) is not None


def _number_condition(term: _Term) -> Condition:
    field, value = term.field, term.value.casefold()
    if value == "none" and term.operator in ":=":
        return lambda table: np.isnan(_numbers(table, field))
    if ".." in value and term.operator in ":=":
        least, most = (_number(term, part) for part in value.split("..", 1))
        return lambda table: (_numbers(table, field) >= least) & (_numbers(table, field) <= most)
    compare, number = _COMPARISONS[term.operator], _number(term, value)
    return lambda table: compare(_numbers(table, field), number)


def _numbers(table: SampleTable, field: str) -> NDArray[np.float32]:
    if field == "unseen":
        return np.where(np.isnan(table.seen), np.inf, (time.time() - table.seen) / DAY).astype(np.float32)
    column: NDArray[np.float32] = getattr(table, field)
    return column.astype(np.float32, copy=False)


def _number(term: _Term, text: str) -> float:
    try:
        number = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise _refusal(term, f"{text!r} is not a number", f"for example {term.field}<0.8") from None
    # Columns are 32-bit: iou=0.8 must find what was stored as 0.8. What is too large for them is infinite.
    with np.errstate(over="ignore"):
        return float(np.float32(number))


def _flags(values: Iterable[bool]) -> Flags:
    return np.fromiter(values, np.bool_)


def _refusal(term: _Term, message: str, hint: str) -> UserError:
    return UserError(f"{message} (in the filter, at character {term.position})", hint)
