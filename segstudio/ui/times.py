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


def seconds_text(seconds: float) -> str:
    """A span of time: "8 s", "2 min 05 s", "1 h 20 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"
