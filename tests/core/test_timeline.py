"""The edits of two documents in one order: undone in it, gone back to in it, and put in order again by their times."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segstudio.core.document import Document
from segstudio.core.history import History
from segstudio.core.timeline import Step, Timeline

SIDE = 8


def document() -> Document:
    return Document(np.zeros((SIDE, SIDE), np.uint8))


def paint(one: Document, place: int) -> None:
    mask = one.mask.copy()
    mask.flat[place] ^= 1
    one.replace(mask, f"{place}")


def state(*documents: Document) -> bytes:
    return b"".join(one.mask.tobytes() for one in documents)


ACTS = st.lists(
    st.one_of(st.tuples(st.integers(0, 1), st.integers(0, SIDE * SIDE - 1)), st.sampled_from(["undo", "redo"]))
)


@given(ACTS, st.data())
def test_whatever_is_done_goes_back_step_by_step_and_in_one_leap(acts, data) -> None:
    documents = document(), document()
    timeline = Timeline()
    timeline.follow(*documents)
    for one in documents:
        one.history_changed.connect(timeline.refresh)
    for act in acts:
        before = state(*documents)
        if act == "undo" and timeline.past:
            timeline.past[-1].document.undo()
            timeline.future[0].document.redo()
            assert state(*documents) == before
            timeline.past[-1].document.undo()
        elif act == "redo" and timeline.future:
            timeline.future[0].document.redo()
        elif not isinstance(act, str):
            which, place = act
            paint(documents[which], place)
            timeline.past[-1].document.undo()
            assert state(*documents) == before
            timeline.future[0].document.redo()
    for one in documents:
        assert [step.edit for step in timeline.past if step.document is one] == list(one.history.past)
        assert [step.edit for step in timeline.future if step.document is one] == list(one.history.future)
    steps = (*timeline.past, *timeline.future)
    place = data.draw(st.integers(0, len(steps)))
    walked = []
    while timeline.past:
        timeline.past[-1].document.undo()
    assert not any(one.mask.any() for one in documents)
    assert timeline.future == steps
    walked.append(state(*documents))
    while timeline.future:
        timeline.future[0].document.redo()
        walked.append(state(*documents))
    assert timeline.past == steps
    assert timeline.go_to(steps[place - 1].edit if place else None)
    assert state(*documents) == walked[place]
    assert (timeline.past, timeline.future) == (steps[:place], steps[place:])


def test_what_arrives_is_put_in_order_by_time() -> None:
    mask, ignored = document(), document()
    for place, one in enumerate((mask, ignored, mask, ignored)):
        paint(one, place)
    ignored.undo()
    opened = [
        Document(one.mask.copy(), History(past=one.history.past, future=one.history.future)) for one in (mask, ignored)
    ]
    timeline = Timeline()
    timeline.follow(opened[0], None)
    assert [step.edit.label for step in timeline.past] == ["0", "2"]
    timeline.follow(*opened)
    assert [step.edit.label for step in timeline.past] == ["0", "1", "2"]
    assert timeline.future == (Step(opened[1], ignored.history.future[0]),)
    timeline.follow(opened[0])
    assert [step.edit.label for step in timeline.past] == ["0", "2"]
    assert timeline.future == ()


def test_nothing_moves_while_a_stroke_is_under_way_or_for_an_edit_that_is_gone() -> None:
    mask, ignored = document(), document()
    timeline = Timeline()
    timeline.follow(mask, ignored)
    paint(mask, 0)
    gone = mask.history.past[0]
    paint(ignored, 1)
    timeline.refresh()
    before = state(mask, ignored)
    with ignored.stroke("Brush") as stroke:
        assert not timeline.go_to(None)
        assert stroke.commit().is_empty
    assert state(mask, ignored) == before
    mask.undo()
    paint(mask, 5)
    timeline.refresh()
    before = state(mask, ignored)
    assert not timeline.go_to(gone)
    assert state(mask, ignored) == before
