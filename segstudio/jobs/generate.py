"""generate: a dataset of drawn pictures with exact masks, an ordinary folder pair, for the sample project and tests."""

import io
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, Job
from segstudio.synthetic import KINDS


class GenerateOptions(Options):
    """What to draw."""

    kind: str = option("chest-xray", "Kind of picture", help="chest-xray or dirty-lens.")
    count: int = option(60, "Pictures", ge=1, le=100_000, help="How many pairs of image and mask to draw.")
    seed: int = option(0, "Seed", ge=0, help="The same seed draws the same bytes.")


@JOBS.register
class Generate(Job[GenerateOptions]):
    """Writes `images/NAME.png` and `masks/NAME.png` below the folder."""

    name: ClassVar[str] = "generate"
    title: ClassVar[str] = "Generate sample pictures"
    Options: ClassVar[type[Options]] = GenerateOptions

    def perform(self, folder: Path, report: Reporter) -> dict[str, Any]:
        """Draw into `folder`, which must be new or empty; the result has `images` and `masks`, the two folders.

        Raises:
            UserError: When the folder holds something already, or there is no such kind.
        """
        kind = KINDS[self.options.kind]()
        if folder.exists() and any(folder.iterdir()):
            raise UserError(f"{folder} is not empty", "name a new folder for the generated pictures")
        colour = np.array(kind.colour, np.uint8)
        is_grey = len(set(kind.colour)) == 1
        digits = len(str(self.options.count))
        for number in range(self.options.count):
            image, mask = kind.draw(np.random.default_rng([self.options.seed, number]))
            painted = mask * colour[0] if is_grey else mask[..., None] * colour
            name = f"{kind.name}_{number + 1:0{digits}}.png"
            write_atomically(folder / "images" / name, _png(image), is_durable=False)
            write_atomically(folder / "masks" / name, _png(painted), is_durable=False)
            report.progress(number + 1, self.options.count, f"picture {number + 1} of {self.options.count}")
        return {"images": str(folder / "images"), "masks": str(folder / "masks"), "count": self.options.count}


def _png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
