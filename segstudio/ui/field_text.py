"""Field text: values without an editor of their own, such as lists, as a text that can be edited."""

import json
from enum import Enum
from pathlib import Path
from typing import Any

from segstudio.core.options import Options


def as_plain(value: Any) -> Any:
    """A value as JSON has it: no Enum, no Path, no Options, and lists alone."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [as_plain(item) for item in value]
    if isinstance(value, Options):
        return value.model_dump(mode="json")
    return value


def sequence_text(value: Any) -> str:
    """A list as one writes it: its items between commas, in quotes where they need them."""
    items = as_plain(value)
    if all(isinstance(item, str) for item in items) and not any(_needs_quotes(item) for item in items):
        return ", ".join(items)
    return json.dumps(items, ensure_ascii=False)[1:-1]


def _needs_quotes(item: str) -> bool:
    return any(sign in item for sign in ',"[]{}') or not _is_bare(item)


def _is_bare(text: str) -> bool:
    """Whether the text can stand without quotes: JSON would not take it for something else."""
    try:
        json.loads(text)
    except ValueError:
        return text != "" and text == text.strip()
    return False


def parse_sequence(text: str) -> Any:
    """The list that was written, as JSON or as bare words between commas."""
    try:
        return json.loads(f"[{text}]")
    except ValueError:
        return [part.strip() for part in text.split(",")]


def json_text(value: Any) -> str:
    """A value as JSON, a text without quotes where it can stand without; nothing for None."""
    value = as_plain(value)
    if value is None:
        return ""
    return value if isinstance(value, str) and _is_bare(value) else json.dumps(value, ensure_ascii=False)


def parse_json(text: str) -> Any:
    """The value that was written; ValueError for what is no JSON."""
    return json.loads(text) if text.strip() else None
