"""The catalogue: every transform of Albumentations that works on an image and its mask, with a form for each."""

import functools
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import create_model

from segstudio.augmentation.library import (
    albumentations,
    defaults,
    full_parameters,
    make,
    plain,
    require_known,
    transform_class,
)
from segstudio.augmentation.names import COMBINATIONS, EXCLUDED, GROUPS, MARKING, OWN, STARTS, Group
from segstudio.augmentation.parameters import Parameter, parameters_of
from segstudio.augmentation.recipe import Step, combination_parameters
from segstudio.augmentation.words import SUMMARIES, TITLES, WARNINGS
from segstudio.core.errors import UserError
from segstudio.core.options import Options, checked, option

__all__ = [
    "EXCLUDED",
    "Entry",
    "Group",
    "catalogue",
    "combinations",
    "entry_of",
    "extremes",
    "step_from",
    "step_options",
]


@dataclass(frozen=True)
class Entry:
    """A transform of the catalogue.

    Attributes:
        name: The class of Albumentations.
        title: What the window calls it.
        group: Where the catalogue shows it.
        summary: What it does, in a sentence.
        moves_mask: Whether it changes the mask too.
        marks: Whether it puts something into the picture and marks it in the mask.
        Options: The model of its parameters; p is a field of Step, not of these.
        warning: What to think of before using it, when it may change what a picture means; or empty.
        p: How often it is applied, to begin with.
        ranges: Names of the options that are ranges to draw from, for `extremes`.
    """

    name: str
    title: str
    group: Group
    summary: str
    moves_mask: bool
    Options: type[Options]
    warning: str
    p: float
    ranges: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    marks: bool = False

    @property
    def is_combination(self) -> bool:
        """Whether its steps hold other steps."""
        return self.name in COMBINATIONS

    def step(self) -> Step:
        """A step with the values to begin with."""
        return step_from(self, self.Options(), self.p)


class NoOptions(Options):
    """Of OneOf and Sequential."""


class SomeOptions(Options):
    """Of SomeOf and RandomOrder."""

    n: int = option(1, "How many", ge=1, help="How many of the steps inside are chosen for an image.")
    replace: bool = option(False, "One more than once", help="Whether the same step may be chosen again.")


@functools.cache
def catalogue() -> Mapping[str, Entry]:
    """All transforms by name, in the order of their groups; loads Albumentations at the first call."""
    order = list(Group)
    names = sorted(GROUPS, key=lambda name: (order.index(GROUPS[name]), _title(name)))
    return {name: _entry(name) for name in names if name in OWN or hasattr(albumentations(), name)}


@functools.cache
def combinations() -> Mapping[str, Entry]:
    """OneOf, SomeOf, RandomOrder and Sequential: steps that hold other steps."""
    return {
        name: Entry(
            name, _title(name), Group.COMBINATION, SUMMARIES[name], True,
            SomeOptions if name in {"SomeOf", "RandomOrder"} else NoOptions, "", 1.0, (),
        )
        for name in COMBINATIONS
    }  # fmt: skip


def entry_of(name: str) -> Entry:
    """The entry of a transform or combination; UserError with near names when there is none."""
    require_known(name)
    return combinations()[name] if name in COMBINATIONS else catalogue()[name]


def step_options(step: Step) -> Options:
    """The values of a form for this step.

    Raises:
        UserError: When the step is wrong.
    """
    entry = entry_of(step.transform)
    if entry.is_combination:
        return checked(entry.Options, combination_parameters(step))
    full = full_parameters(step.transform, step.parameters)
    return checked(entry.Options, {one.name: one.shown(full, step.parameters) for one in entry.parameters})


def step_from(entry: Entry, options: Options, p: float) -> Step:
    """A step from the values of a form.

    Raises:
        UserError: When Albumentations refuses the values; it names the parameter.
    """
    if entry.is_combination:
        return Step(entry.name, p, options.model_dump(exclude_defaults=True))
    values: dict[str, Any] = {}
    for one in entry.parameters:
        value = one.taken(getattr(options, one.name))
        if one.axis:
            values.setdefault(one.source, {})[one.axis] = value
        else:
            values[one.source] = value
    values = {key: _simplest(value) for key, value in values.items()}
    for pixels, share in (("translate_px", "translate_percent"), ("px", "percent")):
        if values.get(pixels) is not None and share in values:
            values[share] = None  # Albumentations takes one of the two
    usual = _usual(entry.name)
    kept = {key: value for key, value in values.items() if value not in usual.get(key, ())}
    make(entry.name, kept, p)
    return Step(entry.name, p, kept)


def extremes(step: Step, name: str) -> tuple[Step, Step]:
    """The step with one range fixed at its lowest, and at its highest end, always applied.

    Where Albumentations refuses a range of no width, or a value at the end of one, the step keeps the whole range.

    Args:
        step: A step of a transform.
        name: Of one of the entry's `ranges`.

    Raises:
        UserError: When the step is wrong or the option is no range.
    """
    entry = entry_of(step.transform)
    if name not in entry.ranges:
        known = ", ".join(entry.ranges) or "none"
        raise UserError(f"{step.transform}: {name!r} is not a range", f"ranges are: {known}")
    options = step_options(step)
    low, high = getattr(options, name)

    def fixed(value: float) -> Step:
        try:
            return step_from(entry, options.replaced(**{name: (value, value)}), 1.0)
        except UserError:
            return step_from(entry, options, 1.0)

    return fixed(low), fixed(high)


def _entry(name: str) -> Entry:
    transform = transform_class(name)
    parameters = parameters_of(name)
    p = inspect.signature(transform.__init__).parameters["p"].default
    return Entry(
        name=name,
        title=_title(name),
        group=GROUPS[name],
        summary=SUMMARIES.get(name) or _summary(transform),
        moves_mask=issubclass(transform, albumentations().DualTransform),
        Options=_model(name, parameters),
        warning=WARNINGS.get(name, ""),
        p=float(p),
        ranges=tuple(one.name for one in parameters if one.kind.is_sampled),
        parameters=parameters,
        marks=name in MARKING,
    )


def _model(name: str, parameters: tuple[Parameter, ...]) -> type[Options]:
    start = STARTS.get(name, {})
    full = full_parameters(name, start)
    fields: dict[str, Any] = {one.name: one.field(one.shown(full, start)) for one in parameters}
    return create_model(f"{name}Options", __base__=Options, __module__=__name__, **fields)


def _title(name: str) -> str:
    return TITLES.get(name) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).capitalize()


def _summary(transform: Any) -> str:
    text = (inspect.getdoc(transform) or "").partition("\n\n")[0]
    return re.split(r"(?<=[a-z)])\.\s", re.sub(r"\s+", " ", text))[0].rstrip(".") + "."


def _simplest(value: Any) -> Any:
    """One range for both axes where they are the same."""
    if isinstance(value, dict) and value.keys() == {"x", "y"} and value["x"] == value["y"]:
        return value["x"]
    return value


@functools.cache
def _usual(name: str) -> Mapping[str, list[Any]]:
    """What need not be said of each parameter: the default as Albumentations writes it, and as it understands it."""
    start = STARTS.get(name, {})
    full = full_parameters(name, start)
    said = plain(defaults(name))
    return {key: [said[key], *([] if key in start else [full[key]])] for key in full if key in said}
