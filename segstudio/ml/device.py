"""What TensorFlow computes on, and in which precision it gains."""

import contextlib
import functools
import os
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from segstudio.core.errors import UserError
from segstudio.ml.chatter import without_chatter

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class Device:
    """One processor.

    Attributes:
        name: TensorFlow's name for it, for `tf.device`.
        title: What a person calls it.
        precision: The Keras policy that is fastest on it without loss of exactness.
    """

    name: str
    title: str
    precision: str

    @property
    def is_gpu(self) -> bool:
        """Whether it is a graphics processor."""
        return "GPU" in self.name

    def scope(self) -> AbstractContextManager[None]:
        """Within it, TensorFlow computes on this device."""
        scope: AbstractContextManager[None] = tf.device(self.name)
        return scope


def choose_device(wanted: str = "auto") -> Device:
    """The device to compute on: the first GPU when there is one, else the CPU.

    Args:
        wanted: "auto", "cpu", "gpu" or "gpu:N".

    Raises:
        UserError: For a GPU that is not there, or another text.
    """
    _settle_threads()
    gpus = _gpus()
    for gpu in gpus:
        # Refused once TensorFlow has started; then an earlier job of this process has said it already.
        with contextlib.suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)
    if wanted == "cpu" or (wanted == "auto" and not gpus):
        return Device("/CPU:0", "CPU", "mixed_bfloat16" if cpu_gains_from_bfloat16() else "float32")
    match = re.fullmatch(r"auto|gpu(?::(\d+))?", wanted)
    if not match:
        raise UserError(f"there is no device {wanted!r}", "say auto, cpu, gpu or gpu:N")
    number = int(match.group(1) or 0)
    if number >= len(gpus):
        raise UserError(
            f"there is no GPU {number}: TensorFlow sees {len(gpus) or 'none'}",
            "`segstudio doctor` tells what it sees; --device cpu always works",
        )
    details = tf.config.experimental.get_device_details(gpus[number])
    # Tensor cores came with compute capability 7.0; earlier GPUs are no faster in float16.
    has_tensor_cores = details.get("compute_capability", (0, 0))[0] >= 7
    title = f"GPU {number}: {details.get('device_name', 'unknown')}"
    return Device(f"/GPU:{number}", title, "mixed_float16" if has_tensor_cores else "float32")


def _settle_threads() -> None:
    # On a CPU one operation at a time on all cores is faster than several that fight for them (measured).
    if not tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # already running: an earlier job of this process has said it
            tf.config.threading.set_inter_op_parallelism_threads(1)


def _gpus() -> list[Any]:
    """TensorFlow's GPUs; to look for them makes it say that there are none."""
    with without_chatter():
        return list(tf.config.list_physical_devices("GPU"))


@functools.cache
def cpu_gains_from_bfloat16() -> bool:
    """Whether bfloat16 is a native type of this CPU."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        return bool(
            re.search(r"\b(avx512_bf16|amx_bf16|bf16)\b", cpuinfo.read_text(encoding="utf-8", errors="replace"))
        )
    # Other systems do not say: a convolution does. Emulated bfloat16 is slower than float32, never 1.3 times faster.
    return _seconds_to_convolve(tf.float32) > 1.3 * _seconds_to_convolve(tf.bfloat16)


def _seconds_to_convolve(dtype: tf.DType) -> float:
    image, kernel = tf.ones((2, 64, 64, 64), dtype), tf.ones((3, 3, 64, 64), dtype)
    convolve: Callable[[], object] = lambda: tf.nn.conv2d(image, kernel, 1, "SAME").numpy()  # noqa: E731
    convolve()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        convolve()
        times.append(time.perf_counter() - start)
    return min(times)


def seed(number: int) -> None:
    """Let all chance of Python, numpy and TensorFlow begin at a number: the same one gives the same fresh weights."""
    keras.utils.set_random_seed(number)


def threads() -> dict[str, int]:
    """How many threads TensorFlow computes with; 0 is as many as it likes."""
    _settle_threads()
    return {
        "intra_op_threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
    }


def describe() -> dict[str, Any]:
    """What this machine offers, for `segstudio doctor`."""
    gpus = _gpus()
    weights = sorted((Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models").glob("*no*top*.h5"))
    return {
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "gpus": [str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)) for gpu in gpus],
        "chosen": choose_device().title,
        "precision": choose_device().precision,
        "weights": [path.name for path in weights],
    }
