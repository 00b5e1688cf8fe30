"""Images per second in training and prediction: `python -m tests.benchmarks.bench_training [PRESET ...]`.

For each preset's network: plain Keras in float32, plain Keras in this device's precision, and as SegStudio runs it.
Each in a process of its own, because TensorFlow's threads are settled once a process. Beside the rate on the clock
stands the rate by processor time on all cores, which other programs on the machine disturb less. "From the
pipeline" shall be at least 0.95 of "train", which is the rate on one batch that is ready. With the Python of an
environment that has PyTorch (`--pytorch PYTHON` before the presets) the network of `mobilenetv2-unet` is measured there
too, in bfloat16 and channels-last.
"""

import json
import os
import subprocess
import sys
import time

STEPS = 12
VARIANTS = ("keras float32", "keras", "segstudio")

PYTORCH = """
import json, os, sys, time
import torch
from torch import nn
from torch.nn import functional
batch, size, steps = (int(one) for one in sys.argv[1:])
def normalized(come, go, kernel, stride, groups=1, is_active=True):
    parts = [nn.Conv2d(come, go, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(go)]
    return nn.Sequential(*parts, *([nn.ReLU6()] if is_active else []))
class Block(nn.Module):
    def __init__(self, come, go, stride, factor):
        super().__init__()
        wide = come * factor
        self.is_residual = stride == 1 and come == go
        self.expand = normalized(come, wide, 1, 1) if factor > 1 else nn.Identity()
        self.rest = nn.Sequential(normalized(wide, wide, 3, stride, wide), normalized(wide, go, 1, 1, is_active=False))
    def forward(self, x):
        wide = self.expand(x)
        y = self.rest(wide)
        return (x + y if self.is_residual else y), wide
class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        blocks, come = [], 32
        for factor, go, count, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                          (6, 160, 3, 2), (6, 320, 1, 1)):
            for number in range(count):
                blocks.append(Block(come, go, stride if number == 0 else 1, factor))
                come = go
        self.encoder = nn.ModuleList([normalized(3, 32, 3, 2), *blocks])
        ups = []
        for filters, skip in ((512, 576), (256, 192), (128, 144), (64, 96)):
            up = nn.ConvTranspose2d(come, filters, 3, 2, 1, output_padding=1, bias=False)
            ups.append(nn.Sequential(up, nn.BatchNorm2d(filters), nn.ReLU()))
            come = filters + skip
        self.ups = nn.ModuleList(ups)
        self.logits = nn.ConvTranspose2d(come, 1, 3, 2, 1, output_padding=1)
    def forward(self, x):
        x, taps = self.encoder[0](x.float() / 127.5 - 1), []
        for number, block in enumerate(self.encoder[1:]):
            x, wide = block(x)
            if number in (1, 3, 6, 13):
                taps.append(wide)
        for up, tap in zip(self.ups, reversed(taps)):
            x = torch.cat([up(x), tap], 1)
        return self.logits(x)
network = UNet().to(memory_format=torch.channels_last)
images = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8).contiguous(memory_format=torch.channels_last)
masks = torch.randint(0, 2, (batch, 1, size, size)).float()
for part in network.encoder.modules():
    if isinstance(part, nn.BatchNorm2d):
        part.requires_grad_(False)
adam = torch.optim.Adam([one for one in network.parameters() if one.requires_grad], 1e-3)
def train():
    network.train()
    for part in network.encoder.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eval()
    adam.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(images)
    functional.binary_cross_entropy_with_logits(logits.float(), masks).backward()
    adam.step()
def predict():
    network.eval()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        torch.sigmoid(network(images))
def timed(work):
    work(), work()
    clock, cpu = time.perf_counter(), time.process_time()
    for _ in range(steps):
        work()
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    return steps * batch / clock, steps * batch * (os.cpu_count() or 1) / cpu
print(json.dumps({"train": timed(train), "predict": timed(predict)}))
"""


def main(names: list[str]) -> int:
    other = ""
    if names[:1] == ["--pytorch"]:
        _, other, *names = names
    for name in names or ["mobilenetv2-unet", "conv-unet-fast"]:
        print(f"{name}: images per second on the clock (by processor time)")
        base = 0.0
        for variant in (*VARIANTS, *(["pytorch"] if other and name == "mobilenetv2-unet" else [])):
            command = [sys.executable, "-m", "tests.benchmarks.bench_training", "--measure", name, variant]
            if variant == "pytorch":
                command = [other, "-c", PYTORCH, "8", "224", str(STEPS)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
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
