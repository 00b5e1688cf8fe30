"""A drag of a tool from the press to the end, with all slow work done on the way."""

from typing import Any

import numpy as np

from segstudio.core.document import Document
from segstudio.tools import TOOLS, Drag, Pointer, Scene


def compute(drag: Drag) -> None:
    """Do what the tool waits for, here and now."""
    while (work := drag.work) is not None:
        drag.deliver(work, work.run())


def scene_of(mask: np.ndarray, image: np.ndarray | None = None, probability: np.ndarray | None = None) -> Scene:
    """A scene with a copy of the mask."""
    return Scene(Document(mask.copy()), np.zeros(mask.shape, np.uint8) if image is None else image, probability)


def dragged(name: str, scene: Scene, *pointers: Pointer, **options: Any) -> np.ndarray:
    """The mask after a drag."""
    tool = TOOLS[name]()
    press, *others = pointers
    drag = Drag(tool, scene, tool.Options(**options), press)
    for pointer in others:
        compute(drag)
        drag.move(pointer)
    drag.finish()
    compute(drag)
    assert drag.is_finished
    return scene.document.mask
