"""COCO: one JSON file per split, a run-length encoded annotation for each connected part of a mask.

https://cocodataset.org/#format-data. Run lengths and not polygons, because they say every pixel; the counts go down
the columns and begin with background, as pycocotools' `decode` wants them after `frPyObjects`. What is ignored is an
annotation with iscrowd 1, which COCO's own evaluation leaves out too.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, ClassVar

import cv2
import numpy as np

from segstudio.dataset_formats import DATASET_FORMATS, DatasetFormat, Exported, Files

_CATEGORY = 1


@DATASET_FORMATS.register
class Coco(DatasetFormat):
    """images/ and annotations/train.json, val.json, test.json; parts touch when their corners do."""

    name: ClassVar[str] = "coco"
    title: ClassVar[str] = "COCO"
    help: ClassVar[str] = "For Detectron2, MMDetection, FiftyOne, CVAT; every pixel is kept."
    has_categories: ClassVar[bool] = True

    def image_place(self, one: Exported) -> PurePosixPath:
        """See DatasetFormat.image_place."""
        return PurePosixPath("images", f"{one.stem}{one.suffix}")

    def describe(self, one: Exported, mask: np.ndarray, ignored: np.ndarray | None) -> tuple[Files, list[Any]]:
        """See DatasetFormat.describe; what is told are the annotations, without their numbers."""
        annotations = [_annotation(pixels, mask.shape, is_crowd=False) for pixels in _parts(mask)]
        if ignored is not None:
            annotations.append(_annotation(_down_the_columns(ignored), mask.shape, is_crowd=True))
        return {}, annotations

    def read_back(self, one: Exported, files: Files, told: list[dict[str, Any]]) -> np.ndarray:
        """See DatasetFormat.read_back."""
        mask = np.zeros((one.height, one.width), np.uint8)
        for annotation in told:
            if not annotation["iscrowd"]:
                mask |= decoded(annotation["segmentation"])
        return mask

    def finish(self, all_told: Sequence[tuple[Exported, list[Any]]]) -> Files:
        """See DatasetFormat.finish."""
        by_split: defaultdict[str, list[tuple[Exported, list[Any]]]] = defaultdict(list)
        for one, annotations in all_told:
            by_split[one.split].append((one, annotations))
        return {
            PurePosixPath("annotations", f"{split}.json"): self._file(members)
            for split, members in sorted(by_split.items())
        }

    def _file(self, members: list[tuple[Exported, list[Any]]]) -> bytes:
        images = [
            {
                "id": one.number,
                "file_name": str(self.image_place(one).relative_to("images")),
                "width": one.width,
                "height": one.height,
            }
            for one, _ in members
        ]
        numbered: list[dict[str, Any]] = []
        for one, annotations in members:
            for annotation in annotations:
                about = {"id": len(numbered) + 1, "image_id": one.number, "category_id": _CATEGORY}
                numbered.append(about | annotation)
        content = {
            "info": {"description": "exported by SegStudio", "version": "1.0"},
            "licenses": [],
            "images": images,
            "annotations": numbered,
            "categories": [{"id": _CATEGORY, "name": self.category, "supercategory": ""}],
        }
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def decoded(segmentation: dict[str, Any]) -> np.ndarray:
    """The mask of an uncompressed run-length encoding: uint8 (height, width) of 0 and 1."""
    height, width = segmentation["size"]
    counts = np.asarray(segmentation["counts"])
    return np.repeat(np.arange(len(counts)) % 2, counts).astype(np.uint8).reshape(width, height).T


def _parts(mask: np.ndarray) -> list[np.ndarray]:
    """The pixels of each connected part, ascending, numbered down the columns."""
    count, labels = cv2.connectedComponents(np.ascontiguousarray(mask), connectivity=8)
    pixels = _down_the_columns(mask)
    label_of = labels.T.reshape(-1)[pixels]
    order = np.argsort(label_of, kind="stable")  # keeps each part ascending
    return np.split(pixels[order], np.searchsorted(label_of[order], np.arange(2, count))) if count > 1 else []


def _down_the_columns(mask: np.ndarray) -> np.ndarray:
    """Where the mask is set: int64, ascending, x * height + y."""
    return np.flatnonzero(mask.T.reshape(-1))


def _annotation(pixels: np.ndarray, shape: tuple[int, ...], *, is_crowd: bool) -> dict[str, Any]:
    """Without numbers of its own, of its image and of its category.

    Args:
        pixels: As _down_the_columns gives them; at least one.
        shape: Height and width of the mask.
        is_crowd: Whether it is a region to be ignored.
    """
    height, width = shape[:2]
    x, y = pixels // height, pixels % height
    left, top = int(x.min()), int(y.min())
    return {
        "segmentation": {"size": [height, width], "counts": _counts(pixels, height * width)},
        "area": len(pixels),
        "bbox": [left, top, int(x.max()) - left + 1, int(y.max()) - top + 1],
        "iscrowd": int(is_crowd),
    }


def _counts(pixels: np.ndarray, size: int) -> list[int]:
    """Lengths of runs, by turns background and foreground, from the pixels' ascending numbers."""
    breaks = np.flatnonzero(np.diff(pixels) > 1)
    starts = pixels[np.concatenate(([0], breaks + 1))]
    ends = pixels[np.concatenate((breaks, [len(pixels) - 1]))] + 1
    edges = np.stack((starts, ends), axis=1).reshape(-1)
    counts = np.diff(np.concatenate(([0], edges))).tolist()
    rest = size - int(edges[-1])
    return [*counts, rest] if rest else counts
