"""From image and mask files to batches: decoded once, scaled to the network's size, kept as uint8, shuffled by seed."""

import functools
import hashlib
import operator
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import tensorflow as tf

from segstudio.augmentation.augmenter import Augmenter, seed_of
from segstudio.core.errors import UserError
from segstudio.core.labels import CORRECTED, FOREGROUND, IGNORED, TRUTH, Weighing, labelled, scaled_labels
from segstudio.core.manifest import ManifestRow
from segstudio.core.mask import Mask
from segstudio.core.reporter import Reporter
from segstudio.core.scaling import scaled_image, without_colour
from segstudio.models import Shape

SHARE_OF_MEMORY = 0.4
"""How much of the memory that is free the cache of one split may take; beyond that it lies on disk."""

ALIKE = Weighing()
"""Every pixel counts the same."""


@dataclass(frozen=True)
class Example:
    """One image and the exact revision of its mask, to learn from or to measure by.

    Attributes:
        sample: Id of the sample in the project.
        image: What the image is called in messages and in the manifest.
        split: Its part in the training, "train" or "val".
        revision: Number of the mask's revision; 0 is the dataset's own.
        image_file: Where the image lies.
        mask_file: Gives where that revision lies now: it moves when another one takes its place.
        read_image: Gives uint8 (H, W) or (H, W, 3) RGB.
        read_mask: Gives uint8 (H, W) of 0 and 1.
        recipe: Of an augmented copy, the recipe that made it; empty for an image of the dataset.
        ignored_sha256: Of the file that says where pixels are ignored; empty where none are.
        read_ignored: Gives uint8 (H, W) of 0 and 1, or None.
        before: Number of the mask's revision that was learnt from last; None when there is none to compare with.
        read_before: Gives that mask, uint8 (H, W) of 0 and 1; None when there is none.
        state: The review state of the sample.
        donors: Ids of the samples that an augmented copy shows a part of too.
        copy_sha256: Of both files of an augmented copy, as its own manifest has it; empty for an image of the dataset.
    """

    sample: int
    image: str
    split: str
    revision: int
    image_file: Path
    mask_file: Callable[[], Path]
    read_image: Callable[[], np.ndarray]
    read_mask: Callable[[], np.ndarray]
    recipe: str = ""
    ignored_sha256: str = ""
    read_ignored: Callable[[], Mask | None] = lambda: None
    before: int | None = None
    read_before: Callable[[], Mask | None] = lambda: None
    state: str = ""
    donors: tuple[int, ...] = ()
    copy_sha256: str = ""


@dataclass(frozen=True)
class Pictures(ABC):
    """Images and masks to learn from.

    Attributes:
        images: N of uint8 (h, w, C).
        masks: N of uint8 (h, w, 1), of labels, see core.labels: 0 and 1 where no pixel is ignored or corrected.
        rows: Their N rows of the manifest.
    """

    images: Sequence[np.ndarray] | np.ndarray
    masks: Sequence[np.ndarray] | np.ndarray
    rows: list[ManifestRow]

    @property
    @abstractmethod
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """(H, W, C) and (H, W, 1): of what the network sees."""

    @abstractmethod
    def look(self, row: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """What one look at an image shows: uint8 (H, W, C) and uint8 (H, W, 1); the same for the same seed."""

    @abstractmethod
    def look_at_foreground(self, row: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """As `look`, at some of the foreground where there is any."""

    def __len__(self) -> int:
        return len(self.rows)

    @functools.cached_property
    def marks(self) -> int:
        """All bits that some label has."""
        return functools.reduce(operator.or_, (int(np.bitwise_or.reduce(mask, axis=None)) for mask in self.masks), 0)

    @functools.cached_property
    def donors(self) -> "TrainingDonors":
        """Those of the images from which foreground may be taken for others: augmented copies never are."""
        rows = (row for row, mask in enumerate(self.masks) if not self.rows[row].recipe and (mask & FOREGROUND).any())
        return TrainingDonors(self, list(rows))

    @property
    def has_ignored(self) -> bool:
        """Whether any pixel is ignored."""
        return bool(self.marks & IGNORED)

    def needs(self, weighing: Weighing) -> bool:
        """Whether any pixel would count otherwise than all others."""
        is_corrected = weighing.correction != 1 and self.marks & CORRECTED
        return bool(is_corrected or (weighing.unreviewed != 1 and not all(row.is_reviewed for row in self.rows)))


@dataclass(frozen=True)
class Pairs(Pictures):
    """Images and masks at the network's size.

    Attributes:
        images: uint8 (N, H, W, C), in memory or mapped from disk.
        masks: uint8 (N, H, W, 1) of labels.
    """

    images: np.ndarray
    masks: np.ndarray

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """See Pictures."""
        return self.images.shape[1:], self.masks.shape[1:]

    def look(self, row: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The whole image, whatever the seed."""
        return self.images[row], self.masks[row]

    def look_at_foreground(self, row: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The whole image, whatever the seed."""
        return self.look(row, seed)


class TrainingDonors:
    """Images that are learnt from, as donors (see augmentation.donors) for each other.

    Attributes:
        names: What the manifest calls them.
    """

    def __init__(self, pictures: Pictures, rows: list[int]) -> None:
        self._pictures = pictures
        self._rows = rows
        self.names = [pictures.rows[row].image for row in rows]

    def take(self, index: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """See Donors: what a look shows of it, and its foreground; what is ignored is none."""
        image, labels = self._pictures.look_at_foreground(self._rows[index], seed)
        return image, labels[..., 0] & np.uint8(FOREGROUND)


def load_pairs(examples: Sequence[Example], shape: Shape, cache: Path, report: Reporter) -> Pairs:
    """Decode and scale every example once, on all cores.

    A file that cannot be read is noted and left out.

    Args:
        examples: What to load.
        shape: Height, width and channels of the network.
        cache: Folder for the arrays when memory is too small for them.
        report: Hears of progress and of bad files.

    Raises:
        Cancelled: When the user stopped it.
    """
    height, width, channels = shape
    images = empty((len(examples), height, width, channels), cache)
    masks = empty((len(examples), height, width, 1), cache)
    rows: list[ManifestRow] = []

    def load(example: Example) -> tuple[np.ndarray, np.ndarray, ManifestRow]:
        image, labels, row = load_example(example)
        return scaled_image(image, shape), scaled_labels(labels, height, width), row

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        futures = [threads.submit(load, example) for example in examples]
        try:
            for number, (example, future) in enumerate(zip(examples, futures, strict=True), 1):
                try:
                    images[len(rows)], masks[len(rows), ..., 0], row = future.result()
                    rows.append(row)
                except (UserError, OSError) as error:
                    report.note(example.image, str(error))
                report.progress(number, len(examples), f"reading image {number} of {len(examples)}")
        finally:
            for future in futures:
                future.cancel()
    return Pairs(images[: len(rows)], masks[: len(rows)], rows)


def load_example(example: Example) -> tuple[np.ndarray, np.ndarray, ManifestRow]:
    """An image with its labels, at its own size.

    Returns:
        The image, uint8 (H, W) or (H, W, 3); its labels, uint8 (H, W), see core.labels; what the manifest says of both.

    Raises:
        UserError: When a file cannot be read, or their sizes differ.
    """
    image, mask = example.read_image(), example.read_mask()
    if image.shape[:2] != mask.shape:
        raise UserError(f"image is {image.shape[1]}x{image.shape[0]}, mask is {mask.shape[1]}x{mask.shape[0]}")
    row = ManifestRow(
        example.sample, example.image, example.split, example.revision,
        _sha256(example.image_file), _sha256(example.mask_file()), example.recipe,
        example.ignored_sha256, example.before, example.state, example.copy_sha256,
    )  # fmt: skip
    return image, labelled(mask, ignored=example.read_ignored(), before=example.read_before()), row


def empty(shape: tuple[int, ...], cache: Path) -> np.ndarray:
    """Room for uint8 of `shape`, in memory or, where it is too small, in a file in the folder `cache`; not zeroed."""
    if np.prod(shape, dtype=np.int64) < SHARE_OF_MEMORY * psutil.virtual_memory().available:
        return np.empty(shape, np.uint8)
    cache.mkdir(parents=True, exist_ok=True)
    return np.memmap(cache / f"pairs_{shape[-1]}.uint8", np.uint8, "w+", shape=shape)


def are_grey(examples: Sequence[Example], count: int = 16) -> bool:
    """Whether a spread sample of images has no colour; unreadable ones do not count."""
    step = max(1, len(examples) // count)
    for example in examples[::step]:
        try:
            image = example.read_image()
        except (UserError, OSError):
            continue
        if image.ndim == 3 and (image != image[..., :1]).any():
            return False
    return True


def visits(count: int, images: int, *, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Which images an epoch sees: its slice of an endless sequence of permutations.

    With as many images an epoch as there are, each epoch is one permutation.

    Args:
        count: How many images there are.
        images: How many an epoch sees.
        seed: The seed of the run.
        epoch: Number of the epoch, from 1.

    Returns:
        int64 (images,) rows, and int64 (images,) for which time, from 1, each of them is seen in this run.
    """
    place = np.arange((epoch - 1) * images, epoch * images)
    times = place // count + 1
    orders = {time: np.random.default_rng([seed, time]).permutation(count) for time in np.unique(times)}
    return np.array([orders[time][at] for time, at in zip(times, place % count, strict=True)], np.int64), times


def batches_of_epoch(
    pairs: Pictures,
    batch: int,
    *,
    seed: int,
    epoch: int,
    augmenter: Augmenter | None = None,
    images: int | None = None,
    failures: list[UserError] | None = None,
    weighing: Weighing = ALIKE,
) -> tf.data.Dataset:
    """The batches of one epoch of training; the same arguments give the same batches, bit for bit.

    Every epoch is a dataset of its own, so that a resumed run sees exactly what it would have seen. How an image is
    augmented follows from the seed, its name and for which time it is seen: neither from the batch nor from the thread.
    (And from the pairs in their order, where the augmenter takes from other images.)

    Args:
        pairs: What to learn from.
        batch: Images per batch; the last one may have fewer.
        seed: The seed of the run.
        epoch: Number of the epoch, from 1.
        augmenter: Augments every image that is not itself an augmented copy; None leaves them. Where it takes from
            other images, it takes from these pairs.
        images: How many images the epoch sees, see `visits`; as many as there are when None.
        failures: Gets what the augmenter said when the batches end with an error of TensorFlow's.
        weighing: What pixels count.

    Returns:
        Batches of uint8 (B, H, W, C) images and uint8 (B, H, W, 1) masks, of 0 and 1, and 2 where a pixel is ignored;
        and, when some pixel counts more or less than others, float32 (B, H, W, 1) of what they count.
    """
    rows, times = visits(len(pairs), images or len(pairs), seed=seed, epoch=epoch)
    if augmenter is not None and augmenter.wants_donors:
        augmenter = augmenter.with_donors(pairs.donors)

    def look(row: int, time: int) -> tuple[np.ndarray, np.ndarray]:
        return _augmented(pairs, row, augmenter, seed_of(seed, "epoch", time, pairs.rows[row].image))

    is_whole = augmenter is None and isinstance(pairs, Pairs)
    is_weighted = pairs.needs(weighing)

    def take(rows: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, ...]:
        if is_whole:
            assert isinstance(pairs, Pairs)
            images, masks = pairs.images[rows], pairs.masks[rows]
        else:
            images, masks = (np.empty((len(rows), *shape), np.uint8) for shape in pairs.shapes)
            try:
                for at, (image, mask) in enumerate(_threads().map(look, rows.tolist(), times.tolist())):
                    images[at], masks[at] = image, mask
            except UserError as error:
                if failures is not None:
                    failures.append(error)
                raise
        if not is_weighted:
            return images, masks & np.uint8(TRUTH)
        reviewed = [pairs.rows[row].is_reviewed for row in rows.tolist()]
        weights = [weighing.weights(one, is_reviewed=was) for one, was in zip(masks, reviewed, strict=True)]
        return images, masks & np.uint8(TRUTH), np.stack(weights)

    return _batches(pairs, rows, times, batch, take, is_weighted=is_weighted)


def _augmented(pairs: Pictures, row: int, augmenter: Augmenter | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A look (H, W, C or 1) and its labels (H, W, 1), augmented unless it is of a copy that has been already."""
    image, mask = pairs.look(row, seed)
    if augmenter is None or pairs.rows[row].recipe:
        return image, mask
    name = pairs.rows[row].image
    image, mask = augmenter.apply_fitted(without_colour(image), mask[..., 0], seed, source=name)
    return image.reshape(*mask.shape, -1), mask[..., None]


@functools.cache
def _threads() -> ThreadPoolExecutor:
    """The threads that augment, of all trainings of this process: OpenCV and numpy let go of Python's lock."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="augment")


def batches_in_order(pairs: Pairs, batch: int) -> tf.data.Dataset:
    """All pairs, unchanged and all pixels alike; see batches_of_epoch."""

    def take(rows: np.ndarray, _times: np.ndarray) -> tuple[np.ndarray, ...]:
        return pairs.images[rows], pairs.masks[rows] & np.uint8(TRUTH)

    rows = np.arange(len(pairs))
    return _batches(pairs, rows, rows, batch, take)


def _batches(
    pairs: Pictures,
    rows: np.ndarray,
    times: np.ndarray,
    batch: int,
    take: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, ...]],
    *,
    is_weighted: bool = False,
) -> tf.data.Dataset:
    types = (tf.uint8, tf.uint8, tf.float32)[: 3 if is_weighted else 2]
    shapes = (*pairs.shapes, pairs.shapes[1])

    def load(rows: tf.Tensor, times: tf.Tensor) -> tuple[tf.Tensor, ...]:
        taken = tf.numpy_function(take, [rows, times], types, stateful=False)
        return tuple(tf.ensure_shape(one, (None, *shape)) for one, shape in zip(taken, shapes, strict=False))

    options = tf.data.Options()
    # TensorFlow itself runs one operation at a time (device.py); the next batch must not wait in that queue.
    options.threading.private_threadpool_size = 2
    dataset = tf.data.Dataset.from_tensor_slices((rows, times)).batch(batch)
    return dataset.map(load, num_parallel_calls=2).prefetch(2).with_options(options)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
