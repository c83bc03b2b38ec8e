"""Instants, days and durations of the command line. All times are UTC."""

from datetime import UTC, date, datetime

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail, fail_argument
from taskqueue.models.duration import parse_positive_ms
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.views.plan import FIRST_DAY, LAST_DAY


def read_instant_ms(text: str) -> int:
    """Return the epoch milliseconds of an ISO 8601 time with an offset, as answers have them.

    Ends the command with USAGE for any other text.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        fail(f'TIME must be a time such as "2026-11-24T08:00:00Z" (was "{text}")', ExitCode.USAGE)
    return round(at.timestamp() * 1000)


def read_day_s(text: str | None) -> int:
    """Return the epoch seconds at which a date begins, by default today.

    Ends the command with USAGE for any other text.
    """
    if text is None:
        day = datetime.now(UTC).date()
    else:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            fail(f'--day must be a date such as "2026-11-24" (was "{text}")', ExitCode.USAGE)
        if not FIRST_DAY <= day <= LAST_DAY:
            fail(f'--day must be from {FIRST_DAY} to {LAST_DAY} (was "{text}")', ExitCode.USAGE)
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def read_duration_ms(text: str | None) -> int:
    """Return the milliseconds of a duration such as 1h30m, 0 without one.

    Ends the command with USAGE for any other text.
    """
    if text is None:
        return 0
    try:
        return parse_positive_ms(text)
    except ValueRefusedError as error:
        fail_argument("--for", error)
