"""Arrangement: in how many rows and columns panes show an image largest."""

from typing import NamedTuple

WORTH_LEAVING_THE_ROW = 1.15
"""Side by side is easiest to compare; another arrangement must show the image larger by this factor."""


class Cells(NamedTuple):
    """How many rows and columns."""

    rows: int
    columns: int


def arrange(count: int, space: tuple[float, float], chrome: tuple[float, float], image: tuple[int, int]) -> Cells:
    """The rows and columns in which `count` panes show the image largest, one row when it hardly matters.

    Args:
        count: Number of panes, 1 or more.
        space: Width and height for all of them, in pixels.
        chrome: Width and height that each pane's frame and header take of its cell.
        image: Width and height of the image; only their ratio counts.
    """

    def zoom(cells: Cells) -> float:
        width = space[0] / cells.columns - chrome[0]
        height = space[1] / cells.rows - chrome[1]
        return max(0.0, min(width / image[0], height / image[1]))

    row = Cells(1, count)
    others = {Cells(-(-count // columns), columns) for columns in range(1, count)}
    best = max(sorted(others), key=zoom, default=row)
    return best if zoom(best) > WORTH_LEAVING_THE_ROW * zoom(row) else row
