"""What a dry run chooses and tells from what it has measured."""

import pytest

from segstudio.core.dry_run import SPARE, chosen_batch, chosen_size
from segstudio.ml.dry_run import _Tried


@pytest.mark.parametrize(
    ("side", "is_gpu", "size"),
    [(512, False, 256), (512, True, 512), (2000, True, 512), (150, False, 128), (40, True, 64)],
)
def test_size_is_that_of_the_images_up_to_what_the_device_can(side, is_gpu, size):
    assert chosen_size(side, is_gpu=is_gpu)[0] == size


@pytest.mark.parametrize(
    ("images", "is_gpu", "batch"), [(500, False, 8), (500, True, 16), (11, False, 2), (1, True, 1)]
)
def test_batch_leaves_some_steps_an_epoch(images, is_gpu, batch):
    assert chosen_batch(images, is_gpu=is_gpu)[0] == batch


def test_memory_beyond_what_was_measured_lies_on_a_line():
    tried = _Tried(2, 0.1, 1_000)
    tried.add(8, 0.4, 1_600)
    assert tried.bytes(16) == 2_400
    assert tried.seconds(16) == pytest.approx(0.8)
    assert tried.fitting(16, int(2_500 / SPARE)) == 16
    assert tried.fitting(16, int(1_700 / SPARE)) == 8
    assert tried.fitting(16, 500) == 0
    assert not tried.may_try(512, 10_000)
    assert tried.may_try(16, 10_000)
