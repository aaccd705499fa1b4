"""Times as microseconds since 1970 UTC, and how people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from slmrec.core.errors import UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000


def time_in_us(text: str) -> int:
    """Microseconds since 1970 UTC of an ISO 8601 time; without a zone it is UTC. Raises UsageError."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not an ISO 8601 time like 2026-11-23T00:00:00Z") from None
    zoned = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (zoned - EPOCH) // timedelta(microseconds=1)


def say_time(us: int) -> str:
    """ISO 8601 of microseconds since 1970 UTC."""
    return (EPOCH + timedelta(microseconds=us)).isoformat().replace("+00:00", "Z")


def month_of(us: int) -> str:
    """The month "YYYY-MM" a time lies in."""
    return say_time(us)[:7]
