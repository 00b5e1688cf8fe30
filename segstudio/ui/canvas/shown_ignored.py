"""Shown ignored: where the sample is ignored, hatched in every pane and followed while somebody paints it."""

from collections.abc import Callable

from segstudio.core.document import Document
from segstudio.core.mask import Rect
from segstudio.ui.canvas.layers import HatchLayer
from segstudio.ui.canvas.sampling import Pyramid


class ShownIgnored:
    """What is ignored of the sample on screen.

    Attributes:
        document: What tools paint; None without a sample, and until it is read.
        has_any: Whether anything is ignored, or was since the document is shown.
    """

    def __init__(self, changed: Callable[[Rect], object]) -> None:
        self.document: Document | None = None
        self.has_any = False
        self._changed = changed
        self._hatched: Pyramid | None = None
        self._leave: Callable[[], None] = lambda: None

    def show(self, document: Document | None) -> None:
        """Follow another document, which tells `changed` of what is painted, or none."""
        self._leave()
        self._leave = lambda: None
        self.document, self._hatched, self.has_any = document, None, False
        if document is not None:
            self._hatched = Pyramid(document.mask, gain=255)
            self.has_any = bool(document.mask.any())
            self._leave = document.changed.connect(self._changed)

    def take(self, rect: Rect) -> bool:
        """Show what was painted in `rect`; whether it is the first that is ignored."""
        assert self._hatched is not None
        self._hatched.change(rect)
        is_first = not self.has_any
        self.has_any = True
        return is_first

    @property
    def hatched(self) -> Pyramid | None:
        """Where it is ignored; None when nowhere."""
        return self._hatched if self.has_any else None

    @property
    def layer(self) -> HatchLayer | None:
        """The hatching over every pane; None when nothing is ignored."""
        return None if self.hatched is None else HatchLayer(self.hatched)
