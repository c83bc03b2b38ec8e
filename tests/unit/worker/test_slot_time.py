"""A slot of the limit is waited for, and given up by a job that is too late for it."""

import asyncio

import pytest

from taskqueue.plan.limiter import LATE_S
from taskqueue_worker.clock import StoreClock, reached


async def test_a_slot_ahead_is_waited_for_and_never_begins_early() -> None:
    now_s = asyncio.get_running_loop().time
    for ahead_s in (0.0, 0.003, 0.0207):
        slot_s = now_s() + ahead_s
        await reached(slot_s)
        assert now_s() >= slot_s - 0.0006


@pytest.mark.parametrize(("late_s", "kept"), [(0.0, True), (LATE_S - 0.001, True), (LATE_S + 0.001, False)])
async def test_a_slot_is_lost_half_the_slack_after_its_start(
    late_s: float, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 100.0)
    assert await reached(100.0 - late_s) is kept


def test_a_delayed_reply_shifts_nothing_beside_better_ones() -> None:
    clock, true_s = StoreClock(), 1_000.0  # the server's clock is that much ahead of the loop's

    def call(sent_s: float, back_s: float) -> float:
        server_us = int(
            (sent_s + true_s) * 1e6
        )  # read at once, the rest of the time the reply was on its way
        clock.observe(sent_s, sent_s + back_s, server_us)
        return clock.to_loop(int((sent_s + 2 + true_s) * 1e6)) - (sent_s + 2)

    assert call(10, 0.030) == pytest.approx(0.030, abs=1e-5), "all that is known"
    assert call(11, 0.001) == pytest.approx(0.001, abs=1e-5)
    assert call(12, 0.030) == pytest.approx(0.001, abs=1e-5)
