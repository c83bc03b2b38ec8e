"""A closed store leaves no connection, whatever its calls were doing, and refuses later calls."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import taskqueue
from taskqueue.store.audit import audit
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import open_store
from taskqueue.store.errors import StoreFailure
from tests.support.site.site import until
from tests.support.store.topologies import cluster, sentinel

#: Rounds of the loop between the begin of the calls and the close; the first call of a store takes about forty.
ROUNDS = range(0, 60, 3)


@pytest.fixture(params=["server", "sentinel", "cluster"])
def url(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path) -> Iterator[str]:
    if request.param == "server":
        yield redis_url
        return
    with cluster() if request.param == "cluster" else sentinel(tmp_path) as url:
        yield url


def open_files() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


async def test_calls_under_way_leave_no_connection(url: str) -> None:
    async def answers() -> bool:
        async with open_store(url) as store:
            try:
                return await server_now_ms(store) > 0
            except StoreFailure:
                return False

    await until("the store answers", answers)
    before = open_files()
    for rounds in ROUNDS:
        store = open_store(url)
        calls = [asyncio.create_task(audit(store)) for _ in range(3)]
        for _ in range(rounds):
            await asyncio.sleep(0)
        if rounds % 2:
            calls[0].cancel()
        await store.close()
        await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.sleep(0)  # in which the loop closes what was given up
        assert (rounds, open_files()) == (rounds, before)


async def test_closed_client_answers_calls_under_way_and_refuses_later_ones(
    redis_url: str, release: str
) -> None:
    client = taskqueue.Client.open(redis_url, release=release)
    waiting = [asyncio.create_task(client.types()) for _ in range(300)]
    await asyncio.sleep(0)
    await client.close()
    await client.close()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(one) for one in ends} == {list, taskqueue.ClientClosedError}
    with pytest.raises(taskqueue.ClientClosedError, match=r"^The client is closed: open another one\.$"):
        await client.types()
