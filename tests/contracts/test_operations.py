"""What every operation on a whole mask promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.document import Document
from segstudio.core.errors import UserError
from segstudio.core.files import resource
from segstudio.operations import OPERATIONS, Subject

NAMES = OPERATIONS.names()
SHAPES = st.sampled_from([(1, 1), (1, 150), (40, 30), (128, 128), (129, 140)])


def subject_of(shape: tuple[int, int], seed: int, share: float) -> Subject:
    rng = np.random.default_rng(seed)
    masks = [(rng.random(shape) < share).astype(np.uint8) for _ in range(3)]
    for mask in masks:
        mask.flags.writeable = False
    return Subject(masks[0], masks[1], lambda: masks[2])


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_says_what_it_is(name: str) -> None:
    operation = OPERATIONS[name]()
    assert operation.name == name
    assert operation.title
    assert operation.help.endswith(".")
    assert not operation.icon or resource("icons", f"{operation.icon}.svg").is_file()
    for field in operation.Options.model_fields.values():
        assert field.title
        assert field.description


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 9), share=st.sampled_from([0, 0.02, 0.5, 0.98, 1]))
def test_it_makes_a_new_mask_as_one_step_of_history(name, shape, seed, share) -> None:
    subject = subject_of(shape, seed, share)
    before = subject.mask.copy()
    operation = OPERATIONS[name]()
    after = operation.apply(subject, operation.Options(), lambda: None)
    assert np.array_equal(subject.mask, before)
    assert not np.shares_memory(after, subject.mask)
    assert after.shape == shape
    assert after.dtype == np.uint8
    assert after.max(initial=0) <= 1
    assert np.array_equal(after, operation.apply(subject, operation.Options(), lambda: None))
    document = Document(before.copy())
    document.replace(after, operation.title)
    is_changed = not np.array_equal(before, after)
    assert len(document.history.past) == is_changed
    assert document.undo() == is_changed
    assert np.array_equal(document.mask, before)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_is_missing(name: str) -> None:
    operation = OPERATIONS[name]()
    subject = Subject(np.eye(9, dtype=np.uint8))
    if operation.needs:
        with pytest.raises(UserError):
            operation.apply(subject, operation.Options(), lambda: None)
    else:
        operation.apply(subject, operation.Options(), lambda: None)
