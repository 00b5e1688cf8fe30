"""The arms of a comparison, from what was asked for; whatever is wrong with one is said before anything begins."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segstudio.augmentation.recipe import NONE, Recipe
from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.jobs.deciding import settled_automatic, size_of
from segstudio.jobs.train import settled
from segstudio.jobs.training_samples import select
from segstudio.project.cells import ARM_NAME, Arm
from segstudio.project.project import Project

if TYPE_CHECKING:
    from segstudio.jobs.presets import TrainOptions

ORIGINAL, CONTROL = "original", "control"

CONTROL_OFFSET = 1_000_000
"""Seeds of a control begin so much higher: no number of repeats comes near."""

SHARED = frozenset({"seed", "device", "flips"})
"""What the comparison settles for all its arms and repeats."""


@dataclass(frozen=True)
class Wanted:
    """An arm as it was asked for.

    Attributes:
        name: What it is called; its recipe's name when empty.
        values: Options of training that were given for it, `recipe` and `preset` among them.
        seed_offset: See `Arm`.
    """

    name: str
    values: dict[str, Any]
    seed_offset: int = 0


def wanted_arms(
    base: dict[str, Any], arms: tuple[dict[str, Any], ...], recipe: str, *, has_control: bool
) -> list[Wanted]:
    """The arms that were asked for.

    Args:
        base: Options of training that all of them share.
        arms: Each with its own options, and `name`; when none are given the first arm is the original images.
        recipe: One more arm with this recipe, or empty.
        has_control: Whether one more arm repeats the first with other seeds.

    Raises:
        UserError: When there are less than two, or two have one name.
    """
    wanted = [_wanted(base, arm) for arm in arms] or [_wanted(base, {})]
    if recipe:
        wanted.append(_wanted(base, {"recipe": recipe, "name": _after(recipe)}))
    if has_control:
        wanted.append(Wanted(CONTROL, wanted[0].values, CONTROL_OFFSET))
    if len(wanted) < 2:
        raise UserError("a comparison wants two arms at least", "name a recipe: --recipe chest-xray, or use --control")
    names: set[str] = set()
    for one in wanted:
        if own := SHARED & one.values.keys():
            word = min(own)
            raise UserError(f"arm {one.name}: all arms have the same {word}", f"say it with --{word}")
        if not ARM_NAME.fullmatch(one.name):
            raise UserError(f"an arm cannot be called {one.name!r}", "use up to 40 letters, digits, - and _")
        if one.name.casefold() in names:
            raise UserError(f"two arms are called {one.name!r}", "give each of them a name of its own")
        names.add(one.name.casefold())
    return wanted


def _wanted(base: dict[str, Any], arm: dict[str, Any]) -> Wanted:
    own = {name: value for name, value in arm.items() if name not in ("name", "options")}
    own |= arm.get("options") or {}
    # What is original is the images: a preset's own augmentation is no part of it unless it is asked for.
    values = {"recipe": NONE, **base, **own}
    name = ORIGINAL if values["recipe"] == NONE else _after(str(values["recipe"]))
    return Wanted(str(arm.get("name") or name), values)


def _after(recipe: str) -> str:
    """The name of an arm after its recipe, or after the recipe's file: always one that an arm may have."""
    name = Path(recipe).stem if recipe.lower().endswith(".json") else recipe
    return re.sub(r"[^\w.+-]+", "-", name).strip("-.+")[:40] or "recipe"


def settled_arm(project: Project, wanted: Wanted, report: Reporter) -> "tuple[Arm, TrainOptions]":
    """The arm with everything that it needs, and its options of training.

    Raises:
        UserError: For a recipe, preset, option or run that is not there; it names the arm.
    """
    try:
        recipe = project.recipes.get(str(wanted.values["recipe"]))
        is_off = recipe.is_empty or wanted.values.get("augmentation") == "off"
        # Copies of no recipe, which all arms may be asked to learn from, are no copies.
        said = {"recipe": NONE, "augmentation": "off"} if is_off else {"recipe": recipe.name}
        start, model, options = settled(project, {**wanted.values, **said}, report)
        if start is not None:
            options = options.replaced(start=start.word)  # "best" may mean another run tomorrow
        if not (options.batch and size_of(options)):
            chosen = select(project, options, report)
            options, _ = settled_automatic(project, model, options, start, chosen, report)
        digest = "" if is_off else recipe.digest
    except UserError as error:
        raise UserError(f"arm {wanted.name}: {error.message}", error.hint) from error
    text = "" if is_off else recipe.to_json()
    arm = Arm(
        wanted.name, options.preset, model, options.model_dump(), options.recipe, text, digest, wanted.seed_offset
    )
    return arm, options


def recipe_of(arm: Arm) -> Recipe | None:
    """The recipe of an arm as it was when the comparison was made, or None."""
    return Recipe.from_json(arm.recipe_text, arm.recipe) if arm.recipe_text else None
