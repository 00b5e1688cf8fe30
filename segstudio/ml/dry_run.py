"""Dry run: some steps of a training that nobody keeps, to know its memory and its time before it begins.

    python -m segstudio.ml.dry_run < request.json      a line of JSON for each stage, the result last

A process of its own: its peak of memory is that of the training and of nothing else, one that the system ends for
want of memory takes nobody with it, and it can be stopped at any moment.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil

from segstudio.core.dry_run import SPARE, DryRun, Request, chosen_batch, chosen_size, precision_reason
from segstudio.core.options import checked
from segstudio.core.wording import count_text
from segstudio.models import MODELS

STEPS = 3
"""Steps that are timed, of which the fastest counts: another program may get in between."""

FIRST_BATCH = 2
"""The first step builds the graph, on as little as is not one."""

LONGEST_STEP = 20.0
"""Seconds; when a step of the whole batch would take longer, it is told from smaller ones."""


def measure(request: Request, say: Any = lambda _text: None, loading: float = 0.0) -> DryRun:
    """Build the network and let it learn some steps from noise.

    Args:
        request: What to try.
        say: Told what it is at.
        loading: Seconds that loading the libraries took, which a training has to do as well.

    Raises:
        UserError: When there is no such device.
    """
    began = time.perf_counter()
    from segstudio.ml.device import choose_device
    from segstudio.ml.fit import Plan, compile_for
    from segstudio.ml.network import prepare

    device = choose_device(request.device)
    is_gpu = device.is_gpu
    precision = device.precision if request.precision == "auto" else request.precision
    size, size_reason = request.network["size"], ""
    if not size:
        size, size_reason = chosen_size(request.side, is_gpu=is_gpu)
    batch, batch_reason = request.batch, ""
    if not batch:
        batch, batch_reason = chosen_batch(request.images, is_gpu=is_gpu)
    kind = MODELS[request.model]
    model = kind(checked(kind.Options, {**request.network, "size": size}))
    plan = Plan(1, batch, 1e-6, 0, loss=request.loss, clipping=request.clipping)
    say("building the network")
    with device.scope():
        network = model.build((size, size, request.channels), from_imagenet=False)
        if request.is_pretrained:
            _keep_statistics(network, model.bottom)
        prepare(network, precision)
        compile_for(network, plan, epoch=1)
        say("the first step")
        first = min(FIRST_BATCH, batch)
        per_step = _seconds_per_step(network, request.channels, size, first)
        to_begin = loading + time.perf_counter() - began
        budget = _gpu_memory(device.name) if is_gpu else request.budget
        tried = _Tried(first, per_step, _peak(device.name, is_gpu=is_gpu))
        for count in _batches(first, batch):
            if not tried.may_try(count, budget):
                break
            say(f"steps of {count_text(count, 'image')}")
            per_step = _seconds_per_step(network, request.channels, size, count)
            tried.add(count, per_step, _peak(device.name, is_gpu=is_gpu))
        per_save = _seconds_to_save(network)
    fitting = tried.fitting(batch, budget)
    if batch_reason and 0 < fitting < batch:
        batch, batch_reason = fitting, f"larger ones do not fit into the memory that is free ({_gigabytes(budget)})"
    return DryRun(
        device.title, precision, precision_reason(precision, is_gpu=is_gpu) if request.precision == "auto" else "",
        os.cpu_count() or 1, is_gpu, size, size_reason, batch, batch_reason, fitting, network.count_params(),
        tried.bytes(batch), budget, to_begin, tried.seconds(batch), per_save, tried.largest < batch,
    )  # fmt: skip


class _Tried:
    """Peaks of memory and seconds by batch; what lies beyond is told from them."""

    def __init__(self, batch: int, seconds: float, peak: int) -> None:
        self._seconds = {batch: seconds}
        self._peaks = {batch: peak}

    def add(self, batch: int, seconds: float, peak: int) -> None:
        self._seconds[batch], self._peaks[batch] = seconds, peak

    @property
    def largest(self) -> int:
        return max(self._peaks)

    def bytes(self, batch: int) -> int:
        """Of memory; a straight line through the outermost of what was measured."""
        least, most = min(self._peaks), max(self._peaks)
        if batch in self._peaks or least == most:
            return self._peaks.get(batch, self._peaks[most] * max(1, batch // most))
        slope = (self._peaks[most] - self._peaks[least]) / (most - least)
        return round(self._peaks[most] + slope * (batch - most)) if batch > most else self._peaks[most]

    def seconds(self, batch: int) -> float:
        return self._seconds.get(batch, self._seconds[self.largest] * batch / self.largest)

    def may_try(self, batch: int, budget: int) -> bool:
        """Whether it would neither take long nor want more than there is."""
        is_known = len(self._peaks) > 1
        return self.seconds(batch) < LONGEST_STEP and (not is_known or not budget or self.bytes(batch) < SPARE * budget)

    def fitting(self, batch: int, budget: int) -> int:
        """The largest batch that fits: this one, or a power of two below; 0 when none does."""
        if not budget or self.bytes(batch) < SPARE * budget:
            return batch
        count = 1 << max(0, (batch - 1).bit_length() - 1)
        while count and self.bytes(count) >= SPARE * budget:
            count //= 2
        return count


def _batches(first: int, batch: int) -> list[int]:
    """What to try after the first: a few images, which the rest is told from before it is tried, then all."""
    return [count for count in dict.fromkeys((min(8, batch), batch)) if count > first]


def _seconds_per_step(network: Any, channels: int, size: int, batch: int) -> float:
    from segstudio.core.manifest import ManifestRow
    from segstudio.ml.data import Pairs, batches_of_epoch

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch, size, size, channels), dtype=np.uint8)
    masks = (images[..., :1] > 127).astype(np.uint8)
    pairs = Pairs(images, masks, [ManifestRow(n, str(n), "train", 0, "", "") for n in range(batch)])
    times: list[float] = []
    batches = batches_of_epoch(pairs, batch, seed=0, epoch=1, images=STEPS * batch)
    network.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=[_clock(times)])
    return min(times)


def _seconds_to_save(network: Any) -> float:
    from segstudio.ml.network import save_network

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        save_network(network, Path(folder) / "last.keras", with_optimizer=True)
        return time.perf_counter() - began


def _clock(times: list[float]) -> Any:
    import keras

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        """Writes down how long each step took."""

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self._began = time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            times.append(time.perf_counter() - self._began)

    return Clock()


def _keep_statistics(network: Any, bottom: str) -> None:
    """As pretrained encoders are built: their normalization does not learn."""
    import keras

    if bottom:
        for layer in keras.Model(network.input, network.get_layer(bottom).output).layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False


def _peak(device: str, *, is_gpu: bool) -> int:
    """Bytes of memory that were needed at most: on the GPU, or by this process."""
    if is_gpu:
        import tensorflow as tf

        return int(tf.config.experimental.get_memory_info(device.strip("/"))["peak"])
    status = Path("/proc/self/status")
    if status.is_file():  # not ru_maxrss: Linux counts there what the process was a copy of
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    memory = psutil.Process().memory_info()
    if most := getattr(memory, "peak_wset", 0):  # Windows
        return int(most)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return max(peak * (1 if sys.platform == "darwin" else 1024), int(memory.rss))


def _gpu_memory(device: str) -> int:
    """Bytes of a GPU, or 0 where nothing tells; TensorFlow does not say."""
    import subprocess

    query = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits", "-i", device.rpartition(":")[2]]
    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        said = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
        return int(said.strip().splitlines()[0]) * 2**20
    return 0


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def main() -> int:
    """Serve one request on standard input."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no result
    sys.stdout = sys.stderr
    request = Request(**json.loads(sys.stdin.read()))
    loading = time.time() - psutil.Process().create_time()

    def write(line: dict[str, Any]) -> None:
        _write(out, line)

    from segstudio.core.errors import UserError

    try:
        write({"result": asdict(measure(request, lambda text: write({"stage": text}), loading))})
    except UserError as error:
        write({"error": error.message, "hint": error.hint})
        return 1
    except Exception as error:
        from segstudio.ml.memory import is_exhausted

        if not is_exhausted(error):
            raise
        write({"exhausted": str(error).splitlines()[0]})
        return 1
    return 0


def _write(out: IO[str], line: dict[str, Any]) -> None:
    out.write(json.dumps(line) + "\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
