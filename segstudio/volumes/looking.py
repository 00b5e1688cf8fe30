"""A look at one volume before anything is made of it: its middle slice through any window."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from segstudio.core.reporter import Reporter
from segstudio.formats.window import Bounds, parse_window
from segstudio.volumes import Slicing, VolumeFormat
from segstudio.volumes.unpacking import opened, prepare, shown, window_of


class Look:
    """A volume that is kept open; not for several threads at once.

    Attributes:
        name: What the file is called.
    """

    def __init__(self, kind: type[VolumeFormat], path: Path, slicing: Slicing, scratch: Path, report: Reporter) -> None:
        """Open it and make its slices readable.

        Raises:
            Unreadable: When it is damaged.
            Cancelled: When the reporter says so.
        """
        self.name = path.name
        self._automatic: tuple[Bounds | None] | None = None
        self._report = report
        with ExitStack() as stack:
            self._volume = stack.enter_context(opened(kind, path, slicing))
            prepare(self._volume, scratch, report)
            self._closing = stack.pop_all()

    def picture(self, window: str) -> tuple[np.ndarray, Bounds | None]:
        """The middle slice as the project would have it, and what is black and white in it.

        Args:
            window: As the option has it.

        Returns:
            uint8 (H, W) or (H, W, 3), and the bounds; None where the values are 8 bits as they are.

        Raises:
            UserError: When there is no such window.
            Unreadable: When the slice is damaged.
        """
        if self._automatic is None:
            self._automatic = (window_of(self._volume, None, self._report),)
        (automatic,) = self._automatic
        # What fits into 8 bits is seen as it is, whatever the window.
        seen = automatic if automatic is None else parse_window(window) or automatic
        return shown(self._volume, seen, self._volume.count // 2), seen

    def close(self) -> None:
        """Let go of the file."""
        self._closing.close()
