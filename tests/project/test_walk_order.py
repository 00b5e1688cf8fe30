"""The order of the walk against a list that is sorted anew each time."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segstudio.core.blobs import Blob, Errors, Kind
from segstudio.project.blob_table import RANKED, as_ranked, by_severity
from segstudio.project.walk_order import WalkOrder

SHAPE = (24, 24)


def errors_of(bits: int) -> Errors:
    """Islands in up to nine places, each of its own size."""
    truth, predicted = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    for place in range(9):
        if bits >> place & 1:
            y, x = 8 * (place // 3), 8 * (place % 3)
            (predicted if place % 2 else truth)[y : y + 1 + place // 2, x : x + 2 + place // 2] = 1
    return Errors(truth, predicted)


def ranking_of(samples: dict[int, Errors]) -> np.ndarray:
    rows = [as_ranked(sample_id, errors.worst(9)) for sample_id, errors in samples.items()]
    return by_severity(np.concatenate([np.empty(0, RANKED), *rows]))


steps = st.lists(
    st.one_of(
        st.just(("next",)),
        st.tuples(st.just("edit"), st.integers(1, 4), st.integers(0, 511)),
        st.tuples(st.just("list"), st.sets(st.integers(1, 4))),
        st.just(("again",)),
        st.just(("reload",)),
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 511), min_size=4, max_size=4), steps)
@example([33, 0, 0, 0], [("next",), ("edit", 1, 32), ("next",), ("reload",), ("next",)])
def test_the_worst_that_was_not_visited_comes_next(bits, steps):
    samples = {number: errors_of(one) for number, one in enumerate(bits, start=1)}
    order, listed, visited = WalkOrder(ranking_of(samples)), {1, 2, 3, 4}, set()
    for step, *values in steps:
        ids = np.array(sorted(listed), np.int64)
        left = [
            (sample_id, blob)
            for sample_id in listed
            for blob in samples[sample_id].worst(9)
            if (sample_id, blob.kind, blob.x, blob.y) not in visited
        ]
        assert order.count(ids) == len(left)
        if step == "next":
            found = order.next(ids)
            assert (found is None) == (not left)
            if found is not None:
                sample_id, blob = found
                assert blob.severity == max(one.severity for _, one in left)
                key = (sample_id, blob.kind, blob.x, blob.y)
                assert key in {(one, other.kind, other.x, other.y) for one, other in left}
                assert order.samples_ahead(ids, 3)
                order.visit(sample_id, blob)
                visited.add(key)
        elif step == "edit":
            samples[values[0]] = errors_of(values[1])
            # Its depth, and so the place that stands for a blob, may be another when the boundary is another.
            places = [(x, y) for sample_id, _, x, y in visited if sample_id == values[0]]
            there = [blob for place in places if (blob := samples[values[0]].at(*place)) is not None]
            visited |= {(values[0], blob.kind, blob.x, blob.y) for blob in there}
            order.replace(values[0], samples[values[0]], samples[values[0]].worst(9))
        elif step == "list":
            listed = values[0]
        elif step == "again":
            order.begin_again()
            visited.clear()
        else:
            order = WalkOrder(ranking_of(samples), order)


def test_a_visited_blob_that_lost_a_few_pixels_is_the_same_blob():
    truth, predicted = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    truth[20:, :] = 1
    predicted[20:, :] = 1
    predicted[2:14, 2:14] = 1
    before = Errors(truth, predicted)
    (blob,) = before.worst(5)
    order, ids = WalkOrder(ranking_of({1: before})), np.array([1])
    order.visit(1, blob)
    edited = truth.copy()
    edited[2:14, 12:14] = 1
    after = Errors(edited, predicted)
    assert (after.worst(5)[0].x, after.worst(5)[0].y) == (blob.x, blob.y) or after.at(blob.x, blob.y)
    order.replace(1, after, after.worst(5))
    assert order.next(ids) is None


def test_nothing_to_walk_over():
    order = WalkOrder(np.empty(0, RANKED))
    assert order.next(np.array([1, 2])) is None
    assert order.count(np.empty(0, np.int64)) == 0
    order.visit(1, Blob(Kind.FALSE_POSITIVE, 1, 1.0, 0, 0))
    order.begin_again()
