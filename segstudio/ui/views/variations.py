"""Variations: what recipes make of one sample, computed in threads; the newest question is answered, never a queue."""

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal

from segstudio.augmentation.augmenter import Augmenter
from segstudio.augmentation.donors import NO_DONORS, Donors, DonorsInMemory
from segstudio.augmentation.recipe import Recipe
from segstudio.core.errors import UserError
from segstudio.core.scaling import scaled_image, scaled_mask, without_colour
from segstudio.project.copy_donors import CurrentDonors, donor_samples
from segstudio.project.project import Project
from segstudio.ui.canvas.layers import TRUTH, ImageLayer, MaskLayer
from segstudio.ui.canvas.sampling import Pyramid
from segstudio.ui.newest_first import NewestFirst

Pixels = NDArray[np.uint8]

THREADS = 1 if (os.cpu_count() or 1) <= 2 else 2
"""Where there are two cores, one is the window's."""

OUTLINE = 1.0
FILL = 0.0
"""Opacities: the picture below the outline is what one wants to judge."""


class ProjectDonors:
    """What pictures of a project take foreground from: its training samples as they are now. Asked by threads.

    They are read when something is taken from them, and the last ones are remembered as long as they are the same.
    """

    FEW = 4
    """What `few` gives."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._key: list[tuple[str, int, float]] = []
        self._donors = CurrentDonors(project, [])

    def now(self) -> CurrentDonors:
        """All of them, as a training and a queue take them."""
        samples, table = donor_samples(self._project), self._project.samples.table()
        shares = np.nan_to_num(table.foreground[table.indices_of([one.id for one in samples])], nan=-1).tolist()
        # A mask that is being edited keeps its revision for a while, and hardly ever covers as much as before.
        key = [(one.image, one.revision, share) for one, share in zip(samples, shares, strict=True)]
        with self._lock:
            if key != self._key:
                self._key, self._donors = key, CurrentDonors(self._project, samples)
            return self._donors

    def few(self, side: int | None) -> DonorsInMemory:
        """A few of them, spread over the project, at the network's size; those that cannot be read are left out."""
        every, found = self.now(), dict[str, tuple[Pixels, Pixels]]()
        for index in np.linspace(0, len(every.names) - 1, min(self.FEW, len(every.names))).astype(int).tolist():
            with contextlib.suppress(UserError, OSError):
                image, mask = every.take(index, 0)
                found[every.names[index]] = Pair(image, mask, side).seen()
        return DonorsInMemory(list(found), list(found.values()))


@dataclass(frozen=True, eq=False)
class Pair:
    """What variations are made of.

    Attributes:
        image: uint8 (H, W) or (H, W, 3).
        mask: uint8 (H, W) of 0 and 1, not written to any more.
        side: The network's size, when they are scaled to it as a training does; None leaves them as they are.
        source: What the image is called in the project.
        donors: What may be taken from others; nothing when None.
    """

    image: Pixels
    mask: Pixels
    side: int | None
    source: str = ""
    donors: ProjectDonors | None = None

    def donors_for(self, recipe: Recipe) -> Donors:
        """What a recipe takes from; not for the window's thread."""
        return self.donors.now() if self.donors is not None and recipe.wants_donors else NO_DONORS

    def few_donors(self, recipe: Recipe) -> Donors | None:
        """As `donors_for`, but a few, which are enough to see whether anything is wrong; None when it is not known."""
        return self.donors.few(self.side) if self.donors is not None and recipe.wants_donors else None

    def seen(self) -> tuple[Pixels, Pixels]:
        """The pair as it goes into the recipe."""
        if self.side is None:
            return self.image, self.mask
        image = without_colour(scaled_image(self.image, (self.side, self.side, 3)))
        return image, scaled_mask(self.mask, self.side, self.side)


@dataclass(frozen=True, eq=False)
class Variation:
    """One thing to be shown.

    Attributes:
        recipe: What is done; None shows the pair itself.
        seed: With which seed.
    """

    recipe: Recipe | None
    seed: int = 0


class Face(NamedTuple):
    """What a tile shows: layers that are ready to be drawn.

    Attributes:
        picture: The image.
        outline: Its mask.
        width: In pixels.
        height: In pixels.
    """

    picture: ImageLayer
    outline: MaskLayer
    width: int
    height: int


class Made(NamedTuple):
    """What came of a variation.

    Attributes:
        number: Which tile it is for.
        round: It answers the question of this number.
        face: What to show; None when it could not be made.
        applied: What was applied with its sampled values, in order.
        seconds: How long it took.
        problem: Why it could not be made, and what to do about it.
        error: Another exception, which nobody expected.
    """

    number: int
    round: int
    face: Face | None
    applied: list[dict[str, object]]
    seconds: float
    problem: UserError | None = None
    error: Exception | None = None


class _Round:
    """One question: all tiles of it share the pair and the pipelines."""

    def __init__(self, number: int, pair: Pair, variations: Sequence[Variation], before: "_Round | None") -> None:
        self.number = number
        self.pair = pair
        self.variations = tuple(variations)
        self._lock = threading.Lock()
        self._seen: tuple[Pixels, Pixels] | None = None
        self._augmenters: list[tuple[Recipe, Augmenter]] = []
        if before is not None and before.pair is pair:
            self._seen = before._seen
            wanted = [variation.recipe for variation in variations]
            self._augmenters = [one for one in before._augmenters if one[0] in wanted]

    def seen(self) -> tuple[Pixels, Pixels]:
        """The pair as it goes into the recipe, scaled once for all tiles."""
        with self._lock:
            if self._seen is None:
                self._seen = self.pair.seen()
            return self._seen

    def augmenter(self, recipe: Recipe) -> Augmenter:
        """The pipeline of a recipe, built once for all tiles."""
        with self._lock:
            found = next((made for known, made in self._augmenters if known == recipe), None)
            if found is None:
                found = Augmenter(recipe, self.pair.donors_for(recipe))
                self._augmenters.append((recipe, found))
            return found


class Variations(QObject):
    """Makes variations in threads.

    Attributes:
        made: Told a Made for each tile, in the window's thread; those of a question that a newer one has overtaken may
            come too, as long as the newer one has no answer for that tile yet.
    """

    made = Signal(object)
    _done = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._round: _Round | None = None
        self._shown: dict[int, int] = {}
        self._is_closed = False
        self._threads: NewestFirst[int, _Round, Made] = NewestFirst("preview", THREADS, self._make, self._done.emit)
        self._done.connect(self._take, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """Whether a variation is being made."""
        return not self._threads.is_idle

    def ask(self, pair: Pair, variations: Sequence[Variation]) -> int:
        """Make these in place of all that was asked for before; returns the number of the question."""
        number = 1 if self._round is None else self._round.number + 1
        self._round = _Round(number, pair, variations, self._round)
        self._threads.forget()
        for index in reversed(range(len(variations))):  # the first tile goes first
            self._threads.push(index, self._round)
        return number

    def close(self) -> None:
        """Stop; nothing is told from now on, and no thread is left."""
        self._is_closed = True
        self._threads.close()

    def _make(self, number: int, asked: _Round) -> Made:
        """In a thread."""
        begun = time.perf_counter()
        variation = asked.variations[number]
        try:
            image, mask, applied = _varied(asked, variation)
            face = faced(image, mask)
        except (UserError, MemoryError) as error:
            told = error if isinstance(error, UserError) else UserError("there is not enough memory for this image")
            return Made(number, asked.number, None, [], time.perf_counter() - begun, told)
        except Exception as error:
            return Made(number, asked.number, None, [], 0.0, None, error)
        return Made(number, asked.number, face, applied, time.perf_counter() - begun)

    def _take(self, made: Made) -> None:
        if self._is_closed:
            return
        if made.error is not None:
            raise made.error
        if self._round is None or made.number >= len(self._round.variations):
            return
        if made.round >= self._shown.get(made.number, 0):
            self._shown[made.number] = made.round
            self.made.emit(made)


def _varied(asked: _Round, variation: Variation) -> tuple[Pixels, Pixels, list[dict[str, object]]]:
    image, mask = asked.seen()
    if variation.recipe is None:
        return image, mask, []
    augmenter = asked.augmenter(variation.recipe)
    done = augmenter.apply(image, mask, variation.seed, source=asked.pair.source, has_applied=True)
    if asked.pair.side is None or done.mask.shape == mask.shape:
        return done.image, done.mask, done.applied
    # A training brings it back to its size.
    return *augmenter.apply_fitted(image, mask, variation.seed, source=asked.pair.source), done.applied


def faced(image: Pixels, mask: Pixels) -> Face:
    """An image uint8 (H, W), (H, W, 1) or (H, W, 3) and its mask as layers, with all that drawing needs made."""
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    pixels, coverage = Pyramid(np.ascontiguousarray(image)), Pyramid(mask, gain=255)
    for one in (pixels, coverage):
        one.prepare()
    height, width = mask.shape
    return Face(ImageLayer(pixels), MaskLayer(coverage, TRUTH, FILL, outline=OUTLINE), width, height)
