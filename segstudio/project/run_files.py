"""The JSON files in a run's folder: its card, its meeting with the champion, its figures on a split."""

import json
from pathlib import Path
from typing import Any

from segstudio.core.files import write_atomically
from segstudio.project.runs import Run


def save(path: Path, content: dict[str, Any]) -> None:
    """Write a file that is whole or not there."""
    write_atomically(path, json.dumps(content, ensure_ascii=False, indent=1, default=str).encode("utf-8"))


def evaluation_file(run: Run, split: str) -> Path:
    """Where the figures of a run on a split are kept."""
    return run.folder / f"evaluation-{split}.json"


def read_card(run: Run) -> dict[str, Any]:
    """What card.json says; nothing when the run is older than cards, or the file is damaged."""
    return _read(run.card) or {}


def read_meeting(run: Run) -> dict[str, Any] | None:
    """How the run did against the champion, see the job "challenge"; None when they have not met."""
    content = _read(run.meeting)
    return content if content and "verdict" in content else None


def read_evaluation(run: Run, split: str) -> dict[str, Any] | None:
    """The figures on a split as they were measured last, see the job "evaluate"; None when they were not."""
    content = _read(evaluation_file(run, split))
    return content if content and "per_image" in content else None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
