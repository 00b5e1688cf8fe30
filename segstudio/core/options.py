"""Options, declared once: the form, the command line, the preset file and the saved run all come from the same model.

class BrushOptions(Options):
    radius: float = option(12.0, "Radius", unit="px", ge=0.5, le=1000, help="Half the width of the stroke.")
"""

import functools
import typing
from collections.abc import Iterable, Sequence
from typing import Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from segstudio.core.errors import UserError


class Options(BaseModel):
    """The parameters of a tool, a model or a job. Frozen; change with `replaced`."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    def replaced(self, **changes: object) -> Self:
        """A copy with some values changed, validated; raises UserError for a bad one."""
        return checked(type(self), {**self.model_dump(), **changes})


def option(
    default: Any,
    label: str,
    *,
    help: str,  # noqa: A002 - the field's own word
    unit: str = "",
    ge: float | None = None,
    le: float | None = None,
    gt: float | None = None,
    is_advanced: bool = False,
    is_path: bool = False,
    choices: Sequence[str] = (),
    zero: str = "",
    has_slider: bool = False,
    only_with: str = "",
) -> Any:
    """A field of an Options model with what a form and a command line need to show it.

    Args:
        default: The value when nothing is said.
        label: A few words for the form.
        help: One sentence for the tooltip and `--help`.
        unit: Shown behind the value, for example "px".
        ge: The least value that is allowed.
        le: The greatest value that is allowed.
        gt: The value must be greater than this.
        is_advanced: Whether the form folds it away at first.
        is_path: Whether the text names a file, so that the form offers a file dialog.
        choices: The only texts that are allowed, when they are known to a registry alone and not to the type.
        zero: What 0 means when it is no number but a choice, for example "all"; a form shows it in place of the 0.
        has_slider: Whether every form also shows a slider, for a number that is felt rather than known.
        only_with: What it takes to make a difference: another field's name, which must not be 0 then, or "name=value".
            A form lets it be changed only then.
    """
    extra: dict[str, Any] = {
        "unit": unit,
        "advanced": is_advanced,
        "path": is_path,
        "choices": list(choices),
        "zero": zero,
        "slider": has_slider,
        "only_with": only_with,
    }
    field = Field(default=default, title=label, description=help, ge=ge, le=le, gt=gt, json_schema_extra=extra)
    if choices:
        field.metadata.append(AfterValidator(functools.partial(_chosen, frozenset(choices))))
    return field


def _chosen(choices: frozenset[str], text: str) -> str:
    if text not in choices:
        raise ValueError(f"{text!r} is none of {', '.join(sorted(choices))}")
    return text


def unit_of(field: FieldInfo) -> str:
    """The unit of a field made by `option`, or an empty string."""
    return str(_extra(field).get("unit", ""))


def zero_of(field: FieldInfo) -> str:
    """What 0 means, in words, when the field was made by `option` with zero; else an empty string."""
    return str(_extra(field).get("zero", ""))


def choices_of(field: FieldInfo) -> list[str]:
    """The texts that are allowed, when the field was made by `option` with choices; else empty."""
    return list(typing.cast(list[str], _extra(field).get("choices", [])))


def is_advanced(field: FieldInfo) -> bool:
    """Whether the field was made by `option` with is_advanced."""
    return bool(_extra(field).get("advanced", False))


def has_slider(field: FieldInfo) -> bool:
    """Whether the field was made by `option` with has_slider."""
    return bool(_extra(field).get("slider", False))


def only_with(field: FieldInfo) -> tuple[str, str]:
    """The field without which this one makes no difference, and the value that it must have, or "" for any but 0."""
    name, _, value = str(_extra(field).get("only_with", "")).partition("=")
    return name, value


def is_path(field: FieldInfo) -> bool:
    """Whether the field names a file."""
    return bool(_extra(field).get("path", False))


def is_range(field: FieldInfo) -> bool:
    """Whether the value is two numbers, to be edited in two boxes: a tuple[int, int] or tuple[float, float]."""
    return len(_pair(field)) == 2


def is_integer_range(field: FieldInfo) -> bool:
    """Whether the two numbers of a range are whole."""
    return _pair(field) == (int, int)


def bounds_of(field: FieldInfo) -> tuple[float | None, float | None]:
    """The least and the greatest value that a number, or either number of a range, may have; None where unlimited."""
    constraints = list(field.metadata)
    for member in typing.get_args(field.annotation) if is_range(field) else ():
        constraints += getattr(member, "__metadata__", ())
    low: list[float] = []
    high: list[float] = []
    for one in constraints:
        # Field(ge=...) inside Annotated keeps its own constraints one level deeper.
        for constraint in getattr(one, "metadata", None) or [one]:
            low += [value for name in ("ge", "gt") if (value := getattr(constraint, name, None)) is not None]
            high += [value for name in ("le", "lt") if (value := getattr(constraint, name, None)) is not None]
    return max(low, default=None), min(high, default=None)


def _pair(field: FieldInfo) -> tuple[type, ...]:
    """The types of the two numbers of a range, without their constraints; empty for every other field."""
    if typing.get_origin(field.annotation) is not tuple:
        return ()
    members = tuple(getattr(member, "__origin__", member) for member in typing.get_args(field.annotation))
    return members if members in {(int, int), (float, float)} else ()


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


AUTO = "auto"
"""What 0 means in a field whose value the program may choose itself, as its `zero`; also what people write."""


def zero_for_auto(value: Any) -> Any:
    """0 for the word, everything else as it is: for a validator before the type is known."""
    return 0 if isinstance(value, str) and value.strip().lower() == AUTO else value


M = typing.TypeVar("M", bound=BaseModel)


def checked(model: type[M], values: dict[str, Any]) -> M:
    """An instance of `model` from plain values.

    Raises:
        UserError: For an unknown name or a value out of range; the message names each of them.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = []
        for one in error.errors():
            name = ".".join(str(part) for part in one["loc"]) or model.__name__
            said = "is not a known option" if one["type"] == "extra_forbidden" else one["msg"]
            lines.append(f"{name}: {said}")
        known = ", ".join(sorted(model.model_fields))
        raise UserError("; ".join(lines), f"options are: {known}") from None


def parse_assignments(texts: Iterable[str]) -> dict[str, Any]:
    """The values of `--set name=value` arguments, still as text (pydantic converts them).

    Raises:
        UserError: For an argument without "=".
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UserError(f"--set {text!r} is not of the form option=value")
        values[name.strip().replace("-", "_")] = value.strip()
    return values
