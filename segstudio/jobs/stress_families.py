"""What the stress test does to pictures: each family is one transform at rising strengths, declared in stress.toml."""

import functools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from segstudio.augmentation.recipe import Recipe, Step
from segstudio.core.errors import UserError
from segstudio.core.files import resource

AT_ONCE = 2.0
"""How many of a recipe's transforms happen to a picture on average: under all of them nothing could be learnt."""


@dataclass(frozen=True)
class Family:
    """One way in which pictures become worse.

    Attributes:
        name: Of its table in stress.toml.
        title: What the window calls it.
        transform: Name of the transform in Albumentations.
        labels: Its strengths for people, the weakest first.
        varied: Parameters that grow with the strength, one value a strength.
        neutral: The value of each varied parameter that changes nothing, or least.
        fixed: Parameters that stay.
        is_two_sided: Whether every second picture gets the opposite sign.
    """

    name: str
    title: str
    transform: str
    labels: tuple[str, ...]
    varied: dict[str, tuple[float, ...]]
    neutral: dict[str, float]
    fixed: dict[str, Any]
    is_two_sided: bool

    @property
    def strengths(self) -> range:
        """1 is the weakest."""
        return range(1, len(self.labels) + 1)

    def parameters(self, strength: int, sign: int = 1) -> dict[str, Any]:
        """The transform's parameters at exactly that strength; `sign` is -1 for the other side."""
        exact = {name: [sign * values[strength - 1]] * 2 for name, values in self.varied.items()}
        return {**self.fixed, **exact}

    def step(self, strength: int, sign: int = 1) -> Step:
        """The transform at exactly that strength, always applied."""
        return Step(self.transform, 1.0, self.parameters(strength, sign))

    def ranges(self, strength: int) -> dict[str, Any]:
        """Parameters that cover all strengths up to this one, on both sides where there are two."""
        covering = {}
        for name, values in self.varied.items():
            ends = [self.neutral[name], values[strength - 1]]
            if self.is_two_sided:
                ends.append(-values[strength - 1])
            covering[name] = [min(ends), max(ends)]
        return {**self.fixed, **covering}


@functools.cache
def families() -> dict[str, Family]:
    """All families by name, in the order of the file."""
    content = tomllib.loads(resource("stress.toml").read_text(encoding="utf-8"))
    return {name: _family(name, values) for name, values in content.items()}


def chosen_families(names: Iterable[str]) -> list[Family]:
    """The families of these names in the order of the file; all when none is named.

    Raises:
        UserError: For a name that there is not.
    """
    wanted = set(names)
    for name in sorted(wanted - families().keys()):
        near = get_close_matches(name, families(), n=3) or list(families())
        raise UserError(f"the stress test has no transform called {name!r}", f"did you mean {', '.join(near)}?")
    return [family for name, family in families().items() if not wanted or name in wanted]


def recipe_against(chosen: Mapping[str, int], name: str, title: str, description: str) -> Recipe:
    """A recipe that makes pictures as bad as the chosen strengths, and anything less bad.

    Families of one transform become one step, whose ranges cover all of them.

    Args:
        chosen: The greatest strength of each family; 0 leaves it out.
        name: Of the recipe.
        title: Of the recipe.
        description: Of the recipe.

    Raises:
        UserError: When nothing is chosen, or a name or strength that there is not.
    """
    wanted = {name: strength for name, strength in chosen.items() if strength > 0}
    if not wanted:
        raise UserError("nothing is chosen to train with", "tick the transforms that the model shall bear")
    merged: dict[str, dict[str, Any]] = {}
    for family in chosen_families(wanted):
        strength = wanted[family.name]
        if strength not in family.strengths:
            raise UserError(f"{family.title} has no strength {strength}", f"it has 1 to {len(family.labels)}")
        ranges = family.ranges(strength)
        known = merged.setdefault(family.transform, ranges)
        merged[family.transform] = {**known, **ranges, **_unions(known, ranges)}
    p = round(min(0.5, AT_ONCE / len(merged)), 2)
    steps = tuple(Step(transform, p, parameters) for transform, parameters in merged.items())
    return Recipe(name, title, description, steps)


def _unions(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The ranges that both have, each wide enough for both."""
    both = {name: (one[name], other[name]) for name in one.keys() & other.keys()}
    return {
        name: [min(a[0], b[0]), max(a[1], b[1])]
        for name, (a, b) in both.items()
        if all(isinstance(ends, list) and len(ends) == 2 for ends in (a, b))
    }


def _family(name: str, values: Mapping[str, Any]) -> Family:
    varied = {key: tuple(one) for key, one in values["varied"].items()}
    if any(len(one) != len(values["labels"]) for one in varied.values()) or varied.keys() != values["neutral"].keys():
        raise ValueError(f"stress.toml: {name} does not have one value a label and one neutral value a parameter")
    return Family(
        name,
        values["title"],
        values["transform"],
        tuple(values["labels"]),
        varied,
        dict(values["neutral"]),
        dict(values.get("fixed", {})),
        bool(values.get("two_sided", False)),
    )
