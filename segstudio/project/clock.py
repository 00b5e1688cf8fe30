"""The time, as the project stores it."""

from datetime import UTC, datetime


def now() -> str:
    """The moment as ISO 8601 in UTC, to the millisecond: as text it sorts as it should."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
