"""A form's fields from the schema of a transform, and the way of each value there and back.

Albumentations takes many parameters in several forms (a number, a range, a dictionary per axis, a flag of OpenCV). A
form has one editor for each: a yes or no, a number, a choice in words, a range, or JSON as text for the rest.
"""

import inspect
import json
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field

from segstudio.augmentation.library import defaults, full_parameters, plain, transform_class
from segstudio.augmentation.names import FIXED, LIMITS, STARTS
from segstudio.augmentation.words import HELP, LABELS, UNITS
from segstudio.core.options import option

INTERPOLATIONS = {"nearest": 0, "linear": 1, "cubic": 2, "area": 3, "lanczos": 4, "linear-exact": 5, "nearest-exact": 6}
BORDERS = {"constant": 0, "replicate": 1, "reflect": 2, "wrap": 3, "reflect-101": 4}
"""OpenCV's flags in words."""

_SHARE_OR_PIXELS = {"hole_height_range", "hole_width_range"}
"""Whole numbers mean pixels here, others a share of the image."""

_RANGES_PER_AXIS = {"Affine": ("scale", "translate_percent", "shear")}
"""Parameters that take a range for each axis."""


class Bounds(NamedTuple):
    """What a number may be."""

    ge: float | None = None
    le: float | None = None
    gt: float | None = None


class Kind(NamedTuple):
    """What edits a parameter.

    Attributes:
        annotation: Type of the field.
        is_sampled: Whether the two numbers are the ends between which a value is drawn.
        words: Names of flags, when the parameter is a flag and the field a word.
        is_text: Whether the field is JSON as text; empty stands for nothing.
    """

    annotation: Any
    is_sampled: bool = False
    words: Mapping[str, Any] | None = None
    is_text: bool = False

    @property
    def is_pair(self) -> bool:
        """Whether the value is two numbers."""
        return typing.get_origin(self.annotation) is tuple


@dataclass(frozen=True)
class Parameter:
    """One field of a form.

    Attributes:
        transform: Name of the transform.
        source: The parameter of Albumentations it belongs to.
        axis: "x" or "y" when it is one of two fields of a parameter.
        kind: What edits it.
        bounds: What a number may be.
        documented: What Albumentations says about it.
    """

    transform: str
    source: str
    axis: str
    kind: Kind
    bounds: Bounds
    documented: str

    @property
    def name(self) -> str:
        """Of the field."""
        return f"{self.source}_{self.axis}" if self.axis else self.source

    def field(self, default: Any) -> tuple[Any, Any]:
        """Annotation and field for pydantic's create_model."""
        is_number = self.kind.annotation in (int, float, int | None, float | None)
        made = option(
            default,
            self._label,
            help=self._found(HELP, "") or self.documented,
            unit=self._found(UNITS, ""),
            is_advanced=self.source in _ADVANCED or self.kind.is_text,  # few people want to write JSON
            **(self.bounds._asdict() if is_number else {}),
        )
        if self.kind.is_text:
            return Annotated[str, AfterValidator(_checked_text)], made
        if not self.kind.is_pair:
            return self.kind.annotation, made
        number = typing.get_args(self.kind.annotation)[0]
        if any(bound is not None for bound in self.bounds):
            number = Annotated[number, Field(**self.bounds._asdict())]
        pair = tuple.__class_getitem__((number, number))
        return (Annotated[pair, AfterValidator(_rising)] if self.kind.is_sampled else pair), made

    def shown(self, full: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
        """The value of the field.

        Args:
            full: All parameters of a step, as Albumentations understands them.
            given: Those the step says itself; what Albumentations derives from others is not shown as text.
        """
        value = full[self.source]
        is_derived = self.source not in given and defaults(self.transform).get(self.source, 0) is None
        if is_derived and (self.kind.is_text or type(None) in typing.get_args(self.kind.annotation)):
            value = None
        if self.axis:
            value = _of_axis(value, self.axis, 1.0 if self.source == "scale" else 0.0)
        if self.kind.words is not None:
            return next((word for word, flag in self.kind.words.items() if flag == value), value)
        if self.kind.is_text:
            return "" if value is None else json.dumps(_neat(value), ensure_ascii=False)
        if self.kind.is_pair:
            values = value if isinstance(value, list) else [value or 0, value or 0]
            return tuple(typing.get_args(self.kind.annotation)[0](one) for one in values)
        return value

    def taken(self, value: Any) -> Any:
        """The value of the parameter (of one axis, if it has axes), from that of the field."""
        if self.kind.words is not None:
            return self.kind.words[value]
        if self.kind.is_text:
            return json.loads(value) if value.strip() else None
        value = plain(value)
        if self.source in _SHARE_OR_PIXELS and all(one == int(one) for one in value) and max(value) > 1:
            return [int(one) for one in value]
        return value

    def _found(self, table: Mapping[str, Any], default: Any) -> Any:
        return table.get(f"{self.transform}.{self.source}", table.get(self.source, default))

    @property
    def _label(self) -> str:
        words = re.sub(r"_(limit|range)$", "", self.source).replace("_", " ").capitalize()
        label = str(self._found(LABELS, words))
        return f"{label} {'across' if self.axis == 'x' else 'down'}" if self.axis else label


def parameters_of(name: str) -> tuple[Parameter, ...]:
    """The fields of a transform of the catalogue, in Albumentations' order."""
    transform = transform_class(name)
    schema = transform.InitSchema.model_fields
    start = full_parameters(name, STARTS.get(name, {}))
    documented = _documented(transform)
    made: list[Parameter] = []
    for key in inspect.signature(transform.__init__).parameters:
        if key in FIXED or key not in start:
            continue
        annotation, is_optional = _without_none(schema[key].annotation)
        constraints = [*schema[key].metadata, *_inner_constraints(schema[key].annotation)]
        limits = Bounds(*LIMITS.get(f"{name}.{key}", LIMITS.get(key, (None, None))))
        bounds = _bounds([*constraints, limits])
        sentence = documented.get(key, "") or f"See {name} in the documentation of Albumentations."
        for axis in ("x", "y") if key in _RANGES_PER_AXIS.get(name, ()) else ("",):
            kind = (
                Kind(tuple[float, float], True)
                if axis
                else _kind(name, key, annotation, constraints, start[key], is_optional)
            )
            made.append(Parameter(name, key, axis, kind, bounds, sentence))
    return tuple(made)


def _kind(name: str, key: str, annotation: Any, constraints: list[Any], start: Any, is_optional: bool) -> Kind:
    members = _members(annotation)
    if key in {"fill_mask", "mask_drop_value"}:
        return _flag({**({"leave": None} if start is None else {}), "background": 0, "foreground": 1})
    if key == "area_for_downscale":
        return _flag({"no": None, "yes": "image"})
    if typing.get_origin(annotation) is Literal and set(typing.get_args(annotation)) <= set(range(7)):
        table = BORDERS if "border" in key else INTERPOLATIONS
        # The exact ones are for resizing only; Albumentations offers them here too, and then OpenCV refuses them.
        allowed = range(5) if name == "ChromaticAberration" else typing.get_args(annotation)
        return _flag({word: flag for word, flag in table.items() if flag in allowed})
    if annotation in (bool, int, float) or _is_choice(annotation):
        return Kind(annotation | None if is_optional and start is None else annotation)
    if _is_pair(start) and any(member in (tuple[int, int], tuple[float, float]) for member in members):
        is_whole = _is_whole(constraints) or tuple[float, float] not in members
        is_sampled = key not in _NO_RANGES and f"{name}.{key}" not in _NO_RANGES
        return Kind(tuple[int, int] if is_whole else tuple[float, float], is_sampled)
    if int in members and float not in members and isinstance(start, int):
        return Kind(int)
    return Kind(str, is_text=True)


def _flag(words: dict[str, Any]) -> Kind:
    return Kind(Literal[tuple(words)], words=words)


_NO_RANGES = frozenset(
    {
        "Morphological.scale",
        "cell_shape",
        "grid",
        "grid_yx",
        "holes_number_xy",
        "nb_cols",
        "nb_rows",
        "num_grid_xy",
        "shift_xy",
        "size",
        "target_size",
        "tile_grid_size",
    }
)
"""Two numbers that are not the ends of a range."""

_ADVANCED = frozenset(
    {
        "absolute_scale",
        "approximate",
        "approximation",
        "area_for_downscale",
        "balanced_scale",
        "border_mode",
        "drop_value",
        "fill",
        "fill_mask",
        "fit_output",
        "interpolation",
        "interpolation_pair",
        "keep_ratio",
        "kernel_size",
        "mask_drop_value",
        "mask_indices",
        "noise_params",
        "pad_height_divisor",
        "pad_position",
        "pad_width_divisor",
        "position",
        "rotate_method",
        "same_dxdy",
        "sample_independently",
        "sigma_limit",
        "translate_px",
    }
)


def _rising(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError("the first number must not be greater than the second")
    return value


def _checked_text(text: str) -> str:
    if text.strip():
        try:
            json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            raise ValueError('write a number, "text", [a, list] or {"an": "object"}') from None
    return text


def _neat(value: Any) -> Any:
    """The value with 0 in place of 0.0."""
    if isinstance(value, list):
        return [_neat(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _of_axis(value: Any, axis: str, nothing: float) -> Any:
    if isinstance(value, dict):
        value = value.get(axis)
    return nothing if value is None else value


def _is_choice(annotation: Any) -> bool:
    return typing.get_origin(annotation) is Literal and all(isinstance(one, str) for one in typing.get_args(annotation))


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) == 2
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
    )  # fmt: skip


def _members(annotation: Any) -> tuple[Any, ...]:
    """The types of a union, without their constraints."""
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        return tuple(one for member in typing.get_args(annotation) for one in _members(member))
    if typing.get_origin(annotation) is Annotated:
        return _members(typing.get_args(annotation)[0])
    return (annotation,)


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) is Literal and None in typing.get_args(annotation):
        return Literal[tuple(one for one in typing.get_args(annotation) if one is not None)], True
    if typing.get_origin(annotation) not in {typing.Union, types.UnionType}:
        return annotation, False
    members = [one for one in typing.get_args(annotation) if one is not type(None)]
    is_optional = len(members) < len(typing.get_args(annotation))
    return (members[0] if len(members) == 1 else annotation), is_optional


def _inner_constraints(annotation: Any) -> list[Any]:
    found: list[Any] = []
    for member in typing.get_args(annotation):
        if typing.get_origin(member) is Annotated:
            found += typing.get_args(member)[1:]
    return found


def _bounds(constraints: list[Any]) -> Bounds:
    """What the validators of Albumentations allow, read from their closures where they say it nowhere else."""
    ge: list[float] = []
    le: list[float] = []
    gt: list[float] = []
    for one in constraints:
        ge += [one.ge] if getattr(one, "ge", None) is not None else []
        le += [one.le] if getattr(one, "le", None) is not None else []
        gt += [one.gt] if getattr(one, "gt", None) is not None else []
        function = getattr(one, "func", None)
        name = getattr(function, "__qualname__", "")
        if name == "process_non_negative_range":
            ge.append(0)
        elif name.startswith("check_range_bounds"):
            inside = inspect.getclosurevars(one.func).nonlocals
            if inside.get("min_val") is not None:
                (ge if inside["min_inclusive"] else gt).append(inside["min_val"])
            if inside.get("max_val") is not None:
                le.append(inside["max_val"])
    return Bounds(max(ge, default=None), min(le, default=None), max(gt, default=None))


def _is_whole(constraints: list[Any]) -> bool:
    return any(getattr(getattr(one, "func", None), "__name__", "") == "float2int" for one in constraints)


_ARGUMENT = re.compile(r"^(\w+)(?:\s*\((.*)\))?\s*:\s*(.*)$")


def _documented(transform: Any) -> dict[str, str]:
    """What the docstring says about each parameter: its first sentence."""
    document = inspect.getdoc(transform) or ""
    _, _, rest = document.partition("\nArgs:\n")
    sentences: dict[str, list[str]] = {}
    name = ""
    for line in rest.split("\n"):
        if line and not line.startswith(" "):
            break
        if line.startswith("    ") and not line.startswith("     ") and (match := _ARGUMENT.match(line.strip())):
            name = match[1]
            sentences[name] = [match[3]]
        elif name:
            sentences[name].append(line.strip())
    return {name: _first_sentence(lines) for name, lines in sentences.items()}


def _first_sentence(lines: list[str]) -> str:
    said: list[str] = []
    for line in lines:
        if not line or line.startswith(("- ", "* ")):
            if said:
                break
            continue
        said.append(line)
    text = re.sub(r"\s+", " ", " ".join(said)).strip()
    text = re.sub(r"\s*Defaults?(?: is|:| to).*$", "", text)
    sentence = re.split(r"(?<=[a-z)\]\d])\.\s", text)[0].strip(" :")
    return f"{sentence.rstrip('.')}." if sentence else ""
