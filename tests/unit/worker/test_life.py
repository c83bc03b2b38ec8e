"""A worker's probes: what is stuck, and what only waits for a store that is away."""

import asyncio

from taskqueue_worker.probes import Life
from tests.support.process.virtual_time import virtual_time

WITHIN_S = 60.0


@virtual_time
async def test_a_worker_that_calls_is_live_and_ready_once_it_was_answered() -> None:
    life = Life(WITHIN_S)
    assert life.stuck(free=1) is None
    assert life.unanswered() == "no claim was answered yet"
    life.answered()
    for _ in range(10):
        await asyncio.sleep(WITHIN_S / 2)
        life.answered()
        assert (life.stuck(free=1), life.unanswered()) == (None, None)


@virtual_time
async def test_while_the_store_is_away_a_worker_is_live_and_not_ready() -> None:
    life = Life(WITHIN_S)
    life.answered()
    for _ in range(600):
        life.refused("Connection refused.")
        await asyncio.sleep(1)
        assert life.stuck(free=1) is None
    assert life.unanswered() == "no claim was answered for 600 s. Connection refused."
    life.answered()
    assert life.unanswered() is None


@virtual_time
async def test_one_call_that_fails_makes_nobody_unready() -> None:
    life = Life(WITHIN_S)
    life.answered()
    life.refused("Connection refused.")
    await asyncio.sleep(1)
    assert life.unanswered() is None


@virtual_time
async def test_a_worker_with_room_that_ends_no_call_is_stuck() -> None:
    life = Life(WITHIN_S)
    life.answered()
    await asyncio.sleep(WITHIN_S + 1)
    assert life.stuck(free=1) == "no claim ended for 61 s"


@virtual_time
async def test_a_worker_that_is_full_need_not_call_and_has_time_to_once_it_has_room() -> None:
    life = Life(WITHIN_S)
    life.answered()
    for _ in range(60):
        await asyncio.sleep(10)
        assert (life.stuck(free=0), life.unanswered()) == (None, None)
    await asyncio.sleep(10)
    assert life.stuck(free=1) is None
    await asyncio.sleep(WITHIN_S)
    assert life.stuck(free=1) == "no claim ended for 70 s"


@virtual_time
async def test_a_full_worker_whose_call_hangs_is_stuck() -> None:
    life = Life(WITHIN_S)
    life.refused("Connection refused.")
    await asyncio.sleep(WITHIN_S + 1)
    assert life.stuck(free=0) == "no claim ended for 61 s"
