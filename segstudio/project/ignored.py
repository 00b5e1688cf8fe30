"""Ignored regions: where a sample says nothing, neither to whoever learns from it nor to whoever measures by it.

    ignore/<stem>.png                     8-bit grey of the image's own size: 255 where pixels are ignored, else 0
    history/<stem>/ignored-<sha256>.png   as they were when a run learnt from the sample; never changed again
    predictions/<run>/<stem>.ignored      what another reader has ignored, whose masks the run holds; a PNG too
    journal-ignored/<stem>.journal        strokes that are newer than the file, and what can be undone

A sample without such a file has no ignored region. There are no revisions of them: the file is all, and a run says by
its manifest which bytes it used.
"""

import contextlib
import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from segstudio.core.errors import BadImage
from segstudio.core.files import write_atomically
from segstudio.core.mask import Mask
from segstudio.core.sample import Sample
from segstudio.formats import encode_mask, read_mask_values

if TYPE_CHECKING:
    from segstudio.project.project import Project

UNDER_WAY = "ignoring"
"""The setting that holds the sample whose figures are not yet those of its new region."""

SIGN = 16
"""So many digits of the hash are in the name of what is kept."""


class IgnoredRegions:
    """Reads and saves the ignored regions of a project; may be used from several threads."""

    def __init__(self, project: "Project") -> None:
        self._project = project
        self._saving = threading.Lock()

    def path(self, sample: Sample) -> Path:
        """Where the ignored region of a sample lies, or would lie."""
        return self._project.folder / "ignore" / f"{sample.stem}.png"

    def load(self, sample: Sample) -> Mask | None:
        """Where pixels of a sample are ignored.

        Returns:
            uint8 (H, W) of 0 and 1, of the image's own size; None where nothing is.

        Raises:
            BadImage: When the file is damaged or has another size.
        """
        path = self.path(sample)
        return _read(sample, path) if path.is_file() else None

    def save(self, sample_id: int, ignored: Mask) -> None:
        """Ignore these pixels of a sample from now on, and no others; its predictions are measured anew.

        Args:
            sample_id: Of which sample.
            ignored: uint8 (H, W) of 0 and 1, of the image's size.

        Raises:
            ReadOnlyProject: When the project is not to be changed.
            OSError: When the disk is full; the old file is then untouched.
        """
        project = self._project
        sample = project.samples.get(sample_id)
        if ignored.shape != (sample.height, sample.width) or ignored.dtype != np.uint8:
            raise ValueError(f"{sample.image} wants uint8 {(sample.height, sample.width)}, not {ignored.shape}")
        project.require_writable()
        path, data = self.path(sample), encode_mask(ignored)
        # No mask is saved meanwhile, or figures of an older one could be the last that are stored.
        with project.masks.saving, self._saving:
            if (path.read_bytes() == data) if path.is_file() else not ignored.any():
                return
            with project.transaction() as connection:
                connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (UNDER_WAY, str(sample_id)))
            write_atomically(path, data)
            self._measure(project.samples.get(sample_id))

    def _measure(self, sample: Sample) -> None:
        """Bring the figures of a sample up to date with its mask and its region."""
        project, mask = self._project, None
        with contextlib.suppress(BadImage):  # what is ignored is saved all the same
            mask = project.masks.load(sample) if sample.has_mask else None
        with project.transaction("masks", "samples") as connection:
            if mask is not None:
                project.predictions.mask_changed(sample, mask)
            connection.execute("DELETE FROM setting WHERE name = ?", (UNDER_WAY,))

    def recover(self) -> None:
        """Measure what had a new region, but not its figures yet, when a process ended; nobody else may edit."""
        sample_id = self._project.settings.get(UNDER_WAY)
        if sample_id is not None:
            with self._project.masks.saving:
                self._measure(self._project.samples.get(sample_id))

    def sha256(self, sample: Sample) -> str:
        """Of the file that says where pixels are ignored now; empty where nothing is ignored."""
        return self._as_it_is(sample)[0]

    def between(self, run_id: int | None, sample: Sample) -> Mask | None:
        """Where a mask is not held against what a run says of it: what is ignored here, or by the reader it is of.

        Returns:
            uint8 (H, W) of 0 and 1; None where nothing is.

        Raises:
            BadImage: When a file is damaged or has another size.
        """
        own, theirs = self.load(sample), None if run_id is None else self.of_reader(run_id, sample)
        return own if theirs is None else theirs if own is None else own | theirs

    def of_reader(self, run_id: int, sample: Sample) -> Mask | None:
        """What the reader whose masks a run holds has ignored: uint8 (H, W) of 0 and 1; None where nothing.

        Raises:
            BadImage: When the file is damaged or has another size.
        """
        path = self.reader_path(run_id, sample)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
        if values is None or values.shape != (sample.height, sample.width):
            raise BadImage(f"{path} is damaged: what another reader ignores of {sample.image}", "import them again")
        return (values > 127).astype(np.uint8)

    def reader_path(self, run_id: int, sample: Sample) -> Path:
        """Where that lies, or would lie."""
        return self._project.folder / "predictions" / f"{run_id:04}" / f"{sample.stem}.ignored"

    def keep(self, sample: Sample) -> str:
        """Keep the ignored region as it is now, for a run that learns from the sample.

        Returns:
            sha256 of its file, for `load_kept`, which says when it is damaged; empty where nothing is ignored.
        """
        sha256, data = self._as_it_is(sample)
        if not sha256:
            return ""
        kept = self.kept_path(sample, sha256)
        if not kept.is_file() or kept.read_bytes() != data:
            write_atomically(kept, data)
        return sha256

    def _as_it_is(self, sample: Sample) -> tuple[str, bytes]:
        """The hash and the bytes of the file, which may be damaged; empty where nothing is ignored."""
        try:
            data = self.path(sample).read_bytes()
        except FileNotFoundError:
            return "", b""
        with contextlib.suppress(BadImage):
            if self.load(sample) is None:
                return "", b""
        return hashlib.sha256(data).hexdigest(), data

    def kept_path(self, sample: Sample, sha256: str) -> Path:
        """Where `keep` has put the region of that hash."""
        return self._project.folder / "history" / sample.stem / f"ignored-{sha256[:SIGN]}.png"

    def load_kept(self, sample: Sample, sha256: str) -> Mask | None:
        """The region that `keep` has kept: uint8 (H, W) of 0 and 1; None for an empty hash.

        Raises:
            BadImage: When it is gone or damaged.
        """
        if not sha256:
            return None
        path = self.kept_path(sample, sha256)
        if not path.is_file():
            raise BadImage(f"{path} is missing: where {sample.image} was ignored", "put the file back, or train anew")
        return _read(sample, path)


def _read(sample: Sample, path: Path) -> Mask | None:
    values = read_mask_values(path)
    if values.ndim == 3:
        values = values.max(axis=2)
    if values.shape != (sample.height, sample.width):
        raise BadImage(
            f"{path} is {values.shape[1]}x{values.shape[0]} pixels, but the image {sample.image} is "
            f"{sample.width}x{sample.height}",
            "ignored regions are never resized silently: mend the file or remove it",
        )
    ignored = (values > (127 if values.max(initial=0) > 1 else 0)).astype(np.uint8)
    return ignored if ignored.any() else None
