"""YOLO: a text file of polygons beside each image, as Ultralytics' segmentation networks are trained.

https://docs.ultralytics.com/datasets/segment. A line is the class and the corners of one polygon, as shares of width
and height. Corners are the middles of the outermost pixels: Ultralytics cuts them off to whole pixels and fills with
cv2.fillPoly, which paints the outline too, so at its own size a part without holes comes back pixel by pixel. A hole
hangs on its outline by a slit of one pixel, as Ultralytics' own converter makes it (merge_multi_segment): where the
slit runs over background, that is painted.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, ClassVar

import cv2
import numpy as np

from segstudio.dataset_formats import DATASET_FORMATS, DatasetFormat, Exported, Files

_FEWEST_CORNERS = 3
_SPLITS = ("train", "val", "test")


@DATASET_FORMATS.register
class Yolo(DatasetFormat):
    """images/train/…, labels/train/… and data.yaml."""

    name: ClassVar[str] = "yolo"
    title: ClassVar[str] = "YOLO"
    help: ClassVar[str] = "For Ultralytics; polygons, so holes may lose a few pixels."
    keeps_ignored: ClassVar[bool] = False
    has_categories: ClassVar[bool] = True

    def image_place(self, one: Exported) -> PurePosixPath:
        """See DatasetFormat.image_place."""
        return PurePosixPath("images", one.split, f"{one.stem}{one.suffix}")

    def mask_place(self, one: Exported) -> PurePosixPath:
        """See DatasetFormat.mask_place."""
        return PurePosixPath("labels", one.split, f"{one.stem}.txt")

    def describe(self, one: Exported, mask: np.ndarray, ignored: np.ndarray | None) -> tuple[Files, None]:
        """See DatasetFormat.describe."""
        size = np.array([one.width, one.height])
        lines = [
            "0 " + " ".join(f"{share:.8g}" for share in ((polygon + 0.5) / size).reshape(-1))
            for polygon in _polygons(mask)
        ]
        return {self.mask_place(one): "".join(line + "\n" for line in lines).encode("ascii")}, None

    def read_back(self, one: Exported, files: Files, told: Any) -> np.ndarray:
        """See DatasetFormat.read_back; as Ultralytics' polygon2mask does it."""
        mask = np.zeros((one.height, one.width), np.uint8)
        for line in files[self.mask_place(one)].decode("ascii").splitlines():
            corners = np.array(line.split()[1:], np.float64).reshape(-1, 2) * [one.width, one.height]
            cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
        return mask

    def finish(self, all_told: Sequence[tuple[Exported, Any]]) -> Files:
        """See DatasetFormat.finish."""
        splits = {one.split for one, _ in all_told}
        lines = [f"{split}: images/{split}" for split in _SPLITS if split in splits]
        name = self.category.replace("'", "''")
        return {PurePosixPath("data.yaml"): "\n".join([*lines, "names:", f"  0: '{name}'", ""]).encode("utf-8")}


def _polygons(mask: np.ndarray) -> list[np.ndarray]:
    """One closed polygon for each connected part: int (corners, 2) of x and y, at least three corners."""
    found, tree = cv2.findContours(np.ascontiguousarray(mask), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not found:
        return []
    polygons = {index: contour[:, 0] for index, contour in enumerate(found) if tree[0, index, 3] < 0}
    for index, contour in enumerate(found):
        if (outline := int(tree[0, index, 3])) >= 0:
            polygons[outline] = _with_hole(polygons[outline], contour[:, 0])
    return [_with_corners_enough(polygon) for polygon in polygons.values()]


def _with_hole(outline: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The outline, with a way to the nearest corner of a hole, around it, and back the same way."""
    from scipy.spatial import cKDTree  # takes long to load, and most masks have no holes

    far, nearest = cKDTree(outline).query(hole)
    begin = int(np.argmin(far))
    leave = int(nearest[begin])
    around = np.concatenate((hole[begin:], hole[: begin + 1]))
    return np.concatenate((outline[: leave + 1], around, outline[leave:]))


def _with_corners_enough(polygon: np.ndarray) -> np.ndarray:
    return np.concatenate((polygon, np.repeat(polygon[-1:], max(0, _FEWEST_CORNERS - len(polygon)), axis=0)))
