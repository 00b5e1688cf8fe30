"""Places: where a step stands in a recipe, and recipes with a step put, taken or moved there. All of it pure.

A place is a path of indices: (2,) is the third step, (2, 0) the first one inside it, when it is a combination.
"""

from collections.abc import Callable
from dataclasses import replace

from segstudio.augmentation.recipe import Step

Place = tuple[int, ...]
Steps = tuple[Step, ...]
_Change = Callable[[Steps, int], Steps]


def step_at(steps: Steps, place: Place) -> Step | None:
    """The step at a place, or None when nothing stands there."""
    found: Step | None = None
    for index in place:
        if not 0 <= index < len(steps):
            return None
        found = steps[index]
        steps = found.steps
    return found


def with_step(steps: Steps, place: Place, step: Step) -> Steps:
    """Another step in place of the one that stands there."""
    return _changed(steps, place, lambda siblings, index: (*siblings[:index], step, *siblings[index + 1 :]))


def with_inserted(steps: Steps, place: Place, step: Step) -> Steps:
    """A new step at a place; what stood there and after it comes after."""
    return _changed(steps, place, lambda siblings, index: (*siblings[:index], step, *siblings[index:]))


def without(steps: Steps, place: Place) -> Steps:
    """Without the step at a place and all that it holds."""
    return _changed(steps, place, lambda siblings, index: (*siblings[:index], *siblings[index + 1 :]))


def moved(steps: Steps, source: Place, target: Place) -> tuple[Steps, Place]:
    """Take a step out and put it in before what stands at `target` now.

    Args:
        steps: Of the recipe.
        source: Where the step stands.
        target: Where it shall stand, counted while it still stands at `source`; the place after the last one is one.

    Returns:
        The steps and where it stands then; unchanged when it would go into itself.
    """
    step = step_at(steps, source)
    if step is None or target[: len(source)] == source:
        return steps, source
    landing = _after_removal(target, source)
    return with_inserted(without(steps, source), landing, step), landing


def _after_removal(place: Place, gone: Place) -> Place:
    """The same place, counted without the step at `gone`."""
    depth = len(gone) - 1
    if place[:depth] == gone[:depth] and len(place) > depth and place[depth] > gone[depth]:
        return (*place[:depth], place[depth] - 1, *place[depth + 1 :])
    return place


def _changed(steps: Steps, place: Place, change: _Change) -> Steps:
    index, *rest = place
    if not rest:
        return change(steps, index)
    inner = replace(steps[index], steps=_changed(steps[index].steps, tuple(rest), change))
    return (*steps[:index], inner, *steps[index + 1 :])
