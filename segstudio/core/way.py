"""How a network looks at an image: whole or in tiles, and at which of its mirror images.

Two predictions of one network that were made in different ways differ, often by more than two trainings do. Whoever
shows a figure therefore says in which way it was made, and figures of different ways are neither mixed nor compared.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

Flips = Literal["off", "horizontal", "all"]
FLIPS: tuple[Flips, ...] = get_args(Flips)

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
            seen = f"tiles{size}, {self.overlap:.0%} overlap"
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
