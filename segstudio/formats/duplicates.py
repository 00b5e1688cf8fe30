"""Near-duplicates: frames of one scene, which must stay on one side of a split, or the test is no test.

The hash of a picture is 256 bits. The picture is reduced to 16 x 16 cells of grey, and each cell is compared with the
mean of its 4 x 4 tile. So a bit says something about structure and nothing about how bright a region is, which is what
all chest X-rays have in common; the usual 64-bit difference hash cannot tell those apart.

Measured, in bits: of 5995 pairs of chest X-rays (110 patients, 512 x 512) the nearest two are 19 apart, the next 20;
seven photos of one flotation cell over ten days, with time stamp and moving froth (21 pairs), are 7 to 16 apart. The
usual difference hash of 8 x 8 has pairs of patients at 2 of 64 bits and these photos at 0 to 3; that of 16 x 16 has
pairs of patients at 19 of 256 and these photos at 12 to 24: there no threshold parts them. Here it is NEAR = 18.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

BITS = 256
NEAR = 18
"""Two pictures whose hashes differ in at most so many bits are taken for the same scene."""

_CELLS, _TILE = 16, 4
_TABLES, _NEIGHBOURS = 24, 12


class Groups(NamedTuple):
    """Who belongs together.

    Attributes:
        ids: int64 (N,): for each picture the index of the first picture of its group.
        cut: How many near-duplicates were left in different groups, because a group would have become too large.
    """

    ids: np.ndarray
    cut: int


def picture_hash(image: np.ndarray) -> np.ndarray:
    """The hash of a picture; a thumbnail of 64 pixels or more gives nearly the same as the picture itself.

    Args:
        image: uint8 (H, W) or (H, W, 3).

    Returns:
        uint64 (4,).
    """
    grey = Image.fromarray(image).convert("L").resize((_CELLS, _CELLS), Image.Resampling.BOX)
    count = _CELLS // _TILE
    tiles = np.asarray(grey, dtype=np.float32).reshape(count, _TILE, count, _TILE)
    bits = tiles > tiles.mean(axis=(1, 3), keepdims=True)
    return np.packbits(bits).view(np.uint64)


def group_near_duplicates(hashes: np.ndarray, distance: int = NEAR) -> Groups:
    """Put pictures together whose hashes are near, also through others in between (the frames of a film).

    No group becomes larger than a tenth of all (but eight at least in small sets, and never above a fifth), nearest
    pairs first: whatever the pictures are, enough groups remain to be split. So a set in which everything looks alike
    does not become one group.

    Candidates are neighbours in sorted order under many random orders of the bits, not all pairs: time and memory grow
    as N log N. A pair at 18 bits among 100,000 has its chance in each of 24 orders.

    Args:
        hashes: uint64 (N, 4), from `picture_hash`.
        distance: In bits.

    Returns:
        Groups; the same input gives the same answer.
    """
    count = len(hashes)
    parents = list(range(count))
    sizes = [1] * count
    largest = _largest_group(count)
    cut = 0
    for one, other in near_pairs(np.ascontiguousarray(hashes), distance).tolist():
        one, other = sorted((_root(parents, one), _root(parents, other)))
        if one == other:
            continue
        if sizes[one] + sizes[other] > largest:
            cut += 1
            continue
        parents[other] = one
        sizes[one] += sizes[other]
    return Groups(np.array([_root(parents, index) for index in range(count)], dtype=np.int64), cut)


def _largest_group(count: int) -> int:
    return max(2, min(max(8, count // 10), count // 5))


def _root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def near_pairs(hashes: np.ndarray, distance: int = NEAR) -> np.ndarray:
    """Pairs of pictures that are nearly equal; of several that are equal, each with the first of them.

    Args:
        hashes: uint64 (N, 4), from `picture_hash`.
        distance: In bits.

    Returns:
        int64 (K, 2) indices of pictures at most `distance` apart, nearest first.
    """
    # Equal hashes are told apart first: thousands of blank frames would otherwise be neighbours of each other alone.
    distinct, first, inverse = np.unique(hashes, axis=0, return_index=True, return_inverse=True)
    firsts = first[inverse.ravel()]
    copies = np.flatnonzero(firsts != np.arange(len(hashes)))
    equal = np.column_stack([firsts[copies], copies])
    return np.concatenate([equal, first[_near_distinct(distinct, distance)]])


def _near_distinct(hashes: np.ndarray, distance: int) -> np.ndarray:
    count = len(hashes)
    bits = np.unpackbits(hashes.view(np.uint8), axis=1)
    rng = np.random.default_rng(0)
    found = np.empty(0, np.int64)
    for _ in range(_TABLES):
        chosen = rng.permutation(BITS)[:64]
        keys = np.ascontiguousarray(np.packbits(bits[:, chosen], axis=1)).view(">u8").ravel()
        order = np.argsort(keys.astype(np.uint64), kind="stable")
        found = np.union1d(found, _near_neighbours(hashes[order], order, distance))
    one, other = np.divmod(found, max(count, 1))
    apart = np.bitwise_count(hashes[one] ^ hashes[other]).sum(axis=1)
    nearest = np.argsort(apart, kind="stable")
    return np.column_stack([one, other])[nearest]


def _near_neighbours(ordered: np.ndarray, order: np.ndarray, distance: int) -> np.ndarray:
    """Near pairs within a few places of each other, each as lower index * N + higher index."""
    found = [np.empty(0, np.int64)]
    for step in range(1, min(_NEIGHBOURS, len(ordered) - 1) + 1):
        apart = np.bitwise_count(ordered[step:] ^ ordered[:-step]).sum(axis=1, dtype=np.int64)
        near = np.flatnonzero(apart <= distance)
        one, other = order[near], order[near + step]
        found.append(np.minimum(one, other) * len(order) + np.maximum(one, other))
    return np.concatenate(found)
