"""What every kind of generated picture promises."""

import numpy as np
import pytest

from segstudio.synthetic import KINDS


@pytest.mark.parametrize("name", KINDS.names())
def test_draws_the_same_bytes_from_the_same_seed(name):
    first, second = (KINDS[name]().draw(np.random.default_rng(7)) for _ in range(2))
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tobytes() == second[1].tobytes()


@pytest.mark.parametrize("name", KINDS.names())
def test_image_and_mask_fit_and_vary(name):
    pairs = [KINDS[name]().draw(np.random.default_rng(seed)) for seed in range(12)]
    for image, mask in pairs:
        assert image.dtype == np.uint8
        assert mask.dtype == np.uint8
        assert image.shape[:2] == mask.shape
        assert set(np.unique(mask)) <= {0, 1}
    shares = np.array([mask.mean() for _, mask in pairs])
    assert np.ptp(shares) > 0.02, "all masks are of one size"
    assert (shares > 0).any()


@pytest.mark.parametrize("name", KINDS.names())
def test_foreground_is_not_told_by_one_grey_value(name):
    """A threshold on brightness must not solve it, else there is nothing to learn and nothing to review."""
    best = []
    for seed in range(10):
        image, mask = KINDS[name]().draw(np.random.default_rng(seed))
        if not 0.02 < mask.mean() < 0.98:
            continue
        grey = image if image.ndim == 2 else image.mean(axis=2)
        found = [guess for level in range(10, 250, 10) for guess in (grey < level, grey >= level)]
        best.append(max((guess & (mask > 0)).sum() / (guess | (mask > 0)).sum() for guess in found))
    assert np.mean(best) < 0.85
