"""Safety check: what a recipe would do wrong, in words, before anything is queued or trained with it.

Every step is tried by itself, always applied, and the recipe as a whole with its own probabilities. Nothing is drawn by
chance that the seed does not fix, and no time is measured: the same recipe, examples and seed give the same findings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import cv2
import numpy as np

from segstudio.augmentation.augmenter import Augmented, Augmenter
from segstudio.augmentation.catalogue import Entry, catalogue, entry_of, extremes
from segstudio.augmentation.donors import Donors, donors_of
from segstudio.augmentation.names import SLOW, TAKING
from segstudio.augmentation.patterns import (
    Apply,
    Pair,
    is_binary,
    kept,
    likeness,
    pattern,
    share_apart,
    share_moved,
)
from segstudio.augmentation.recipe import Recipe, Step, require_valid_step
from segstudio.core.errors import UserError
from segstudio.core.percentage import percent

Severity = Literal["error", "warning", "note"]

APART = 0.03
"""Share of pixels at which image and mask may say different things, once the outlines themselves are left out."""

LIKENESS = 0.5
"""How alike the pattern of the image and that of its mask must stay (correlation) where only the image is changed."""

MOVED = 0.3
"""Share of regions in which the image may show the pattern of the mask at another place."""

LOST_ONCE = 0.3
"""Share of the object that may leave the picture in the worst try."""

LOST_USUALLY = 0.8
"""Share of the object that may leave the picture on the average."""

HIDDEN = 0.3
"""Share of the object that may be covered, on the average, while the mask still shows it."""

UNSEEN = 0.3
"""Share of the pixels that are marked as added, where nothing can be seen; and of what is seen and is not marked."""

CLIPPED = 0.5
"""Share of pixels that may become pure black or white."""

MOST_EXAMPLES = 3


class Effort(NamedTuple):
    """How thoroughly a step is tried, so that a form stays live whatever it holds.

    Attributes:
        tries: Of every step; the recipe gets twice as many.
        side: The longer side of what it is tried on, in pixels.
        has_extremes: Whether the ends of its ranges are tried too.
    """

    tries: int
    side: int
    has_extremes: bool


def effort_for(times: int) -> Effort:
    """For what takes so many times as long as a rotation."""
    if times >= 100:
        return Effort(1, 96, False)
    if times >= 30:
        return Effort(2, 128, False)
    return Effort(2, 256, True) if times else Effort(4, 1024, True)


@dataclass(frozen=True)
class Finding:
    """Something to know about a recipe.

    Attributes:
        place: Indices of the step, from the outermost list inwards; empty for the whole recipe.
        kind: What it is about: invalid, never, empty, meaning, slow, apart, binary, lost, hidden, unclear, unseen,
            blank, clipped, same, size, filled, odd, alone or fails.
        severity: error: do not use it so; warning: look at it; note: good to know.
        message: What happens, in a sentence or two.
        hint: What to do about it.
    """

    place: tuple[int, ...]
    kind: str
    severity: Severity
    message: str
    hint: str = ""


def check_step(step: Step) -> list[Finding]:
    """What is to know about one step, tried on patterns and a drawn picture; the place () is the step itself."""
    found = check_recipe(Recipe("step", steps=(step,)))
    return [replace(one, place=one.place[1:]) for one in found if one.place]


def check_recipe(
    recipe: Recipe, examples: Sequence[Pair] = (), seed: int = 0, donors: Donors | None = None
) -> list[Finding]:
    """What is to know about a recipe.

    Args:
        recipe: Any recipe, also an invalid one.
        examples: Pairs it will be used on, at the size at which it will be; the first few are looked at. Without any, a
            drawn picture stands for them.
        seed: Of everything drawn by chance.
        donors: Pictures that steps take from which take from others; the examples when None.

    Returns:
        First those of the steps in their order, then those of the whole recipe; none for a recipe without problems.
    """
    chosen = list(examples[:MOST_EXAMPLES]) or [drawn_example()]
    if donors is None:
        donors = donors_of(chosen)
    found: list[Finding] = []
    for place, step in _taking_part(recipe.steps):
        found += [replace(one, place=place) for one in _of_step(step, chosen, seed, donors)]
    if not any(one.severity == "error" and one.kind == "invalid" for one in found):
        found += _of_recipe(recipe, chosen, seed, {one.kind for one in found}, donors)
    return found


def drawn_example() -> Pair:
    """A coloured picture of 256 x 256 with soft shades and two objects a little off its centre, and their mask."""
    y, x = np.mgrid[0:256, 0:256].astype(np.float32)
    left = ((x - 80) / 38) ** 2 + ((y - 130) / 70) ** 2 < 1
    right = ((x - 172) / 34) ** 2 + ((y - 122) / 64) ** 2 < 1
    mask = (left | right).astype(np.uint8)
    shade = 120 + 35 * np.sin(x / 23) * np.cos(y / 31) + np.where(mask > 0, -55, 15)
    grain = np.random.default_rng(0).normal(0, 4, (256, 256, 3))
    image = shade[..., None] + np.array([6, 0, -8]) + grain
    return np.clip(image, 0, 255).astype(np.uint8), mask


# --- one step --------------------------------------------------------------------------------------------------------


def _taking_part(steps: Sequence[Step], before: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Step]]:
    for index, step in enumerate(steps):
        if step.is_enabled:
            yield (*before, index), step
            yield from _taking_part(step.steps, (*before, index))


def _of_step(step: Step, examples: Sequence[Pair], seed: int, donors: Donors) -> list[Finding]:
    alone = replace(step, p=1.0)
    try:
        require_valid_step(step)
    except UserError as error:
        return [_refused("invalid", error)]
    entry = entry_of(step.transform)
    if entry.is_combination:
        return _of_combination(step)
    augmenter = Augmenter(Recipe("step", steps=(alone,)), donors)
    found = _of_words(step, entry, augmenter)
    if step.transform in TAKING and not donors.names:
        return [*found, _alone()]
    effort = effort_for(SLOW.get(step.transform, 0))
    examples = [_at_most(pair, effort.side) for pair in examples[:1]]
    seeds = range(seed, seed + effort.tries)
    try:
        unfilled = Augmenter(Recipe("step", steps=_unfilled([alone])), donors)
        if entry.marks:
            found += findings_of_marking(augmenter.apply, seeds)
        else:
            found += findings_of_pattern(
                unfilled.apply, seeds, _size_that_works(unfilled, effort), moves_mask=entry.moves_mask
            )
        found += _of_examples(entry, augmenter, unfilled, examples, seeds)
        if effort.has_extremes and not any(one.kind in {"blank", "clipped"} for one in found):
            found += _of_extremes(alone, entry, examples[0], seed)
    except UserError as error:
        found.append(_refused("fails", error))
    return found


def _of_combination(step: Step) -> list[Finding]:
    if not step.active:
        message = f"{entry_of(step.transform).title} holds no step that is enabled, so it does nothing."
        return [Finding((), "empty", "warning", message, "Put steps into it or take it out.")]
    return [_never()] if step.p == 0 else []


def _refused(kind: str, error: UserError) -> Finding:
    return Finding((), kind, "error", error.message[:1].upper() + error.message[1:], error.hint)


def _never() -> Finding:
    return Finding((), "never", "warning", "Never applied: its p is 0.", "Raise p, or disable the step.")


def _alone() -> Finding:
    message = "Does nothing: no training image has foreground that could be taken."
    return Finding((), "alone", "warning", message, "Mark some foreground first, or take this step out.")


def _of_words(step: Step, entry: Entry, augmenter: Augmenter) -> list[Finding]:
    found = [_never()] if step.p == 0 else []
    if entry.warning:
        hint = "Keep it only if a picture changed like this could be one of yours."
        found.append(Finding((), "meaning", "warning", entry.warning, hint))
    times = SLOW.get(step.transform, 0)
    if times:
        message = f"Slow: it takes about {times} times as long as a rotation, so training may have to wait for it."
        hint = "Queue copies instead of augmenting on the fly, or take another transform."
        if augmenter.warnings:
            message = f"{message} (Albumentations says: {' '.join(augmenter.warnings)})"
        found.append(Finding((), "slow", "note", message, hint))
    elif augmenter.warnings:
        found.append(Finding((), "odd", "note", f"Albumentations says: {' '.join(augmenter.warnings)}"))
    if step.parameters.get("fill_mask") or step.parameters.get("mask_drop_value"):
        message = "Where the picture is empty the mask says object: the network learns that emptiness is the object."
        found.append(Finding((), "filled", "warning", message, "Set the mask there to background."))
    return found


# --- image and mask together -----------------------------------------------------------------------------------------


def findings_of_pattern(
    apply: Apply, seeds: Sequence[int], size: int = 160, *, moves_mask: bool = True
) -> list[Finding]:
    """Whether image and mask stay together and the mask a mask, on patterns of `size` pixels.

    Args:
        apply: What to try.
        seeds: One try for each.
        size: Side of the patterns.
        moves_mask: Whether it is meant to change the mask.
    """
    image, mask = pattern(size, is_dim=not moves_mask)
    tried = [apply(image, mask, seed) for seed in seeds]
    if not all(is_binary(one.mask) for one in tried):
        message = "The mask is no mask any more: it holds values between background and object."
        return [Finding((), "binary", "error", message, "Take this step out: masks must not be interpolated.")]
    if any(one.mask.shape != one.image.shape[:2] for one in tried):
        return [_apart("Image and mask come out in different sizes.")]
    if not moves_mask and not all(np.array_equal(one.mask, mask) for one in tried):
        return [_apart("It changes the mask although the picture stays where it is.")]
    if moves_mask:
        share = share_apart(tried)
        if share > APART:
            said = f"at {percent(share)} of the pixels the mask says something else than the picture shows"
            return [_apart(f"Image and mask do not move together: {said}.")]
        return []
    alike = [likeness(one) for one in tried]
    if any(share_moved(one) > MOVED for one, how in zip(tried, alike, strict=True) if how < 0.7):
        return [_apart("Image and mask do not move together: what the picture shows is not where the mask says.")]
    if np.median(alike) < LIKENESS:
        message = "Changes the picture so much that outlines can hardly be found where the mask says they are."
        return [Finding((), "unclear", "warning", message, "Make it weaker.")]
    return []


def findings_of_marking(apply: Apply, seeds: Sequence[int], size: int = 160) -> list[Finding]:
    """Whether what a step marks as foreground can be seen in the picture, and what it does is marked.

    Args:
        apply: What to try.
        seeds: One try for each.
        size: Side of the grainy pictures that it is tried on: everything that is done to grain can be seen.
    """
    image = np.random.default_rng(7).integers(40, 216, (size, size, 3), dtype=np.uint8)
    mask = pattern(size)[1] * np.uint8(np.arange(size) < size // 4)
    tried = [apply(image, mask, seed) for seed in seeds]
    if not all(is_binary(one.mask) and one.mask.shape == mask.shape == one.image.shape[:2] for one in tried):
        message = "The mask is no mask of this picture any more."
        return [Finding((), "binary", "error", message, "Take this step out.")]
    if any((mask > one.mask).any() for one in tried):
        return [_apart("It takes pixels out of the mask although it only adds to the picture.")]
    near = np.ones((size // 5, size // 5), np.uint8)  # edges are soft
    unseen = unmarked = 0.0
    for done in tried:
        changed = (np.abs(done.image.astype(np.int16) - image).max(-1) > 8).astype(np.uint8)
        marked = done.mask > mask
        untouched = marked & (cv2.morphologyEx(changed, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) == 0)
        unseen = max(unseen, float(untouched.sum() / max(int(marked.sum()), 1)))
        beside = (changed > 0) & (cv2.dilate(done.mask, near) == 0)
        unmarked = max(unmarked, float(beside.sum() / max(int(changed.sum()), 1)))
    if unseen > UNSEEN:
        share = percent(unseen)
        message = f"Marks {share} of what it adds where the picture has not changed: nothing there can be learnt."
        return [Finding((), "unseen", "error", message, "Make it stronger, or take it out.")]
    if unmarked > UNSEEN:
        return [_apart(f"Of what it changes in the picture, {percent(unmarked)} is not in the mask.")]
    return []


def _apart(message: str) -> Finding:
    hint = "Take this step out, or make it weaker: the network would learn wrong outlines."
    return Finding((), "apart", "error", message, hint)


def _size_that_works(augmenter: Augmenter, effort: Effort) -> int:
    """A side of patterns that is large enough for the crops of a step."""
    for size in (min(160, effort.side), 640):
        try:
            augmenter.apply(*pattern(size), 0)
        except UserError:
            continue
        return size
    augmenter.apply(*pattern(2048), 0)
    return 2048


# --- examples --------------------------------------------------------------------------------------------------------


def _of_examples(
    entry: Entry, augmenter: Augmenter, unfilled: Augmenter, examples: Sequence[Pair], seeds: Sequence[int]
) -> list[Finding]:
    tries = [(pair, augmenter.apply(*pair, seed)) for pair in examples for seed in seeds]
    found = _same(tries, augmenter, seeds) or _of_light([(before[0], after.image) for before, after in tries])
    found += _of_size(tries)
    if entry.moves_mask and not entry.marks:  # dirt hides where pixels come from, and it shall
        found += _of_object([kept(unfilled.apply, mask, seed) for _, mask in examples for seed in seeds if mask.any()])
    return found


def _same(tries: Sequence[tuple[Pair, Augmented]], augmenter: Augmenter, seeds: Sequence[int]) -> list[Finding]:
    if len(seeds) < 2 or not all(np.array_equal(before[0], after.image) for before, after in tries):
        return []
    image, mask = drawn_example()
    is_grey = all(before[0].ndim == 2 for before, _ in tries)
    if is_grey and not all(np.array_equal(image, augmenter.apply(image, mask, seed).image) for seed in seeds):
        message, hint = "Does nothing to grey pictures: it only changes colour.", "Take it out."
    else:
        message, hint = "Does nothing: the pictures come out as they went in.", "Change its parameters or take it out."
    return [Finding((), "same", "warning", message, hint)]


def _of_light(tries: Sequence[tuple[np.ndarray, np.ndarray]], where: str = "") -> list[Finding]:
    """Whether pictures, given before and after, become blank or lose their light and dark."""
    worst = 0.0
    for before, after in tries:
        if before.std() < 2:
            continue
        if after.std() < 2 or (after.mean() < 8 < 16 < before.mean()) or (after.mean() > 247 > 239 > before.mean()):
            shade = "black" if after.mean() < 64 else "white" if after.mean() > 192 else "one shade of grey"
            message = f"The picture turns {shade}{where}: there is nothing left to learn from."
            return [Finding((), "blank", "error", message, "Make it weaker.")]
        worst = max(worst, _clipped(after) - _clipped(before))
    if worst <= CLIPPED:
        return []
    message = f"{percent(worst)} of the pixels become pure black or white{where}: what was there is gone."
    return [Finding((), "clipped", "warning", message, "Make it weaker.")]


def _clipped(image: np.ndarray) -> float:
    return float(((image <= 1) | (image >= 254)).mean())


def _of_size(tries: Sequence[tuple[Pair, Augmented]]) -> list[Finding]:
    for (_, before), after in tries:
        if before.shape != after.mask.shape and before.shape != after.mask.shape[::-1]:
            (height, width), (rows, columns) = before.shape, after.mask.shape
            message = (
                f"Changes the size of the picture, here from {width}x{height} to {columns}x{rows}. Queued copies keep "
                "the new size; in training it is scaled back to the size of the network."
            )
            hint = "Sizes in pixels act differently on large originals and on the small pictures of training."
            return [Finding((), "size", "note", message, hint)]
    return []


def _of_object(tries: Sequence[tuple[float, float]]) -> list[Finding]:
    """What the tries, each a result of `kept`, say about the object."""
    if not tries:
        return []
    found = []
    lost = [1 - left for left, _ in tries]
    mean, worst, gone = float(np.mean(lost)), max(lost), sum(one > 0.98 for one in lost)
    hint = "Make it weaker, or crop around the object instead."
    if mean > LOST_USUALLY:
        message = f"Most of the object is lost: on the average {percent(mean)} of it leaves the picture."
        found.append(Finding((), "lost", "error", message, hint))
    elif gone:
        message = f"In {gone} of {len(lost)} tries nothing of the object was left in the picture."
        found.append(Finding((), "lost", "warning", message, hint))
    elif worst > LOST_ONCE:
        message = f"Up to {percent(worst)} of the object leaves the picture ({percent(mean)} on the average)."
        found.append(Finding((), "lost", "warning", message, hint))
    covered = float(np.mean([hidden for _, hidden in tries]))
    if covered > HIDDEN:
        share = percent(covered)
        message = f"Covers {share} of the object while the mask still shows it: the network must guess outlines."
        found.append(
            Finding((), "hidden", "note", message, "Fewer or smaller holes, or set the mask there to background.")
        )
    return found


def _of_extremes(step: Step, entry: Entry, example: Pair, seed: int) -> list[Finding]:
    """Whether pictures turn blank at an end of a range, which the few tries may have missed."""
    if entry.moves_mask:
        return []
    image, mask = _at_most(example, 128)
    for name in entry.ranges:
        title = entry.Options.model_fields[name].title
        for end, fixed in zip(("lowest", "highest"), extremes(step, name), strict=True):
            done = Augmenter(Recipe("step", steps=(fixed,))).apply(image, mask, seed)
            found = _of_light([(image, done.image)], f" with {title} at its {end}")
            if found:
                return found
    return []


def _at_most(pair: Pair, side: int) -> Pair:
    """The pair, made smaller where its longer side is more than `side`."""
    image, mask = pair
    scale = side / max(mask.shape)
    if scale >= 1:
        return pair
    size = (max(round(mask.shape[1] * scale), 1), max(round(mask.shape[0] * scale), 1))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.resize(
        mask, size, interpolation=cv2.INTER_NEAREST
    )


# --- the whole recipe ------------------------------------------------------------------------------------------------


def _of_recipe(recipe: Recipe, examples: Sequence[Pair], seed: int, known: set[str], donors: Donors) -> list[Finding]:
    """What only the steps together do; what a step does alone has been said there."""
    if recipe.is_empty:
        message = "No step is enabled: the pictures stay as they are."
        return [Finding((), "empty", "note", message, "Add or enable a step.")]
    effort = effort_for(max(SLOW.get(step.transform, 0) for _, step in _taking_part(recipe.steps)))
    examples = [_at_most(pair, effort.side) for pair in examples]
    seeds = range(seed, seed + 2 * effort.tries)
    try:
        augmenter = Augmenter(recipe, donors)
        tries = [(pair, augmenter.apply(*pair, one)) for pair in examples for one in seeds]
        found = (
            []
            if all(step.p == 0 for step in recipe.active)
            else _of_light([(before[0], after.image) for before, after in tries])
        )
        steps = _moving(recipe.active)
        if any(step.transform != _STILL for _, step in _taking_part(steps) if not step.is_combination):
            moving = Augmenter(replace(recipe, steps=_unfilled(steps)))
            found += _of_object([kept(moving.apply, mask, one) for _, mask in examples for one in seeds if mask.any()])
            found += findings_of_pattern(moving.apply, seeds, _size_that_works(moving, effort))
    except UserError as error:
        return [] if "fails" in known else [_refused("fails", error)]
    return [one for one in found if one.kind not in known]


_STILL = "RandomBrightnessContrast"
_NOTHING = {"brightness_limit": [0, 0], "contrast_limit": [0, 0]}


def _moving(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps with each that moves nothing replaced by one that does nothing, so that choices stay the same."""
    return tuple(
        replace(step, steps=_moving(step.steps)) if step.is_combination
        else step if (entry := catalogue()[step.transform]).moves_mask and not entry.marks
        else replace(step, transform=_STILL, parameters=_NOTHING)
        for step in steps
    )  # fmt: skip


def _unfilled(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps with what is empty or covered left black, so that it cannot be taken for a part of the picture."""
    return tuple(
        replace(
            step,
            steps=_unfilled(step.steps),
            parameters={key: 0 if key in {"fill", "drop_value"} else value for key, value in step.parameters.items()},
        )
        for step in steps
    )
