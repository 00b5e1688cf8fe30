"""What edits did: figures against masks that were kept, and a picture that shows the place."""

from itertools import pairwise

import numpy as np
import pytest

from segstudio.core.changes import SIDE, change_of, changes
from segstudio.core.document import Document
from segstudio.core.edit import Edit


def painted() -> tuple[Document, list[np.ndarray]]:
    """A document with four edits, of which one is undone, and the mask after each."""
    document = Document(np.zeros((300, 200), np.uint8))
    states = [document.mask.copy()]
    for rows, columns, value in (((10, 60), (5, 150), 1), ((20, 30), (0, 200), 0), ((250, 260), (190, 200), 1),
                                 ((0, 300), (0, 200), 1)):  # fmt: skip
        mask = document.mask.copy()
        mask[slice(*rows), slice(*columns)] = value
        document.replace(mask, "Brush" if value else "Eraser")
        states.append(document.mask.copy())
    document.undo()
    return document, states


def test_every_edit_of_a_history_is_counted() -> None:
    document, states = painted()
    edits = (*document.history.past, *document.history.future)
    found = changes(document.mask.copy(), document.history.past, document.history.future, {})
    figures = [(found[id(edit)].added, found[id(edit)].removed) for edit in edits]
    assert figures == [
        (np.count_nonzero(after > before), np.count_nonzero(before > after)) for before, after in pairwise(states)
    ]
    assert figures[1] == (0, 1450)


def test_what_is_known_is_not_looked_for_again() -> None:
    document, _ = painted()
    past, future = document.history.past, document.history.future
    found = changes(document.mask.copy(), past, future, {})
    assert changes(document.mask.copy(), past, future, found) == {}
    known = {key: one for key, one in found.items() if key != id(past[1])}
    again = changes(document.mask.copy(), past, future, known)
    assert list(again) == [id(past[1])]
    assert again[id(past[1])].removed == found[id(past[1])].removed
    assert changes(document.mask.copy(), past, future, {}, lambda: False) == {}


def test_the_picture_shows_what_came_and_what_went_and_what_stayed() -> None:
    before, after = np.zeros((2, 100, 100), np.uint8)
    before[:, :50] = 1
    after[:, :50] = 1
    after[40:60, 50:60] = 1
    after[40:60, 40:50] = 0
    change = change_of(Edit.between(before, after, "Brush"), after)
    assert (change.added, change.removed) == (200, 200)
    height, width, shares = change.picture.shape
    assert max(height, width) == SIDE
    assert shares == 3
    stayed, came, went = (change.picture[..., channel] for channel in range(3))
    middle = slice(width // 2 - 4, width // 2), slice(width // 2 + 1, width // 2 + 4)
    assert went[height // 2, middle[0]].min() == 255
    assert came[height // 2, middle[1]].min() == 255
    assert stayed[0, : width // 2 - 1].min() == 255
    assert int(came.max()) == 255
    assert not change.picture[0, -1].any()


def test_a_speck_in_a_corner_has_a_picture_of_its_surroundings() -> None:
    before = np.zeros((500, 400), np.uint8)
    after = before.copy()
    after[499, 399] = 1
    change = change_of(Edit.between(before, after, "Brush"), after)
    assert (change.added, change.removed) == (1, 0)
    assert 0 < change.picture.shape[0] <= SIDE
    with pytest.raises(ValueError, match="does not fit"):
        change_of(Edit.between(before, after, "Brush"), after[1:])
