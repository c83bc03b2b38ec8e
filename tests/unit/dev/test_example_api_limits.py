"""Limits by name at the example API: measured exactly, and refused above them."""

import json
import time
from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskqueue.dev.example_api import limit_counts, limits
from taskqueue.dev.example_api.answers import control
from taskqueue.dev.example_api.arrivals import Arrivals
from taskqueue.dev.example_api.bucket import Bucket
from taskqueue.dev.example_api.limits import Limits, Refusal
from taskqueue.dev.example_api.recent_seconds import RecentSeconds
from taskqueue.dev.example_api.rules import Rule, Rules, Values
from taskqueue.dev.example_api.sliding_window import SECOND_NS
from taskqueue.models.values import LimitKey

MS_NS = 1_000_000
APP = Rule(name="app", per_second=100)
ORDERS = Rule(name="orders", per_second=40, within="app")
SHOP = Rule(
    name="shop", key=LimitKey.USER, per_second=2, burst=40, within="app", users={"big": Values(20, 400)}
)
MINUTE = Rule(name="minute", per_second=1 / 60)


def limits_of(*rules: Rule, slack_ms: float = 15) -> Limits:
    return Limits(Rules(list(rules), slack_ms=slack_ms))


def refused(found: Limits, names: str, at_ms: Sequence[float], user: str = "u-1") -> list[float]:
    """Return the arrivals that are refused."""
    return [ms for ms in at_ms if found.add(int(ms * MS_NS), names, user, allowed=True)]


def row(found: Limits, name: str, now_ns: int = 0) -> dict[str, Any]:
    return next(one for one in found.stats(now_ns)["limits"] if one["name"] == name)


# --- one key ---


@given(
    st.lists(st.integers(0, SECOND_NS) | st.sampled_from([0, 1, SECOND_NS // 3]), min_size=1, max_size=30),
    st.sampled_from([(3, 1), (1 / 7, 1), (2, 5), (1_000_000, 40)]),
)
def test_worst_burst_agrees_with_counting_every_span_by_hand(
    gaps_ns: list[int], rate: tuple[float, int]
) -> None:
    per_second, burst = rate
    bucket, stamps = Bucket(per_second, burst), [0]
    for gap_ns in gaps_ns:
        stamps.append(stamps[-1] + gap_ns)
    for stamp in stamps:
        bucket.count(stamp)
    spans = list(combinations_with_replacement(range(len(stamps)), 2))
    by_hand = max(j - i + 1 - per_second * (stamps[j] - stamps[i]) / SECOND_NS for i, j in spans)
    early_ns = max((j - i + 1 - burst) / per_second * SECOND_NS - (stamps[j] - stamps[i]) for i, j in spans)
    assert bucket.worst_burst == pytest.approx(by_hand)
    assert bucket.early_ns == pytest.approx(early_ns, abs=2)


def test_exact_distance_for_a_year_is_never_early() -> None:
    bucket = Bucket(1 / 7, 1)
    for number in range(365 * 24):
        bucket.count(number * 7 * SECOND_NS)
    assert (bucket.worst_burst, bucket.early_ns) == (1.0, 0)


def test_recent_seconds_hold_thirty_seconds_and_no_more() -> None:
    recent = RecentSeconds()
    for number in range(1_000):
        recent.add(number * SECOND_NS // 10, f"u-{number % 3}")
    seconds, counts = recent.whole(100 * SECOND_NS)
    assert (seconds, sum(counts.values())) == (30, 300)
    assert len(recent._seconds) <= 31
    assert recent.whole(200 * SECOND_NS) == (30, {})
    assert not recent._sums


# --- refusals ---


@pytest.mark.parametrize(
    ("rule", "at_ms", "expected"),
    [
        (APP, [0, 10, 20, 30], []),
        (APP, [0, 0, 5, 30], []),  # the third comes 15 ms early
        (APP, [0, 0, 4.9], [4.9]),
        (MINUTE, [0, 59_984, 59_985, 119_984, 119_985], [59_984, 119_984]),
        (SHOP, [0] * 41, [0]),
        (SHOP, [0] * 40 + [485, 484, 985], [484]),
    ],
    ids=[
        "in time",
        "as early as the slack",
        "a little earlier",
        "one a minute",
        "a full bucket",
        "a bucket that refills",
    ],
)
def test_request_is_refused_only_beyond_the_slack(
    rule: Rule, at_ms: list[float], expected: list[float]
) -> None:
    at_ms = sorted(at_ms)
    assert refused(limits_of(rule), rule.name, at_ms) == expected


def test_refused_request_takes_nothing_of_any_limit() -> None:
    found = limits_of(ORDERS, APP, slack_ms=0)
    assert refused(found, "orders", [0, 10, 20, 25, 30]) == [10, 20, 30]
    assert refused(found, "app", [31, 35, 40]) == [31, 40]
    assert (row(found, "app")["requests"], row(found, "orders")["rejected"]) == (8, 3)


def test_refusal_names_the_limit_with_the_longest_wait_in_whole_seconds() -> None:
    found = limits_of(MINUTE, APP, slack_ms=0)
    assert found.add(0, "app,minute", "u", allowed=True) is None
    assert found.add(MS_NS, "app, minute", "u", allowed=True) == Refusal("minute", 60)
    assert found.add(2 * MS_NS, "app", "u", allowed=True) == Refusal("app", 1)


def test_request_refused_before_is_counted_and_takes_nothing() -> None:
    found = limits_of(MINUTE)
    assert found.add(0, "minute", "u", allowed=False) is None
    assert found.add(1, "minute", "u", allowed=True) is None
    assert (row(found, "minute")["requests"], row(found, "minute")["rejected"]) == (2, 0)


def test_each_user_has_a_bucket_and_a_large_one_its_own() -> None:
    found = limits_of(SHOP)
    assert refused(found, "shop", [0] * 40, "a") == []
    assert refused(found, "shop", [0] * 40, "b") == []
    assert len(refused(found, "shop", [0] * 401, "big")) == 1
    keys = found.keys("shop")
    assert keys is not None
    assert {name: (one["requests"], one["worst_burst"], one["burst"]) for name, one in keys.items()} == {
        "a": (40, 40, 40),
        "b": (40, 40, 40),
        "big": (401, 401, 400),
    }
    worst = row(found, "shop")["worst"]
    assert (worst["key"], worst["early_ms"]) == ("big", 50.0)


# --- counts ---


def test_request_counts_at_each_limit_around_its_own() -> None:
    found = limits_of(APP, ORDERS, SHOP)
    refused(found, "orders,shop", [0, 1_000, 2_000])
    assert [row(found, name)["requests"] for name in ("app", "orders", "shop")] == [3, 3, 3]


def test_use_is_of_the_busiest_key_over_the_whole_seconds() -> None:
    found = limits_of(SHOP, APP)
    for number in range(600):
        found.add(number * 50 * MS_NS, "shop", f"u-{number % 20}", allowed=True)
    now_ns = 30 * SECOND_NS
    assert row(found, "app", now_ns)["use"] == pytest.approx(0.2)
    assert row(found, "shop", now_ns)["use"] == pytest.approx(0.5)
    assert (row(found, "shop", now_ns)["recent"], row(found, "shop", now_ns)["keys"]) == (600, 20)


def test_name_without_a_rule_is_counted_and_never_refused() -> None:
    found = limits_of(APP)
    assert refused(found, "new", [0] * 10) == []
    assert (row(found, "new")["requests"], row(found, "new")["worst_second"], row(found, "new")["worst"]) == (
        10,
        10,
        None,
    )


def test_names_and_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_NAMES", 3)
    monkeypatch.setattr(limit_counts, "MAX_KEYS", 2)
    found = limits_of(APP, SHOP)
    for number in range(5):
        found.add(0, f"shop,new-{number}", f"u-{number}", allowed=True)
    assert {one["name"]: one["requests"] for one in found.stats(0)["limits"]} == {
        "app": 5,
        "shop": 5,
        "new-0": 1,
        "": 4,
    }
    assert (row(found, "shop")["keys"], row(found, "shop")["unmeasured"]) == (2, 3)


def test_names_of_a_request_are_bounded() -> None:
    found = limits_of()
    found.add(0, ",".join(map(str, range(1_000))), "u", allowed=True)
    assert len(found.stats(0)["limits"]) == 16


def test_limits_within_each_other_in_a_circle_are_all_counted_once() -> None:
    found = limits_of(Rule(name="a", per_second=1, within="b"), Rule(name="b", per_second=1, within="a"))
    refused(found, "a", [0])
    assert [row(found, name)["requests"] for name in "ab"] == [1, 1]


# --- told and asked ---


def test_limits_are_told_asked_for_and_kept_by_a_reset() -> None:
    arrivals = Arrivals(1_000)
    body = msgspec.json.encode(Rules([APP, SHOP]))
    assert control(arrivals, "POST", "/-/limits", {}, body).startswith(b"HTTP/1.1 200")
    arrivals.add(0, 0, "/", {"limits": "shop", "user": "ada"})
    assert json.loads(arrivals.limits_stats("shop") or b"").keys() == {"ada"}
    control(arrivals, "POST", "/-/reset", {}, b"")
    assert {one["name"]: one["requests"] for one in arrivals.limits.stats(0)["limits"]} == {
        "app": 0,
        "shop": 0,
    }
    assert control(arrivals, "GET", "/-/limits", {"name": "none"}, b"").startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"limits": [{"name": "a", "per_second": 0}]}',
        b'{"limits": [{"name": "a", "per_second": 1e-300}]}',
        b'{"limits": [{"name": "a", "per_second": 1, "burst": 0}]}',
        b'{"limits": [{"name": "a", "per_second": 1, "key": "Shop"}]}',
        b'{"limits": [{"name": "a", "per_second": 1}, {"name": "a", "per_second": 2}]}',
        b'{"limits": [{"name": "a", "per_second": 1, "users": {"u": {"per_second": 0}}}]}',
        b'{"limits": [], "slack_ms": -1}',
        b'{"limits": [], "more": 1}',
    ],
)
def test_bad_limits_are_refused_and_change_nothing(body: bytes) -> None:
    arrivals = Arrivals(1_000)
    arrivals.limits.replace(Rules([APP]))
    assert control(arrivals, "POST", "/-/limits", {}, body).startswith(b"HTTP/1.1 400")
    assert [one["name"] for one in arrivals.limits.stats(0)["limits"]] == ["app"]


def test_ten_thousand_requests_of_2000_users_cost_less_than_a_second_of_cpu() -> None:
    found = limits_of(APP, ORDERS, SHOP)
    began_s = time.process_time()
    for number in range(10_000):
        found.add(number * 2 * MS_NS, "orders,shop", f"u-{number % 2_000}", allowed=True)
        if number % 500 == 0:
            found.stats(number * 2 * MS_NS)
    assert time.process_time() - began_s < 1.0
