"""View and summary of `taskqueue dev`."""

import io
from dataclasses import replace
from math import inf

import pytest
from rich.console import Console

from taskqueue.dev.limit_counts import LimitCount, Worst
from taskqueue.dev.limit_view import limit_lines
from taskqueue.dev.snapshot import ApiStats, Snapshot, quantile_ms
from taskqueue.dev.summary import summarize
from taskqueue.dev.view import line, render
from taskqueue.models.values import LimitKey
from taskqueue.store.audit import Audit


def replace_requests(count: LimitCount, requests: int) -> LimitCount:
    return LimitCount(count.name, count.key, count.per_second, requests)


AUDIT = Audit(
    totals={"emitted": 950, "done": 900, "leased": 910},
    ready={"high": 12, "normal": 28, "low": 0, "backfill": 0},
    due={"high": 2, "normal": 3, "low": 0, "backfill": 0},
    parked=4,
    leased=6,
    dead_letters=0,
    difference=0,
    cursor=11_000,
    now=10_000,
)
LATENESS = [(0.001, 0.0), (0.01, 500.0), (0.1, 1000.0), (float("inf"), 1000.0)]
NOW = Snapshot(AUDIT, ApiStats(requests=910, worst=97), LATENESS, calls=455, leased=910, slots=100)
BEFORE = replace(
    NOW, audit=replace(AUDIT, now=9_000), api=ApiStats(requests=830, worst=97), calls=415, leased=835
)
APP = LimitCount("shopify-app", LimitKey.RELEASE, 100.0, 910, 0, 1, 0.714, Worst("", 2.1, 1, 11.0))
SHOP = LimitCount("shopify-shop", LimitKey.USER, 2.0, 800, 3, 400, 0.05, Worst("u-1", 48.0, 40, 4_000.0))
SLOW = LimitCount("amazon", LimitKey.RELEASE, 1 / 60, 1, 0, 1, 2.0)
NEW = LimitCount("new", requests=5)
LIMITED = replace(NOW, limits=[APP, SHOP, SLOW, NEW])
LIMITED_BEFORE = replace(BEFORE, limits=[replace_requests(APP, 830), replace_requests(SHOP, 740)])


def drawn(
    look: Snapshot, plot: str = "", before: Snapshot = BEFORE, rate: float = 100.0, console: str = ""
) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(render(look, before, 30.0, rate, plot, console))
    return out.getvalue()


def test_the_picture_shows_speeds_lanes_lateness_and_the_plan() -> None:
    text = drawn(NOW, "the curve")
    for part in ("80.0 of 100 requests/s", "jobs started/s 75.0", "10.0 ms / 98.2 ms", "the curve", "0.50"):
        assert part in text
    high = next(row for row in text.splitlines() if "high" in row)
    assert high.replace("│", " ").split()[:3] == ["high", "2", "10"]


def test_no_frame_is_drawn_without_a_plot() -> None:
    assert "the plan" not in drawn(NOW)


@pytest.mark.parametrize(
    ("console", "last"),
    [
        ("http://127.0.0.1:8090", "30 s console http://127.0.0.1:8090 Ctrl-C drains"),
        ("", "30 s Ctrl-C drains"),
    ],
)
def test_the_last_line_has_the_address_of_a_console(console: str, last: str) -> None:
    assert " ".join(drawn(NOW, console=console).splitlines()[-1].split()).startswith(last)


def test_the_line_says_how_fast_how_late_and_how_much_is_due() -> None:
    text = line(NOW, BEFORE, 30.0, 100.0)
    for part in ("80.0 of 100 requests/s", "due 9", "in flight 6", "done 900", "late 10.0 ms / 98.2 ms"):
        assert part in text


def test_without_a_global_limit_there_is_no_bar_and_no_number() -> None:
    limited = replace(LIMITED, limits=[APP])
    for text in (drawn(NOW, rate=inf), line(NOW, BEFORE, 30.0, inf)):
        assert "80.0 requests/s, global limit none" in text
        assert "inf" not in text.replace("in flight", "")
        assert "█" not in text
    for look, held in (
        (NOW, "there was no limit to exceed"),
        (limited, "never saw more than its limits by name allow"),
    ):
        summary = summarize(inf, {}, look, look)
        assert (summary.fields()["rate"], summary.lines()[0]) == ("none", ("rate", "none"))
        assert held in summary.verdict()
        assert summary.exit_code() == 0


def test_the_first_look_has_no_speed() -> None:
    assert "  0.0 of 100" in line(NOW, None, 0.0, 100.0)


def test_each_limit_is_a_line_with_its_arrivals_against_its_rate() -> None:
    assert [" ".join(text.split()) for text in limit_lines(LIMITED, LIMITED_BEFORE)] == [
        "shopify-app 80.0/s of 100/s use 71.4% worst burst 2.1 of 1, 11 ms early 429s 0",
        "shopify-shop 60.0/s of 2/s x 400 users use 5.0% by the busiest worst burst 48.0 of 40, 4,000 ms early 429s 3",
        "amazon 1.0/s of 1/min use - worst burst - 429s 0",
        "new 5.0/s, no RateLimit use - worst burst - 429s 0",
    ]
    assert limit_lines(NOW, BEFORE) == []


def test_limits_are_drawn_only_where_there_are_some() -> None:
    assert "80.0/s of 100/s" in drawn(LIMITED, before=LIMITED_BEFORE)
    assert "limits, as counted" not in drawn(NOW)


@pytest.mark.parametrize(
    ("cumulative", "share", "expected_ms"),
    [
        ([], 0.5, None),
        ([(0.01, 0), (float("inf"), 0)], 0.5, None),
        ([(0.01, 10), (0.02, 20), (float("inf"), 20)], 0.5, 10.0),
        ([(0.01, 10), (0.02, 20), (float("inf"), 20)], 0.75, 15.0),
        ([(0.01, 10), (float("inf"), 20)], 0.99, 10.0),
    ],
)
def test_quantiles_are_linear_within_a_bucket(
    cumulative: list[tuple[float, float]], share: float, expected_ms: float | None
) -> None:
    assert quantile_ms(cumulative, share) == (None if expected_ms is None else pytest.approx(expected_ms))


def test_the_summary_counts_only_this_run() -> None:
    summary = summarize(100.0, {"emitted": 50, "done": 100}, NOW, NOW)
    assert (summary.emitted, summary.done, summary.waiting, summary.claims_per_start) == (900, 800, 44, 0.5)
    assert summary.exit_code() == 0
    assert summary.lines()[-1] == ("allocator", "unknown")


@pytest.mark.parametrize(
    ("look", "sentence"),
    [
        (replace(NOW, audit=replace(AUDIT, difference=-3)), "3 jobs are unaccounted for"),
        (replace(NOW, api=ApiStats(worst=101)), "the API saw more than 100 requests"),
    ],
)
def test_a_lost_job_or_exceeded_limit_is_exit_code_4(look: Snapshot, sentence: str) -> None:
    summary = summarize(100.0, {}, look, look)
    assert sentence in summary.verdict()
    assert summary.exit_code() == 4


@pytest.mark.parametrize(
    ("limits", "code", "verdict"),
    [
        ([APP, NEW], 0, "nor more than its limits by name allow"),
        ([APP, SHOP], 4, "the API saw more than the limits allow of shopify-shop:"),
    ],
    ids=["within the slack", "beyond"],
)
def test_an_exceeded_limit_by_name_is_exit_code_4(limits: list[LimitCount], code: int, verdict: str) -> None:
    now = replace(NOW, limits=limits)
    summary = summarize(100.0, {}, now, now)
    assert summary.exit_code() == code
    assert verdict in summary.verdict()
    assert summary.limit_lines()[0] == "limit shopify-app".ljust(
        len("limit ") + max(len(x.name) for x in limits)
    ) + ("  910 requests, 0 refused, worst burst 2.1 of 1, 11 ms early")
