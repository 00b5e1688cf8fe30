"""What the index keeps of suspicious masks; see `segstudio.core.suspicion`.

It speaks of one revision of a mask: that of a mask that has been changed since is forgotten with the next word. Losses
of trainings and cross-validations keep theirs apart, for the one knows what the other cannot.
"""

from collections.abc import Mapping
from typing import Literal

from segstudio.core.suspicion import Suspicion
from segstudio.project.project import Project

Source = Literal["loss", "fold"]

BATCH = 1000
"""Samples that are written in one transaction."""

_OWN: dict[Source, tuple[str, ...]] = {
    "loss": ("loss_suspicion", "loss_reason"),
    "fold": ("fold_suspicion", "fold_reason", "fold_iou"),
}


def store_suspicions(project: Project, source: Source, found: Mapping[int, tuple[int, Suspicion]]) -> None:
    """Keep what is suspected.

    Args:
        project: Of the samples.
        source: Who says it; what it said before of the same samples is replaced.
        found: By the sample's id, the revision of the mask that it is about and the suspicion. Of a sample that has
            another mask by now nothing is kept.
    """
    other = _OWN["fold" if source == "loss" else "loss"]
    changes = [f"{name} = :{name}" for name in _OWN[source]]
    changes += [f"{name} = iif(suspected_revision = :revision, {name}, NULL)" for name in other]
    rows = [
        {
            "sample": sample,
            "revision": revision,
            f"{source}_suspicion": one.score,
            f"{source}_reason": one.reason or None,
            "fold_iou": one.iou,
        }
        for sample, (revision, one) in found.items()
    ]
    # Who saves a mask meanwhile waits for one batch, and not for all.
    for start in range(0, len(rows), BATCH):
        with project.transaction("samples") as connection:
            connection.executemany(
                f"UPDATE sample SET {', '.join(changes)}, suspected_revision = :revision "
                "WHERE id = :sample AND revision = :revision",
                rows[start : start + BATCH],
            )


def reasons(project: Project, sample_id: int) -> list[str]:
    """Why the current mask of a sample is suspicious, in sentences; none when it is not, or has been judged since."""
    row = project.database.row(
        "SELECT fold_reason, loss_reason FROM sample WHERE id = ? AND suspected_revision = revision "
        "AND settled_revision IS NOT revision",
        (sample_id,),
    )
    return [text for text in row or () if text]
