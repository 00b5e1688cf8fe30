"""Donors: other pictures with foreground, from which a transform may take some of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Donors(Protocol):
    """Pictures to take foreground from, always in the same order; asked by several threads.

    What is drawn from a seed depends on them: whoever wants the same bytes again must give the same ones.
    """

    @property
    def names(self) -> Sequence[str]:
        """What each is called, no name twice."""

    def take(self, index: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """One of them.

        Args:
            index: Which of `names`.
            seed: Settles which part of it, where a training sees no more than parts.

        Returns:
            uint8 (H, W) or (H, W, C), and uint8 (H, W) of 0 and 1: what may be taken. Neither is written to.

        Raises:
            UserError: When its files cannot be read any more.
        """


@dataclass(frozen=True, eq=False)
class DonorsInMemory:
    """Donors that are there already, whole.

    Attributes:
        names: What each is called.
        pairs: The image, uint8 (H, W) or (H, W, C), and the mask, uint8 (H, W) of 0 and 1, of each.
    """

    names: Sequence[str] = ()
    pairs: Sequence[tuple[np.ndarray, np.ndarray]] = ()

    def take(self, index: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The whole picture, whatever the seed."""
        return self.pairs[index]


NO_DONORS = DonorsInMemory()
"""There is nothing to take from."""


def donors_of(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> DonorsInMemory:
    """Those of the pairs (see DonorsInMemory) that have foreground, called by their number from 1."""
    chosen = [(f"{number}", pair) for number, pair in enumerate(pairs, 1) if pair[1].any()]
    return DonorsInMemory([name for name, _ in chosen], [pair for _, pair in chosen])
