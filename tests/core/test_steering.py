import pytest

from segstudio.core.errors import UserError
from segstudio.core.options import checked
from segstudio.core.steering import Change, Unsteered, Wish, in_force


def rate(epoch, step, value):
    return Change(epoch, step, learning_rate=value)


def test_changes_hold_by_their_place():
    early, late, longer = rate(1, 3, 0.1), rate(4, 0, 0.01), Change(2, 5, epochs=9, was=5)
    assert in_force([early, late, longer]) == [early, longer, late]


def test_what_was_asked_after_going_back_takes_the_place_of_what_came_later():
    undone, new, longer = rate(4, 5, 0.1), rate(4, 3, 0.01), Change(4, 6, epochs=9, was=5)
    assert in_force([rate(2, 1, 1e-3), undone, longer, new]) == [rate(2, 1, 1e-3), new, longer]
    assert in_force([undone, rate(4, 5, 0.2)]) == [rate(4, 5, 0.2)]


@pytest.mark.parametrize("values", [{"learning_rate": 0}, {"learning_rate": 2}, {"epochs": 0}, {"speed": 1}])
def test_a_wish_that_cannot_be_heeded_is_refused(values):
    with pytest.raises(UserError):
        checked(Wish, values)


def test_a_wish_leaves_alone_what_it_does_not_name():
    assert Wish(epochs=3).model_dump(exclude_defaults=True) == {"epochs": 3}
    assert Wish(pause=False).model_dump(exclude_defaults=True) == {"pause": False}


def test_nothing_can_be_asked_of_an_unsteered_training():
    nobody = Unsteered()
    nobody.keep(rate(1, 1, 0.1))
    assert (nobody.wishes(), nobody.changes()) == ([], [])
