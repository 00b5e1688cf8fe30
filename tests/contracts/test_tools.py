"""What every tool promises, whatever the pointer does."""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.document import Document
from segstudio.core.edit import Mode
from segstudio.core.files import resource
from segstudio.core.mask import Rect
from segstudio.core.options import Options, unit_of
from segstudio.tools import TOOLS, Drag, Pointer, Scene, Stopped, Tool

NAMES = TOOLS.names()
COORDINATES = st.floats(-1e4, 1e4) | st.integers(-20, 170) | st.floats(-5, 160)
POINTERS = st.builds(
    Pointer,
    x=COORDINATES,
    y=COORDINATES,
    is_alternate=st.booleans(),
    clicks=st.sampled_from([0, 0, 0, 1, 2]),
    is_step_back=st.sampled_from([False, False, False, True]),
    is_down=st.booleans(),
    is_regular=st.booleans(),
    is_centred=st.booleans(),
    pressure=st.floats(0.01, 1),
    zoom=st.sampled_from([0.1, 1, 8]),
)
MODES = st.sampled_from([None, *Mode])
PRESSES = st.builds(
    Pointer, x=COORDINATES, y=COORDINATES, is_alternate=st.booleans(), clicks=st.just(1), mode=MODES,
    pressure=st.floats(0.01, 1),
)  # fmt: skip
SHAPES = st.sampled_from([(1, 1), (1, 150), (40, 30), (128, 128), (129, 140)])


def scene_of(shape: tuple[int, int], seed: int) -> Scene:
    """A picture of patches, grey or in colours, so that tools that look at it find something."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (-(-shape[0] // 20), -(-shape[1] // 20), 3), np.uint8)
    image = patches.repeat(20, axis=0).repeat(20, axis=1)[: shape[0], : shape[1]]
    image = np.ascontiguousarray(image if seed % 2 else image[..., 0])
    image.flags.writeable = False
    probability = rng.integers(0, 256, shape, np.uint8) if seed % 3 else None
    return Scene(Document((rng.random(shape) < 0.5).astype(np.uint8)), image, probability)


def options_of(tool: Tool[Any], seed: int) -> Options:
    """Some choice of every option that has few values, numbers at their default."""
    rng = np.random.default_rng(seed)
    values: dict[str, Any] = {}
    for name, field in tool.Options.model_fields.items():
        choices = list(Mode) if field.annotation is Mode else list(get_args(field.annotation))
        choices = [False, True] if field.annotation is bool else choices
        if choices:
            values[name] = choices[rng.integers(len(choices))]
    return tool.Options().replaced(**values)


def compute(drag: Drag) -> None:
    """Do what the tool waits for, here and now."""
    while (work := drag.work) is not None:
        drag.deliver(work, work.run())


def drags(
    tool: Tool[Any], scene: Scene, options: Options, press: Pointer, moves: list[Pointer], *, is_prompt: bool = True
) -> Drag:
    """A drag with all its moves; slow work is done after each of them, or not at all."""
    drag = Drag(tool, scene, options, press)
    for pointer in moves:
        if is_prompt:
            compute(drag)
        drag.move(pointer)
    if is_prompt:
        compute(drag)
    return drag


def finish(drag: Drag) -> None:
    drag.finish()
    compute(drag)


@pytest.mark.parametrize("name", NAMES)
def test_a_tool_says_what_it_is(name: str) -> None:
    tool = TOOLS[name]()
    assert tool.name == name
    assert tool.title
    assert tool.help.endswith(".")
    assert len(tool.key) == 1
    assert tool.key.isupper() or tool.key.isdigit()
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
@settings(max_examples=40, deadline=None)
@given(
    shape=SHAPES, seed=st.integers(0, 9), press=PRESSES, moves=st.lists(POINTERS, max_size=8), is_prompt=st.booleans()
)
def test_a_drag_is_one_step_of_history_inside_the_image(name, shape, seed, press, moves, is_prompt) -> None:
    scene = scene_of(shape, seed)
    before = scene.document.mask.copy()
    screen = before.copy()

    def repaint(rect: Rect) -> None:
        assert rect == rect.clip(shape)
        screen[rect.slices] = scene.document.mask[rect.slices]

    scene.document.changed.connect(repaint)
    tool = TOOLS[name]()
    options = options_of(tool, seed)
    if tool.refusal(scene, options):
        return
    drag = drags(tool, scene, options, press, moves, is_prompt=is_prompt)
    finish(drag)
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
@settings(max_examples=25, deadline=None)
@given(
    shape=SHAPES, seed=st.integers(0, 9), press=PRESSES, moves=st.lists(POINTERS, max_size=8), is_prompt=st.booleans()
)
def test_cancelling_restores_every_pixel(name, shape, seed, press, moves, is_prompt) -> None:
    scene = scene_of(shape, seed)
    before = scene.document.mask.copy()
    tool = TOOLS[name]()
    options = options_of(tool, seed)
    if tool.refusal(scene, options):
        return
    drag = drags(tool, scene, options, press, moves, is_prompt=is_prompt)
    work = drag.work
    is_over = drag.is_finished  # a tool may have ended it, and then it is a step of history
    drag.cancel()
    assert drag.is_finished
    assert work is None or work.is_stopped
    assert is_over or np.array_equal(scene.document.mask, before)
    assert is_over or not scene.document.history.can_undo
    assert not scene.document.is_stroke_open
    if work is not None:
        with pytest.raises(Stopped):
            work.run()
        drag.deliver(work, None)  # what comes too late is not looked at


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 9), press=PRESSES, moves=st.lists(POINTERS, max_size=6))
def test_a_preview_never_changes_the_mask_and_lies_inside_it(name, shape, seed, press, moves) -> None:
    scene = scene_of(shape, seed)
    tool = TOOLS[name]()
    options = options_of(tool, seed)
    if tool.refusal(scene, options):
        return
    before = scene.document.mask.copy()
    if (work := tool.preparation(scene, options)) is not None:
        work.run()
    assert tool.preparation(scene, options) is None, "what was prepared is remembered"
    previews = [tool.glance(scene, options, pointer) for pointer in (press, *moves)]
    assert np.array_equal(scene.document.mask, before)
    drag = Drag(tool, scene, options, press)
    for pointer in moves:
        compute(drag)
        previews.append(drag.preview)
        if drag.preview.patch is not None:  # what is shown is what will be; what paints at once shows nothing
            assert np.array_equal(scene.document.mask, before)
        drag.move(pointer)
    for preview in previews:
        if preview.patch is not None:
            rect, pixels = preview.patch
            assert rect == rect.clip(shape)
            assert pixels.shape == (rect.height, rect.width)
            assert pixels.dtype == np.uint8
            assert pixels.max(initial=0) <= 1
        assert preview.lines is None or preview.lines.shape == shape
    drag.cancel()
    assert np.array_equal(scene.document.mask, before)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_previewed_last_is_what_is_made(name: str) -> None:
    scene = scene_of((120, 140), 1)
    tool = TOOLS[name]()
    press = Pointer(30, 30, clicks=1)
    drag = drags(tool, scene, tool.Options(), press, [Pointer(60, 50), Pointer(90, 45)])
    patch = drag.preview.patch
    finish(drag)
    if patch is not None:
        assert np.array_equal(scene.document.mask[patch.rect.slices], patch.pixels)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("is_alternate", [False, True])
def test_a_drag_outside_the_image_changes_nothing(name: str, is_alternate: bool) -> None:
    scene = scene_of((100, 120), 1)
    before = scene.document.mask.copy()
    tool = TOOLS[name]()
    press = Pointer(-300, -200, is_alternate, clicks=1)
    finish(drags(tool, scene, tool.Options(), press, [Pointer(-300, 500), Pointer(-200, 400, clicks=1)]))
    assert np.array_equal(scene.document.mask, before)
    assert not scene.document.history.can_undo


@pytest.mark.parametrize("name", NAMES)
def test_a_drag_of_no_length_is_harmless(name: str) -> None:
    scene = scene_of((100, 120), 1)
    tool = TOOLS[name]()
    finish(drags(tool, scene, tool.Options(), Pointer(50.5, 50.5, clicks=1), [Pointer(50.5, 50.5)] * 3))
    assert len(scene.document.history.past) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_the_alternate_does_the_opposite(name: str) -> None:
    corners = [Pointer(20, 20, clicks=1), Pointer(60, 20), Pointer(60, 20, clicks=1), Pointer(60, 70, clicks=1)]
    tool = TOOLS[name]()
    for value in (0, 1):
        alternated = []
        for is_alternate in (False, True):
            document = Document(np.full((100, 100), value, np.uint8))
            image = np.full((100, 100), 77, np.uint8)
            press, *others = (replace(corner, is_alternate=is_alternate) for corner in corners)
            finish(drags(tool, Scene(document, image), tool.Options(), press, others))
            alternated.append(not np.array_equal(document.mask, np.full((100, 100), value)))
        assert sorted(alternated) == [False, True]
