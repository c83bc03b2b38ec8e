"""Instants, as values and as text. All are UTC."""

from datetime import UTC, datetime


def at(at_ms: float) -> datetime:
    """Return the instant of epoch milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def iso(at_ms: float) -> str:
    """Format epoch milliseconds.

    >>> iso(1_764_000_000_250)
    '2025-11-24T16:00:00.250Z'
    """
    return written(at(at_ms))


def clock_text(at_ms: float, now_ms: float) -> str:
    """Format epoch milliseconds as the time of the day, with the date where that is not the day of now_ms.

    >>> clock_text(1_764_000_000_250, 1_763_999_999_000), clock_text(1_764_000_000_250, 0)
    ('16:00:00 UTC', '2025-11-24 16:00:00 UTC')
    """
    instant = at(at_ms)
    date = "" if instant.date() == at(now_ms).date() else f"{instant:%Y-%m-%d} "
    return f"{date}{instant:%H:%M:%S} UTC"


def written(instant: datetime) -> str:
    """Format an instant in UTC, to the millisecond."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
