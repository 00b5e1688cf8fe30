"""Moments as a person reads them."""

from datetime import datetime


def when_text(created: str, now: datetime | None = None) -> str:
    """A moment of the index (ISO 8601, UTC) in local time, the shorter the nearer."""
    try:
        moment = datetime.fromisoformat(created).astimezone()
    except ValueError:
        return created
    now = now or datetime.now().astimezone()
    if moment.date() == now.date():
        return f"today {moment:%H:%M}"
    return f"{moment:%d %b %H:%M}" if moment.year == now.year else f"{moment:%d %b %Y}"
