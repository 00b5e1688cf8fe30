"""Which values of a mask file are foreground: the rule that is stored with a project, and how it is found."""

import re
from typing import Literal

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.options import Options, checked, option

Value = tuple[int, ...]
"""A value of a mask: (grey,) or (red, green, blue), 0 to 255."""


class ForegroundRule(Options):
    """Which pixels of a mask file are foreground.

    `threshold`: those whose brightest channel is above `threshold`. `nonzero`: those that are not black.
    `values`: those that have one of `values`; grey g and colour (g, g, g) are the same value.
    """

    kind: Literal["threshold", "nonzero", "values"] = option("threshold", "Rule", help="How foreground is recognised.")
    threshold: int = option(127, "Threshold", ge=0, le=254, help="The brightest value that is still background.")
    values: tuple[tuple[int, ...], ...] = option((), "Values", help="The grey values or colours that are foreground.")

    def apply(self, values: np.ndarray) -> np.ndarray:
        """The mask that the rule sees in `values`.

        Args:
            values: uint8 (H, W) or (H, W, 3), from `read_mask_values`.

        Returns:
            uint8 (H, W) of 0 and 1, C-contiguous.
        """
        if self.kind == "values":
            return np.ascontiguousarray(_is_one_of(values, self.values)).view(np.uint8)
        brightest = values if values.ndim == 2 else values.max(axis=2)
        limit = self.threshold if self.kind == "threshold" else 0
        return np.ascontiguousarray(brightest > limit).view(np.uint8)

    def __str__(self) -> str:
        if self.kind == "values":
            return "foreground is " + ", ".join(value_text(value) for value in self.values)
        return f"foreground is above {self.threshold}" if self.kind == "threshold" else "foreground is all but 0"


def value_text(value: Value) -> str:
    """A value as a person types it: "2" or "#fa3253"."""
    return str(value[0]) if len(value) == 1 else "#" + "".join(f"{channel:02x}" for channel in value)


def parse_foreground(text: str, *, is_colour: bool) -> ForegroundRule:
    """The rule that a person means: "1,2", "255", "#fa3253,#00ff00", "250,50,83;0,255,0", ">127" or "nonzero".

    Args:
        text: What was typed.
        is_colour: Whether the masks hold colours, so that three numbers are one colour and not three greys.

    Raises:
        UserError: When the text is none of these.
    """
    text = text.strip().lower()
    if text == "nonzero":
        return ForegroundRule(kind="nonzero")
    if match := re.fullmatch(r">\s*(\d+)", text):
        return checked(ForegroundRule, {"kind": "threshold", "threshold": match[1]})
    values: list[Value] = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        values += _parse_values(part, is_colour)
    if not values:
        raise _not_understood(text)
    return ForegroundRule(kind="values", values=tuple(dict.fromkeys(values)))


def _parse_values(text: str, is_colour: bool) -> list[Value]:
    words = re.split(r"[,\s]+", text)
    if all(re.fullmatch(r"#[0-9a-f]{6}", word) for word in words):
        return [tuple(bytes.fromhex(word[1:])) for word in words]
    if not all(re.fullmatch(r"\d{1,3}", word) and int(word) <= 255 for word in words):
        raise _not_understood(text)
    numbers = [int(word) for word in words]
    if is_colour and len(numbers) == 3:
        return [tuple(numbers)]
    return [(number,) for number in numbers]


def _not_understood(text: str) -> UserError:
    hint = "write grey values such as 1,2 or colours such as #fa3253 or 250,50,83 (several with ; between), or >127"
    return UserError(f"{text!r} does not say which mask values are foreground", hint)


def _is_one_of(values: np.ndarray, wanted: tuple[Value, ...]) -> np.ndarray:
    if values.ndim == 2:
        table = np.zeros(256, bool)
        for value in wanted:
            if len(set(value)) == 1:
                table[value[0]] = True
        return np.take(table, values)
    result = np.zeros(values.shape[:2], bool)
    for value in wanted:
        red, green, blue = value * 3 if len(value) == 1 else value
        result |= (values[..., 0] == red) & (values[..., 1] == green) & (values[..., 2] == blue)
    return result
