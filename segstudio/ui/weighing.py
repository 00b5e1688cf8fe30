"""Weighing: shows what each pixel of the sample on screen would count in the next training."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer

from segstudio.core.errors import UserError
from segstudio.core.labels import CORRECTED
from segstudio.core.mask import Mask
from segstudio.core.percentage import percent
from segstudio.ui.background import Background
from segstudio.ui.canvas.layers import CORRECTION, UNREVIEWED, Colour
from segstudio.ui.canvas.layers import IGNORED as HATCH
from segstudio.ui.canvas.marks import Caption, CaptionPart
from segstudio.ui.canvas.panes import Panes
from segstudio.ui.canvas.shown_weights import ShownWeights
from segstudio.ui.session import Session

_PAUSE_MS = 120
"""Computed so long after the last stroke."""

_HELP = (
    "What a pixel counts in the loss of the next training, by the options of the Train tab:\n"
    "corrected – changed since the run that is named has learnt from the mask\n"
    "ignored – neither learnt from nor measured\n"
    "the others count 1, or less where nobody has reviewed the sample"
)

Computed = tuple[Mask | None, Mask | None, Caption]


class Weighing(QObject):
    """Computes, in a thread, what `panes` show of it; nothing while it is off.

    Attributes:
        is_on: Whether it is wanted.
    """

    def __init__(
        self, session: Session, panes: Panes, options: Callable[[], Mapping[str, Any]], parent: QObject | None = None
    ) -> None:
        """Weigh by what `options` tells: those of the next training."""
        super().__init__(parent)
        self.is_on = False
        self._session = session
        self._panes = panes
        self._options = options
        self._number = 0
        self._thread = Background("weights", self)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._compute)
        session.sample_changed.connect(self._forget)
        session.history_changed.connect(self.refresh)
        session.verdict_changed.connect(lambda _sample: self.refresh())
        session.project_changed.connect(lambda topics: self.refresh() if "runs" in topics else None)

    @property
    def is_busy(self) -> bool:
        """Whether what is shown is not of now."""
        return self._pause.isActive() or self._thread.is_busy

    def set_on(self, is_on: bool) -> None:
        """Show it, or show it no longer."""
        self.is_on = is_on
        self._forget()
        self.refresh()

    def refresh(self) -> None:
        """Something that it depends on has changed."""
        if self.is_on:
            self._pause.start()

    def close(self) -> None:
        """End the thread."""
        self.is_on = False
        self._pause.stop()
        self._thread.close()

    def _forget(self, _sample: object = None) -> None:
        self._number += 1
        self._panes.set_weights(None)

    def _compute(self) -> None:
        session = self._session
        sample, document = session.sample, session.document
        if not self.is_on or sample is None or document is None:
            return
        self._number += 1
        number, project = self._number, session.project
        mask, ignored, options = document.snapshot().mask, session.ignored_now(), dict(self._options())

        def compute() -> Computed | None:
            if number != self._number:
                return None  # a newer stroke waits
            from segstudio.jobs.pixel_weights import pixel_weights

            found = pixel_weights(project, sample, mask, ignored, options)
            corrected = _marked(found.labels & np.uint8(CORRECTED))
            others = None
            if found.usual != 1 or found.left_out:
                others = (found.labels == 0) | (found.labels == 1)
            parts: list[CaptionPart] = []
            short: list[CaptionPart] = []

            def say(colour: Colour | None, words: str, counts: float, word: str = "") -> None:
                parts.append((colour, f"{words}: ×{counts:g}"))
                short.append((colour, f"{word} ×{counts:g}".strip()))

            if found.left_out:
                say(UNREVIEWED, found.left_out, 0, "not learnt")
            else:
                if found.weighing.correction != 1:
                    since = f" since {found.against}" if found.against else ""
                    say(CORRECTION, f"corrected{since} {percent(found.share(CORRECTED), 1)}", found.weighing.correction)
                words = "others" if others is None else "not reviewed"
                say(None if others is None else UNREVIEWED, words, found.usual, "else" if others is None else "")
            if ignored is not None:
                say(HATCH, "ignored", 0)
            return (
                corrected,
                None if others is None else others.view(np.uint8),
                Caption(tuple(parts), tuple(short), _HELP),
            )

        self._thread.submit(compute, lambda future: self._take(number, future))

    def _take(self, number: int, future: "Future[Computed | None]") -> None:
        if number != self._number or not self.is_on:
            return
        error = future.exception()
        if error is not None and not isinstance(error, UserError | OSError):
            raise error
        if error is not None:
            self._panes.set_weights(ShownWeights(None, None, Caption(((None, str(error)),))))
            return
        found = future.result()
        self._panes.set_weights(None if found is None else ShownWeights(*found))


def _marked(labels: np.ndarray) -> Mask | None:
    marked = labels > 0
    return marked.view(np.uint8) if marked.any() else None
