"""The preview is drawn from the part of the mask that changes; nobody must see where that part ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.edit import Patch
from segstudio.core.mask import Rect
from segstudio.ui.canvas.layers import ADDED, REMOVED, PreviewLayer
from segstudio.ui.canvas.sampling import Pyramid
from segstudio.ui.canvas.view import View

HEIGHT, WIDTH = 1300, 1100


def layer_of(mask: np.ndarray, patch: Patch, aligned: int) -> PreviewLayer:
    kept, PreviewLayer.ALIGNED = PreviewLayer.ALIGNED, aligned
    try:
        return PreviewLayer(mask, patch, None)
    finally:
        PreviewLayer.ALIGNED = kept


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([1 / 16, 0.11, 0.25, 0.4, 0.5, 0.77, 1.0, 1.5, 3.0]),
    st.integers(0, 1000), st.integers(0, 1200), st.integers(1, 400), st.integers(1, 400), st.integers(0, 9),
)  # fmt: skip
def test_a_part_looks_like_the_whole(zoom, x, y, width, height, seed) -> None:
    rng = np.random.default_rng(seed)
    mask = (rng.random((HEIGHT, WIDTH)) < 0.5).astype(np.uint8)
    rect = Rect(x, y, width, height).clip(mask.shape)
    patch = Patch(rect, (rng.random((rect.height, rect.width)) < 0.5).astype(np.uint8))
    view = View()
    view.show(WIDTH, HEIGHT)
    view._set(zoom, x + width / 2, y + height / 2)
    frame = view.frame(301, 233, 1.0)
    if frame.picture.is_empty:
        return
    part = layer_of(mask, patch, 512).render(frame, frame.picture)
    whole = layer_of(mask, patch, 1 << 20).render(frame, frame.picture)
    assert np.array_equal(part, whole)


@pytest.mark.parametrize(("before", "after", "colour"), [(0, 1, ADDED), (1, 0, REMOVED)])
def test_pixels_to_come_and_to_go_have_their_colours(before: int, after: int, colour: tuple[int, int, int]) -> None:
    mask = np.full((40, 40), before, np.uint8)
    lines = np.zeros_like(mask)
    lines[5] = 1
    layer = PreviewLayer(
        mask, Patch(Rect(10, 10, 20, 20), np.full((20, 20), after, np.uint8)), Pyramid(lines, gain=255)
    )
    view = View()
    view.show(40, 40)
    view._set(4.0, 20, 20)
    frame = view.frame(160, 160, 1.0)
    shown = layer.render(frame, frame.pane).copy().view(np.uint8).reshape(160, 160, 4)
    blue, green, red, alpha = shown[80, 80].astype(int)
    assert np.abs(np.array([red, green, blue]) * 255 // alpha - colour).max() <= 3
    assert shown[22, 80, 3]
    assert not shown[4, 80, 3]
