"""The card of an exported model: what goes in and comes out, and how the run came to be."""

import csv
import hashlib
from collections import Counter
from typing import Any

from segstudio import __version__
from segstudio.core.sample import Split
from segstudio.core.way import PLAIN, way_of
from segstudio.exporting import Exporter
from segstudio.jobs.versions import PACKAGES, versions
from segstudio.models import Shape
from segstudio.project.clock import now
from segstudio.project.project import Project
from segstudio.project.run_files import read_evaluation
from segstudio.project.runs import Run

CROPS = "; the network has learnt from parts of {0}x{0} pixels: feed it such parts, overlapping, and take their mean"


_TEST = (
    "images", "accuracy", "binary_iou", "iou", "dice", "precision", "recall", "undefined", "pooled", "predict_nothing",
    "empty_convention", "made",
)  # fmt: skip


def metadata_of(project: Project, run: Run, exporter: Exporter, shape: Shape, parameters: int) -> dict[str, Any]:
    """Plain JSON values for the file and for the JSON beside it.

    Args:
        project: Where the run is.
        run: Whose network it is.
        exporter: The format.
        shape: Height, width and channels that the network itself works at.
        parameters: How many numbers it has learnt.
    """
    height, width, channels = shape
    crop = int(run.options.get("crop") or 0)
    batch: int | str = "any" if exporter.is_batched else 1
    return {
        "made_with": f"SegStudio {__version__}",
        "format": exporter.name,
        "exported": now(),
        "threshold": run.threshold,
        "input": {
            "name": "image",
            "dtype": "uint8",
            "shape": [batch, "height", "width", channels],
            "channels": channels,
            "values": "grey, 0 to 255" if channels == 1 else "RGB, 0 to 255",
            "size": "any: the graph scales to the network's size and back" + (CROPS.format(crop) if crop else ""),
            "crop": crop,
        },
        "output": {
            "name": "probability",
            "dtype": "float32",
            "shape": [batch, "height", "width", 1],
            "values": "probability of foreground, 0 to 1, at the size of the image",
        },
        "network": {
            "model": run.model,
            "height": height,
            "width": width,
            "channels": channels,
            "parameters": parameters,
            "precision": "float32",
        },
        "run": {
            "run": run.id,
            "created": run.created,
            "status": run.status,
            "preset": run.preset,
            "start": run.start,
            "options": run.options,
            "epochs": run.epochs,
            "best": {"epoch": run.best_epoch, "val_iou": run.best_val_iou, "val_loss": run.best_val_loss},
            "seconds": run.seconds,
            "device": run.device,
            "precision": run.precision,
            "note": run.note,
        },
        "dataset": _dataset(run),
        "test": _test(project, run),
        "versions": versions((*PACKAGES, *exporter.modules)),
    }


def _dataset(run: Run) -> dict[str, Any]:
    """How much it learnt from, and the hash of the list that says what."""
    try:
        text = run.manifest.read_bytes()
    except OSError:
        return {}
    rows = csv.DictReader(text.decode("utf-8", errors="replace").splitlines())
    counts = Counter(row.get("split") or "" for row in rows)
    return {"train": counts["train"], "val": counts["val"], "manifest_sha256": hashlib.sha256(text).hexdigest()}


def _test(project: Project, run: Run) -> dict[str, Any] | None:
    """The figures on the test split as they were measured at the run's threshold; an export does not look at it anew.

    They say in which way the network looked at the images: the exported one looks once, at the whole image.
    """
    found = read_evaluation(run, Split.TEST)
    if found is None or found.get("threshold") != run.threshold:
        return None
    usual = way_of(run.options).to_values() if project.predictions.unsaid(run.id) == PLAIN else None
    return {"way": found.get("way", usual), **{name: found[name] for name in _TEST if name in found}}
