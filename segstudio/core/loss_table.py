"""The losses of the samples that a training learnt from, epoch by epoch, as its folder keeps them: losses.npz."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically

NAME = "losses.npz"


@dataclass(frozen=True, eq=False)
class LossTable:
    """What each sample lost in each epoch.

    Attributes:
        samples: int64 (N,), ids of the samples, ascending.
        losses: float32 (epochs, N), the first row of epoch 1; NaN where a sample was not seen, or nobody took it down.
    """

    samples: npt.NDArray[np.int64]
    losses: npt.NDArray[np.float32]

    def with_epoch(self, epoch: int, losses: npt.NDArray[np.float32]) -> "LossTable":
        """The same with the losses (N,) of an epoch, counted from 1, and without later ones."""
        kept = np.full((epoch, len(self.samples)), np.nan, np.float32)
        before = min(epoch - 1, len(self.losses))
        kept[:before] = self.losses[:before]
        kept[epoch - 1] = losses
        return LossTable(self.samples, kept)

    def save(self, path: Path) -> None:
        """Write it; a file is whole or not there. It can be made again by training, so the disk is not waited for."""
        data = io.BytesIO()
        np.savez_compressed(data, samples=self.samples, losses=self.losses)
        write_atomically(path, data.getvalue(), is_durable=False)


def load_losses(path: Path) -> LossTable:
    """Read what was saved.

    Raises:
        UserError: When it is missing or damaged.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as content:
            table = LossTable(content["samples"].astype(np.int64), content["losses"].astype(np.float32))
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read: {error}", "train again to have the losses of each sample") from error
    if table.losses.ndim != 2 or table.samples.shape != table.losses.shape[1:]:
        raise UserError(f"{path} is no table of losses", "train again to have the losses of each sample")
    return table
