"""Slices stand upright as radiologists look at them, whichever way a volume was stored, and go back exactly."""

import itertools

import nibabel
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, inv_ornt_aff

from segstudio.volumes.anatomy import turn_of, turned_affine

SHAPE = (3, 4, 5)
WAYS = [
    "".join(one)
    for order in itertools.permutations((("R", "L"), ("A", "P"), ("S", "I")))
    for one in itertools.product(*order)
]


def stored_as(way: str) -> tuple[np.ndarray, np.ndarray]:
    """Voxels that count from right to left, front to back, head to feet, stored another way; and their affine."""
    plain = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    lpi = nibabel.Nifti1Image(plain.astype(np.int32), np.diag([-1.0, -2.0, -3.0, 1.0]))
    orientation = nibabel.orientations.ornt_transform(axcodes2ornt("LPI"), axcodes2ornt(tuple(way)))
    image = lpi.as_reoriented(orientation)
    assert "".join(nibabel.aff2axcodes(image.affine)) == way
    return np.asarray(image.dataobj), image.affine


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_every_way_of_storing_gives_the_same_slices(way: str, plane: str) -> None:
    stored, affine = stored_as(way)
    turn = turn_of(affine, stored.shape, plane)
    stack = turn.stack(stored)
    plain = np.arange(np.prod(SHAPE)).reshape(SHAPE)  # towards left, back, feet
    expected = {
        "axial": plain[:, :, ::-1].transpose(2, 1, 0),  # from the feet up; the front on top, the right on the left
        "coronal": plain.transpose(1, 2, 0),  # from the front on; the head on top, the right on the left
        "sagittal": plain.transpose(0, 2, 1),  # from the right on; the head on top, the face on the left
    }[plane]
    assert np.array_equal(stack, expected)
    assert turn.size(stored.shape) == stack.shape
    back = np.zeros_like(stored)
    turn.stack(back)[:] = stack
    assert np.array_equal(back, stored)
    upright = nibabel.Nifti1Image(stored.astype(np.int32), affine)
    assert np.allclose(turned_affine(affine, stored.shape, turn), upright.affine @ inv_ornt_aff(
        np.array(turn.orientation), stored.shape))  # fmt: skip


@pytest.mark.parametrize(
    ("spacing", "shape", "plane"),
    [
        ((0.8, 0.8, 5), (9, 9, 9), "axial"),
        ((4, 1, 1), (9, 9, 9), "sagittal"),
        ((1, 4, 1), (9, 9, 9), "coronal"),
        ((1, 1, 1), (9, 9, 9), "axial"),
        ((1.01, 1, 1), (9, 9, 9), "axial"),
        ((1, 1, 1), (1, 9, 9), "sagittal"),
    ],
)
def test_the_plane_is_the_one_that_was_taken(spacing: tuple, shape: tuple, plane: str) -> None:
    assert turn_of(np.diag([*spacing, 1]), shape, "auto").plane == plane


@pytest.mark.parametrize("affine", [np.zeros((4, 4)), np.full((4, 4), np.nan)])
def test_a_volume_that_does_not_know_where_it_lies_is_cut_all_the_same(affine: np.ndarray) -> None:
    turn = turn_of(affine, SHAPE, "auto")
    assert turn.plane == "axial"
    assert turn.size(SHAPE) == (5, 4, 3)
