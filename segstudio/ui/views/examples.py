"""One image of a comparison: as it is, its true mask, and what two arms predict, with the errors in colours."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from segstudio.core.metrics import METRICS
from segstudio.core.scaling import scaled_mask
from segstudio.project.comparisons import Comparison
from segstudio.project.project import Project
from segstudio.project.scores import THRESHOLD
from segstudio.ui.background import EXPECTED
from segstudio.ui.canvas.layers import TRUTH
from segstudio.ui.views.numbers import change_text
from segstudio.ui.views.pictures import Picture, compared, outlined, small, to_image
from segstudio.ui.widgets import ElidedLabel, muted

SIDE = 360
"""Side of the pictures in pixels; they are shown at half of that on a classical screen."""

_EXPECTED = (*EXPECTED, KeyError)
"""A file that is damaged or gone, a sample that is gone, a project that was closed meanwhile."""


@dataclass(frozen=True)
class Wanted:
    """Which image, and by which arm.

    Attributes:
        comparison: Whose predictions.
        arm: The arm that is held against the first.
        row: A row of the result: sample, image, difference, first, second, repeat.
    """

    comparison: Comparison
    arm: str
    row: Mapping[str, Any]

    @property
    def words(self) -> str:
        """The image and what became of it."""
        row = self.row
        name = str(row["image"]).rpartition("/")[2]
        metric = METRICS[self.comparison.metric]
        repeat = f" · pictures of repeat {row['repeat'] + 1}" if self.comparison.repeats > 1 else ""
        return f"{name}: {metric} {row['first']:.3f} → {row['second']:.3f} ({change_text(row['difference'])}){repeat}"


class ExampleRow(QWidget):
    """Four pictures of one image; a double click or Enter opens it in Review.

    Signals:
        opened: Told the id of the sample.
    """

    opened = Signal(int)

    def __init__(self, wanted: Wanted, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.wanted = wanted
        self._words = ElidedLabel(wanted.words)
        self._words.setProperty("muted", True)
        titles = ("Image", "True mask", wanted.comparison.arms[0].name, wanted.arm)
        self.pictures = [Picture(f"{title}: {wanted.words}", SIDE // 2) for title in titles]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 6)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        grid.addWidget(self._words, 0, 0, 1, 4)
        for column, (title, picture) in enumerate(zip(titles, self.pictures, strict=True)):
            picture.set_clickable()
            picture.setToolTip("Double-click or press Enter to open it in Review")
            picture.opened.connect(self._open)
            label = muted(title)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            grid.addWidget(picture, 1, column)
            grid.addWidget(label, 2, column)
            grid.setColumnStretch(column, 1)

    def take(self, future: "Future[Sequence[QImage]]") -> None:
        """Show what `pictures_of` made; what it could not make stays empty, with the reason."""
        error = future.exception()
        if isinstance(error, _EXPECTED):
            self._words.setText(f"{self.wanted.words}: {error}")
            return
        for picture, image in zip(self.pictures, future.result(), strict=True):
            picture.show_image(image)

    def _open(self) -> None:
        self.opened.emit(int(self.wanted.row["sample"]))


def pictures_of(project: Project, wanted: Wanted) -> list[QImage]:
    """Image, true mask and both predictions of one image as small pictures; reads files, so for a thread.

    Raises:
        UserError: When a file cannot be read.
    """
    sample = project.samples.get(int(wanted.row["sample"]))
    truth = project.masks.load(sample)
    shown = small(project.read_image(sample), truth, SIDE)
    assert shown.mask is not None
    pictures = [shown.rgb, outlined(shown.rgb, shown.mask, TRUTH, is_filled=True)]
    for arm in (wanted.comparison.arms[0].name, wanted.arm):
        probability = wanted.comparison.cell(arm, int(wanted.row["repeat"])).prediction(sample)
        predicted = (probability >= THRESHOLD).astype("uint8")
        height, width = shown.mask.shape
        pictures.append(compared(shown.rgb, shown.mask, scaled_mask(predicted, height, width)))
    return [to_image(picture) for picture in pictures]
