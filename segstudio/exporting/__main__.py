"""`python -m segstudio.exporting FORMAT FILE IMAGES.npz OUT.npz`: predict with an exported file, in a fresh process.

What was exported must work where nothing of the training is in memory; and a runtime that crashes takes only this
process with it.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from segstudio.exporting import EXPORTERS


def main(arguments: Sequence[str]) -> None:
    """Predict every array of an .npz file; see Exporter.run."""
    name, path, images, out = arguments
    with np.load(images) as given:
        batches = [given[key] for key in given.files]
    found = EXPORTERS[name]().run(Path(path), batches)
    np.savez(out, *found)


if __name__ == "__main__":
    # The file is compared number by number, so no GPU with sums of another order takes part.
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    main(sys.argv[1:])
