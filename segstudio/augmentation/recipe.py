"""Recipe: an ordered list of augmentations, as a file that can be read, and to and from Albumentations' own form."""

import functools
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from segstudio.augmentation.library import (
    albumentations,
    defaults,
    full_parameters,
    inherited,
    make,
    plain,
    require_known,
    saved_name,
)
from segstudio.augmentation.names import COMBINATIONS, FIXED, TAKING
from segstudio.core.errors import UserError
from segstudio.core.files import resource

NONE = "none"
"""What stands for no recipe at all."""

FORMAT = "segstudio-recipe"
VERSION = 1

MOST_STEPS = 200
"""Steps of a recipe, those in combinations included: more is a damaged or hostile file."""


@dataclass(frozen=True)
class Step:
    """One transform of a recipe.

    Attributes:
        transform: Name of a class of Albumentations that the catalogue offers.
        p: How often it is applied, 0..1; inside OneOf its weight.
        parameters: Those that differ from Albumentations' defaults, in the types of JSON.
        is_enabled: Whether it takes part.
        steps: What a combination (OneOf, SomeOf, RandomOrder, Sequential) chooses from; empty for all others.
    """

    transform: str
    p: float = 0.5
    parameters: dict[str, Any] = field(default_factory=dict)
    is_enabled: bool = True
    steps: tuple["Step", ...] = ()

    @property
    def is_combination(self) -> bool:
        """Whether it holds other steps."""
        return self.transform in COMBINATIONS

    @property
    def active(self) -> tuple["Step", ...]:
        """The steps inside that take part."""
        return _active(self.steps)


@dataclass(frozen=True)
class Recipe:
    """An ordered list of augmentations.

    Attributes:
        name: What the command line and the project call it; the name of its file.
        title: What the window calls it.
        description: What it is for, in a sentence or two.
        steps: In the order in which they are applied.
    """

    name: str
    title: str = ""
    description: str = ""
    steps: tuple[Step, ...] = ()

    @property
    def active(self) -> tuple[Step, ...]:
        """The steps that take part: enabled, and not a combination without any."""
        return _active(self.steps)

    @property
    def is_empty(self) -> bool:
        """Whether it does nothing because no step takes part."""
        return not self.active

    @property
    def wants_donors(self) -> bool:
        """Whether an active step takes from other pictures, see augmentation.donors."""
        return _are_taking(self.active)

    @property
    def digest(self) -> str:
        """sha256 of what it does: order, probabilities and all parameters, defaults included, of the active steps.

        Two recipes of one digest do the same with the same seed. Loads Albumentations.

        Raises:
            UserError: When a step is wrong.
        """
        said = [_canonical(step) for step in self.active]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> str:
        """The text of its file; the name is the file's."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "title": self.title,
            "description": self.description,
            "steps": [_step_to_json(step) for step in self.steps],
        }
        return _readable(content)

    @classmethod
    def from_json(cls, text: str, name: str, *, is_checked: bool = True) -> "Recipe":
        """A recipe from the text of its file.

        Args:
            text: What `to_json` wrote, or a person.
            name: What the recipe is called.
            is_checked: Whether every transform and parameter is held against Albumentations, which loads it (more
                than a second at the first time); otherwise only the form of the file is.

        Raises:
            UserError: It names what is wrong: the step, the transform, the parameter.
        """
        content = _parsed(text, name)
        if content.get("format") != FORMAT:
            raise UserError(f"recipe {name} is not a recipe: its format is {content.get('format')!r}, not {FORMAT!r}")
        if content.get("version") != VERSION:
            hint = "it may come from a later version of SegStudio"
            raise UserError(f"recipe {name} has version {content.get('version')!r}, not {VERSION}", hint)
        title, description = content.get("title", name), content.get("description", "")
        if not isinstance(title, str) or not isinstance(description, str):
            raise UserError(f"recipe {name}: title and description must be text")
        recipe = cls(name, title, description, _steps_from_json(content.get("steps"), f"recipe {name}"))
        if is_checked:
            recipe.require_valid()
        return recipe

    def require_valid(self) -> None:
        """Hold every step, enabled or not, against Albumentations.

        Raises:
            UserError: It names the step, the transform and the parameter.
        """
        if sum(1 for _ in walk(self.steps)) > MOST_STEPS:
            raise UserError(f"recipe {self.name} has more than {MOST_STEPS} steps")
        for path, step in walk(self.steps):
            try:
                require_valid_step(step)
            except UserError as error:
                number = ".".join(str(index + 1) for index in path)
                raise UserError(f"recipe {self.name}, step {number}: {error.message}", error.hint) from None

    def to_albumentations(self) -> dict[str, Any]:
        """What `albumentations.from_dict` makes a Compose from: the active steps, in the form of its `to_dict`.

        Every parameter is written, so that it means the same under another version's defaults.

        Raises:
            UserError: When a step is wrong.
        """
        compose = {
            "__class_fullname__": "Compose",
            "p": 1.0,
            "transforms": [_step_to_albumentations(step) for step in self.active],
            "bbox_params": None,
            "keypoint_params": None,
            "additional_targets": {},
            "is_check_shapes": True,
        }
        return {"__version__": albumentations().__version__, "transform": compose}

    @classmethod
    def from_albumentations(cls, data: dict[str, Any], name: str) -> "Recipe":
        """A recipe from what `albumentations.to_dict` gives or `albumentations.save` writes as JSON.

        Masks are set to be moved without interpolation, and a mask's fill to 0 or 1, whatever the file says.

        Raises:
            UserError: For a transform that is not offered or a parameter that is wrong.
        """
        outer = data.get("transform")
        if not isinstance(outer, dict) or "__class_fullname__" not in outer:
            raise UserError(f'{name} is not an augmentation saved by Albumentations: it has no "transform"')
        step = _step_from_albumentations(outer, name)
        is_plain = step.transform == "Sequential" and step.p >= 1
        recipe = cls(name, name, "Imported from Albumentations.", step.steps if is_plain else (step,))
        recipe.require_valid()
        return recipe


def walk(steps: tuple[Step, ...], before: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Step]]:
    """Every step with its place, those inside combinations after the combination."""
    for index, step in enumerate(steps):
        place = (*before, index)
        yield place, step
        yield from walk(step.steps, place)


@functools.cache
def built_in_recipes() -> dict[str, Recipe]:
    """Our own recipes by name, the mildest first; does not load Albumentations."""
    found = [
        Recipe.from_json(path.read_text(encoding="utf-8"), path.stem, is_checked=False)
        for path in resource("recipes").iterdir()
        if path.suffix == ".json"
    ]
    order = ["flip", "light", "chest-xray", "lens-dirt", "strong"]
    return {one.name: one for one in sorted(found, key=lambda one: (order.index(one.name), one.name))}


def read_recipe(path: Path, *, is_checked: bool = True) -> Recipe:
    """The recipe in a JSON file, ours or Albumentations' own; the file's name becomes the recipe's.

    Args:
        path: The file.
        is_checked: See Recipe.from_json; a file of Albumentations is always checked.

    Raises:
        UserError: When there is no such file or it holds no recipe; it names the file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # Notepad on Windows begins with a mark
    except FileNotFoundError:
        raise UserError(f"there is no recipe {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "choose a recipe: a JSON file") from error
    try:
        content = _parsed(text, path.stem)
        if "transform" in content and "format" not in content:
            return Recipe.from_albumentations(content, path.stem)
        return Recipe.from_json(text, path.stem, is_checked=is_checked)
    except UserError as error:
        raise UserError(f"{path}: {error.message}", error.hint) from error


def _active(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(step for step in steps if step.is_enabled and (not step.is_combination or step.active))


def _are_taking(active: tuple[Step, ...]) -> bool:
    return any(step.transform in TAKING or _are_taking(step.active) for step in active)


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        content = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UserError(f"recipe {name} is not JSON: {error}", "mend or delete the file") from None
    if not isinstance(content, dict):
        raise UserError(f"recipe {name} is not a recipe: it holds a {type(content).__name__}, not an object")
    return content


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")


# --- steps in our own form -------------------------------------------------------------------------------------------

_KEYS = ("transform", "p", "parameters", "enabled", "steps")


def _step_to_json(step: Step) -> dict[str, Any]:
    content: dict[str, Any] = {"transform": step.transform, "p": step.p, "parameters": step.parameters}
    content["enabled"] = step.is_enabled
    if step.is_combination:
        content["steps"] = [_step_to_json(one) for one in step.steps]
    return content


def _steps_from_json(content: Any, where: str) -> tuple[Step, ...]:
    if not isinstance(content, list):
        raise UserError(f"{where}: steps must be a list")
    return tuple(_step_from_json(one, f"{where}, step {number}") for number, one in enumerate(content, 1))


def _step_from_json(content: Any, where: str) -> Step:
    if not isinstance(content, dict):
        raise UserError(f"{where} must be an object with {', '.join(_KEYS)}")
    for key in content.keys() - set(_KEYS):
        raise UserError(f"{where}: {key!r} is not known", f"a step has {', '.join(_KEYS)}")
    transform, p, is_enabled = content.get("transform"), content.get("p", 0.5), content.get("enabled", True)
    parameters = content.get("parameters", {})
    if not isinstance(transform, str):
        raise UserError(f"{where}: transform must be the name of one")
    if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
        raise UserError(f"{where} ({transform}): p must be a number from 0 to 1, not {p!r}")
    if not isinstance(is_enabled, bool):
        raise UserError(f"{where} ({transform}): enabled must be true or false, not {is_enabled!r}")
    if not isinstance(parameters, dict):
        raise UserError(f"{where} ({transform}): parameters must be an object of names and values")
    if transform not in COMBINATIONS and "steps" in content:
        raise UserError(f"{where} ({transform}): only {', '.join(COMBINATIONS)} have steps")
    steps = _steps_from_json(content.get("steps", []), where)
    return Step(transform, float(p), _offered(parameters), is_enabled, steps)


def _offered(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters without those that always have one value."""
    return {key: value for key, value in parameters.items() if key not in FIXED}


def require_valid_step(step: Step) -> None:
    """Hold one step, without those inside it, against Albumentations; UserError names transform and parameter."""
    require_known(step.transform)
    if step.is_combination:
        _require_valid_combination(step)
    else:
        make(step.transform, step.parameters, step.p)


_OF_SOME = {"n": 1, "replace": False}


def combination_parameters(step: Step) -> dict[str, Any]:
    """The parameters of a combination, defaults included."""
    return {**_OF_SOME, **step.parameters} if step.transform in {"SomeOf", "RandomOrder"} else dict(step.parameters)


def _require_valid_combination(step: Step) -> None:
    known = _OF_SOME if step.transform in {"SomeOf", "RandomOrder"} else {}
    for key in step.parameters.keys() - known.keys():
        raise UserError(f"{step.transform} has no parameter {key!r}")
    values = combination_parameters(step)
    if known and (isinstance(values["n"], bool) or not isinstance(values["n"], int) or values["n"] < 1):
        raise UserError(f"{step.transform}: n must be a whole number from 1 on, not {values['n']!r}")
    if known and not isinstance(values["replace"], bool):
        raise UserError(f"{step.transform}: replace must be true or false, not {values['replace']!r}")
    if step.transform == "OneOf" and step.active and not any(one.p for one in step.active):
        raise UserError("OneOf: the steps inside are weights, and all of them are 0", "give one of them a p")


def _canonical(step: Step) -> dict[str, Any]:
    require_valid_step(step)
    content: dict[str, Any] = {"transform": step.transform, "p": float(step.p)}
    if step.is_combination:
        return {
            **content,
            "parameters": combination_parameters(step),
            "steps": [_canonical(one) for one in step.active],
        }
    return {**content, "parameters": full_parameters(step.transform, step.parameters)}


def _readable(content: dict[str, Any]) -> str:
    """JSON with one line per step, so that a person sees the recipe at a glance."""

    def lines(steps: list[dict[str, Any]], indent: str) -> str:
        said = []
        for step in steps:
            inner = step.pop("steps", None)
            text = json.dumps(step, ensure_ascii=False)
            if inner is not None:
                text = f'{text[:-1]}, "steps": [{lines(inner, indent + "  ")}]}}'
            said.append(f"\n{indent}{text}")
        return ",".join(said) + (f"\n{indent[:-2]}" if said else "")

    steps = content.pop("steps")
    head = json.dumps(content, ensure_ascii=False, indent=2)[:-2]
    return f'{head},\n  "steps": [{lines(steps, "    ")}]\n}}\n'


# --- steps in Albumentations' form -----------------------------------------------------------------------------------


def _step_to_albumentations(step: Step) -> dict[str, Any]:
    canonical = _canonical(step)
    content = {"__class_fullname__": saved_name(step.transform), **canonical["parameters"], "p": canonical["p"]}
    if step.is_combination:
        content["transforms"] = [_step_to_albumentations(one) for one in step.active]
        if "n" in content and not content["replace"]:
            content["n"] = min(content["n"], len(content["transforms"]))
    return content


def _step_from_albumentations(data: Any, name: str) -> Step:
    full_name = data.get("__class_fullname__") if isinstance(data, dict) else None
    if not isinstance(full_name, str):
        raise UserError(f"{name}: a transform has no __class_fullname__")
    transform = full_name.rpartition(".")[2]
    p = data.get("p", 1.0 if transform in {"Compose", "Sequential"} else 0.5)
    if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
        raise UserError(f"{name} ({transform}): p must be a number from 0 to 1, not {p!r}")
    inner = data.get("transforms")
    if transform in {"Compose", "ReplayCompose"}:
        return Step("Sequential", float(p), {}, True, _steps_from_albumentations(inner, name))
    require_known(transform)
    outside = {"__class_fullname__", "p", "transforms", "strict"}
    parameters = {key: plain(value) for key, value in data.items() if key not in outside}
    if transform in COMBINATIONS:
        return Step(transform, float(p), parameters, True, _steps_from_albumentations(inner, name))
    return Step(transform, float(p), _own(transform, _offered(parameters)))


def _steps_from_albumentations(content: Any, name: str) -> tuple[Step, ...]:
    if not isinstance(content, list):
        raise UserError(f"{name}: a combination has no list of transforms")
    return tuple(_step_from_albumentations(one, name) for one in content)


def _own(transform: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters that differ from the defaults, in the way a person would write them."""
    usual, unwanted = plain(defaults(transform)), inherited(transform)
    kept = {key: value for key, value in parameters.items() if key not in usual or usual[key] != value}
    kept = {key: value for key, value in kept.items() if key not in unwanted}
    if transform == "Affine" and parameters.get("translate_percent") is not None:
        kept.pop("translate_px", None)  # saved files say both, and Affine takes only one
    return kept


def renamed(recipe: Recipe, name: str, title: str | None = None) -> Recipe:
    """The same recipe under another name."""
    return replace(recipe, name=name, title=recipe.title if title is None else title)
