"""Instants and durations as the command line reads and writes them. Everything is UTC."""

from datetime import UTC, date, datetime

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail


def iso(at_ms: float) -> str:
    """Write epoch milliseconds.

    >>> iso(1_764_000_000_250)
    '2025-11-24T16:00:00.250Z'
    """
    text = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def read_instant_ms(text: str) -> int:
    """Read an ISO 8601 time with an offset, as `iso` writes it, into epoch milliseconds. Ends the command."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        fail(f'write a time such as "2026-11-24T08:00:00Z" instead of "{text}"', ExitCode.USAGE)
    return round(at.timestamp() * 1000)


def read_day_s(text: str | None) -> int:
    """Read a date into the epoch seconds of its start; today without one. Ends the command."""
    if text is None:
        day = datetime.now(UTC).date()
    else:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            fail(f'write a day such as "2026-11-24" instead of "{text}"', ExitCode.USAGE)
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def read_duration_ms(text: str | None) -> int:
    """Read a duration such as 1h30m; 0 without one. Ends the command."""
    if text is None:
        return 0
    from taskqueue.models.duration import parse_positive_ms  # noqa: PLC0415 - slow
    from taskqueue.models.refusal import ValueRefusedError  # noqa: PLC0415 - slow

    try:
        return parse_positive_ms(text)
    except ValueRefusedError as error:
        fail(str(error), ExitCode.USAGE)
