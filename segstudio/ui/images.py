"""Images and thumbnails, read in a few threads and kept in memory within a budget.

Everything public here is for the window's thread; results arrive there as signals, never inside the call that asked.
"""

import contextlib
import hashlib
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, Qt, Signal
from PySide6.QtGui import QImage, QPixmap

from segstudio.core.errors import UserError
from segstudio.core.files import stamp_of, write_atomically
from segstudio.core.mask import Mask
from segstudio.core.sample import Sample
from segstudio.core.way import manner_words
from segstudio.formats import read_thumbnail
from segstudio.project.project import Project
from segstudio.project.scores import THRESHOLD
from segstudio.project.topics import Topics
from segstudio.ui.canvas.layers import TRUTH
from segstudio.ui.newest_first import NewestFirst

Pixels = NDArray[np.uint8]

IMAGE_BYTES = 768 << 20
IMAGE_THREADS = 2

SIDE = 96
"""The longer side of a thumbnail in pixels: 48 widget pixels on a fine screen."""
THUMBNAIL_BYTES = 48 << 20
MOST_WAITING = 200
"""So many thumbnails may wait; a list that is scrolled fast leaves thousands behind that nobody sees any more."""

TINT = 0.42
KEY = "segstudio-key"


@dataclass(frozen=True, slots=True, eq=False)
class LoadedSample:
    """What the panes show of a sample, but for its mask.

    Attributes:
        sample: As the index knew it when it was read.
        image: uint8 (H, W) or (H, W, 3).
        probability: uint8 (H, W), what the current run predicts; None when it does not.
        run_id: The run that predicted it.
        level: The least probability byte that is foreground, by the threshold of that run.
        how: How it was predicted, in words; empty when plainly.
        left_out: uint8 (H, W) of 0 and 1, what another reader ignores whose masks are in the place of predictions;
            None when nothing.
    """

    sample: Sample
    image: Pixels
    probability: Pixels | None
    run_id: int | None = None
    level: int = THRESHOLD
    how: str = ""
    left_out: Mask | None = None

    @property
    def nbytes(self) -> int:
        """The memory it takes."""
        return self.image.nbytes + (0 if self.probability is None else self.probability.nbytes)


_Stamp = tuple[int, int]
"""Modification time in nanoseconds and size of a file; zeros when there is none."""

_Generation = tuple[int, int]
"""How often everything was invalidated, and how often this sample."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A sample in memory.

    Attributes:
        loaded: The sample.
        stamp: Of its image's file.
        generation: It is as of this generation; an older one is read again, but its image only when the file changed.
    """

    loaded: LoadedSample
    stamp: _Stamp
    generation: _Generation


class _Wanted(NamedTuple):
    """What a thread needs to read a sample."""

    generation: _Generation
    kept: _Kept | None


class _Read(NamedTuple):
    """What came of it: the sample and the stamp of its image, or an error."""

    sample_id: int
    generation: _Generation
    stamp: _Stamp = (0, 0)
    loaded: LoadedSample | None = None
    error: Exception | None = None


class ImageStore(QObject):
    """Decoded images with their predictions: the ones asked for, their neighbours, and those used last.

    The masks of the neighbours are read ahead too, and wait in `Masks` for the document that will own them.

    Attributes:
        loaded: Told (sample id, LoadedSample) for each request.
        failed: Told (sample id, message, hint) instead when the image cannot be read. A prediction that cannot be
            read is none: it can be made again.
    """

    loaded = Signal(int, object)
    failed = Signal(int, str, str)
    _done = Signal(object)

    def __init__(self, project: Project, budget: int = IMAGE_BYTES, parent: QObject | None = None) -> None:
        """Keep up to `budget` bytes of images of `project`."""
        super().__init__(parent)
        self._project = project
        self._budget = budget
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._requested: int | None = None
        self._generation = 0
        self._generations: dict[int, int] = {}
        self._is_closed = False
        self._readers = NewestFirst("image", IMAGE_THREADS, self._read, self._done.emit)
        self._masks: NewestFirst[int, None, None] = NewestFirst("mask", 1, self._read_mask, lambda _: None)
        self._done.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def request(self, sample_id: int) -> None:
        """Ask for a sample; `loaded` or `failed` will tell of it.

        Only the last request is answered: whoever holds down the key for the next sample wants to see the last one.
        """
        self._requested = sample_id
        kept = self._fresh(sample_id)
        if kept is not None:
            # Through the queue of events, like every other answer.
            self._done.emit(_Read(sample_id, kept.generation, kept.stamp, kept.loaded))
            return
        self._readers.forget()
        self._masks.forget()
        reading = self._readers.active(sample_id)
        if reading is None or reading.generation != self._generation_of(sample_id):
            self._push(sample_id, is_urgent=True)

    def prefetch(self, sample_ids: Iterable[int]) -> None:
        """Read these when nothing is more urgent, the first of them first, in place of what was prefetched before.

        Nothing is told of them.
        """
        self._readers.forget(keeping=() if self._requested is None else (self._requested,))
        self._masks.forget()
        for sample_id in sample_ids:
            self._masks.push(sample_id, None, is_urgent=False)
            if self._fresh(sample_id) is None and sample_id != self._requested:
                self._push(sample_id, is_urgent=False)

    def cached(self, sample_id: int) -> LoadedSample | None:
        """The sample if it is in memory and up to date."""
        kept = self._fresh(sample_id)
        return None if kept is None else kept.loaded

    def invalidate(self, sample_id: int | None = None) -> None:
        """The prediction or the image of a sample (of all when None) may have changed: look again when asked."""
        if sample_id is None:
            self._generation += 1
        else:
            self._generations[sample_id] = self._generations.get(sample_id, 0) + 1

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being read."""
        return self._readers.is_idle and self._masks.is_idle

    @property
    def nbytes(self) -> int:
        """The memory that all kept samples take."""
        return sum(kept.loaded.nbytes for kept in self._kept.values())

    def close(self) -> None:
        """Stop; nothing is told from now on, and no thread is left."""
        self._is_closed = True
        self._readers.close()
        self._masks.close()
        self._kept.clear()

    def _left_out(self, run_id: int, sample: Sample) -> Mask | None:
        """What another reader ignores; what cannot be read stops nobody from looking at the sample."""
        try:
            return self._project.ignored.of_reader(run_id, sample)
        except (UserError, OSError):
            return None

    def _fresh(self, sample_id: int) -> _Kept | None:
        kept = self._kept.get(sample_id)
        if kept is None or kept.generation != self._generation_of(sample_id):
            return None
        self._kept.move_to_end(sample_id)
        return kept

    def _push(self, sample_id: int, *, is_urgent: bool) -> None:
        wanted = _Wanted(self._generation_of(sample_id), self._kept.get(sample_id))
        self._readers.push(sample_id, wanted, is_urgent=is_urgent)

    def _generation_of(self, sample_id: int) -> _Generation:
        return self._generation, self._generations.get(sample_id, 0)

    def _read(self, sample_id: int, wanted: _Wanted) -> _Read:
        """In a thread: read a sample, but not an image again that has not changed."""
        kept = wanted.kept
        try:
            sample = self._project.samples.get(sample_id)
            stamp = stamp_of(self._project.image_path(sample))
            image = kept.loaded.image if kept and kept.stamp == stamp else self._project.read_image(sample)
            run_id = self._project.predictions.current()
            level = THRESHOLD if run_id is None else self._project.predictions.level(run_id)
            probability = self._probability(run_id, sample)
            how, left_out = "", None
            if run_id is not None and probability is not None:
                left_out = self._left_out(run_id, sample)
                how = manner_words(self._project.predictions.manner(run_id, sample.id))
            loaded = LoadedSample(sample, image, probability, run_id, level, how, left_out)
        except Exception as error:
            return _Read(sample_id, wanted.generation, error=error)
        return _Read(sample_id, wanted.generation, stamp, loaded)

    def _read_mask(self, sample_id: int, _nothing: None) -> None:
        # In a thread. A sample may be gone, or its project closed; whoever opens the mask is told.
        with contextlib.suppress(KeyError, UserError, OSError, sqlite3.Error):
            self._project.masks.read_ahead(self._project.samples.get(sample_id))

    def _probability(self, run_id: int | None, sample: Sample) -> Pixels | None:
        if run_id is None:
            return None
        try:
            return self._project.predictions.load(run_id, sample)
        except (UserError, OSError):
            return None

    def _take(self, read: _Read) -> None:
        if self._is_closed:
            return
        is_requested = read.sample_id == self._requested
        if is_requested:
            self._requested = None
        if read.loaded is not None:
            self._keep(read.sample_id, _Kept(read.loaded, read.stamp, read.generation))
            if is_requested:
                self.loaded.emit(read.sample_id, read.loaded)
        elif isinstance(read.error, UserError | OSError | MemoryError):
            if is_requested:
                hint = read.error.hint if isinstance(read.error, UserError) else ""
                message = read.error.message if isinstance(read.error, UserError) else _told(read.error)
                self.failed.emit(read.sample_id, message, hint)
        elif read.error is not None and not (isinstance(read.error, KeyError) and not is_requested):
            raise read.error

    def _keep(self, sample_id: int, kept: _Kept) -> None:
        self._kept[sample_id] = kept
        self._kept.move_to_end(sample_id)
        total = self.nbytes
        while total > self._budget and len(self._kept) > 1:
            total -= self._kept.popitem(last=False)[1].loaded.nbytes


class _Made(NamedTuple):
    """A thumbnail that a thread has made, or found to be as its key says; or why neither was possible."""

    sample_id: int
    epoch: int
    revision: int
    key: str
    image: QImage | None
    error: Exception | None = None


class _Asked(NamedTuple):
    """What a thread needs to make a thumbnail."""

    sample: Sample
    epoch: int
    known_key: str


@dataclass(slots=True)
class _Thumbnail:
    """A thumbnail in memory; `pixmap` is None when there is nothing to show."""

    pixmap: QPixmap | None
    key: str
    revision: int
    epoch: int


class Thumbnails(QObject):
    """Small pictures of the samples with their masks, kept in memory and in the project's cache.

    Attributes:
        ready: Told the id of a sample whose thumbnail is another now.
    """

    ready = Signal(int)
    _done = Signal(object)

    def __init__(self, project: Project, budget: int = THUMBNAIL_BYTES, parent: QObject | None = None) -> None:
        """Keep up to `budget` bytes of thumbnails of `project` in memory."""
        super().__init__(parent)
        self._project = project
        self._most = max(1, budget // (4 * SIDE * SIDE))
        self._kept: OrderedDict[int, _Thumbnail] = OrderedDict()
        self._epoch = 0
        self._is_closed = False
        self._makers = NewestFirst("thumbnail", 1, self._make, self._done.emit, MOST_WAITING)
        self._done.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._disconnect = project.changed.connect(self._notice)

    def pixmap(self, sample: Sample) -> QPixmap | None:
        """The thumbnail, at most SIDE pixels wide and high; None when there is none yet, and `ready` will tell.

        Never waits for the disk. After a change of the mask the old one is given until the new one is ready.
        """
        kept = self._kept.get(sample.id)
        if kept is not None:
            self._kept.move_to_end(sample.id)
        if kept is None or kept.epoch != self._epoch or kept.revision != sample.revision:
            asked = _Asked(sample, self._epoch, kept.key if kept else "")
            if self._makers.active(sample.id) != asked:
                self._makers.push(sample.id, asked)
        return None if kept is None else kept.pixmap

    def close(self) -> None:
        """Stop; nothing is told from now on, and no thread is left."""
        self._is_closed = True
        self._disconnect()
        self._makers.close()
        self._kept.clear()

    def _notice(self, topics: Topics) -> None:
        # Called in whatever thread made the change. Which masks changed is not said, so each is looked at once more
        # when it is shown again; that costs a glance at the dates of two files.
        if "masks" in topics:
            self._epoch += 1

    def _make(self, sample_id: int, asked: _Asked) -> _Made:
        """In a thread: make a thumbnail unless the known one is still right."""
        sample, image = asked.sample, None
        try:
            key = self._key(sample)
            if key != asked.known_key:
                image = self._from_disk(sample, key) or self._drawn(sample, key)
        except Exception as error:
            return _Made(sample_id, asked.epoch, sample.revision, "", None, error)
        return _Made(sample_id, asked.epoch, sample.revision, key, image)

    def _key(self, sample: Sample) -> str:
        """What tells whether a thumbnail still shows the files as they are."""
        mask = self._project.masks.path(sample)
        parts = (
            sample.image,
            stamp_of(self._project.image_path(sample)),
            sample.revision,
            mask and stamp_of(mask),
            SIDE,
        )
        return hashlib.sha1(repr(parts).encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()

    def _path(self, sample: Sample) -> Path:
        return self._project.folder / "cache" / "thumbnails" / f"{sample.id // 1000:04}" / f"{sample.id:06}.png"

    def _from_disk(self, sample: Sample, key: str) -> QImage | None:
        path = self._path(sample)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        image = QImage.fromData(QByteArray(data))
        return image if not image.isNull() and image.text(KEY) == key else None

    def _drawn(self, sample: Sample, key: str) -> QImage | None:
        try:
            pixels = self._tinted(sample, read_thumbnail(self._project.image_path(sample), SIDE))
        except (UserError, OSError, MemoryError):
            return None
        # A copy, because the QImage would only borrow the array's memory.
        height, width = pixels.shape[:2]
        image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        image.setText(KEY, key)
        self._write(sample, image)
        return image

    def _tinted(self, sample: Sample, pixels: Pixels) -> Pixels:
        """The picture in colours, with the mask faintly on it."""
        colours = np.stack([pixels] * 3, axis=-1) if pixels.ndim == 2 else pixels
        if sample.has_mask:
            try:
                mask = self._project.masks.load(sample)
            except (UserError, OSError, MemoryError):
                return np.ascontiguousarray(colours)
            height, width = colours.shape[:2]
            share = cv2.resize(mask * np.uint8(255), (width, height), interpolation=cv2.INTER_AREA)
            weight = share[..., None].astype(np.float32) * (TINT / 255)
            colours = (colours * (1 - weight) + np.array(TRUTH, np.float32) * weight + 0.5).astype(np.uint8)
        return np.ascontiguousarray(colours)

    def _write(self, sample: Sample, image: QImage) -> None:
        if self._project.read_only:
            return
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stubs say bytes, Qt takes text alone
        try:
            write_atomically(self._path(sample), bytes(buffer.data().data()), is_durable=False)
        except OSError:
            return  # a full disk is told of when a mask is saved; the thumbnail is in memory

    def _take(self, made: _Made) -> None:
        if self._is_closed:
            return
        if made.error is not None:
            raise made.error
        kept = self._kept.get(made.sample_id)
        if kept is not None and kept.key == made.key:
            self._kept[made.sample_id] = replace(kept, epoch=made.epoch, revision=made.revision)
            return
        pixmap = None if made.image is None else QPixmap.fromImage(made.image)
        self._kept[made.sample_id] = _Thumbnail(pixmap, made.key, made.revision, made.epoch)
        self._kept.move_to_end(made.sample_id)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        self.ready.emit(made.sample_id)


def _told(error: BaseException) -> str:
    return "there is not enough memory for this image" if isinstance(error, MemoryError) else str(error)
