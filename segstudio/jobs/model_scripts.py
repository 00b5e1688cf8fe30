"""The scripts beside an exported model, which need no SegStudio: predict.py shows its use, finetune.py trains it on."""

from segstudio.exporting import METADATA, Exporter

IN_PARTS = """

def in_parts(pixels, side={crop}):
    # The network has learnt from parts of this size: it looks at overlapping ones, and their mean counts.
    height, width = pixels.shape[:2]
    pixels = np.pad(pixels, ((0, max(0, side - height)), (0, max(0, side - width)), (0, 0)), "symmetric")
    total = np.zeros(pixels.shape[:2], np.float32)
    looks = np.zeros_like(total)
    starts = [np.unique(np.linspace(0, size - side, 2 * -(-size // side) - 1).astype(int)) for size in total.shape]
    for top in starts[0]:
        for left in starts[1]:
            part = slice(top, top + side), slice(left, left + side)
            total[part] += probability(pixels[part])
            looks[part] += 1
    return (total / looks)[:height, :width]

"""
"""What predict.py has besides for a network that has learnt from crops."""


def script_of(exporter: Exporter, file: str, channels: int, threshold: float = 0.5, crop: int = 0) -> str:
    """The text of predict.py for a file beside it, or for the folder it lies in when `file` is empty."""
    look, parts = ("in_parts", IN_PARTS.format(crop=crop)) if crop else ("probability", "")
    place = f'.with_name("{file}")' if file else ".parent"
    mode, axis = ("L", "[..., None]") if channels == 1 else ("RGB", "")
    return f'''\
"""Find the foreground of an image: python predict.py IMAGE [MASK.png]   (pip install {exporter.needs})."""

import sys
from pathlib import Path

import numpy as np
{exporter.imports}from PIL import Image, ImageOps

MODEL = Path(__file__){place}
{exporter.script}
{parts}
if __name__ == "__main__":
    image = ImageOps.exif_transpose(Image.open(sys.argv[1]))
    assert image.mode[0] not in "IF", "more than 8 bits: the network has seen such images as 8 bits, through a window"
    found = {look}(np.asarray(image.convert("{mode}")){axis}) >= {threshold}
    print(f"{{100 * found.mean():.2f}} % is foreground")
    if len(sys.argv) > 2:
        Image.fromarray(found.astype(np.uint8) * 255).save(sys.argv[2])
'''


def tuning_script_of(exporter: Exporter, file: str, channels: int) -> str:
    """The text of finetune.py, as of `script_of`; empty for a format that cannot be trained further."""
    if not exporter.tuning:
        return ""
    place = f'.with_name("{file}")' if file else ".parent"
    mode = "L" if channels == 1 else "RGB"
    return f'''\
"""Train the model further: python finetune.py IMAGES MASKS [EPOCHS]   (pip install {exporter.needs}).

Files of the folders IMAGES and MASKS go by the same names; masks are white where the foreground is. What comes out is
tuned.keras in the current folder, which SegStudio takes too: segstudio train PROJECT --start tuned.keras
"""

import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
{exporter.tuning_imports}from PIL import Image, ImageOps

MODEL = Path(__file__){place}
{exporter.tuning}
height, width, _ = network.input_shape[1:]


def scaled(path, mode):
    image = ImageOps.exif_transpose(Image.open(path))
    assert image.mode[0] not in "IF", "more than 8 bits: the network has seen such images as 8 bits, through a window"
    return np.asarray(image.convert(mode).resize((width, height), Image.Resampling.BOX)).reshape(height, width, -1)


if __name__ == "__main__":
    images, masks = (sorted(Path(folder).iterdir()) for folder in sys.argv[1:3])
    assert [one.stem for one in images] == [one.stem for one in masks], "images and masks have other names"
    pixels, truth = np.stack([scaled(one, "{mode}") for one in images]), np.stack([scaled(one, "L") for one in masks])
    network.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy", metrics=[keras.metrics.BinaryIoU(name="iou")])
    network.fit(pixels, truth > 127, batch_size=8, epochs=int(sys.argv[3]) if len(sys.argv) > 3 else 5)
    model.save("tuned.keras")
    with zipfile.ZipFile("tuned.keras", "a") as archive:  # by its card SegStudio knows which network it is
        archive.writestr("{METADATA}", card)
'''
