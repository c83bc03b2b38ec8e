"""The Retry-After header: seconds or an HTTP date (RFC 9110, section 10.2.3)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from taskqueue.models.values import CLOSED_MAX_S

#: Upper bound of a wait: an API can ask again.
MAX_S = float(CLOSED_MAX_S)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds to wait, within [0, MAX_S], or None without a (readable) Retry-After.

    A date is compared with the answer's own Date if there is one, else with `now`: the API's clock need not
    agree with ours.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), MAX_S)
    until = _date(value)
    if until is None:
        return None
    since = _date(headers.get("Date", "")) or now
    return min(max((until - since).total_seconds(), 0.0), MAX_S)


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
