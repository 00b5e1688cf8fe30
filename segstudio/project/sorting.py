"""Sorting: the orders in which the sample list can be shown."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segstudio.core.errors import UserError
from segstudio.core.sample import ReviewState
from segstudio.project.sample_table import STATES, SampleTable

Keys: TypeAlias = tuple[NDArray[np.generic], ...]
"""Columns to sort by, ascending, the most important one first; NaN is "nothing known" and comes last."""


def _name(table: SampleTable) -> Keys:
    return (table.position,)


def _iou(table: SampleTable) -> Keys:
    return (table.iou,)


def _dice(table: SampleTable) -> Keys:
    return (table.dice,)


def _uncertainty(table: SampleTable) -> Keys:
    return (-table.uncertainty,)


def _work(table: SampleTable) -> Keys:
    """Undecided samples first, then by how much of the area is predicted wrongly, or probably is."""
    return (table.state != STATES.index(ReviewState.TODO), -table.work)


def _unseen(table: SampleTable) -> Keys:
    """What was never on screen first, then what has not been there for longest."""
    return (~np.isnan(table.seen), table.seen)


def _suspicion(table: SampleTable) -> Keys:
    return (-table.suspicion,)


def _state(table: SampleTable) -> Keys:
    return (table.state,)


def _split(table: SampleTable) -> Keys:
    return (table.split,)


def _changed(table: SampleTable) -> Keys:
    """By how much of the area is predicted otherwise than by the run before; then by how much the IoU moved."""
    return (-table.change, -np.abs(table.iou - table.iou_before))


def _lint(table: SampleTable) -> Keys:
    return (-table.lint,)


SORT_KEYS: dict[str, Callable[[SampleTable], Keys]] = {
    "name": _name,
    "iou": _iou,
    "dice": _dice,
    "uncertainty": _uncertainty,
    "work": _work,
    "state": _state,
    "split": _split,
    "changed": _changed,
    "unseen": _unseen,
    "suspicion": _suspicion,
    "lint": _lint,
}
"""Each order by its name: worst IoU and Dice first, most uncertain, most work, most changed, longest unseen, most
suspicious and most unusual first."""


def sorted_rows(table: SampleTable, rows: NDArray[np.intp], key: str, *, is_reversed: bool = False) -> NDArray[np.intp]:
    """Some rows of the table in another order.

    Samples without a figure come last in both directions; those with the same figure keep the order of names.

    Args:
        table: The samples.
        rows: Which of them, for example from `Filter.rows`.
        key: One of SORT_KEYS.
        is_reversed: Whether the other end comes first.

    Raises:
        UserError: For an unknown key.
    """
    if key not in SORT_KEYS:
        raise UserError(f"samples cannot be sorted by {key!r}", f"keys are {', '.join(SORT_KEYS)}")
    sorters: list[NDArray[np.generic]] = [table.position[rows]]
    for column in reversed(SORT_KEYS[key](table)):
        # Moments need more digits than figures.
        kind = np.float64 if column.dtype == np.float64 else np.float32
        values: NDArray[np.floating] = column[rows].astype(kind)
        # lexsort's last key counts most; NaN would come last by itself, but not when it is turned round.
        sorters += [-values if is_reversed else values, np.isnan(values)]
    return rows[np.lexsort(sorters)]
