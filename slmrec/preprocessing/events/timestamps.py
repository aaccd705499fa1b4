"""Times as microseconds since 1970 UTC, and their text as ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from slmrec.core.errors import UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(text: str) -> int:
    """Microseconds of an ISO 8601 time; without a zone it is UTC. Raises UsageError."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not an ISO 8601 time like 2026-11-23T00:00:00Z") from None
    zoned = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (zoned - EPOCH) // timedelta(microseconds=1)


def format_time(us: int) -> str:
    """ISO 8601 of microseconds since 1970 UTC."""
    return (EPOCH + timedelta(microseconds=us)).isoformat().replace("+00:00", "Z")


def month_of(us: int) -> str:
    """The month "YYYY-MM" of a time."""
    return format_time(us)[:7]
