"""Advice for a cron line with steps that do not divide their field."""

import doctest

import pytest

from taskqueue.models import cron_advice as module
from taskqueue.models.cron import check_cron
from taskqueue.models.cron_advice import cron_advice


@pytest.mark.parametrize(
    ("line", "says", "interval"),
    [
        ("*/90 * * * *", "is 0 alone, once every hour", "90m"),
        ("0/61 * * * *", "is 0 alone, once every hour", "61m"),
        ("0 */36 * * *", "is 0 alone, once every day", "36h"),
        ("0 0 */40 * *", "is 1 alone, once every month", "960h"),
        ("0 0 1 */13 *", "is 1 alone, once every year", None),
        ("0 0 * * */8", "is 0 alone, once every week", "192h"),
        ("*/90 8 * * *", "is 0 alone", None),
        ("10-20/30 * * * *", "is 10 alone", None),
        ("0 8-10/6,20 * * *", "is 8 alone", None),
        ("*/45 * * * *", "15 instead of 45 minutes lie between 45 and 0", "45m"),
        ("*/7 * * * *", "4 instead of 7 minutes lie between 56 and 0", "7m"),
        ("5/45 * * * *", "15 instead of 45 minutes lie between 50 and 5", "45m"),
        ("0-59/7 * * * *", "4 instead of 7 minutes", None),
        ("*/45 8-18 * * *", "15 instead of 45 minutes", None),
        ("30 */5 * * *", "4 instead of 5 hours lie between 20 and 0", "5h"),
        ("* */5 * * *", "4 instead of 5 hours", None),
        ("30 2 */2 * *", "starts anew every month: 1 instead of 2 days lie between 31 and 1", "48h"),
        ("0 0 1/15 * *", "1 instead of 15 days lie between 31 and 1", "360h"),
        ("0 0 1 */5 *", "2 instead of 5 months lie between 11 and 1", None),
        ("0 2 * * */2", "starts anew every week: 1 instead of 2 days lie between 6 and 0", "48h"),
    ],
)
def test_an_uneven_step_names_the_likely_interval(line: str, says: str, interval: str | None) -> None:
    check_cron(line)
    advice = cron_advice(line)
    assert advice is not None
    assert says in advice
    assert advice.endswith(f"write interval: {interval}") if interval else "interval" not in advice


@pytest.mark.parametrize(
    "line",
    [
        *("* * * * *", "0 2 * * *", "*/15 * * * *", "*/60 * * * *", "0/60 * * * *", "5/20 * * * *"),
        *("0 */24 * * *", "0 8-18/3 * * *", "0 0 */31 * *", "0 0 1 */3 *", "0 0 * * MON/2"),
        *("*/45,50 * * * *", "5-5/2 * * * *", "0 0 L/2 * *", "0 0 * * MON#2,5L", "0 0 * * */7"),
        None,
    ],
)
def test_an_even_step_is_passed_over(line: str | None) -> None:
    assert cron_advice(line) is None


def test_the_example_is_true() -> None:
    failed, attempted = doctest.testmod(module)
    assert (failed, attempted) == (0, 1)
