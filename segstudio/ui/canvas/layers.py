"""Layers: image, mask and errors as screen pixels in 0xAARRGGBB, premultiplied, ready to be drawn by Qt.

The bytes of such a number lie as B, G, R, A in memory, because every machine that Qt and TensorFlow run on is
little-endian; `cv2.COLOR_*2BGRA` relies on it.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from segstudio.core.edit import Patch
from segstudio.core.mask import NOWHERE, Mask, Rect
from segstudio.ui.canvas.sampling import Pixels, Pyramid, sample
from segstudio.ui.canvas.view import Frame

Screen = NDArray[np.uint32]
Colour = tuple[int, int, int]

TRUTH: Colour = (0x4D, 0x9B, 0xFF)
PREDICTION: Colour = (0xA8, 0x7A, 0xEA)
# Okabe and Ito's orange and sky blue: told apart with every kind of colour blindness, and from the grey of agreement.
AGREEMENT: Colour = (0x6B, 0x7A, 0x90)
FALSE_POSITIVE: Colour = (0xE6, 0x9F, 0x00)
FALSE_NEGATIVE: Colour = (0x56, 0xB4, 0xE9)
# What a tool or an operation is about to do; bluish green and vermilion are told apart too.
ADDED: Colour = (0x2B, 0xD9, 0xA6)
REMOVED: Colour = (0xFF, 0x6B, 0x3D)
LINES: Colour = (0xFF, 0xF2, 0xB0)
# What pixels count in a training: more (Okabe and Ito's reddish purple), or less.
CORRECTION: Colour = (0xE0, 0x6C, 0xB4)
UNREVIEWED: Colour = (0x4A, 0x52, 0x60)
IGNORED: Colour = (0xD8, 0xDD, 0xE4)
# The middle of the glow that shows where runs disagree.
HEAT: Colour = (0xF9, 0x8E, 0x09)

FAINTEST = 96
"""The least coverage that a screen pixel with any foreground is shown with: a speck of one pixel stays visible when
a large image is fitted into a small pane."""

CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


class Layer(Protocol):
    """Something that can be drawn for any rectangle of a pane."""

    def render(self, frame: Frame, rect: Rect) -> Screen:
        """The device pixels of `rect`, which lies inside `frame.picture`: uint32 (rect.height, rect.width)."""


class ImageLayer:
    """The picture itself, opaque; grey ones through a table of 256 brightnesses (window and level).

    Attributes:
        brightness: uint8 (256,), what each grey value is shown as. Colour images are shown as they are.
    """

    def __init__(self, image: Pixels | Pyramid) -> None:
        self._pyramid = image if isinstance(image, Pyramid) else Pyramid(image)
        self._brightness: Pixels = np.arange(256, dtype=np.uint8)
        self._on_screen: tuple[Frame, Rect, Screen] | None = None

    @property
    def brightness(self) -> Pixels:
        return self._brightness

    @brightness.setter
    def brightness(self, table: Pixels) -> None:
        self._brightness = table
        self._on_screen = None

    def render(self, frame: Frame, rect: Rect) -> Screen:
        # Linked panes of one size show the very same pixels: they are made once.
        if self._on_screen is None or self._on_screen[:2] != (frame, rect):
            self._on_screen = frame, rect, self._rendered(frame, rect)
        return self._on_screen[2]

    def _rendered(self, frame: Frame, rect: Rect) -> Screen:
        pixels = sample(self._pyramid, frame, rect)
        if pixels.ndim == 3:
            return _packed(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGRA))
        grey = self._brightness.astype(np.uint32)
        return _looked_up(pixels, 0xFF000000 | grey << 16 | grey << 8 | grey)


class MaskLayer:
    """A mask as a tinted area with an outline of one screen pixel just inside its edge."""

    def __init__(self, mask: Pyramid, colour: Colour, opacity: float, *, outline: float | None = None) -> None:
        """Of what opacity the area is, and the outline when it shall be told apart."""
        self._mask = mask
        coverage = _visible(np.arange(256))
        self._fill = _bytes(coverage * opacity)
        # The outline is more solid than the area, but vanishes with it at opacity 0.
        solid = min(1.0, opacity * 2.2) if outline is None else outline
        self._edge = _bytes(np.minimum(np.arange(256) * 1.6, 255) * solid)
        self._tint = _tints(colour)

    def render(self, frame: Frame, rect: Rect) -> Screen:
        around = _grown(rect, frame)
        coverage = sample(self._mask, frame, around)
        # What erosion takes away adds up to one pixel across an edge, and is as smooth as the coverage is.
        edge = cv2.subtract(coverage, cv2.erode(coverage, CROSS, iterations=outline_width(frame)))
        alpha = cv2.max(cv2.LUT(coverage, self._fill), cv2.LUT(edge, self._edge))
        return _looked_up(_inner(alpha, around, rect), self._tint)


class HatchLayer:
    """What is ignored: darkened, with light stripes across, whatever is below."""

    STRIPE = 4
    """Width of a stripe, and of the gap beside it, in pixels of a classical screen."""
    DARK, LIGHT = 0.4, 0.75

    def __init__(self, ignored: Pyramid) -> None:
        self._ignored = ignored
        coverage = _visible(np.arange(256))
        self._dark = _tints((0, 0, 0))[_bytes(coverage * self.DARK)]
        self._light = _tints(IGNORED)[_bytes(coverage * self.LIGHT)]

    def render(self, frame: Frame, rect: Rect) -> Screen:
        coverage = sample(self._ignored, frame, rect)
        if not coverage.any():
            return np.zeros(coverage.shape, np.uint32)
        width = self.STRIPE * outline_width(frame)
        # Places on the screen, not in the image: stripes are as wide at any zoom, and a repainted part fits the rest.
        across = np.add.outer(np.arange(rect.y, rect.bottom), np.arange(rect.x, rect.right))
        is_light = across // width % 2 == 0
        return np.where(is_light, _looked_up(coverage, self._light), _looked_up(coverage, self._dark))


class Stacked:
    """Layers upon each other: the uppermost that shows something at a place is seen there."""

    def __init__(self, *layers: Layer) -> None:
        self._layers = layers

    def render(self, frame: Frame, rect: Rect) -> Screen:
        first, *others = self._layers
        screen = first.render(frame, rect).copy()
        for layer in others:
            shown = layer.render(frame, rect)
            np.copyto(screen, shown, where=shown != 0)
        return screen


class ErrorLayer:
    """Where truth and prediction agree (grey), and where the prediction has too much (orange) or too little (blue).

    Errors that are forgiven or settled are shown faintly, in the same colours.
    """

    STEPS = 50
    AGREED, FORGIVEN_MUCH, FORGIVEN_LITTLE, TOO_MUCH, TOO_LITTLE = range(0, 5 * (STEPS + 1), STEPS + 1)
    FAINT = 0.3
    """How solid a forgiven error is beside another one."""

    def __init__(
        self,
        truth: Pyramid,
        predicted: Pyramid,
        opacity: float,
        forgiven: Sequence[Pyramid] = (),
        ignored: Sequence[Pyramid] = (),
    ) -> None:
        """Show what differs; `forgiven` are masks of errors that need no look, `ignored` are of where none are."""
        self._ignored = ignored
        self._truth = truth
        self._predicted = predicted
        self._forgiven = forgiven
        self._on_screen: tuple[Frame, Pixels] | None = None
        # One byte holds which of the five it is and, in 50 steps, how much of the screen pixel. An error outranks
        # agreement, because it is what one looks for.
        strength = np.ceil(_visible(np.arange(256)) * (self.STEPS / 255))
        self._codes = {
            base: np.where(strength > 0, strength + base, 0).astype(np.uint8)
            for base in (self.AGREED, self.FORGIVEN_MUCH, self.FORGIVEN_LITTLE, self.TOO_MUCH, self.TOO_LITTLE)
        }
        # Errors are shown at nearly twice the opacity of what is right.
        weak, strong = opacity, min(1.0, opacity * 1.9)
        self._tint = np.zeros(256, np.uint32)
        for base, colour, alpha in (
            (self.AGREED, AGREEMENT, weak),
            (self.FORGIVEN_MUCH, FALSE_POSITIVE, strong * self.FAINT),
            (self.FORGIVEN_LITTLE, FALSE_NEGATIVE, strong * self.FAINT),
            (self.TOO_MUCH, FALSE_POSITIVE, strong),
            (self.TOO_LITTLE, FALSE_NEGATIVE, strong),
        ):
            share = np.arange(1, self.STEPS + 1) / self.STEPS
            self._tint[base + 1 : base + self.STEPS + 1] = _tints(colour)[_bytes(share * 255 * alpha)]

    def render(self, frame: Frame, rect: Rect) -> Screen:
        truth, predicted = sample(self._truth, frame, rect), self._prediction(frame, rect)
        for one in self._ignored:
            ignored = sample(one, frame, rect)
            truth, predicted = (cast(Pixels, cv2.subtract(shown, ignored)) for shown in (truth, predicted))
        too_much, too_little = cv2.subtract(predicted, truth), cv2.subtract(truth, predicted)
        code = cv2.LUT(cv2.min(truth, predicted), self._codes[self.AGREED])
        for one in self._forgiven:
            forgiven = sample(one, frame, rect)
            code = cv2.max(code, cv2.LUT(cv2.min(too_much, forgiven), self._codes[self.FORGIVEN_MUCH]))
            code = cv2.max(code, cv2.LUT(cv2.min(too_little, forgiven), self._codes[self.FORGIVEN_LITTLE]))
            too_much, too_little = cv2.subtract(too_much, forgiven), cv2.subtract(too_little, forgiven)
        code = cv2.max(code, cv2.LUT(too_much, self._codes[self.TOO_MUCH]))
        code = cv2.max(code, cv2.LUT(too_little, self._codes[self.TOO_LITTLE]))
        return _looked_up(code, self._tint)

    def _prediction(self, frame: Frame, rect: Rect) -> Pixels:
        """The prediction never changes while one paints, so it is sampled once for each view."""
        picture = frame.picture
        if self._on_screen is None or self._on_screen[0] != frame:
            self._on_screen = (frame, sample(self._predicted, frame, picture))
        return self._on_screen[1][rect.relative_to(picture).slices]


class PreviewLayer:
    """What a mask is about to become: pixels to come and pixels to go, and a pattern of lines below them."""

    ALIGNED = 512
    """The part that is looked at begins at a multiple of this, which every level of a pyramid can halve."""
    FILL, EDGE, LINE = 0.55, 0.95, 0.5

    def __init__(self, mask: Mask, patch: Patch | None, lines: Pyramid | None) -> None:
        """Keep what changes where a patch is put onto `mask`."""
        self._lines = lines
        self._part = NOWHERE
        if patch is not None and not patch.rect.is_empty:
            self._part = self._around(patch.rect, (mask.shape[0], mask.shape[1]))
            before = mask[self._part.slices]
            after = before.copy()
            inner = patch.rect.relative_to(self._part)
            after[inner.slices] = patch.pixels
            self._added = Pyramid((after > before).view(np.uint8), gain=255)
            self._removed = Pyramid((before > after).view(np.uint8), gain=255)
        coverage = np.arange(256)
        self._fill, self._edge = (_bytes(_visible(coverage) * alpha) for alpha in (self.FILL, self.EDGE))
        self._line = _tints(LINES)[_bytes(coverage * self.LINE)]
        self._on_screen: tuple[Frame, Rect, Screen] | None = None

    def render(self, frame: Frame, rect: Rect) -> Screen:
        if self._on_screen is None or self._on_screen[:2] != (frame, rect):
            self._on_screen = frame, rect, self._rendered(frame, rect)
        return self._on_screen[2]

    def _rendered(self, frame: Frame, rect: Rect) -> Screen:
        if self._lines is None:
            screen = np.zeros((rect.height, rect.width), np.uint32)
        else:
            screen = _looked_up(sample(self._lines, frame, rect), self._line)
        (x, y), (right, bottom) = (
            frame.to_device(self._part.x, self._part.y),
            frame.to_device(self._part.right, self._part.bottom),
        )
        part = Rect.between(math.floor(x), math.floor(y), math.ceil(right), math.ceil(bottom)).intersect(rect)
        if self._part.is_empty or part.is_empty:
            return screen
        # The part seen as a picture of its own.
        inner = replace(frame, left=x, top=y, image_width=self._part.width, image_height=self._part.height)
        here = screen[part.y - rect.y : part.bottom - rect.y, part.x - rect.x : part.right - rect.x]
        for pyramid, colour in ((self._added, ADDED), (self._removed, REMOVED)):
            coverage = sample(pyramid, inner, part)
            edge = cv2.subtract(coverage, cv2.erode(coverage, CROSS, iterations=outline_width(frame)))
            alpha = cv2.max(cv2.LUT(coverage, self._fill), cv2.LUT(edge, self._edge))
            shown = _looked_up(alpha, _tints(colour))
            np.copyto(here, shown, where=shown != 0)
        return screen

    def _around(self, rect: Rect, shape: tuple[int, int]) -> Rect:
        step = self.ALIGNED
        return Rect.between(
            rect.x // step * step, rect.y // step * step, -(-rect.right // step) * step, -(-rect.bottom // step) * step
        ).clip(shape)


class SplitLayer:
    """Two layers with a divider between them.

    Attributes:
        share: Where the divider stands, from 0 at the left edge of the pane to 1 at the right.
    """

    def __init__(self, left: Layer | None, right: Layer | None, share: float) -> None:
        self._left, self._right = left, right
        self.share = share

    def divider(self, frame: Frame) -> int:
        """The first column of device pixels that shows the right one."""
        return round(frame.width * self.share)

    def render(self, frame: Frame, rect: Rect) -> Screen:
        screen = np.zeros((rect.height, rect.width), np.uint32)
        middle = min(max(self.divider(frame), rect.x), rect.right)
        left = rect._replace(width=middle - rect.x)
        right = rect._replace(x=middle, width=rect.right - middle)
        for layer, part in ((self._left, left), (self._right, right)):
            if layer is not None and not part.is_empty:
                screen[:, part.x - rect.x : part.right - rect.x] = layer.render(frame, part)
        return screen


class HeatLayer:
    """Values as a glow from nothing over red to white: the more, the brighter and the more solid."""

    FAINTEST = 20
    """Less than this is not shown."""

    def __init__(self, values: Pyramid, opacity: float) -> None:
        """Show uint8 values; of what opacity the highest is."""
        self._values = values
        ramp = np.arange(256, dtype=np.uint8)[:, None]
        colours = cv2.cvtColor(cv2.applyColorMap(ramp, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)[:, 0]
        # Small differences are everywhere, and would lie over the picture like fog.
        alpha = np.clip((np.arange(256) - self.FAINTEST) * 2.2, 0, 255) * min(opacity, 1.0) / 255
        premultiplied = np.rint(colours * alpha[:, None]).astype(np.uint32)
        solid = np.rint(alpha * 255).astype(np.uint32)
        self._tint = solid << 24 | premultiplied[:, 0] << 16 | premultiplied[:, 1] << 8 | premultiplied[:, 2]

    def render(self, frame: Frame, rect: Rect) -> Screen:
        return _looked_up(sample(self._values, frame, rect), self._tint)


def outline_width(frame: Frame) -> int:
    """How many device pixels an outline has: one pixel of a classical screen, two of a fine one."""
    return max(1, int(frame.ratio + 0.25))


def margin(frame: Frame) -> int:
    """How many device pixels beyond its own a change can be seen: interpolation reaches two, and the outline."""
    return 2 + outline_width(frame)


def windowed(window: float, level: float) -> Pixels:
    """The table that shows grey values level - window/2 .. level + window/2 as black .. white.

    Args:
        window: Width of the range of grey values, at least 1.
        level: Its middle.

    Returns:
        uint8 (256,).
    """
    window = max(window, 1.0)
    return _bytes((np.arange(256) - (level - window / 2)) * 255 / window)


def automatic_window(image: Pixels) -> tuple[float, float]:
    """Window and level that leave out the darkest and the brightest half per cent of a grey image."""
    counts = np.bincount(image.ravel()[:: max(1, image.size // 4_000_000)], minlength=256)
    share = np.cumsum(counts) / max(1, counts.sum())
    low, high = (int(np.searchsorted(share, part)) for part in (0.005, 0.995))
    return float(max(high - low, 1)), (low + high) / 2


def _visible(coverage: NDArray[Any]) -> NDArray[Any]:
    return np.where(coverage > 0, np.maximum(coverage, FAINTEST), 0)


def _tints(colour: Colour) -> Screen:
    """The premultiplied colour at each of 256 alphas."""
    alpha = np.arange(256, dtype=np.uint32)
    red, green, blue = ((alpha * part + 127) // 255 for part in colour)
    return cast(Screen, alpha << 24 | red << 16 | green << 8 | blue)


def _bytes(values: NDArray[Any]) -> Pixels:
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def _looked_up(index: object, table: NDArray[Any]) -> Screen:
    # cv2.LUT is four times as fast as numpy's take, and knows signed numbers only.
    numbers = cv2.LUT(cast(Pixels, index), table.astype(np.uint32, copy=False).view(np.int32))
    return cast(Screen, numbers.view(np.uint32))


def _packed(pixels: NDArray[Any]) -> Screen:
    return pixels.view(np.uint32)[..., 0]


def _grown(rect: Rect, frame: Frame) -> Rect:
    return rect.grown(outline_width(frame)).intersect(frame.picture)


def _inner(pixels: NDArray[Any], around: Rect, rect: Rect) -> Pixels:
    return pixels[rect.relative_to(around).slices]
