"""Which way a volume lies in the patient, and how its slices are turned so that a person sees them upright.

Slices are shown as radiologists look at them: the patient's right is on the left, in front is on top of axial slices,
the head on top of coronal and sagittal ones, the face on the left of sagittal ones (radiological convention). Turning
is done by nibabel (https://nipy.org/nibabel/image_orientation.html): only whole axes are swapped and reversed, no
voxel is interpolated, so that it can be undone exactly.
"""

from typing import NamedTuple

import numpy as np

from segstudio.volumes import Plane

_AXES: dict[str, tuple[str, int]] = {"axial": ("LPS", 2), "coronal": ("LPI", 1), "sagittal": ("LPI", 0)}
"""The directions in which the three indices grow once a volume is turned, and which of them counts the slices."""

_WIDER = 1.02
"""Slices further apart than this many times the pixels' distance are the way a volume was taken."""


class Turn(NamedTuple):
    """How a stored volume becomes slices, and back.

    Attributes:
        plane: Which way it is cut.
        axis: Which axis of the turned volume counts the slices.
        orientation: For each stored axis: which turned axis it becomes, and 1 or -1 where it is reversed.
    """

    plane: Plane
    axis: int
    orientation: tuple[tuple[int, int], ...]

    def stack(self, stored: np.ndarray) -> np.ndarray:
        """A view of a stored volume (X, Y, Z) as slices (count, height, width); writing there writes the volume."""
        from nibabel.orientations import apply_orientation

        turned: np.ndarray = apply_orientation(stored, np.array(self.orientation, float))
        return np.moveaxis(turned, self.axis, 0).swapaxes(1, 2)

    def size(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Slices, height and width of a stored volume of that shape."""
        count, height, width = self.stack(np.broadcast_to(np.uint8(0), shape)).shape
        return count, height, width


def turn_of(affine: np.ndarray, shape: tuple[int, ...], plane: Plane) -> Turn:
    """How a volume is cut.

    Args:
        affine: (4, 4): from voxels to millimetres towards right, front and head.
        shape: Of the stored volume.
        plane: Which way; auto is across the widest spacing, or across an axis of one voxel; axial when all are alike.
    """
    from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

    found = io_orientation(affine) if np.isfinite(affine).all() else np.full((3, 2), np.nan)
    if np.isnan(found).any():  # no direction at all: as it is stored
        found = np.array([[0, 1], [1, 1], [2, 1]], float)
        affine = np.eye(4)
    chosen = plane if plane != "auto" else _plane_taken(affine, found, shape)
    directions, axis = _AXES[chosen]
    orientation = ornt_transform(found, axcodes2ornt(tuple(directions)))
    return Turn(chosen, axis, tuple((int(to), int(sign)) for to, sign in orientation))


def _plane_taken(affine: np.ndarray, orientation: np.ndarray, shape: tuple[int, ...]) -> Plane:
    """The plane that a scanner has most likely taken pictures in."""
    planes: tuple[Plane, ...] = ("sagittal", "coronal", "axial")  # by the axis right, front, head
    to = [int(axis) for axis in orientation[:, 0]]
    spacing, counts = np.ones(3), np.ones(3, int)
    spacing[to] = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    counts[to] = shape[:3]
    if (counts == 1).sum() == 1:
        return planes[int(np.argmin(counts))]
    widest = int(np.argmax(spacing))
    return planes[widest] if spacing[widest] > _WIDER * spacing[2] else "axial"


def turned_affine(affine: np.ndarray, shape: tuple[int, ...], turn: Turn) -> np.ndarray:
    """The affine (4, 4) of the turned volume: the same for two volumes whose slices lie at the same place."""
    from nibabel.orientations import inv_ornt_aff

    result: np.ndarray = affine @ inv_ornt_aff(np.array(turn.orientation, float), shape[:3])
    return result
