"""Dataset formats: how images and masks lie on the disk for other programs; one file, one format.

Not to be mixed up with `formats`, which reads single pictures. A format says where things go and what is written about
each sample; the job that exports a dataset reads, writes and reports.
"""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar

import numpy as np

from segstudio.core.registry import Registry

Files = dict[PurePosixPath, bytes]
"""Content of files by their places in the dataset."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What is known of one sample of a dataset that is written.

    Attributes:
        number: From 1, unique in the dataset.
        stem: Path of the image without its suffix, with forward slashes; no two are alike, in any case of letters.
        suffix: How the name of the image's file ends, with the dot.
        split: "train", "val" or "test".
        width: In pixels.
        height: In pixels.
        state: Review state.
        foreground: Share of the area that the mask covers.
        reviewer: Who gave the verdict, or an empty string.
        comment: What the reviewer says of it.
        source: Path of the original below the dataset that the project was made from.
    """

    number: int
    stem: str
    suffix: str
    split: str
    width: int
    height: int
    state: str
    foreground: float
    reviewer: str
    comment: str
    source: str


class DatasetFormat(ABC):
    """One way to lay a dataset out.

    Attributes:
        name: Unique in DATASET_FORMATS; what the command line calls it.
        title: What the window calls it.
        help: Who wants it, in a sentence.
        keeps_ignored: Whether it can say which pixels are ignored.
        has_categories: Whether it has a name for the foreground.
        category: What the foreground is called, where the format has a name for it.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    keeps_ignored: ClassVar[bool] = True
    has_categories: ClassVar[bool] = False

    def __init__(self, category: str = "foreground") -> None:
        self.category = category

    @abstractmethod
    def image_place(self, one: Exported) -> PurePosixPath:
        """Where the image goes."""

    @abstractmethod
    def describe(self, one: Exported, mask: np.ndarray, ignored: np.ndarray | None) -> tuple[Files, Any]:
        """Put a mask into the format's own words; called from several threads.

        Args:
            one: The sample.
            mask: uint8 (height, width) of 0 and 1.
            ignored: uint8 (height, width) of 0 and 1, or None when nothing is ignored.

        Returns:
            Files of this sample alone, and what `finish` wants to know of it (plain values; they are all kept until
            then).
        """

    @abstractmethod
    def read_back(self, one: Exported, files: Files, told: Any) -> np.ndarray:
        """The mask as another program will see it, to find out what the format has lost.

        Returns:
            uint8 (height, width) of 0 and 1.
        """

    def finish(self, all_told: Sequence[tuple[Exported, Any]]) -> Files:
        """Files about all of the dataset.

        Args:
            all_told: Every sample that was written, with what `describe` told of it.
        """
        return {}

    def mask_place(self, one: Exported) -> PurePosixPath | None:
        """Where `describe` puts what it says of this sample alone, or None when there is no such file."""
        return None


DATASET_FORMATS: Registry[DatasetFormat] = Registry("segstudio.dataset_formats", "dataset format")

TABLE = "samples.csv"


def table_of(written: Sequence[tuple[Exported, PurePosixPath, PurePosixPath | None]]) -> bytes:
    """samples.csv, which lies in every exported dataset, whatever its format: UTF-8, a line per sample.

    Args:
        written: Samples, with the places of image and mask.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["image", "mask", "split", "state", "foreground", "width", "height", "reviewer", "comment", "source"])
    for one, image, mask in written:
        facts = [one.split, one.state, f"{one.foreground:.6g}", one.width, one.height]
        rows.writerow([image, mask or "", *facts, one.reviewer, one.comment, one.source])
    return text.getvalue().encode("utf-8")
