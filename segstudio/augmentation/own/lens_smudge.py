"""LensSmudge: dirt on the lens, and its mask."""

from typing import Annotated, Any

import albumentations
import cv2
import numpy as np
from albumentations.core.pydantic import check_range_bounds, nondecreasing
from albumentations.core.transforms_interface import BaseTransformInitSchema
from albumentations.core.type_definitions import Targets
from pydantic import AfterValidator, Field

from segstudio.augmentation.blur import blurred

Share = Annotated[float, Field(ge=0, le=1)]
Shares = Annotated[tuple[float, float], AfterValidator(check_range_bounds(0, 1)), AfterValidator(nondecreasing)]

GRIDS = (3, 7)
"""Knots of the noise that outlines a smudge: from one great patch to several."""


class LensSmudge(albumentations.DualTransform):  # type: ignore[misc]
    """Dirt on the lens: patches that are blurred and hazy, and marked as foreground.

    Dirt lies so near the lens that it has no outline and no grain of its own: it takes both from what is behind it, and
    adds a haze of the light that it scatters. So it can be made from clean photos, of which there are always enough.
    The idea of made soiling is that of Uricar et al., "Let's Get Dirty: GAN based data augmentation for camera lens
    soiling detection in autonomous driving", WACV 2021; here without a network.
    """

    _targets = (Targets.IMAGE, Targets.MASK)

    class InitSchema(BaseTransformInitSchema):  # type: ignore[misc]
        """What it takes."""

        area_range: Shares
        whole: Share
        blur_range: Shares
        haze_range: Shares
        tint: Share
        edge_range: Shares

    def __init__(
        self,
        area_range: tuple[float, float] = (0.05, 0.5),
        whole: float = 0.2,
        blur_range: tuple[float, float] = (0.007, 0.027),
        haze_range: tuple[float, float] = (0.0, 0.6),
        tint: float = 0.05,
        edge_range: tuple[float, float] = (0.01, 0.03),
        p: float = 0.5,
    ) -> None:
        """Take what can be drawn.

        Args:
            area_range: Share of the picture that is covered.
            whole: How often all of it is covered instead, as a share.
            blur_range: Standard deviation of the blur, as a share of the picture's longer side.
            haze_range: How much of the light is haze, as a share.
            tint: Standard deviation of the haze's colours, as a share of white.
            edge_range: Standard deviation of the soft edge, as a share of the longer side.
            p: How often it is applied.
        """
        super().__init__(p=p)
        self.area_range = area_range
        self.whole = whole
        self.blur_range = blur_range
        self.haze_range = haze_range
        self.tint = tint
        self.edge_range = edge_range

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """Where the dirt is (uint8 (H, W) of 0 and 1), and what it does to the picture there."""
        height, width = params["shape"][:2]
        rng = self.random_generator
        rows, columns = rng.integers(*GRIDS, 2)
        knots = rng.normal(size=(rows, columns)).astype(np.float32)
        area = 1.0 if rng.random() < self.whole else rng.uniform(*self.area_range)
        noise = cv2.resize(knots, (width, height), interpolation=cv2.INTER_CUBIC)
        return {
            "dirt": (noise >= np.quantile(noise, 1 - area)).astype(np.uint8),
            "blur": float(rng.uniform(*self.blur_range)),
            "haze": float(rng.uniform(*self.haze_range)),
            "light": float(rng.uniform(0.4, 1.4)),
            "colour": (self.tint * 255 * rng.normal(size=3)).tolist(),
            "edge": float(rng.uniform(*self.edge_range)),
        }

    def apply(
        self, img: np.ndarray, dirt: np.ndarray, blur: float, haze: float, light: float, colour: list[float],
        edge: float, **params: Any,
    ) -> np.ndarray:  # fmt: skip
        """The picture through the dirt, uint8 as it was."""
        side = max(img.shape[:2])
        picture = img.reshape(*img.shape[:2], -1)
        there = blurred(dirt.astype(np.float32), edge * side)[..., None]
        behind = blurred(picture.astype(np.float32), blur * side).reshape(picture.shape)
        shade = behind.mean((0, 1)) * light + np.array(colour[: picture.shape[2]], np.float32)
        dirty = behind + haze * (shade - behind)
        result = picture + there * (dirty - picture)
        smudged: np.ndarray = np.clip(np.rint(result), 0, 255).astype(np.uint8).reshape(img.shape)
        return smudged

    def apply_to_mask(self, mask: np.ndarray, dirt: np.ndarray, **params: Any) -> np.ndarray:
        """The mask with the dirt in it; what other bits of labels say stays."""
        marked: np.ndarray = mask | dirt.reshape(mask.shape)
        return marked
