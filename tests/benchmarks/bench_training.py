"""Images per second in training and prediction: `python -m tests.benchmarks.bench_training [PRESET ...]`.

For each preset's network: plain Keras in float32, plain Keras in this device's precision, and as SegStudio runs it.
Each in a process of its own, because TensorFlow's threads are settled once a process. Beside the rate on the clock
stands the rate by processor time on all cores, which other programs on the machine disturb less. "From the
pipeline" shall be at least 0.95 of "train", which is the rate on one batch that is ready.
"""

import json
import os
import subprocess
import sys
import time

STEPS = 12
VARIANTS = ("keras float32", "keras", "segstudio")


def main(names: list[str]) -> int:
    for name in names or ["mobilenetv2-unet", "conv-unet-fast"]:
        print(f"{name}: images per second on the clock (by processor time)")
        base = 0.0
        for variant in VARIANTS:
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.bench_training", "--measure", name, variant],
                stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
            found = json.loads(done.stdout.splitlines()[-1])
            base = base or found["train"][1]
            words = "  ".join(f"{what} {clock:6.1f} ({cpu:6.1f})" for what, (clock, cpu) in found.items())
            print(f"  {variant:14} {words}  training x{found['train'][1] / base:.2f}")
    return 0


def measure(preset_name: str, variant: str) -> dict[str, tuple[float, float]]:
    """Rates of one variant."""
    import numpy as np
    import tensorflow as tf

    from segstudio.core.manifest import ManifestRow
    from segstudio.jobs.presets import preset
    from segstudio.ml.data import Pairs, batches_of_epoch
    from segstudio.ml.device import choose_device, cpu_gains_from_bfloat16
    from segstudio.ml.fit import compile_network
    from segstudio.ml.network import prepare
    from segstudio.models import MODELS

    is_ours = variant == "segstudio"
    precision = choose_device().precision if is_ours else "mixed_bfloat16" if cpu_gains_from_bfloat16() else "float32"
    chosen = preset(preset_name)
    options = chosen.options()
    kind = MODELS[chosen.model]
    model = kind(kind.Options.model_validate(options.model_dump(include=set(kind.Options.model_fields))))
    shape = (options.size, options.size, model.channels(is_grey=True))
    network = model.build(shape, from_imagenet=False)
    if kind.is_pretrained:
        # As after loading ImageNet weights, which a benchmark can do without.
        for layer in network.layers:
            if layer.name.endswith("_BN") or layer.name == "bn_Conv1":
                layer.trainable = False
    if is_ours:
        prepare(network, precision)
    elif variant == "keras":
        for layer in [network, *network.layers]:
            if layer.name != "probability":
                layer.dtype_policy = tf.keras.DTypePolicy(precision)
    compile_network(network, 1e-3)

    batch = options.batch
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch * STEPS, *shape), dtype=np.uint8)
    masks = rng.integers(0, 2, (*images.shape[:3], 1), dtype=np.uint8)
    rows = [ManifestRow(n, "", "train", 0, "", "") for n in range(len(images))]
    pairs = Pairs(images, masks, rows)

    def fit(batches: tf.data.Dataset) -> None:
        network.fit(batches, verbose=0, shuffle=False)

    def from_pipeline() -> tf.data.Dataset:
        return batches_of_epoch(pairs, batch, seed=0, epoch=1)

    def timed(work: object) -> tuple[float, float]:
        clock, cpu = time.perf_counter(), time.process_time()
        work()  # type: ignore[operator]
        clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
        return len(images) / clock, len(images) * (os.cpu_count() or 1) / cpu

    ready = tf.data.Dataset.from_tensors((images[:batch], masks[:batch])).repeat(STEPS)
    fit(ready.take(2))
    fit(from_pipeline().take(2))  # its batches have no fixed size: another trace
    forward = tf.function(lambda x: network(x, training=False))
    forward(images[:batch])
    return {
        "train": timed(lambda: fit(ready)),
        "from the pipeline": timed(lambda: fit(from_pipeline())),
        "predict": timed(lambda: [forward(images[:batch]) for _ in range(STEPS)]),
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(*sys.argv[2:4])))
        sys.exit()
    sys.exit(main(sys.argv[1:]))
