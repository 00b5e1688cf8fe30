"""Steps put, taken and moved: nothing is lost, and what was not meant stays where it is."""

from hypothesis import given
from hypothesis import strategies as st

from segstudio.augmentation.places import moved, step_at, with_inserted, with_step, without
from segstudio.augmentation.recipe import Step, walk

NAMES = st.sampled_from(["Rotate", "Blur", "GaussNoise"])


@st.composite
def recipes(draw) -> tuple[Step, ...]:
    plain = st.builds(lambda name, p: Step(name, p), NAMES, st.floats(0, 1))
    group = st.lists(plain, max_size=3).map(lambda inner: Step("OneOf", 0.5, {}, True, tuple(inner)))
    return tuple(draw(st.lists(plain | group, min_size=1, max_size=5)))


def places(steps: tuple[Step, ...]) -> list[tuple[int, ...]]:
    return [place for place, _ in walk(steps)]


def ends(steps: tuple[Step, ...]) -> list[tuple[int, ...]]:
    """Every place where something can be put."""
    inside = [(*place, len(step.steps)) for place, step in walk(steps) if step.is_combination]
    return [*places(steps), (len(steps),), *inside]


@given(recipes(), st.data())
def test_what_is_put_in_can_be_taken_out(steps, data):
    place = data.draw(st.sampled_from(ends(steps)))
    put = with_inserted(steps, place, Step("Rotate", 1.0))
    assert step_at(put, place) == Step("Rotate", 1.0)
    assert without(put, place) == steps


@given(recipes(), st.data())
def test_a_step_moves_whole_to_where_it_was_dropped(steps, data):
    source, target = data.draw(st.sampled_from(places(steps))), data.draw(st.sampled_from(ends(steps)))
    step = step_at(steps, source)
    result, landing = moved(steps, source, target)
    assert step_at(result, landing) == step
    key = lambda one: (one[1].transform, one[1].p)  # noqa: E731
    assert sorted(map(key, walk(result))) == sorted(map(key, walk(steps)))
    if target[: len(source)] == source:
        assert result == steps


def test_the_order_after_a_move_is_the_one_seen():
    steps = tuple(Step(name) for name in ("Rotate", "Blur", "GaussNoise"))
    named = lambda result: [step.transform for step in result[0]]  # noqa: E731
    assert named(moved(steps, (0,), (2,))) == ["Blur", "Rotate", "GaussNoise"]
    assert named(moved(steps, (0,), (3,))) == ["Blur", "GaussNoise", "Rotate"]
    assert named(moved(steps, (2,), (0,))) == ["GaussNoise", "Rotate", "Blur"]
    assert named(moved(steps, (1,), (1,))) == ["Rotate", "Blur", "GaussNoise"]


def test_one_step_is_replaced_and_no_other():
    inner = (Step("Rotate"), Step("Blur"))
    steps = (Step("GaussNoise"), Step("OneOf", 0.5, {}, True, inner))
    result = with_step(steps, (1, 0), Step("Rotate", 1.0))
    assert result == (steps[0], Step("OneOf", 0.5, {}, True, (Step("Rotate", 1.0), inner[1])))
    assert step_at(result, (1, 5)) is None
    assert step_at(result, (7,)) is None
