"""The card of a run: with what, on what and from what it was made, so that it can be checked and made again.

It is begun with the run and completed at its end; report.html is the same for people, see run_page.py.
"""

import csv
import hashlib
import os
import platform
from collections import Counter
from pathlib import Path
from typing import Any

from segstudio.core.errors import UserError
from segstudio.jobs.run_page import write_page
from segstudio.jobs.starts import Start
from segstudio.jobs.versions import versions
from segstudio.project.clock import now
from segstudio.project.project import Project
from segstudio.project.run_files import read_card, save
from segstudio.project.runs import Run


def machine() -> dict[str, Any]:
    """What it computes on, and with how many threads; TensorFlow is loaded."""
    from segstudio.ml.device import threads

    return {"system": platform.platform(), "processor": _processor(), "cores": os.cpu_count() or 1, **threads()}


def _processor() -> str:
    """The name of the CPU, as far as the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def sha256(path: Path) -> str:
    """Of a file; empty when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def begin_card(project: Project, run: Run, start: Start | None) -> None:
    """Write what is known when a training begins, or goes on: a run that dies has a card too.

    Args:
        project: Whose.
        run: The run that begins.
        start: The run or file whose weights it begins with, or None.
    """
    known = read_card(run)
    card = {
        "run": run.id,
        "created": run.created,
        "project": project.name,
        "preset": run.preset,
        "model": run.model,
        "seed": run.options.get("seed"),
        "options": run.options,
        "start": {"from": run.start, "weights_sha256": _started_with(run, start) or _known_start(known)},
        "split": project.settings.get("split", {}),
        "recipe": {"name": run.options.get("recipe"), "digest": run.options.get("recipe_digest")},
        # A run that is gone on with may do so elsewhere.
        "sessions": [*known.get("sessions", []), {"began": now(), "versions": versions(), "machine": machine()}],
    }
    save(run.card, known | card)


def _known_start(card: dict[str, Any]) -> str:
    return str((card.get("start") or {}).get("weights_sha256") or "")


def _started_with(run: Run, start: Start | None) -> str:
    """The hash of the file of weights that it begins with; empty without one."""
    if start is not None:
        return start.digest or sha256(start.weights)
    named = run.options.get("weights")
    return sha256(Path(named)) if isinstance(named, str) and named and Path(named).is_file() else ""


def complete_card(project: Project, run: Run, initial: str = "") -> None:
    """Write what is known when a training has ended: how, how long, on what, and from which files.

    Args:
        project: Whose.
        run: The run as it ended.
        initial: Hash of the weights that it began with, when that is known.
    """
    card = read_card(run)
    card |= {
        "status": run.status,
        "epochs": run.epochs,
        "best": {"epoch": run.best_epoch, "val_iou": run.best_val_iou, "val_loss": run.best_val_loss},
        "seconds": run.seconds,
        "device": run.device,
        "precision": run.precision,
        "data": data_of(run),
        "weights_digest": digest_of(run),
        "initial_digest": initial or card.get("initial_digest", ""),
    }
    save(run.card, card)
    write_page(project, run)


def data_of(run: Run) -> dict[str, Any]:
    """How much it learnt from, and the hash of the list that has the SHA-256 of each image and mask."""
    try:
        text = run.manifest.read_bytes()
    except OSError:
        return {}
    rows = list(csv.DictReader(text.decode("utf-8", errors="replace").splitlines()))
    counts = Counter(row.get("split") or "" for row in rows)
    return {
        "train": counts["train"],
        "val": counts["val"],
        "copies": sum(bool(row.get("recipe")) for row in rows),
        "manifest": run.manifest.name,
        "manifest_sha256": hashlib.sha256(text).hexdigest(),
    }


def digest_of(run: Run) -> str:
    """The hash of its best weights themselves, whatever the file around them; empty when it has none."""
    from segstudio.ml.network import load_network, weights_digest

    if not run.best_weights.is_file():
        return ""
    try:
        return weights_digest(load_network(run.best_weights, "float32"))
    except UserError:
        return ""
