"""History: order, labels, budget."""

import numpy as np

from segstudio.core.edit import Edit
from segstudio.core.history import History


def edit(number: int, side: int = 32) -> Edit:
    before = np.zeros((side, side), np.uint8)
    after = before.copy()
    after.flat[number] = 1
    return Edit.between(before, after, f"edit {number}")


def test_undo_and_redo_go_back_and_forth() -> None:
    history = History()
    assert (history.undo(), history.redo()) == (None, None)
    assert (history.can_undo, history.can_redo, history.undo_label, history.redo_label) == (False, False, "", "")
    edits = [edit(number) for number in range(3)]
    for one in edits:
        history.push(one)
    assert history.undo_label == "edit 2"
    assert [history.undo(), history.undo()] == [edits[2], edits[1]]
    assert (history.undo_label, history.redo_label) == ("edit 0", "edit 1")
    assert history.past == (edits[0],)
    assert history.future == (edits[1], edits[2])
    assert history.redo() == edits[1]
    new = edit(9)
    history.push(new)
    assert not history.can_redo
    assert history.past == (edits[0], edits[1], new)
    assert history.nbytes == sum(one.nbytes for one in history.past)


def test_the_oldest_are_forgotten_within_the_budget() -> None:
    edits = [edit(number) for number in range(10)]
    history = History(budget=3 * max(one.nbytes for one in edits))
    for one in edits:
        history.push(one)
        assert history.nbytes <= history.budget
    assert history.past == tuple(edits[-3:])


def test_the_newest_is_never_forgotten() -> None:
    history = History(budget=1)
    for number in range(3):
        history.push(edit(number))
        assert history.undo_label == f"edit {number}"
    assert len(history.past) == 1


def test_a_history_made_of_an_older_one_keeps_to_its_budget() -> None:
    edits = [edit(number) for number in range(6)]
    history = History(3 * edits[0].nbytes, edits[:4], edits[4:])
    assert history.past == tuple(edits[3:4])
    assert history.future == tuple(edits[4:])
