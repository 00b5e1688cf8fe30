"""Small pictures of augmented copies with the outlines of their masks, made in threads and kept in memory."""

from collections import OrderedDict
from typing import NamedTuple

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage, QPixmap

from segstudio.core.errors import UserError
from segstudio.formats import read_image, read_mask_values
from segstudio.project.augmented import Copy
from segstudio.ui.canvas.layers import TRUTH
from segstudio.ui.newest_first import NewestFirst
from segstudio.ui.views.pictures import outlined, small, to_image

SIDE = 320
"""The longer side of a picture in pixels: 160 widget pixels on a fine screen."""

BUDGET = 96 << 20
MOST_WAITING = 200
THREADS = 2

Key = tuple[str, str, str]
"""Recipe, name and content: a copy that is made anew has another picture."""


class _Made(NamedTuple):
    """A picture that a thread has made; None when a file could not be read."""

    key: Key
    image: QImage | None
    error: Exception | None = None


class CopyThumbnails(QObject):
    """Pictures of the copies that somebody looks at, the newest wish first.

    Attributes:
        ready: Told the name of a copy whose picture is there now, or cannot be made.
    """

    ready = Signal(str)
    _done = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._most = BUDGET // (4 * SIDE * SIDE)
        self._kept: OrderedDict[Key, QPixmap | None] = OrderedDict()
        self._is_closed = False
        self._makers: NewestFirst[Key, Copy, _Made] = NewestFirst("copy", THREADS, _made, self._done.emit, MOST_WAITING)
        self._done.connect(self._take, Qt.ConnectionType.QueuedConnection)

    @property
    def is_idle(self) -> bool:
        """Whether no picture is being made."""
        return self._makers.is_idle

    def pixmap(self, copy: Copy) -> QPixmap | None:
        """The picture; None when there is none yet, and `ready` will tell. Never waits for the disk."""
        key = _key(copy)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if self._makers.active(key) is None:
            self._makers.push(key, copy)
        return None

    def is_broken(self, copy: Copy) -> bool:
        """Whether the files of a copy turned out not to be readable."""
        key = _key(copy)
        return key in self._kept and self._kept[key] is None

    def close(self) -> None:
        """Stop; nothing is told from now on, and no thread is left."""
        self._is_closed = True
        self._makers.close()
        self._kept.clear()

    def _take(self, made: _Made) -> None:
        if self._is_closed:
            return
        if made.error is not None:
            raise made.error
        self._kept[made.key] = None if made.image is None else QPixmap.fromImage(made.image)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        self.ready.emit(made.key[1])


def _key(copy: Copy) -> Key:
    return copy.recipe, copy.name, copy.sha256


def _made(key: Key, copy: Copy) -> _Made:
    """In a thread: read both files and draw them small."""
    try:
        values = read_mask_values(copy.mask_file)
        picture = small(read_image(copy.image_file), (values > 0).astype(values.dtype), SIDE)
        return _Made(key, to_image(outlined(picture.rgb, picture.mask, TRUTH, thickness=2)))
    except (UserError, OSError, MemoryError):
        return _Made(key, None)
    except Exception as error:
        return _Made(key, None, error)
