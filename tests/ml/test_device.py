import pytest
import tensorflow as tf

from segstudio.core.errors import UserError
from segstudio.ml.device import PRECISIONS, choose_device, describe


def test_auto_is_the_gpu_when_there_is_one():
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    assert choose_device().name == ("/GPU:0" if has_gpu else "/CPU:0")
    assert choose_device().precision in PRECISIONS


def test_the_cpu_is_always_there():
    assert choose_device("cpu").title == "CPU"


@pytest.mark.parametrize("wanted", ["gpu:99", "tpu", "gpu:", "gpu:-1", ""])
def test_a_device_that_is_not_there_is_the_users_fault(wanted):
    with pytest.raises(UserError):
        choose_device(wanted)


def test_the_doctor_is_told_everything():
    assert {"tensorflow", "keras", "gpus", "chosen", "precision", "weights"} <= describe().keys()
