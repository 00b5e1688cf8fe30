"""Lets the list of samples know which masks a training has never learnt, or learnt and forgotten."""

from segstudio.core.errors import UserError
from segstudio.core.loss_table import NAME, load_losses
from segstudio.core.manifest import load_manifest
from segstudio.core.reporter import Reporter
from segstudio.core.suspicion import Suspicion, from_losses
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.sample_table import SUSPICIOUS
from segstudio.project.suspicions import store_suspicions


def suspect_by_losses(project: Project, run: Run, report: Reporter) -> int:
    """Store how suspicious the masks are that a run has learnt from; returns how many are.

    A run without losses (of an earlier version, or too short to tell) leaves everything as it is.
    """
    path = run.folder / NAME
    if not path.is_file():
        return 0
    try:
        table = load_losses(path)
        revisions = {row.sample: row.revision for row in load_manifest(run.manifest) if row.split == "train"}
        current = {one.id: one.revision for one in project.samples.all(table.samples.tolist())}
    except UserError as error:
        report.log(f"no mask is suspected: {error.message}")
        return 0
    found: dict[int, tuple[int, Suspicion]] = {
        sample: (revisions[sample], one)
        for sample, one in zip(table.samples.tolist(), from_losses(table.losses, f"run {run.name}"), strict=False)
        if current.get(sample, -1) == revisions.get(sample)
    }
    if not found:
        return 0
    try:
        store_suspicions(project, "loss", found)
    except UserError as error:  # a full disk, say: the training itself is done and stored
        report.log(f"what is suspected of masks could not be stored: {error.message}")
        return 0
    count = sum(one.score >= SUSPICIOUS for _, one in found.values())
    if count:
        report.log(
            f"{count} masks look wrong: they were never learnt, or forgotten; sort by suspicious truth to see them"
        )
    return count
