"""Lint: what is unusual in the shape of a mask, by rules that were learnt from good masks or set by a person.

No truth is needed, so predictions can be judged too. The shape is taken at the mask's own resolution.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from segstudio.core.components import components
from segstudio.core.mask import Mask
from segstudio.core.options import Options, option

LEAST = 8
"""From fewer masks no rules are learnt."""

FENCE = 3.0
"""What lies so many interquartile ranges outside of the quartiles is unusual: "far out" in Tukey's Exploratory Data
Analysis (1977)."""

_SPECK = 0.02
"""Parts smaller than this share of the foreground say nothing of the solidity."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the rules look at.

    Attributes:
        parts: Connected parts, over sides and corners.
        holes: Background that is enclosed by foreground.
        area: Share of the image that is foreground, in percent.
        border: Share of the image's border that is foreground, in percent.
        balance: The smaller of the areas left and right of the image's middle, divided by the larger; 0 when one side
            is empty, 1 when both are.
        solidity: The least share that a part covers of its convex hull, specks left out; 1 for an empty mask.
    """

    parts: int
    holes: int
    area: float
    border: float
    balance: float
    solidity: float

    @classmethod
    def of(cls, mask: Mask) -> "Shape":
        """The shape of a mask: uint8 (H, W) of 0 and 1."""
        width = mask.shape[1]
        found = components(mask, is_diagonal=True)
        background = components(1 - mask, is_diagonal=False)
        foreground = int(found.areas.sum())
        frame = [mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]]
        left = int(np.count_nonzero(mask[:, : width // 2]))
        right = int(np.count_nonzero(mask[:, (width + 1) // 2 :]))
        larger = max(left, right)
        solid = [
            found.areas[index] / _hull_area(found.labels, int(index) + 1, found.boxes[index])
            for index in np.flatnonzero(found.areas >= _SPECK * foreground)
        ]
        return cls(
            len(found.areas),
            int(np.count_nonzero(~background.touches_border)),
            100 * foreground / mask.size,
            100 * sum(int(np.count_nonzero(line)) for line in frame) / sum(line.size for line in frame),
            min(left, right) / larger if larger else 1.0,
            float(min(solid, default=1.0)),
        )


def _hull_area(labels: np.ndarray, label: int, box: np.ndarray) -> int:
    """How many pixels the convex hull of a part has."""
    x, y, width, height = (int(value) for value in box)
    part = (labels[y : y + height, x : x + width] == label).view(np.uint8)
    contours, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(np.concatenate(contours))
    filled = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(filled, hull, 1)
    # Rounding may leave out a pixel that is in the part.
    return int(np.count_nonzero(filled | part))


_Count = Annotated[int, Field(ge=0)]
_Percent = Annotated[float, Field(ge=0, le=100)]


class LintRules(Options):
    """What is usual; everything else is unusual."""

    parts: tuple[_Count, _Count] = option((0, 100_000), "Parts", help="Connected parts of the foreground: from, to.")
    holes: int = option(100_000, "Holes at most", ge=0, help="Background that is enclosed by foreground.")
    area: tuple[_Percent, _Percent] = option(
        (0.0, 100.0), "Area", unit="%", help="Share of the image that is foreground: from, to."
    )
    border: float = option(
        100.0, "Border at most", unit="%", ge=0, le=100, help="Share of the image's border that is foreground."
    )
    balance: float = option(
        0.0, "Balance at least", ge=0, le=1,
        help="Of the areas left and right of the image's middle, the smaller divided by the larger.",
    )  # fmt: skip
    solidity: float = option(
        0.0, "Solidity at least", ge=0, le=1, help="The share that every part covers of its convex hull."
    )


@dataclass(frozen=True, slots=True)
class Unusual:
    """What is unusual in a mask.

    Attributes:
        score: 0 when nothing is; else it rises with the number of broken rules and with how far each is missed.
        words: A sentence for each broken rule, the worst first.
    """

    score: float
    words: tuple[str, ...]


def judged(shape: Shape, rules: LintRules) -> Unusual:
    """What is unusual in a shape."""
    least, most = rules.area
    found = [
        _outside(shape.parts, *rules.parts, 1, f"{_count(shape.parts, 'part')}, where {_usual(*rules.parts)}"),
        _outside(shape.holes, 0, rules.holes, 1, f"{_count(shape.holes, 'hole')}, where {_usual(0, rules.holes)}"),
        _outside(shape.area, least, most, 1, f"covers {shape.area:.1f} %, where {least:.1f} to {most:.1f} % is usual"),
        _outside(
            shape.border, 0, rules.border, 5,
            f"lies along {shape.border:.1f} % of the border, where at most {rules.border:.1f} % is usual",
        ),
        _outside(
            shape.balance, rules.balance, 1, 0.1,
            f"one side is {shape.balance:.2f} of the other, where at least {rules.balance:.2f} is usual",
        ),
        _outside(
            shape.solidity, rules.solidity, 1, 0.1,
            f"a part fills {shape.solidity:.2f} of its convex hull, where at least {rules.solidity:.2f} is usual",
        ),
    ]  # fmt: skip
    broken = sorted((one for one in found if one is not None), key=lambda one: -one[0])
    return Unusual(round(sum(miss for miss, _ in broken), 4), tuple(words for _, words in broken))


def learnt(shapes: Sequence[Shape]) -> LintRules:
    """The rules that masks which are taken for good keep: robust, so that a few bad ones among them do no harm.

    Each bound is Tukey's far-out fence. Where masks are all alike it lies a little beyond them, but for what is counted
    and for the border: a part too many is one too many.

    Raises:
        ValueError: When there are fewer than LEAST.
    """
    if len(shapes) < LEAST:
        raise ValueError(f"{len(shapes)} masks are too few to learn from; it takes {LEAST}")

    def fences(name: str, slack: float = 0.0) -> tuple[float, float]:
        values = np.array([getattr(one, name) for one in shapes], np.float64)
        low, high = np.quantile(values, (0.25, 0.75))
        reach = max(FENCE * (high - low), slack)
        return float(low - reach), float(high + reach)

    parts, area = fences("parts"), fences("area", 0.1 * float(np.median([one.area for one in shapes])))
    return LintRules(
        parts=(max(0, int(np.floor(parts[0]))), int(np.ceil(parts[1]))),
        holes=max(0, int(np.ceil(fences("holes")[1]))),
        area=(max(0.0, _down(area[0], 1)), min(100.0, _up(area[1], 1))),
        border=min(100.0, max(0.0, _up(fences("border")[1], 1))),
        balance=min(1.0, max(0.0, _down(fences("balance", 0.1)[0], 2))),
        solidity=min(1.0, max(0.0, _down(fences("solidity", 0.05)[0], 2))),
    )


def _down(value: float, digits: int) -> float:
    return float(np.floor(value * 10**digits + 1e-9) / 10**digits)


def _up(value: float, digits: int) -> float:
    return float(np.ceil(value * 10**digits - 1e-9) / 10**digits)


def _outside(value: float, least: float, most: float, unit: float, words: str) -> tuple[float, str] | None:
    """How badly a rule is broken, from 1 to 2; None when it is kept.

    A miss is held against the bound that is missed, and against `unit` where that bound is smaller.
    """
    if least <= value <= most:
        return None
    beyond, bound = (least - value, least) if value < least else (value - most, most)
    return 1 + beyond / (beyond + max(bound, unit)), words


def _count(count: int, noun: str) -> str:
    return f"no {noun}" if count == 0 else f"1 {noun}" if count == 1 else f"{count} {noun}s"


def _usual(least: int, most: int) -> str:
    if most == 0:
        return "none is usual"
    if least < most:
        return f"{least} to {most} are usual"
    return "1 is usual" if most == 1 else f"{most} are usual"
