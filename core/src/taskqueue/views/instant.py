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


def written(instant: datetime) -> str:
    """Format an instant in UTC, to the millisecond."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
