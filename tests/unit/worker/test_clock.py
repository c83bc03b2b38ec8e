"""The server's clock as a worker knows it: from bounds, through jumps in either direction."""

import pytest

from taskqueue_worker.clock import StoreClock

SERVER_US = 1_800_000_000_000_000


def observe(
    clock: StoreClock, loop_s: float, ahead_s: float, *, there: float = 0.001, back: float = 0.001
) -> None:
    """One call sent at loop_s to a server that is `ahead_s` ahead of the loop's clock."""
    server_us = SERVER_US + int((loop_s + there + ahead_s) * 1e6)
    clock.observe(loop_s, loop_s + there + back, server_us)


@pytest.mark.parametrize("step_s", [0.15, 5, 3_600, -0.15, -5, -3_600])
def test_times_are_right_from_the_first_reply_after_a_jump(step_s: float) -> None:
    clock = StoreClock()
    for number in range(70):
        observe(clock, number, 0)
    observe(clock, 100, step_s)
    at_us = SERVER_US + int((100.2 + step_s) * 1e6)
    assert clock.to_loop(at_us) == pytest.approx(100.2, abs=0.0011)
    assert clock.to_store_ms(100.2) == pytest.approx(at_us / 1e3, abs=1.1)
    observe(clock, 101, step_s)
    assert clock.steps == 1


@pytest.mark.parametrize(("there", "back"), [(0.0, 4.0), (4.0, 0.0), (2.0, 2.0)])
def test_a_delayed_call_or_reply_is_no_clock_jump(there: float, back: float) -> None:
    clock = StoreClock()
    observe(clock, 0, 0, there=back, back=there)
    for number in range(1, 5):
        observe(clock, number, 0)
        observe(clock, number + 0.5, 0, there=there, back=back)
    assert clock.steps == 0


def test_the_shortest_way_of_the_recent_replies_is_the_truest() -> None:
    clock = StoreClock()
    observe(clock, 0, 0)
    observe(clock, 1, 0, back=0.05)
    assert clock.to_loop(SERVER_US + 2_000_000) == pytest.approx(2, abs=0.0011)
