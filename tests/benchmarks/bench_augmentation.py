"""Augmented batches against ready arrays: `python -m tests.benchmarks.bench_augmentation [PRESET [RECIPE [ROUNDS]]]`.

Trains the full network in short blocks that take turns: batches from the pipeline with a recipe on the fly, and as many
batches that are ready in memory. Every block is held against the mean of its two neighbours of the other kind, so that
what else the machine does meanwhile hits both alike; the figure is the median of these ratios, by processor time on all
cores and on the clock. It shall be at least 0.95. Ready blocks held against the ready blocks before and after them tell
how far the figure can be trusted, and what the pipeline costs alone says what it should be.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

STEPS = 4
"""Batches of a block."""

ENOUGH = 0.95


class Cost(NamedTuple):
    """Milliseconds an image takes."""

    cpu: float
    clock: float


def main(preset_name: str = "mobilenetv2-unet", recipe_name: str = "chest-xray", rounds: str = "20") -> int:
    ready, augmented, alone = _prepared(preset_name, recipe_name)
    costs = [ready()]
    for _ in range(int(rounds)):
        costs += [augmented(), ready()]
    of_ready, of_augmented = costs[::2], costs[1::2]
    found = _ratios(of_augmented, of_ready, of_ready[1:])
    trust = _ratios(of_ready[1:], of_ready, of_ready[2:])
    step = statistics.median(cost.cpu for cost in of_ready)
    print(f"{preset_name}, recipe {recipe_name}, an image: {step:.1f} ms of processor time to learn from,")
    expected = step / (step + alone.cpu)
    print(f"  {alone.cpu:.2f} ms to augment and batch; the rate should be {expected:.3f} of that of ready arrays")
    for what, by in (("by processor time", "cpu"), ("on the clock", "clock")):
        print(f"  augmented / ready {what}: {_said(found, by)}   (ready / ready: {_said(trust, by)})")
    reached = statistics.median(ratio.cpu for ratio in found)
    print(f"  {'reached' if reached >= ENOUGH else 'MISSED'}: {reached:.3f}, wanted {ENOUGH}")
    return 0 if reached >= ENOUGH else 1


def _ratios(some: list[Cost], before: list[Cost], after: list[Cost]) -> list[Cost]:
    """Rates of `some` blocks in shares of the mean of the blocks before and after; at most as many as there are."""
    return [
        Cost((one.cpu + other.cpu) / 2 / this.cpu, (one.clock + other.clock) / 2 / this.clock)
        for this, one, other in zip(some, before, after, strict=False)
    ]


def _said(ratios: list[Cost], by: str) -> str:
    low, middle, high = statistics.quantiles((getattr(ratio, by) for ratio in ratios), n=4)
    return f"{middle:.3f}, quartiles {low:.3f} and {high:.3f}"


def _prepared(preset_name: str, recipe_name: str) -> tuple[Callable[[], Cost], Callable[[], Cost], Cost]:
    """A block of ready arrays, one from the pipeline, and what the pipeline costs without the network."""
    import numpy as np
    import tensorflow as tf

    from segstudio.augmentation.augmenter import Augmenter
    from segstudio.augmentation.recipe import built_in_recipes
    from segstudio.core.manifest import ManifestRow
    from segstudio.core.scaling import scaled_image, scaled_mask
    from segstudio.jobs.fitting import network_of
    from segstudio.jobs.presets import preset
    from segstudio.ml.data import Pairs, batches_of_epoch
    from segstudio.ml.device import choose_device
    from segstudio.ml.fit import compile_network
    from segstudio.ml.network import prepare
    from segstudio.synthetic import KINDS

    precision = choose_device().precision
    chosen = preset(preset_name)
    options = chosen.options()
    model = network_of(chosen.model, options)
    shape = (options.size, options.size, model.channels(is_grey=True))
    network = model.build(shape, from_imagenet=False)
    if type(model).is_pretrained:
        # As after loading ImageNet weights, which a benchmark can do without.
        for layer in network.layers:
            if layer.name.endswith("_BN") or layer.name == "bn_Conv1":
                layer.trainable = False
    prepare(network, precision)
    compile_network(network, options.learning_rate)

    rng, count = np.random.default_rng(0), options.batch * STEPS
    drawn = [KINDS["chest-xray"]().draw(rng) for _ in range(count)]
    images = np.stack([scaled_image(image, shape) for image, _ in drawn])
    masks = np.stack([scaled_mask(mask, *shape[:2])[..., None] for _, mask in drawn])
    pairs = Pairs(images, masks, [ManifestRow(n, f"{n}.png", "train", 0, "", "") for n in range(count)])
    augmenter = Augmenter(built_in_recipes()[recipe_name])
    ready = tf.data.Dataset.from_tensors((images[: options.batch], masks[: options.batch])).repeat(STEPS)
    epochs = iter(range(1, 1_000_000))

    def timed(work: Callable[[], object]) -> Cost:
        clock, cpu = time.perf_counter(), time.process_time()
        work()
        return Cost((time.process_time() - cpu) * 1000 / count, (time.perf_counter() - clock) * 1000 / count)

    def fit(batches: tf.data.Dataset) -> None:
        network.fit(batches, verbose=0, shuffle=False)

    def pipeline() -> tf.data.Dataset:
        return batches_of_epoch(pairs, options.batch, seed=0, epoch=next(epochs), augmenter=augmenter)

    for batches in (ready, pipeline()):
        fit(batches.take(2))  # traces, and makes the recipe's pipelines of all threads
    alone = [timed(lambda: list(pipeline())) for _ in range(9)]
    return lambda: timed(lambda: fit(ready)), lambda: timed(lambda: fit(pipeline())), statistics.median_low(alone)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
