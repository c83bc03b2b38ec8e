"""A worker's contact with the store: stuck calls fail /livez, a store that is away fails /readyz alone."""

import asyncio

from taskqueue_worker.calls import StoreContact
from tests.support.process.virtual_time import virtual_time

WITHIN_S = 60.0


@virtual_time
async def test_a_calling_worker_is_live_and_ready_after_an_answer() -> None:
    contact = StoreContact(WITHIN_S)
    assert contact.stuck(free=1) is None
    assert contact.unanswered() == "no claim was answered yet"
    contact.answered()
    for _ in range(10):
        await asyncio.sleep(WITHIN_S / 2)
        contact.answered()
        assert (contact.stuck(free=1), contact.unanswered()) == (None, None)


@virtual_time
async def test_while_the_store_is_away_a_worker_is_live_and_not_ready() -> None:
    contact = StoreContact(WITHIN_S)
    contact.answered()
    for _ in range(600):
        contact.failed("Connection refused.")
        await asyncio.sleep(1)
        assert contact.stuck(free=1) is None
    assert contact.unanswered() == "no claim was answered for 600 s. Connection refused."
    contact.answered()
    assert contact.unanswered() is None


@virtual_time
async def test_one_failed_call_keeps_the_worker_ready() -> None:
    contact = StoreContact(WITHIN_S)
    contact.answered()
    contact.failed("Connection refused.")
    await asyncio.sleep(1)
    assert contact.unanswered() is None


@virtual_time
async def test_a_worker_with_room_and_no_finished_call_is_stuck() -> None:
    contact = StoreContact(WITHIN_S)
    contact.answered()
    await asyncio.sleep(WITHIN_S + 1)
    assert contact.stuck(free=1) == "the claiming loop made no step for 61 s"


@virtual_time
async def test_a_full_worker_need_not_call_until_room_returns() -> None:
    contact = StoreContact(WITHIN_S)
    contact.answered()
    for _ in range(60):
        await asyncio.sleep(10)
        assert (contact.stuck(free=0), contact.unanswered()) == (None, None)
    await asyncio.sleep(10)
    assert contact.stuck(free=1) is None
    await asyncio.sleep(WITHIN_S)
    assert contact.stuck(free=1) == "the claiming loop made no step for 70 s"


@virtual_time
async def test_a_full_worker_with_a_hanging_call_is_stuck() -> None:
    contact = StoreContact(WITHIN_S)
    contact.failed("Connection refused.")
    await asyncio.sleep(WITHIN_S + 1)
    assert contact.stuck(free=0) == "the claiming loop made no step for 61 s"
