"""Augmented batches against ready arrays: `python -m tests.benchmarks.bench_augmentation [PRESET [RECIPE [ROUNDS]]]`.

Trains the full network in short blocks that take turns: batches from the pipeline with a recipe on the fly, and as many
batches that are ready in memory. The figure is the median of the ratios of neighbours, so that what else the
machine does meanwhile hits both alike; by processor time on all cores, and on the clock. It shall be at least 0.95.
"ready again" is ready arrays against ready arrays in the same turns: it tells how far the ratio can be trusted.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable

STEPS = 6
"""Batches of a block."""

ENOUGH = 0.95

Rate = tuple[float, float]
"""Images per second of processor time on all cores, and on the clock."""


def main(preset_name: str = "mobilenetv2-unet", recipe_name: str = "chest-xray", rounds: str = "9") -> int:
    blocks, recipe_ms = _prepared(preset_name, recipe_name)
    print(f"{preset_name}, recipe {recipe_name}: {recipe_ms:.2f} ms of processor time an image to augment")
    found: dict[str, list[Rate]] = {name: [] for name in blocks}
    for number in range(int(rounds)):
        # Each goes first as often as last: a machine that gets busier favours neither.
        for name in list(blocks) if number % 2 else list(blocks)[::-1]:
            found[name].append(blocks[name]())
    for name, rates in found.items():
        cpu, clock = (statistics.median(rate[which] for rate in rates) for which in (0, 1))
        print(f"  {name:12} {clock:6.1f} images per second, {cpu:6.1f} by processor time")
    ratios = {name: _ratios(found[name], found["ready"]) for name in found if name != "ready"}
    for name, (by_cpu, by_clock) in ratios.items():
        print(f"  {name:12} / ready   by processor time {_said(by_cpu)}   on the clock {_said(by_clock)}")
    reached = statistics.median(ratios["augmented"][0])
    print(f"  {'reached' if reached >= ENOUGH else 'MISSED'}: {reached:.3f}, wanted {ENOUGH}")
    return 0 if reached >= ENOUGH else 1


def _ratios(one: list[Rate], other: list[Rate]) -> tuple[list[float], list[float]]:
    by_cpu, by_clock = ([a[which] / b[which] for a, b in zip(one, other, strict=True)] for which in (0, 1))
    return by_cpu, by_clock


def _said(ratios: list[float]) -> str:
    low, _, high = statistics.quantiles(ratios, n=4)
    return f"{statistics.median(ratios):.3f} ({low:.3f} to {high:.3f})"


def _prepared(preset_name: str, recipe_name: str) -> tuple[dict[str, Callable[[], Rate]], float]:
    """Blocks of training, by name, and the milliseconds of processor time that it takes to augment an image."""
    import numpy as np
    import tensorflow as tf

    from segstudio.augmentation.augmenter import Augmenter
    from segstudio.augmentation.recipe import built_in_recipes
    from segstudio.core.scaling import scaled_image, scaled_mask
    from segstudio.jobs.fitting import network_of
    from segstudio.jobs.presets import preset
    from segstudio.ml.data import ManifestRow, Pairs, batches_of_epoch
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

    def timed(work: Callable[[], object]) -> Rate:
        clock, cpu = time.perf_counter(), time.process_time()
        work()
        clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
        return count * (os.cpu_count() or 1) / cpu, count / clock

    def fit(batches: tf.data.Dataset) -> None:
        network.fit(batches, verbose=0, shuffle=False)

    def pipeline(recipe: Augmenter | None) -> tf.data.Dataset:
        return batches_of_epoch(pairs, options.batch, seed=0, epoch=next(epochs), augmenter=recipe)

    for batches in (ready, pipeline(None), pipeline(augmenter)):
        fit(batches.take(2))  # traces, and makes the pipelines of all threads
    blocks: dict[str, Callable[[], Rate]] = {
        "ready": lambda: timed(lambda: fit(ready)),
        "ready again": lambda: timed(lambda: fit(ready)),
        "plain": lambda: timed(lambda: fit(pipeline(None))),
        "augmented": lambda: timed(lambda: fit(pipeline(augmenter))),
    }
    with_recipe, without = timed(lambda: list(pipeline(augmenter))), timed(lambda: list(pipeline(None)))
    return blocks, 1000 * (os.cpu_count() or 1) * (1 / with_recipe[0] - 1 / without[0])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
