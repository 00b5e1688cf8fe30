"""The course of a training: its figures epoch by epoch, as curves draw them and as a table."""

import csv
import io
import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Series:
    """One curve: epochs in rising order and the values there."""

    epochs: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def append(self, epoch: float, value: float) -> None:
        """Add a point; an epoch that is trained once more replaces its first try and all after it."""
        if self.epochs and epoch <= self.epochs[-1]:
            keep = bisect_left(self.epochs, epoch)
            del self.epochs[keep:], self.values[keep:]
        self.epochs.append(epoch)
        self.values.append(value)

    def at(self, epoch: float) -> float | None:
        """The value at exactly that epoch, or None."""
        index = bisect_left(self.epochs, epoch)
        return self.values[index] if index < len(self.epochs) and self.epochs[index] == epoch else None


@dataclass(frozen=True)
class Figure:
    """Something that is drawn over the epochs.

    Attributes:
        title: What it is called.
        names: The columns of metrics.csv: that of training and that of validation, or the only one.
        most: The greatest value there can be; None when there is none.
    """

    title: str
    names: tuple[str, ...]
    most: float | None = None


FIGURES = {
    "loss": Figure("Loss", ("loss", "val_loss")),
    "iou": Figure("Foreground IoU", ("iou", "val_iou"), 1.0),
    "dice": Figure("Foreground Dice", ("dice", "val_dice"), 1.0),
    "binary_iou": Figure("Binary IoU", ("binary_iou", "val_binary_iou"), 1.0),
    "accuracy": Figure("Accuracy", ("accuracy", "val_accuracy"), 1.0),
    "learning_rate": Figure("Learning rate", ("learning_rate",)),
    "images_per_second": Figure("Images per second", ("images_per_second",)),
    "memory_mib": Figure("Memory (MiB)", ("memory_mib",)),
    "gpu_memory_mib": Figure("GPU memory (MiB)", ("gpu_memory_mib",)),
}
"""By the name of the column of training; see ml/fit.py for what each of them is."""


class Course:
    """The figures of one training.

    Attributes:
        label: What it is called beside others.
    """

    def __init__(self, label: str = "") -> None:
        self.label = label
        self._series: dict[str, Series] = {}

    def append(self, epoch: float, values: Mapping[str, float]) -> None:
        """Add the figures of one epoch; what is not a number is left out."""
        for name, value in values.items():
            if name != "epoch" and value is not None and math.isfinite(value):
                self._series.setdefault(name, Series()).append(epoch, value)

    def of(self, name: str) -> Series:
        """One figure over the epochs; empty when it was not measured."""
        return self._series.get(name) or Series()

    @property
    def names(self) -> list[str]:
        """The figures that were measured."""
        return list(self._series)

    @property
    def epochs(self) -> list[float]:
        """All epochs of which there is any figure."""
        return sorted({epoch for series in self._series.values() for epoch in series.epochs})

    @property
    def best_epoch(self) -> float | None:
        """The epoch that validates best: highest validation IoU so far, at a tie the lowest validation loss.

        Epoch 0 is what the training began with: 0 as long as nothing was better, None before there is anything else.
        """
        iou, loss = self.of("val_iou"), self.of("val_loss")
        points = list(zip(iou.values, iou.epochs, strict=True))
        if not any(epoch > 0 for _, epoch in points):
            return None
        return max(points, key=lambda point: (point[0], -(loss.at(point[1]) or 0.0)))[1]


def course_of(epochs: Iterable[Mapping[str, float]], label: str = "") -> Course:
    """The course that the rows of a metrics.csv tell."""
    course = Course(label)
    for values in epochs:
        course.append(values["epoch"], values)
    return course


def figures_in(courses: Sequence[Course]) -> list[str]:
    """Names of the figures of which there is anything to draw; loss and IoU always."""
    measured = {name for course in courses for name in course.names}
    return [name for name, figure in FIGURES.items() if name in ("loss", "iou") or measured.intersection(figure.names)]


def csv_text(courses: Sequence[Course]) -> str:
    """All figures of all courses as comma-separated values: a line an epoch, the run before it, a column a figure."""
    names = list(dict.fromkeys(name for course in courses for name in course.names))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", "epoch", *names])
    for course in courses:
        for epoch in course.epochs:
            values = (course.of(name).at(epoch) for name in names)
            writer.writerow([course.label, f"{epoch:g}", *("" if value is None else repr(value) for value in values)])
    return text.getvalue()
