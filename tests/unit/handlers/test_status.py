from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskqueue.handlers import Discard, RateLimited, RetryLater
from taskqueue.handlers.errors import CallFailed
from taskqueue.handlers.retry_after import MAX_S, retry_after_s
from taskqueue.handlers.status import RATE_LIMITED_DEFAULT_S, judge

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": " 7 "}, 7),
        ({"Retry-After": "86400"}, MAX_S),
        ({"Retry-After": "86401"}, MAX_S),
        ({"Retry-After": "9" * 8000}, MAX_S),
        ({"Retry-After": "Tue, 24 Nov 2026 12:00:30 GMT"}, 30),
        ({"Retry-After": "Tue, 24 Nov 2026 12:00:30 -0000"}, 30),
        ({"Retry-After": "Tue, 24 Nov 2026 11:00:00 GMT"}, 0),
        ({"Retry-After": "Thu, 24 Nov 2066 11:00:00 GMT"}, MAX_S),
        # The API's clock is an hour ahead of ours.
        (
            {"Retry-After": "Tue, 24 Nov 2026 13:00:30 GMT", "Date": "Tue, 24 Nov 2026 13:00:00 GMT"},
            30,
        ),
        ({"Retry-After": "Tue, 24 Nov 2026 12:00:30 GMT", "Date": "nonsense"}, 30),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_bounds(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(headers, NOW) == seconds


@settings(max_examples=300)
@given(
    st.text(max_size=40) | st.from_regex(r"[A-Z][a-z]{2}, \d{1,4} [A-Z][a-z]{2} \d{1,9} [\d:]{1,12}.{0,6}")
)
def test_no_retry_after_breaks_the_worker(value: str) -> None:
    seconds = retry_after_s({"Retry-After": value, "Date": value}, NOW)
    assert seconds is None or 0 <= seconds <= MAX_S


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ([200, 201, 202, 204, 206, 299], None),
        ([300, 301, 302, 303, 304, 307, 308], Discard),
        ([400, 401, 403, 404, 409, 410, 422, 451, 499], Discard),
        ([408, 425, 500, 502, 503, 504, 599], CallFailed),
        ([429], RateLimited),
    ],
)
def test_every_status_has_one_outcome(statuses: list[int], outcome: type[Exception] | None) -> None:
    for status in statuses:
        try:
            judge(status, {})
        except (CallFailed, Discard, RateLimited, RetryLater) as raised:
            assert type(raised) is outcome, status  # noqa: PT017 - None stands for no exception
        else:
            assert outcome is None, status


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, RATE_LIMITED_DEFAULT_S), ({"Retry-After": "0"}, RATE_LIMITED_DEFAULT_S), ({"Retry-After": "9"}, 9)],
)
def test_a_429_closes_the_limit_of_the_type_and_never_for_no_time(
    headers: dict[str, str], seconds: float
) -> None:
    with pytest.raises(RateLimited) as raised:
        judge(429, headers)
    assert (raised.value.retry_after_s, raised.value.limit) == (seconds, None)


@pytest.mark.parametrize("named", ["0", "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_a_503_without_a_delay_is_retried_with_backoff(named: str) -> None:
    with pytest.raises(CallFailed):
        judge(503, {"Retry-After": named})


def test_only_a_503_with_retry_after_chooses_its_own_delay() -> None:
    with pytest.raises(RetryLater, match="HTTP 503 Service Unavailable") as raised:
        judge(503, {"Retry-After": "12"})
    assert raised.value.after_s == 12
    with pytest.raises(CallFailed, match="HTTP 500 Internal Server Error"):
        judge(500, {"Retry-After": "12"})


def test_reasons_name_the_status() -> None:
    with pytest.raises(Discard, match=r"^HTTP 404 Not Found$"):
        judge(404, {})
    with pytest.raises(Discard, match=r"^HTTP 499$"):
        judge(499, {})
    with pytest.raises(Discard, match="redirects are not followed"):
        judge(302, {"Location": "elsewhere"})
