"""Does an exported file predict what the network does? Asked of real images, in a fresh process."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.core.scaling import scaled_image
from segstudio.core.threshold import DEFAULT
from segstudio.exporting import Exporter

if TYPE_CHECKING:
    import keras

NETWORK_TOLERANCE = 1e-3
"""Of the network alone: other kernels add up in another order (1e-6 to 1e-5 measured), and no more."""

TOLERANCE = 0.05
"""Of whole images: OpenCV rounds a few grey values otherwise, by one, which a network may answer to."""

MEAN_TOLERANCE = 2e-3
"""Of whole images on average: a shift of half a pixel would be more."""


@dataclass(frozen=True)
class Check:
    """How the file's probabilities differ from the original's.

    Attributes:
        images: How many were compared.
        sizes: Their heights and widths.
        max_difference: The largest, of whole images as they are.
        mean_difference: The mean of these.
        network_difference: The largest on images of the network's own size, where nothing is scaled.
        different_pixels: Share of pixels that fall on the other side of the threshold.
        tolerance: What `max_difference` may be.
        network_tolerance: What `network_difference` may be.
    """

    images: int
    sizes: list[list[int]]
    max_difference: float
    mean_difference: float
    network_difference: float
    different_pixels: float
    tolerance: float = TOLERANCE
    network_tolerance: float = NETWORK_TOLERANCE

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @property
    def is_passed(self) -> bool:
        """Whether the differences are those of rounding; a NaN is none of them."""
        return (
            self.network_difference <= NETWORK_TOLERANCE
            and self.max_difference <= TOLERANCE
            and self.mean_difference <= MEAN_TOLERANCE
        )


def check_exported(
    network: "keras.Model",
    exporter: Exporter,
    path: Path,
    images: Sequence[np.ndarray],
    report: Reporter,
    threshold: float = DEFAULT,
) -> Check:
    """Compare a file with the network that it was made from, as this program predicts with it in float32.

    Args:
        network: The original.
        exporter: Of the file's format.
        path: The file.
        images: uint8 (H, W) or (H, W, 3).
        report: Hears of progress.
        threshold: From which probability on a pixel is foreground.

    Raises:
        UserError: When the file does not predict, or something else than the original.
    """
    from segstudio.ml.predict import forward_of, scaled_probability

    shape = network.input_shape[1:]
    small = [scaled_image(image, shape) for image in images]
    whole = [scaled_image(image, (*image.shape[:2], shape[2])) for image in images]
    report.progress(0, 3, "the original")
    forward = forward_of(network, len(images))
    plain = [forward(one[None])[0] for one in small]
    native = [scaled_probability(one, image.shape[:2]) for one, image in zip(plain, whole, strict=True)]
    report.progress(1, 3, f"the {exporter.title} file")
    found = predictions_of(exporter, path, [*whole, *small])
    report.progress(3, 3, "compared")
    pairs = list(zip(found[: len(whole)], native, strict=True))
    distances = [np.abs(one - other) for one, other in pairs]
    other_side = sum(int(np.count_nonzero((one >= threshold) != (other >= threshold))) for one, other in pairs)
    check = Check(
        len(images),
        [list(image.shape[:2]) for image in images],
        float(np.max([distance.max() for distance in distances])),
        float(np.mean([distance.mean() for distance in distances])),
        float(np.max([np.abs(one - other).max() for one, other in zip(found[len(whole) :], plain, strict=True)])),
        other_side / sum(other.size for _, other in pairs),
    )
    report.log(f"largest difference from the original: {check.max_difference:.2g}")
    if not check.is_passed:
        raise UserError(
            f"the {exporter.title} file does not predict what the network does: probabilities differ by up to "
            f"{check.max_difference:.2g}, and by {check.network_difference:.2g} where nothing is scaled",
            "nothing was written; another format may do, and please report this",
        )
    return check


def predictions_of(exporter: Exporter, path: Path, images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Probabilities, float32 (H, W), that the file alone gives in a process of its own.

    Args:
        exporter: Of its format.
        path: The file.
        images: uint8 (H, W, C).
    """
    with tempfile.TemporaryDirectory() as folder:
        given, taken = Path(folder) / "images.npz", Path(folder) / "found.npz"
        np.savez(given, *[image[None] for image in images])
        command = [sys.executable, "-m", "segstudio.exporting", exporter.name, str(path), str(given), str(taken)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
            raise UserError(f"the {exporter.title} file cannot be used: {said[-1]}", "nothing was written")
        with np.load(taken) as found:
            return [found[name][0, ..., 0] for name in found.files]
