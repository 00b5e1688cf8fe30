"""Augmenter: applies a recipe to an image and its mask, as a pure function of them, a seed, and the donors if any."""

import copy
import functools
import hashlib
import json
import math
import random
import threading
from collections import Counter
from typing import Any, NamedTuple

import cv2
import numpy as np

from segstudio.augmentation.donors import NO_DONORS, Donors
from segstudio.augmentation.library import albumentations, make, plain
from segstudio.augmentation.names import IN_COLOUR
from segstudio.augmentation.recipe import Recipe, Step, combination_parameters
from segstudio.core.errors import UserError
from segstudio.core.labels import scaled_labels
from segstudio.core.scaling import scaled_image

FEW = 16
"""Numbers of an array that a manifest may hold; of larger ones it holds a summary."""


class Augmented(NamedTuple):
    """What came of it.

    Attributes:
        image: uint8, (H, W) or (H, W, C) as it was given; H and W may have changed.
        mask: uint8 (H, W) of 0 and 1, contiguous.
        applied: In order, {"transform": name, and what was drawn by chance}; empty unless asked for.
    """

    image: np.ndarray
    mask: np.ndarray
    applied: list[dict[str, Any]]


def seed_of(*parts: int | str) -> int:
    """A seed of 32 bits from anything that tells one use from another; the same on every machine and version."""
    text = json.dumps([part if isinstance(part, str) else int(part) for part in parts])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


class Augmenter:
    """Applies a recipe. May be shared by threads: each has its own pipeline.

    Every step draws from a stream of its own, made from the seed and from which step it is (the second Rotate, say).
    Changing one step leaves the draws of all others as they were. (Albumentations' own `set_random_seed` gives all of
    them the same stream, so that steps of the same p are applied together or not at all.)
    """

    def __init__(self, recipe: Recipe, donors: Donors = NO_DONORS) -> None:
        """An augmenter; the first one of the process loads Albumentations.

        Args:
            recipe: What to apply.
            donors: Other pictures, for steps that take from them; without any these do nothing.

        Raises:
            UserError: When a step of it is wrong.
        """
        self.recipe = recipe
        self.wants_donors = recipe.wants_donors
        self._donors = donors
        self.warnings: list[str] = []
        self._local = threading.local()
        self._local.pipeline = self._made()

    def _made(self) -> "_Pipeline":
        pipeline = _Pipeline(self.recipe)
        self.warnings = pipeline.warnings
        return pipeline

    def with_donors(self, donors: Donors) -> "Augmenter":
        """The same augmenter with these donors; both share what they are made of."""
        other = copy.copy(self)
        other._donors = donors
        return other

    def apply(
        self, image: np.ndarray, mask: np.ndarray, seed: int, *, source: str = "", has_applied: bool = False
    ) -> Augmented:
        """The image and its mask, augmented.

        Args:
            image: uint8 (H, W), (H, W, 1) or (H, W, 3) RGB; not written to, but it may be what comes back.
            mask: uint8 (H, W) of 0 and 1, or of labels, see core.labels; the same.
            seed: Any number from 0 on; the same seed gives the same bytes.
            source: What the image is called among the donors, so that nothing is taken from itself.
            has_applied: Whether to say what was applied.

        Raises:
            UserError: When a step cannot be applied to this image; it names the step.
        """
        pipeline: _Pipeline | None = getattr(self._local, "pipeline", None)
        if pipeline is None:
            pipeline = self._local.pipeline = self._made()
        beside = {"donors": self._donors, "source": source} if self.wants_donors else {}
        return pipeline.apply(image, mask, seed, beside, has_applied=has_applied)

    def apply_fitted(
        self, image: np.ndarray, mask: np.ndarray, seed: int, *, source: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `apply`, brought back to the size of the input where a step changed it.

        Returns:
            uint8 of the shape of `image`, and of that of `mask`.
        """
        done = self.apply(image, mask, seed, source=source)
        if done.mask.shape == mask.shape:
            return done.image, done.mask
        height, width = mask.shape
        channels = 1 if image.ndim == 2 else image.shape[2]
        scaled = scaled_image(done.image[..., 0] if image.shape[2:] == (1,) else done.image, (height, width, channels))
        return scaled.reshape(image.shape), scaled_labels(done.mask, height, width)


class _Pipeline:
    """The transforms of a recipe, for one thread."""

    def __init__(self, recipe: Recipe) -> None:
        recipe.require_valid()
        self.warnings: list[str] = []
        self._streams: list[tuple[Any, int]] = []
        seen: Counter[str] = Counter()
        steps = [self._make(step, "", seen) for step in recipe.active]
        self._compose = albumentations().Compose(steps, is_check_shapes=False)

    def _make(self, step: Step, before: str, seen: Counter[str]) -> Any:
        name = f"{before}/{step.transform}"
        seen[name] += 1
        place = f"{name}#{seen[name]}"
        if step.is_combination:
            inner: Counter[str] = Counter()
            made = _combination(step, [self._make(one, place, inner) for one in step.active])
        else:
            made, warned = make(step.transform, step.parameters, step.p)
            self.warnings += warned
        self._streams.append((made, seed_of(place)))
        return made if step.is_combination else _guarded()(made, step.transform)

    def apply(
        self, image: np.ndarray, mask: np.ndarray, seed: int, beside: dict[str, Any], *, has_applied: bool
    ) -> Augmented:
        for transform, place in self._streams:
            transform.random_generator = np.random.Generator(np.random.PCG64((seed, place)))
            transform.py_random = random.Random((seed << 32) | place)
        self._compose.save_applied_params = has_applied
        done = self._compose(image=image[..., 0] if image.shape[2:] == (1,) else image, mask=mask, **beside)
        return Augmented(
            np.ascontiguousarray(done["image"]).reshape(*done["image"].shape[:2], *image.shape[2:]),
            np.ascontiguousarray(done["mask"]),
            [_said(name, drawn) for name, drawn in done.get("applied_transforms", ())],
        )


def _combination(step: Step, inner: list[Any]) -> Any:
    values = combination_parameters(step)
    if "n" in values and not values["replace"]:
        values["n"] = min(values["n"], len(inner))
    return getattr(albumentations(), step.transform)(inner, p=step.p, **values)


@functools.cache
def _guarded() -> Any:
    """The class around every transform: grey images for those that want colour, and errors that name the step."""

    class Guarded(albumentations().BaseCompose):  # type: ignore[misc]
        def __init__(self, transform: Any, name: str) -> None:
            super().__init__([transform], transform.p)
            self._transform = transform
            self._name = name

        def __call__(self, *args: Any, force_apply: bool = False, **data: Any) -> Any:
            image = data["image"]
            if self._name == "ConstrainedCoarseDropout" and not data["mask"].any():
                return data  # Albumentations would warn that there is no object to cover
            is_converted = self._name in IN_COLOUR and image.ndim == 2
            try:
                done = self._transform(
                    force_apply=force_apply,
                    **{**data, "image": cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)} if is_converted else data,
                )
            except (UserError, MemoryError):
                raise
            except Exception as error:  # Albumentations has exceptions of its own, such as CropSizeError
                height, width = image.shape[:2]
                raise UserError(
                    f"{self._name} cannot be applied to an image of {width}x{height} pixels: {error}",
                    "change its parameters or take it out of the recipe",
                ) from error
            self._track_transform_params(self._transform, done)
            if is_converted:
                is_applied = bool(self._transform.params)
                done["image"] = cv2.cvtColor(done["image"], cv2.COLOR_RGB2GRAY) if is_applied else image
            return done

    return Guarded


_UNSAID = frozenset(
    {
        "shape", "interpolation", "fill", "fill_mask", "border_mode", "bbox_matrix", "matrix_bbox", "output_shape",
        "pieces",
    }
)  # fmt: skip
"""Entries of a transform's parameters that are no result of chance, only matter to bounding boxes, or are pictures."""


def _said(name: str, drawn: dict[str, Any]) -> dict[str, Any]:
    said = {key: _small(value) for key, value in drawn.items() if key not in _UNSAID and value is not None}
    if name == "Rotate":  # a person reads degrees
        (cosine, sine, *_), *_ = drawn["matrix"]
        said = {"angle": round(math.degrees(math.atan2(sine, cosine)), 3), **said}
        if drawn["x_min"] == -1:
            said = {key: value for key, value in said.items() if key not in {"x_min", "x_max", "y_min", "y_max"}}
    return {"transform": name, **said}


def _small(value: Any) -> Any:
    """A value for the manifest: few numbers as they are, many as a summary."""
    if isinstance(value, np.ndarray) and value.size > FEW:
        size = "x".join(map(str, value.shape))
        if value.dtype.kind not in "fiub":
            return f"{size} {value.dtype}"
        spread = f", standard deviation {value.std():.4g}" if value.dtype.kind == "f" else ""
        return f"{size} {value.dtype} from {_rounded(value.min())} to {_rounded(value.max())}{spread}"
    if isinstance(value, np.ndarray | np.generic):
        return _small(value.tolist())
    if isinstance(value, dict):
        return {str(key): _small(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return f"{len(value)} values" if len(value) > FEW else [_small(one) for one in value]
    return _rounded(value) if isinstance(value, float) else plain(value)


def _rounded(value: Any) -> Any:
    return float(f"{float(value):.6g}") if isinstance(value, float | np.floating) else plain(value)
