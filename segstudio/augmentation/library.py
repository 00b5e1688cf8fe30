"""The only place that loads Albumentations, which takes more than a second: what a transform takes, and making one."""

import functools
import importlib
import inspect
import os
import threading
import warnings
from collections.abc import Mapping
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from segstudio.augmentation.names import ALIASES, COMBINATIONS, EXCLUDED, FIXED, GROUPS, MOST_PIXELS, OWN
from segstudio.core.errors import UserError

_BUILDING = threading.Lock()
"""Warnings are caught one thread at a time: Python keeps its filters for the whole process."""


@functools.cache
def albumentations() -> ModuleType:
    """The library, imported at the first call."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    return importlib.import_module("albumentations")


@functools.cache
def transform_class(name: str) -> Any:
    """The class of a transform: one of our own, or Albumentations'."""
    module = OWN.get(name)
    return getattr(albumentations() if module is None else importlib.import_module(module), name)


def saved_name(name: str) -> str:
    """What Albumentations calls a transform or combination in a file."""
    return f"{OWN[name]}.{name}" if name in OWN else name


def require_known(name: str) -> None:
    """Raise UserError, with the nearest names, unless a recipe may contain a transform of this name."""
    if name in GROUPS or name in COMBINATIONS:
        return
    if name in ALIASES:
        raise UserError(f"{name} is not offered: it is {EXCLUDED[name]}", f"use {ALIASES[name]} instead")
    if name in EXCLUDED:
        raise UserError(f"{name} is not offered: it {EXCLUDED[name]}", "take the step out of the recipe")
    known = [*GROUPS, *COMBINATIONS]
    near = get_close_matches(name, known, n=3) or [one for one in known if name.lower() in one.lower()][:3]
    hint = f"did you mean {', '.join(near)}?" if near else "see the catalogue of transforms"
    raise UserError(f"there is no transform called {name!r}", hint)


@functools.cache
def defaults(name: str) -> Mapping[str, Any]:
    """What Albumentations itself begins with, as `__init__` says; parameters without a default are missing."""
    transform = transform_class(name)
    parameters = inspect.signature(transform.__init__).parameters
    schema = transform.InitSchema.model_fields
    return {
        key: parameter.default
        for key, parameter in parameters.items()
        if key in schema and key not in {"p", "strict"} and parameter.default is not parameter.empty
    }


def full_parameters(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a transform as Albumentations understands them, in the types of JSON.

    Args:
        name: A transform of the catalogue, not a combination.
        parameters: Those that differ from the defaults.

    Raises:
        UserError: For an unknown parameter or a value Albumentations refuses; it names transform and parameter.
    """
    from pydantic import ValidationError

    schema = transform_class(name).InitSchema
    known = sorted(schema.model_fields.keys() - {"p", "strict"} - FIXED.keys())
    for key in parameters:
        if key not in schema.model_fields or key in {"p", "strict"}:
            near = get_close_matches(key, known, n=1) or [", ".join(known) or "none"]
            raise UserError(f"{name} has no parameter {key!r}", f"did you mean {near[0]}?" if known else "it has none")
    values = {**defaults(name), **_safe(schema.model_fields, parameters)}
    _require_possible(name, values)
    try:
        with _BUILDING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            checked = schema(**values, p=1.0, strict=False)
    except ValidationError as error:
        raise UserError(f"{name}: {_in_words(error)}") from None
    except (TypeError, ValueError, LookupError) as error:
        raise UserError(f"{name}: {error}") from None
    return {key: plain(value) for key, value in checked.model_dump(exclude={"p", "strict"}).items()}


_SIDES = frozenset(
    {"height", "width", "size", "max_size", "min_height", "min_width", "padding", "px", "x_max", "y_max"}
)


def _require_possible(name: str, values: Mapping[str, Any]) -> None:
    """Raise UserError where a side is asked for that no memory can hold."""
    for key in _SIDES & values.keys():
        value = values[key]
        numbers = value if isinstance(value, list | tuple) else [value]
        if any(isinstance(one, int | float) and abs(one) > MOST_PIXELS for one in numbers):
            raise UserError(f"{name}: {key} must be at most {MOST_PIXELS} pixels, not {value}")


def make(name: str, parameters: Mapping[str, Any], p: float) -> tuple[Any, list[str]]:
    """A transform, and what Albumentations warned of while it was made.

    Raises:
        UserError: See full_parameters; some values are refused only here.
    """
    full_parameters(name, parameters)
    transform = transform_class(name)
    values = _safe(transform.InitSchema.model_fields, parameters)
    with _BUILDING, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            made = transform(**values, p=p)
        except (TypeError, ValueError, LookupError) as error:
            raise UserError(f"{name}: Albumentations refuses these values ({_first_line(error)})") from None
    if name == "Erasing":
        _mend_erasing(made)
    return made, [str(one.message) for one in caught]


def _mend_erasing(transform: Any) -> None:
    """Albumentations 2.0.8 forgets the seed when no rectangle of the wanted shape fits into a picture, and fails."""
    draw = transform.get_params_dependent_on_data
    transform.get_params_dependent_on_data = lambda params, data: {"seed": 0, **draw(params, data)}


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).split("\n") if line.strip()), type(error).__name__)


def plain(value: Any) -> Any:
    """A value in the types of JSON: tuples become lists, numbers of numpy become Python's."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    return str(value)


def inherited(name: str) -> set[str]:
    """Parameters of the classes a transform is made from, which Albumentations saves although it does not take them."""
    transform = transform_class(name)
    said: set[str] = {key for base in transform.__mro__ for key in inspect.signature(base.__init__).parameters}
    return said.difference(transform.InitSchema.model_fields)


def _safe(fields: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters such that no mask is ever interpolated and none holds anything but 0 and 1."""
    values = {**parameters, **{key: value for key, value in FIXED.items() if key in fields}}
    if values.get("area_for_downscale") == "image_mask":
        values["area_for_downscale"] = "image"
    for key in ("fill_mask", "mask_drop_value"):
        if values.get(key) is not None:
            values[key] = 0 if values[key] in (0, [0], (0,)) else 1
    return values


def _in_words(error: Any) -> str:
    said: list[tuple[str, str]] = []
    for one in error.errors():
        where = str(one["loc"][0]) if one["loc"] else ""
        text = one["msg"].removeprefix("Value error, ")
        if (where, text) not in said and not any(where and where == name for name, _ in said):
            said.append((where, text))
    return "; ".join(f"{where}: {text}" if where else text for where, text in said)
