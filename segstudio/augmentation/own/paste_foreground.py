"""PasteForeground: foreground of other pictures, and its mask."""

import math
from typing import Annotated, Any, NamedTuple

import albumentations
import cv2
import numpy as np
from albumentations.core.pydantic import check_range_bounds, nondecreasing
from albumentations.core.transforms_interface import BaseTransformInitSchema
from albumentations.core.type_definitions import Targets
from pydantic import AfterValidator, Field

from segstudio.augmentation.blur import blurred
from segstudio.augmentation.donors import NO_DONORS, Donors
from segstudio.core.labels import FOREGROUND
from segstudio.core.scaling import scaled_image, scaled_mask

Share = Annotated[float, Field(ge=0, le=1)]
Shares = Annotated[tuple[float, float], AfterValidator(check_range_bounds(0, 1)), AfterValidator(nondecreasing)]
Angles = Annotated[tuple[float, float], AfterValidator(check_range_bounds(-180, 180)), AfterValidator(nondecreasing)]
Factors = Annotated[tuple[float, float], AfterValidator(check_range_bounds(0.1, 10)), AfterValidator(nondecreasing)]
Counts = Annotated[tuple[int, int], AfterValidator(check_range_bounds(1, 8)), AfterValidator(nondecreasing)]

WIDTH_OF_EDGE = 3.0
"""Standard deviations beside the outline at which nothing of what is pasted can be seen any more."""


class Piece(NamedTuple):
    """What is pasted from one donor.

    Attributes:
        rows: Which rows of the picture it changes.
        columns: Which columns.
        donor: uint8 (h, w, C) of these rows and columns: the donor, turned and moved.
        marked: uint8 (h, w) of 0 and 1: where its foreground is.
        there: uint8 (h, w): how much of it one sees, 255 is all.
        light: How far its light is moved towards that of the picture below, 0 to 1.
    """

    rows: slice
    columns: slice
    donor: np.ndarray
    marked: np.ndarray
    there: np.ndarray
    light: float


class PasteForeground(albumentations.DualTransform):  # type: ignore[misc]
    """Foreground of other pictures, turned, scaled and moved, with a soft edge, and marked in the mask.

    After Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation", CVPR 2021.
    The other pictures come beside the image and the mask, as "donors" (see augmentation.donors), and the name of the
    picture itself as "source", so that it is not its own donor. Without donors it changes nothing.
    """

    _targets = (Targets.IMAGE, Targets.MASK)

    class InitSchema(BaseTransformInitSchema):  # type: ignore[misc]
        """What it takes."""

        count_range: Counts
        flips: bool
        angle_range: Angles
        scale_range: Factors
        shift: Share
        edge_range: Shares
        light_range: Shares

    def __init__(
        self,
        count_range: tuple[int, int] = (1, 2),
        flips: bool = True,
        angle_range: tuple[float, float] = (-30.0, 30.0),
        scale_range: tuple[float, float] = (0.7, 1.3),
        shift: float = 0.25,
        edge_range: tuple[float, float] = (0.005, 0.02),
        light_range: tuple[float, float] = (0.0, 0.7),
        p: float = 0.5,
    ) -> None:
        """Take what can be drawn.

        Args:
            count_range: From how many pictures.
            flips: Whether what is pasted may be mirrored, both ways.
            angle_range: By how many degrees it is turned.
            scale_range: By which factor it is scaled, once the donor has the size of the picture.
            shift: How far it is moved at most, as a share of the picture's sides.
            edge_range: Standard deviation of the soft edge, as a share of the picture's longer side.
            light_range: How far its mean colour is moved towards that of the picture below, as a share of the way.
            p: How often it is applied.
        """
        super().__init__(p=p)
        self.count_range = count_range
        self.flips = flips
        self.angle_range = angle_range
        self.scale_range = scale_range
        self.shift = shift
        self.edge_range = edge_range
        self.light_range = light_range

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """What is pasted from whom: `pasted` in words and numbers, and `pieces` ready to be laid on."""
        donors: Donors = data.get("donors", NO_DONORS)
        pasted: list[dict[str, Any]] = []
        pieces: list[Piece] = []
        for _ in range(int(self.random_generator.integers(self.count_range[0], self.count_range[1] + 1))):
            index = self._drawn_donor(donors, data.get("source", ""))
            if index is None:
                break
            drawn = self._drawn()
            pasted.append({"donor": donors.names[index], **drawn})
            pair = donors.take(index, int(self.random_generator.integers(2**32)))
            piece = _piece(*pair, params["shape"], **drawn)
            pieces += [] if piece is None else [piece]
        return {"pasted": pasted, "pieces": pieces}

    def _drawn_donor(self, donors: Donors, source: str) -> int | None:
        """One of the donors but the picture itself, each as likely; None when there is no other."""
        names = donors.names
        if not names:
            return None
        index = int(self.random_generator.integers(len(names)))
        if names[index] != source:
            return index
        if len(names) == 1:
            return None
        other = int(self.random_generator.integers(len(names) - 1))
        return other + (other >= index)

    def _drawn(self) -> dict[str, Any]:
        """What is done to one donor, in the types of JSON."""
        rng = self.random_generator
        flips = rng.random(2) < 0.5
        return {
            "flips": (flips & self.flips).tolist(),
            "angle": float(rng.uniform(*self.angle_range)),
            "scale": float(rng.uniform(*self.scale_range)),
            "shift": rng.uniform(-self.shift, self.shift, 2).tolist(),
            "edge": float(rng.uniform(*self.edge_range)),
            "light": float(rng.uniform(*self.light_range)),
        }

    def apply(self, img: np.ndarray, pieces: list[Piece], **params: Any) -> np.ndarray:
        """The picture with the pieces on it, uint8 as it was."""
        if not pieces:
            return img
        result = img.copy()
        picture = result.reshape(*img.shape[:2], -1)
        for piece in pieces:
            below = picture[piece.rows, piece.columns].astype(np.float32)
            picture[piece.rows, piece.columns] = _laid_on(below, piece)
        return result

    def apply_to_mask(self, mask: np.ndarray, pieces: list[Piece], **params: Any) -> np.ndarray:
        """The mask with the pieces in it.

        Of labels (see core.labels) nothing else stays below a piece: what was ignored or corrected there can be seen no
        more, and what can be seen is known to be foreground.
        """
        result = mask.copy() if pieces else mask
        for piece in pieces:
            result[piece.rows, piece.columns][piece.marked > 0] = FOREGROUND
        return result


def _laid_on(below: np.ndarray, piece: Piece) -> np.ndarray:
    """The piece on what is below it, both (h, w, C) in float32: whole numbers from 0 to 255."""
    height, width, channels = below.shape
    above = piece.donor.astype(np.float32)
    apart = np.subtract(cv2.mean(below, piece.marked), cv2.mean(above, piece.marked))[:channels]
    # Whole rows at a time: numpy takes three times as long to give the channels of every pixel their own numbers.
    below, above = below.reshape(height, -1), above.reshape(height, -1)
    above += np.tile((apart * piece.light).astype(np.float32), width)
    above -= below
    above *= np.repeat(piece.there * np.float32(1 / 255), channels, axis=1)
    above += below
    return np.clip(np.rint(above, out=above), 0, 255, out=above).reshape(height, width, channels)


def _piece(
    image: np.ndarray, mask: np.ndarray, shape: tuple[int, ...], *, flips: list[bool], angle: float, scale: float,
    shift: list[float], edge: float, light: float,
) -> Piece | None:  # fmt: skip
    """What comes of one donor in a picture of this shape; None when its foreground lies beyond the border."""
    height, width = shape[:2]
    channels = shape[2] if len(shape) == 3 else 1
    if mask.shape != (height, width):
        mask = scaled_mask(mask, height, width)
    turned: np.ndarray = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, scale)
    turned[:, 2] += shift[0] * width, shift[1] * height
    for axis, is_flipped in enumerate(flips):
        if is_flipped:  # the donor is mirrored before it is turned
            turned[:, 2] += turned[:, axis] * ((width, height)[axis] - 1)
            turned[:, axis] *= -1
    marked = cv2.warpAffine(mask, turned, (width, height), flags=cv2.INTER_NEAREST)
    left, top, across, down = cv2.boundingRect(marked)
    if not across:
        return None
    # No more than what is changed is computed: the picture may be a large one.
    sigma = edge * max(height, width)
    beside = math.ceil(WIDTH_OF_EDGE * sigma) + 1
    rows = slice(max(0, top - beside), min(height, top + down + beside))
    columns = slice(max(0, left - beside), min(width, left + across + beside))
    marked = np.ascontiguousarray(marked[rows, columns])
    turned[:, 2] -= columns.start, rows.start
    donor = cv2.warpAffine(
        _like(image, (height, width, channels)),
        turned,
        marked.shape[::-1],
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    there = blurred(marked * np.uint8(255), sigma)
    return Piece(rows, columns, donor.reshape(*marked.shape, channels), marked, there, light)


def _like(image: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """The image at this size and with so many channels."""
    image = image[..., 0] if image.shape[2:] == (1,) else image
    if image.shape == shape or image.shape == shape[: 3 - (shape[2] == 1)]:
        return image
    return scaled_image(image, shape)
