"""How a network looks at an image: whole or in tiles, and at which of its mirror images.

Two predictions of one network that were made in different ways differ, often by more than two trainings do. Whoever
shows a figure therefore says in which way it was made, and figures of different ways are neither mixed nor compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, NamedTuple, get_args

from segstudio.core.percentage import percent

Flips = Literal["off", "horizontal", "all"]
FLIPS: tuple[Flips, ...] = get_args(Flips)

Tiling = Literal["auto", "off", "full"]
TILINGS: tuple[Tiling, ...] = get_args(Tiling)

OVERLAP = 0.5
"""Share of a tile that the next one covers too; with a half every pixel is well inside of some tile."""

_MIRRORED = {"off": "", "horizontal": "mean with the mirror image", "all": "mean with three mirror images"}


@dataclass(frozen=True)
class Way:
    """How a network looks at an image.

    Attributes:
        is_tiled: In overlapping tiles at full resolution; else at the whole image, scaled to the network's size. A
            network that has learnt from whole images sees everything magnified in tiles.
        overlap: Share of a tile that the next one covers too.
        flips: Which mirror images are predicted as well; the mean of all counts.
        crop: Side, in pixels of the image, of what a tile shows: that of the crops which the network has learnt from.
            It is as large as the network when 0.
        doubts: When no mirror images count: which are looked at all the same, to see whether they disagree. It changes
            no probability.
    """

    is_tiled: bool = False
    overlap: float = OVERLAP
    flips: Flips = "off"
    crop: int = 0
    doubts: Flips = "off"

    @property
    def words(self) -> str:
        """For people: "whole image", "tiles of 512 px, mean with the mirror image"."""
        seen = "whole image"
        if self.is_tiled:
            size = f" of {self.crop} px" if self.crop else ""
            seen = f"tiles{size}, {percent(self.overlap)} overlap"
        return ", ".join(filter(None, (seen, _MIRRORED[self.flips])))

    def to_values(self) -> dict[str, Any]:
        """Plain values that say how probabilities are made, without what changes none of them."""
        return {
            "tiles": self.is_tiled,
            "overlap": self.overlap if self.is_tiled else None,
            "crop": self.crop if self.is_tiled and self.crop else None,
            "flips": self.flips,
            "words": self.words,
        }


WHOLE = Way()


def way_of(trained: Mapping[str, Any], tiling: Tiling = "auto", flips: Flips = "off") -> Way:
    """How a network looks at images.

    Args:
        trained: The options it was trained with: it sees images at the scale it has learnt them at.
        tiling: auto as it has learnt to look; off at the whole image, full in tiles at full resolution.
        flips: Which mirror images count too.
    """
    crop = int(trained.get("crop") or 0)
    if tiling == "auto":
        return Way(is_tiled=crop > 0, flips=flips, crop=crop)
    return Way(is_tiled=tiling == "full", flips=flips)


def flips_notes(flips: Flips) -> list[str]:
    """What a reader must know of figures that were measured with mirror images; nothing when they were without."""
    if flips == "off":
        return []
    return [f"Every figure is of predictions that were made so: {_MIRRORED[flips]}. None is that of plain ones."]


def flips_words(flips: Flips) -> str:
    """What to say after the name of what was measured with mirror images; nothing when it was without."""
    return "" if flips == "off" else f", mirror images ({flips})"


class Manner(NamedTuple):
    """In what a prediction differs from how its network has learnt to look; alike ones of two runs can be compared.

    Attributes:
        tiling: "auto" when it does not differ.
        flips: Which mirror images count too.
    """

    tiling: Tiling = "auto"
    flips: Flips = "off"

    @property
    def text(self) -> str:
        """One of MANNERS, as it is stored: "plain", "flips=all", "tiling=full flips=horizontal"."""
        parts = [f"{name}={value}" for name, value, usual in zip(self._fields, self, Manner(), strict=True)
                 if value != usual]  # fmt: skip
        return " ".join(parts) or "plain"

    @property
    def words(self) -> str:
        """For people; nothing when it does not differ."""
        tiled = {"auto": "", "off": "whole images", "full": "tiles at full resolution"}[self.tiling]
        return ", ".join(filter(None, (tiled, _MIRRORED[self.flips])))


PLAIN = Manner().text
UNKNOWN = "unknown"
"""What was predicted by a version that did not write down how, in a run that has not always predicted plainly."""

_KNOWN = {one.text: one for one in (Manner(*pair) for pair in product(TILINGS, FLIPS))}
MANNERS = (*_KNOWN, UNKNOWN)
"""How predictions are stored to have been made, the plain manner first."""


def manner_of(trained: Mapping[str, Any], tiling: Tiling = "auto", flips: Flips = "off") -> Manner:
    """The manner that these options come to for a network that was trained with those; see `way_of`."""
    is_usual = way_of(trained, tiling) == way_of(trained)
    return Manner("auto" if is_usual else tiling, flips)


def manner_from(text: str) -> Manner | None:
    """The manner of that text; None when it is not known."""
    return _KNOWN.get(text)


def manner_words(text: str) -> str:
    """What to say beside a figure of predictions of that manner; nothing when they are plain."""
    return "it is not known how it was predicted" if text == UNKNOWN else _KNOWN.get(text, Manner()).words
