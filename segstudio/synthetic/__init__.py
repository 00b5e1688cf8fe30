"""Generated pictures with exact masks, for the sample project, tests and benchmarks; one file, one kind of picture.

Nothing that the program ships is a photograph of somebody else: a kind draws what its real counterpart varies in
(pose, exposure, texture, noise), so that a network has to learn and is sometimes wrong.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from segstudio.core.registry import Registry


class Kind(ABC):
    """One kind of generated picture.

    Attributes:
        name: What the command line calls it.
        title: What a project of it is called.
        colour: The colour of the foreground in the mask files, RGB; white for grey masks.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    colour: ClassVar[tuple[int, int, int]] = (255, 255, 255)

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One picture and its mask.

        Args:
            rng: The only source of chance: the same state gives the same bytes.

        Returns:
            image: uint8 (H, W) or (H, W, 3) RGB.
            mask: uint8 (H, W) of 0 and 1.
        """


KINDS: Registry[Kind] = Registry("segstudio.synthetic", "kind of picture")
