"""The figures of a training, epoch by epoch, as its folder keeps them for everybody to read: metrics.csv."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from segstudio.core.files import write_atomically

METRICS = "metrics.csv"

Epochs: TypeAlias = list[dict[str, float]]
"""The figures of each epoch by their names, "epoch" among them, the first epoch first."""


def save_epochs(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the file anew, whole: a line an epoch.

    Args:
        rows: The epoch (int) and its figures (float) each. Not all need have the same ones: those of an earlier version
            of the program, or of a computer with a GPU, may have others; what one lacks stays empty.
        path: The file.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in reversed(rows) for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue().encode("utf-8"))


def load_epochs(path: Path) -> Epochs:
    """Read it, also while the training goes on: of an epoch that was run twice the last time counts.

    What is no number is left out, and without a file there are no epochs: curves are shown as far as they are known.
    """
    if not path.is_file():
        return []
    epochs: dict[float, dict[str, float]] = {}
    for line in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8", errors="replace"), newline="")):
        figures = _numbers(line)
        if "epoch" in figures:
            epochs[figures["epoch"]] = figures
    return [epochs[epoch] for epoch in sorted(epochs)]


def _numbers(line: Mapping[str, Any]) -> dict[str, float]:
    figures = {}
    for name, text in line.items():
        try:
            figures[name] = float(text)
        except (TypeError, ValueError):
            continue
    return figures
