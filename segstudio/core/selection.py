"""Selection: the part of a picture that somebody wants to decide about; most of the time there is none."""

from segstudio.core.raster import EMPTY_REGION, Region
from segstudio.core.signal import Signal


class Selection:
    """One region, in image pixels. Belongs to one thread, and changes no mask.

    Attributes:
        region: The pixels; EMPTY_REGION when there is none.
        changed: Told after it became another.
    """

    def __init__(self) -> None:
        self.region: Region = EMPTY_REGION
        self.changed: Signal[[]] = Signal()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is selected."""
        return self.region.rect.is_empty

    def set(self, region: Region) -> None:
        """Select these pixels in place of what was; none when the region has none."""
        was_empty = self.is_empty
        self.region = region if region.inside.any() else EMPTY_REGION
        if not (was_empty and self.is_empty):
            self.changed.emit()

    def clear(self) -> None:
        """Select nothing."""
        self.set(EMPTY_REGION)
