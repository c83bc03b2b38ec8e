"""The golden stride: where subscriptions lie, and that they stay there."""

import random
from collections import Counter
from heapq import heappop, heappush
from math import ceil, gcd

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import window_s
from taskqueue.plan.spread import GOLDEN, offset_ms, spread_class, stride

WINDOWS = st.integers(1, 90_000)


class Dealer:
    """Deals numbers as the store does: freed ones first, the lowest of them first."""

    def __init__(self) -> None:
        self.free: list[int] = []
        self.dealt = 0

    def join(self) -> int:
        if self.free:
            return heappop(self.free)
        self.dealt += 1
        return self.dealt - 1

    def leave(self, k: int) -> None:
        heappush(self.free, k)


@given(WINDOWS)
def test_the_stride_is_the_coprime_nearest_to_the_golden_section(w: int) -> None:
    a = stride(w)
    assert gcd(a, w) == 1
    closer = range(ceil(w * GOLDEN - abs(a - w * GOLDEN)), ceil(w * GOLDEN + abs(a - w * GOLDEN)))
    assert all(gcd(b, w) > 1 for b in closer if b > 0 and abs(b - w * GOLDEN) < abs(a - w * GOLDEN))


@given(WINDOWS, st.integers(0, 10**7))
def test_an_offset_lies_within_the_window(w: int, k: int) -> None:
    assert 0 <= offset_ms(k, w) < w * 1000


@given(st.integers(1, 700), st.integers(1, 3_000))
def test_the_fullest_second_holds_exactly_the_rounded_up_mean(w: int, n: int) -> None:
    assert max(Counter(offset_ms(k, w) // 1000 for k in range(n)).values()) == ceil(n / w)


@given(st.integers(1, 60), st.lists(st.booleans(), max_size=400), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_joining_and_leaving_moves_no_other_and_keeps_the_peak(
    w: int, moves: list[bool], chance: random.Random
) -> None:
    dealer = Dealer()
    offsets: dict[int, int] = {}  # k of everybody present -> the offset given when joining
    most = 0
    for joins in moves:
        if joins or not offsets:
            k = dealer.join()
            assert k not in offsets
            offsets[k] = offset_ms(k, w)
        else:
            leaver = chance.choice(list(offsets))
            del offsets[leaver]
            dealer.leave(leaver)
        most = max(most, len(offsets))
        assert all(offset_ms(k, w) == offset for k, offset in offsets.items())
        assert max(Counter(ms // 1000 for ms in offsets.values()).values(), default=0) <= ceil(most / w)
    while dealer.free:  # as soon as the freed numbers are dealt again, it is as if nobody had left
        k = dealer.join()
        offsets[k] = offset_ms(k, w)
    peak = max(Counter(ms // 1000 for ms in offsets.values()).values(), default=0)
    assert peak == ceil(len(offsets) / w)


def starts_per_second(keys: dict[str, int], subscriptions: list[Schedule]) -> list[int]:
    """Starts in each second of a day, numbering subscriptions per class or however `keys` says."""
    horizon = 86_400
    counts: dict[int, Counter[int]] = {}
    for schedule in subscriptions:
        k = keys[spread_class(schedule).name]
        keys[spread_class(schedule).name] += 1
        window = window_s(schedule)
        counts.setdefault(window, Counter())[offset_ms(k, window) // 1000] += 1
    total = [0] * horizon
    for window, per_second in counts.items():
        for second, number in per_second.items():
            for at in range(second, horizon, window):
                total[at] += number
    return total


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_100_000_subscriptions_peak_at_most_6_percent_above_the_mean(seed: int) -> None:
    intervals = [60, 120, 180, 300, 420, 600, 720, 900, 1200, 1800, 2700, 3600, 7200, 10_800, 86_400]
    chance = random.Random(seed)
    types = [Schedule(interval_s=chance.choice(intervals)) for _ in range(300)]
    subscriptions = chance.choices(types, k=100_000)
    total = starts_per_second(Counter(), subscriptions)
    mean = sum(1 / (each.interval_s or 1) for each in subscriptions)
    assert max(total) / mean <= 1.06
