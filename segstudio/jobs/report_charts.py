"""Charts of a report as SVG: lines, and how often something is how large. Their colours are variables of the page."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 460, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 14, 30, 34


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart.

    Attributes:
        name: For the legend.
        colour: Of CSS: "var(--train)".
        points: (x, y), from left to right.
    """

    name: str
    colour: str
    points: Sequence[tuple[float, float]]


def line_chart(title: str, lines: Iterable[Line], *, across: str = "epoch", most: float | None = None) -> str:
    """Lines over a common axis, or nothing when there is no point at all.

    A first value that is far off would flatten the rest: the chart ends at four times the median of all values.

    Args:
        title: Above the chart.
        lines: What is drawn.
        across: What lies along the lower edge.
        most: The upper end, when it is known: 1 for a share.
    """
    shown = [line for line in lines if line.points]
    values = sorted(y for line in shown for _, y in line.points if math.isfinite(y))
    if not values:
        return ""
    low = min(0.0, values[0])
    high = min(values[-1], 4 * abs(values[len(values) // 2]) or values[-1]) if most is None else most
    if most is not None and values[0] > 0.5 * most:
        low = max(0.0, math.floor(10 * (values[0] - 0.05)) / 10)  # where everything is good, the differences count
    frame = _Frame((min(x for line in shown for x, _ in line.points), max(x for line in shown for x, _ in line.points)),
                   (low, high if high > low else low + 1), is_whole_across=across == "epoch")  # fmt: skip
    parts = [frame.grid(across)]
    for line in shown:
        points = " ".join(frame.place(x, min(y, frame.y[1])) for x, y in line.points if math.isfinite(y))
        parts.append(
            f'<polyline fill="none" stroke="{line.colour}" stroke-width="1.8" stroke-linejoin="round" '
            f'points="{points}"><title>{escape(line.name)}</title></polyline>'
        )
    return _svg(title, [*parts, _legend(shown)])


def histogram(title: str, values: Sequence[float], *, across: str, bins: int = 20) -> str:
    """How many of the values, which are shares, lie where; with their median and mean."""
    if not values:
        return ""
    # Good networks crowd at the right end: where all values are high, the bins divide what is left.
    low = max(0.0, math.floor(10 * min(values)) / 10)
    low = low if low < 1 else 0.9
    wide = (1 - low) / bins
    counts = [0] * bins
    for value in values:
        counts[min(int((value - low) / wide), bins - 1)] += 1
    frame = _Frame((low, 1.0), (0.0, float(max(counts))), is_whole_up=True)
    parts = [frame.grid(across)]
    for number, count in enumerate(counts):
        if count:
            x0, y0 = frame.spot(low + number * wide, count)
            x1, y1 = frame.spot(low + (number + 1) * wide, 0)
            words = f"{low + number * wide:.3f} to {low + (number + 1) * wide:.3f}: {count}"
            parts.append(
                f'<rect x="{x0 + 0.5:.1f}" y="{y0:.1f}" width="{max(x1 - x0 - 1, 1):.1f}" height="{y1 - y0:.1f}" '
                f'fill="var(--bar)"><title>{words}</title></rect>'
            )
    ordered = sorted(values)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    marks = [
        Line("median", "var(--train)", [(middle, 0)]),
        Line("mean", "var(--val)", [(sum(values) / len(values), 0)]),
    ]
    for mark in marks:
        x, bottom = frame.spot(mark.points[0][0], 0)
        parts.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom:.1f}" stroke="{mark.colour}" '
                     f'stroke-width="1.8" stroke-dasharray="5 3"/>')  # fmt: skip
    named = [Line(f"{mark.name} {mark.points[0][0]:.3f}", mark.colour, mark.points) for mark in marks]
    return _svg(title, [*parts, _legend(named)])


def steps_of(low: float, high: float, count: int = 4, *, is_whole: bool = False) -> list[float]:
    """Round numbers from `low` to `high`, about `count` of them: 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    step = next(power * part for part in (1, 2, 5, 10) if power * part >= rough * 0.999)
    if is_whole:
        step = max(1.0, round(step))
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


class _Frame:
    """Where values lie in a chart."""

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        is_whole_across: bool = False,
        is_whole_up: bool = False,
    ) -> None:
        self.x, self.y = x, y
        self._is_whole_across, self._is_whole_up = is_whole_across, is_whole_up

    def spot(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        up = (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        return _LEFT + across * (WIDTH - _LEFT - _RIGHT), HEIGHT - _BOTTOM - up * (HEIGHT - _BOTTOM - _TOP)

    def place(self, x: float, y: float) -> str:
        return "{:.1f},{:.1f}".format(*self.spot(x, y))

    def grid(self, across: str) -> str:
        """Lines at round values with their numbers, and what lies along the lower edge."""
        parts = []
        for value in steps_of(*self.y, is_whole=self._is_whole_up):
            _, y = self.spot(self.x[0], value)
            parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        for value in steps_of(*self.x, 6, is_whole=self._is_whole_across):
            x, y = self.spot(value, self.y[0])
            parts.append(f'<text x="{x:.1f}" y="{y + 15:.1f}" text-anchor="middle">{value:g}</text>')
        parts.append(
            f'<text class="quiet" x="{WIDTH - _RIGHT}" y="{HEIGHT - 5}" text-anchor="end">{escape(across)}</text>'
        )
        return "".join(parts)


def _legend(lines: Sequence[Line]) -> str:
    """The names of the lines at the upper right, from right to left."""
    parts, x = [], float(WIDTH - _RIGHT)
    for line in reversed([line for line in lines if line.name]):
        name = escape(line.name)
        parts.append(f'<text x="{x:.0f}" y="18" text-anchor="end">{name}</text>')
        x -= 6.2 * len(line.name) + 6
        parts.append(f'<rect x="{x - 10:.0f}" y="12" width="10" height="3" fill="{line.colour}"/>')
        x -= 22
    return "".join(parts)


def _svg(title: str, parts: Sequence[str]) -> str:
    name = escape(title)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">'
        f'<text class="title" x="12" y="18">{name}</text>{"".join(parts)}</svg>'
    )
