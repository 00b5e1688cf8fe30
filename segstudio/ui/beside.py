"""Beside: what other runs predict of the sample on screen, blinked at the same place or as a map of where they differ.

The predictions of earlier runs are read in a thread when they are asked for, and kept until another sample is on screen
or something is predicted anew. Blinking begins at once with what is in memory.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from segstudio.core.errors import UserError
from segstudio.core.mask import Mask
from segstudio.core.metrics import Counts
from segstudio.core.percentage import percent
from segstudio.core.sample import Sample
from segstudio.core.threshold import predicted_at
from segstudio.project.project import Project
from segstudio.project.versions import Disagreement, Version, runs_of
from segstudio.ui.background import Background
from segstudio.ui.canvas.layers import PREDICTION, TRUTH, Colour
from segstudio.ui.canvas.panes import Panes
from segstudio.ui.session import Session

MOST_RUNS = 8
"""So many runs are read, the current and the newest."""

STEP_MS = 700
"""While the key is held the next is shown after this time."""


@dataclass(frozen=True, eq=False)
class _Others:
    """What was read of a sample.

    Attributes:
        sample_id: Which one.
        masks: What each run predicts at its threshold, the current run first; what other readers have drawn, too.
        runs: How many of them are predictions.
        heat: Where they differ, see `versions.Disagreement`; None with fewer than two.
        share: The share of the area on which their masks differ.
    """

    sample_id: int
    masks: dict[Version, Mask]
    runs: int
    heat: NDArray[np.uint8] | None
    share: float


class Beside(QObject):
    """Reads, blinks, and shows the map.

    Attributes:
        told: Told what a person should know.
        shown: What is blinked now: "True mask", "Run 0002"; empty when nothing is.
        is_heat_wanted: Whether the map is to be shown.
    """

    told = Signal(str)

    def __init__(self, session: Session, panes: Panes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._panes = panes
        self._others: _Others | None = None
        self._is_reading = False
        self._is_closed = False
        self._at = -1
        self._is_held = False
        self.shown = ""
        self.is_heat_wanted = False
        self._thread = Background("beside", self)
        self._next = QTimer(self, interval=STEP_MS)
        self._next.timeout.connect(self._step)
        session.sample_changed.connect(lambda _sample: self._forget())
        session.predicted.connect(self._forget)

    @property
    def is_busy(self) -> bool:
        """Whether predictions are being read."""
        return self._thread.is_busy

    def blink(self, is_held: bool) -> None:
        """Show the next of the true mask and the predictions, and go on while the key is held; then none of them."""
        self._is_held = is_held
        if is_held:
            self._read()
            self._step()
            self._next.start()
        else:
            self._next.stop()
            self.shown = ""
            self._panes.show_instead(None)

    def show_heat(self, is_on: bool) -> None:
        """Show where the runs disagree, over the prediction, or the prediction again."""
        self.is_heat_wanted = is_on
        if is_on:
            self._read()
        self._show_heat(tells=is_on)

    def close_threads(self) -> None:
        """End the thread."""
        self._is_closed = True
        self._next.stop()
        self._thread.close()

    def _forget(self) -> None:
        self._others, self._at = None, -1
        self._panes.show_heat(None)
        if self._is_held:
            self.blink(False)
        if self.is_heat_wanted:
            self._read()

    def _read(self) -> None:
        sample = self._session.sample
        if self._others is not None or self._is_reading or sample is None or self._is_closed:
            return
        self._is_reading = True
        project = self._session.project

        def is_wanted() -> bool:
            return not self._is_closed and self._session.sample is not None and self._session.sample.id == sample.id

        self._thread.submit(partial(_read, project, sample, is_wanted), self._take)

    def _take(self, future: "Future[_Others]") -> None:
        self._is_reading = False
        error = future.exception()
        if isinstance(error, UserError | OSError):
            self._session.tell(error)
            return
        others, sample = future.result(), self._session.sample
        if sample is None or self._is_closed:
            return
        if others.sample_id != sample.id:
            if self.is_heat_wanted or self._is_held:
                self._read()
            return
        self._others = others
        self._show_heat(tells=True)

    def _show_heat(self, *, tells: bool) -> None:
        others = self._others if self.is_heat_wanted else None
        if others is None:
            self._panes.show_heat(None)
            return
        self._panes.show_heat(others.heat, f"{others.runs} runs disagree on {percent(others.share, 1)}")
        if others.heat is None and tells:
            self.told.emit("Fewer than two runs have predicted this sample: there is nothing to disagree about.")

    def _step(self) -> None:
        """Show the next one."""
        sequence = self._sequence()
        if not sequence:
            return
        self._at = (self._at + 1) % len(sequence)
        title, colour, mask, run = sequence[self._at]
        self.shown = title
        self._panes.show_instead(mask, self._words(title, mask, run), colour)

    def _sequence(self) -> list[tuple[str, Colour, Mask, int | None]]:
        """The true mask, the current prediction, those of earlier runs: as far as they are read."""
        session, found = self._session, list[tuple[str, Colour, Mask, int | None]]()
        if session.document is not None:
            found.append(("True mask", TRUTH, session.document.mask, None))
        loaded = session.loaded
        current = None if loaded is None else loaded.run_id
        if loaded is not None and loaded.probability is not None and current is not None:
            version = Version("run", current, session.reader)
            found.append((version.title, PREDICTION, predicted_at(loaded.probability, session.level), current))
        for version, mask in (self._others.masks if self._others is not None else {}).items():
            if version.number != current:
                found.append((version.title, PREDICTION, mask, version.number))
        return found

    def _words(self, title: str, mask: Mask, run: int | None = None) -> str:
        document, sample, project = self._session.document, self._session.sample, self._session.project
        if document is None or sample is None or title == "True mask":
            return title
        if run is not None and project.looks.hides(sample, run):
            return title
        iou = Counts.of(document.mask, mask, self._session.ignored_now()).iou
        return title if iou is None else f"{title}  ·  IoU {iou:.3f}"


def _read(project: Project, sample: Sample, is_wanted: Callable[[], bool]) -> _Others:
    """In the thread: what each run predicts; what cannot be read is left out."""
    masks: dict[Version, Mask] = {}
    disagreement = Disagreement()
    for version in runs_of(project, sample)[:MOST_RUNS]:
        if not is_wanted():
            break
        try:
            probability = project.predictions.load(version.number, sample)
        except (UserError, OSError):
            continue
        if probability is not None:
            masks[version] = predicted_at(probability, project.predictions.level(version.number))
            if not version.reader:
                disagreement.add(probability, masks[version])
    return _Others(sample.id, masks, disagreement.count, disagreement.heat, disagreement.share)
