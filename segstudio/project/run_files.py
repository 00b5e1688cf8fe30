"""The JSON files in a run's folder: its card, its meeting with the champion, its figures on a split."""

import json
from pathlib import Path
from typing import Any

from segstudio.core.files import write_atomically
from segstudio.core.way import MANNERS, PLAIN
from segstudio.project.runs import Run


def save(path: Path, content: dict[str, Any]) -> None:
    """Write a file that is whole or not there."""
    write_atomically(path, json.dumps(content, ensure_ascii=False, indent=1, default=str).encode("utf-8"))


def evaluation_file(run: Run, split: str, manner: str = PLAIN) -> Path:
    """Where the figures of a run on a split are kept, for each manner of predicting its own; see `core.way`."""
    how = "" if manner == PLAIN else "-" + manner.replace("=", "-").replace(" ", "-")
    return run.folder / f"evaluation-{split}{how}.json"


def read_card(run: Run) -> dict[str, Any]:
    """What card.json says; nothing when the run is older than cards, or the file is damaged."""
    return _read(run.card) or {}


def read_meeting(run: Run) -> dict[str, Any] | None:
    """How the run did against the champion, see the job "challenge"; None when they have not met."""
    content = _read(run.meeting)
    return content if content and "verdict" in content else None


def read_evaluation(run: Run, split: str, manner: str = PLAIN) -> dict[str, Any] | None:
    """The figures on a split as they were measured last in a manner, see the job "evaluate"; None when they were not.

    Figures of earlier versions do not say how they were made; they have no `manner` and count as plain.
    """
    content = _read(evaluation_file(run, split, manner))
    return content if content and "per_image" in content else None


def read_evaluations(run: Run, split: str) -> dict[str, dict[str, Any]]:
    """All figures on a split by the manner in which they were made, the plain ones first."""
    return {manner: found for manner in MANNERS if (found := read_evaluation(run, split, manner))}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
