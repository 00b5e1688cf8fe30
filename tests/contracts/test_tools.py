"""What every tool promises, whatever the pointer does."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.document import Document
from segstudio.core.files import resource
from segstudio.core.mask import Rect
from segstudio.core.options import Options, unit_of
from segstudio.tools import TOOLS, Drag, Pointer, Scene, Tool

NAMES = TOOLS.names()
COORDINATES = st.floats(-1e4, 1e4) | st.integers(-20, 170) | st.floats(-5, 160)
POINTERS = st.builds(
    Pointer,
    x=COORDINATES,
    y=COORDINATES,
    is_alternate=st.booleans(),
    clicks=st.sampled_from([0, 0, 0, 1, 2]),
    is_step_back=st.sampled_from([False, False, False, True]),
)
PRESSES = st.builds(Pointer, x=COORDINATES, y=COORDINATES, is_alternate=st.booleans(), clicks=st.just(1))
SHAPES = st.sampled_from([(1, 1), (1, 150), (40, 30), (128, 128), (129, 140)])


def scene_of(shape: tuple[int, int], seed: int) -> Scene:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, shape, np.uint8)
    return Scene(Document((rng.random(shape) < 0.5).astype(np.uint8)), image)


def drags(tool: Tool[Any], scene: Scene, options: Options, press: Pointer, moves: list[Pointer]) -> Drag:
    drag = Drag(tool, scene, options, press)
    for pointer in moves:
        drag.move(pointer)
    return drag


@pytest.mark.parametrize("name", NAMES)
def test_a_tool_says_what_it_is(name: str) -> None:
    tool = TOOLS[name]()
    assert tool.name == name
    assert tool.title
    assert tool.help.endswith(".")
    assert len(tool.key) == 1
    assert tool.key.isupper()
    assert resource("icons", tool.icon).is_file()
    options = tool.Options()
    assert type(options).model_validate(options.model_dump(mode="json")) == options
    for field in type(options).model_fields.values():
        assert field.title
        assert field.description
    if tool.cursor == "disc":
        assert unit_of(type(options).model_fields["radius"]) == "px"


def test_no_two_tools_share_a_key() -> None:
    keys = [TOOLS[name].key for name in NAMES]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(shape=SHAPES, seed=st.integers(0, 9), press=PRESSES, moves=st.lists(POINTERS, max_size=8))
def test_a_drag_is_one_step_of_history_inside_the_image(name, shape, seed, press, moves) -> None:
    scene = scene_of(shape, seed)
    before = scene.document.mask.copy()
    screen = before.copy()

    def repaint(rect: Rect) -> None:
        assert rect == rect.clip(shape)
        screen[rect.slices] = scene.document.mask[rect.slices]

    scene.document.changed.connect(repaint)
    tool = TOOLS[name]()
    drag = drags(tool, scene, tool.Options(), press, moves)
    drag.finish()
    assert drag.is_finished
    assert drag.outline == ()
    after = scene.document.mask
    assert after.max(initial=0) <= 1
    assert np.array_equal(screen, after)
    is_changed = not np.array_equal(before, after)
    assert len(scene.document.history.past) == is_changed
    assert scene.document.undo() == is_changed
    assert np.array_equal(after, before)
    drag.move(press)  # late events of the window system do no harm
    drag.finish()
    drag.cancel()
    assert np.array_equal(after, before)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(shape=SHAPES, seed=st.integers(0, 9), press=PRESSES, moves=st.lists(POINTERS, max_size=8))
def test_cancelling_restores_every_pixel(name, shape, seed, press, moves) -> None:
    scene = scene_of(shape, seed)
    before = scene.document.mask.copy()
    tool = TOOLS[name]()
    drag = drags(tool, scene, tool.Options(), press, moves)
    is_over = drag.is_finished  # a tool may have ended it, and then it is a step of history
    drag.cancel()
    assert drag.is_finished
    assert is_over or np.array_equal(scene.document.mask, before)
    assert is_over or not scene.document.history.can_undo
    assert not scene.document.is_stroke_open


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("is_alternate", [False, True])
def test_a_drag_outside_the_image_changes_nothing(name: str, is_alternate: bool) -> None:
    scene = scene_of((100, 120), 1)
    before = scene.document.mask.copy()
    tool = TOOLS[name]()
    press = Pointer(-300, -200, is_alternate, clicks=1)
    drags(tool, scene, tool.Options(), press, [Pointer(-300, 500), Pointer(-200, 400, clicks=1)]).finish()
    assert np.array_equal(scene.document.mask, before)
    assert not scene.document.history.can_undo


@pytest.mark.parametrize("name", NAMES)
def test_a_drag_of_no_length_is_harmless(name: str) -> None:
    scene = scene_of((100, 120), 1)
    tool = TOOLS[name]()
    drags(tool, scene, tool.Options(), Pointer(50.5, 50.5, clicks=1), [Pointer(50.5, 50.5)] * 3).finish()
    assert len(scene.document.history.past) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_the_alternate_does_the_opposite(name: str) -> None:
    corners = [Pointer(20, 20, clicks=1), Pointer(60, 20), Pointer(60, 20, clicks=1), Pointer(60, 70, clicks=1)]
    tool = TOOLS[name]()
    for value in (0, 1):
        alternated = []
        for is_alternate in (False, True):
            document = Document(np.full((100, 100), value, np.uint8))
            press = Pointer(20, 20, is_alternate, clicks=1)
            drags(tool, Scene(document, document.mask), tool.Options(), press, corners[1:]).finish()
            alternated.append(not np.array_equal(document.mask, np.full((100, 100), value)))
        assert sorted(alternated) == [False, True]
