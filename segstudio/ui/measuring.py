"""Measuring: the sample on screen in figures, a moment after its mask has changed, computed in a thread of its own."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from segstudio.core.blobs import forgiven
from segstudio.core.lint import Shape, judged
from segstudio.core.mask import Mask
from segstudio.core.metrics import Counts
from segstudio.core.reporter import ListReporter
from segstudio.core.threshold import predicted_at
from segstudio.project.topics import Topics
from segstudio.ui.background import Background

if TYPE_CHECKING:
    from segstudio.ui.session import Session

_MEASURE_MS = 200


@dataclass(frozen=True, slots=True)
class Measurement:
    """The sample on screen in figures.

    Attributes:
        sample_id: Which sample.
        foreground: Pixels of the mask that are set.
        pixels: Pixels there are.
        counts: The mask against the current prediction, or None without a prediction; errors within the tolerance
            count as right.
        tolerance: Pixels.
        unusual: What is unusual in the shape of the mask, by the rules of the project; nothing while it is empty.
        unusual_predicted: The same of the prediction.
        how: How that was made, in words; empty when plainly.
        is_hidden: Whether there are no counts because nobody has looked at the test split yet, see `project.looks`.
        is_proposed: Whether the mask is only what the prediction shows: then there is nothing to count.
    """

    sample_id: int
    foreground: int
    pixels: int
    counts: Counts | None
    tolerance: int = 0
    unusual: tuple[str, ...] = ()
    unusual_predicted: tuple[str, ...] = ()
    how: str = ""
    is_hidden: bool = False
    is_proposed: bool = False


class Measuring(QObject):
    """Measures the sample on screen, and looks again at those that were left."""

    measured = Signal(object)
    """A Measurement of the sample on screen."""

    def __init__(self, session: "Session") -> None:
        super().__init__(session)
        self._session = session
        self._is_stopped = False
        self._is_hidden = False
        session.project_changed.connect(self._reveal)
        self._thread = Background("measure", self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_MEASURE_MS)
        self._timer.timeout.connect(self.measure)

    @property
    def is_busy(self) -> bool:
        """Whether something is being measured, or will be in a moment."""
        return self._timer.isActive() or self._thread.is_busy

    def _reveal(self, topics: Topics) -> None:
        """Somebody may have looked at the test split: then its figures need not be hidden any more."""
        if self._is_hidden and topics & {"runs", "predictions"}:
            self.measure_soon()

    def measure_soon(self) -> None:
        """Measure when nothing has changed for a moment."""
        self._timer.start()

    def measure(self) -> None:
        """Measure the sample on screen as it is now; `measured` tells the figures."""
        session = self._session
        sample, document, loaded = session.sample, session.document, session.loaded
        if sample is None or document is None or loaded is None:
            return
        mask, probability = document.snapshot().mask, loaded.probability
        tolerance, level = session.tolerance, session.level
        ignored, is_proposed = session.ignored_now(), document.is_proposed

        lint, looks = session.project.lint, session.project.looks

        def measurement() -> Measurement | None:
            if session.document is not document:
                return None  # somebody steps through the samples faster than they can be measured
            is_hidden = probability is not None and not is_proposed and looks.hides(sample, loaded.run_id)
            counts: Counts | None = None
            if probability is not None and not is_hidden and not is_proposed:
                counts = _counts(mask, probability >= level, tolerance, ignored)
            foreground, rules = int(mask.sum(dtype="int64")), lint.rules()
            unusual: tuple[str, ...] = ()
            predicted: tuple[str, ...] = ()
            if rules is not None and foreground and not is_proposed:
                unusual = judged(Shape.of(mask), rules).words
            if rules is not None and probability is not None:
                predicted = judged(Shape.of(predicted_at(probability, level)), rules).words
            return Measurement(
                sample.id, foreground, mask.size, counts, tolerance, unusual, predicted, loaded.how, is_hidden,
                is_proposed,
            )  # fmt: skip

        self._thread.submit(measurement, self._take)

    def _take(self, future: "Future[Measurement | None]") -> None:
        measurement, sample = future.result(), self._session.sample
        if measurement is not None and sample is not None and measurement.sample_id == sample.id:
            self._is_hidden = measurement.is_hidden
            self.measured.emit(measurement)

    def look_again(self, ids: list[int], done: Callable[["Future[Any]"], object]) -> None:
        """Find where the predictions of samples are worst now, and what is unusual in their masks."""
        find = self._session.project.predictions.find_missing_blobs
        self._thread.submit(lambda: find(ids, lambda: not self._is_stopped), done)
        self._thread.submit(lambda: self._look_at_shapes(ids), done)

    def _look_at_shapes(self, ids: list[int]) -> None:
        lint = self._session.project.lint
        if lint.rules() is not None and not self._is_stopped:
            lint.look("masks", ids, ListReporter())

    def stop(self) -> None:
        """Measure nothing more; what is looked at again ends early."""
        self._is_stopped = True
        self._timer.stop()

    def close(self, seconds: float) -> None:
        """End the thread, waiting so long for it at most."""
        self._thread.close(seconds)


def _counts(mask: Mask, predicted: NDArray[np.bool_], tolerance: int, ignored: Mask | None) -> Counts:
    """The counts of one image; with a tolerance they take a hundred times as long."""
    if tolerance:
        predicted = predicted ^ forgiven(mask, predicted.view(np.uint8), tolerance).view(np.bool_)
    return Counts.of(mask, predicted, ignored)
