"""One server under load: restarted with all, some or none of its data, and replaced behind its name."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.site.counting_api import between
from tests.support.site.fleet import Fleet, fleet
from tests.support.site.planned import Job
from tests.support.site.verdict import HORIZON_S, SETTLED_S, Event, judge
from tests.support.store.server import HOST, RedisServer, wait_until
from tests.support.store.switchboard import Node, Switchboard

pytestmark = pytest.mark.faults
_DOWN_S = 2.0
#: A store that lost everything is filled from so long before its loss (ms): emitted ahead, or about to start.
_BACK_MS = 2_000
#: How long ago a scheduler may have looked at what waits (s): a hundred times what a look takes, on a busy machine.
_SEEN_S = 10.0
#: So long the fleet runs first (s): what waited while it started has been worked off when it was last looked at.
_SETTLED_S = 25.0


@asynccontextmanager
async def on_one(server: RedisServer, folder: Path, **options: Any) -> AsyncIterator[Fleet]:
    with ExitStack() as stack:
        stack.callback(server.kill)
        server.start()
        async with fleet(server.url, lambda: server.url, folder, **options) as made:
            yield made


async def restart(server: RedisServer, name: str) -> Event:
    from_s = time.time()
    server.kill()
    await asyncio.sleep(_DOWN_S)
    await asyncio.to_thread(server.start)
    return Event(name, from_s, time.time())


async def test_a_server_returns_with_all_acknowledged_writes(tmp_path: Path) -> None:
    server = RedisServer("aof", tmp_path, appendonly="yes", appendfsync="always")
    async with on_one(server, tmp_path) as under_load:
        event = await restart(server, "restart")
        await under_load.flows(5)
        verdict = await judge("restart from AOF", under_load, [event])
        verdict.holds()


async def test_a_server_returns_three_seconds_in_the_past(tmp_path: Path) -> None:
    server = RedisServer("rdb", tmp_path)
    async with on_one(server, tmp_path) as under_load:
        saved_s = time.time()
        server.call("SAVE")
        await asyncio.sleep(3)
        event = await restart(server, "restart")
        await under_load.flows(5)
        verdict = await judge("restart from RDB", under_load, [event])
        # What was done since runs again; also what ran when it was saved, which was not settled then.
        verdict.holds((saved_s - SETTLED_S, event.from_s + HORIZON_S))


def waiting_type(api: str) -> dict[str, dict[str, Any]]:
    """Three jobs a second of which two and a half may start: its jobs wait longer and longer."""
    spec = {
        "schedule": {"interval": "10s"},
        "handler": {"http": {"url": f"{api}/waiting"}},
        "rateLimit": {"perSecond": "2.5"},
        "catchUp": "All",
    }
    return {"waiting": spec}


@pytest.mark.parametrize("how", ["FLUSHALL", "restart"])
async def test_a_server_returns_empty(how: str, tmp_path: Path) -> None:
    server = RedisServer("empty", tmp_path)
    async with on_one(server, tmp_path, more_types=waiting_type) as under_load:
        await asyncio.sleep(_SETTLED_S)
        await under_load.look()
        at_ms = int(time.time() * 1000)
        seen_ms = at_ms - int(_SEEN_S * 1000)
        came = between(await under_load.arrivals(), 0, seen_ms / 1000)
        started = {(one.type, one.user, one.occurrence) for one in came}
        waited = {job: due for job, due in under_load.between(at_ms).items() if job not in started}
        if how == "FLUSHALL":
            event = Event(how, time.time(), time.time())
            server.call("FLUSHALL")
        else:
            event = await restart(server, how)
        under_load.plan_anew(at_ms)
        await under_load.flows(8)
        name = f"emptied by {how}"
        verdict = await judge(name, under_load, [event], due_since_seen=len(waited))
        assert verdict.missing == []
        assert [job for job in verdict.twice if not _may_repeat(job, verdict.dues, waited, seen_ms)] == []
        verdict.stands()
        verdict.keeps_the_limit()


def _may_repeat(job: Job, dues: Mapping[Job, int], waited: Mapping[Job, int], seen_ms: int) -> bool:
    """Say if a job was due after the oldest of its type that waited when last seen, or 2 s before that."""
    floor_ms = min([seen_ms, *(due for other, due in waited.items() if other[0] == job[0])])
    return dues.get(job, seen_ms) >= floor_ms - _BACK_MS


async def test_a_planned_switch_over_behind_a_name(tmp_path: Path) -> None:
    old, new = RedisServer("old", tmp_path), RedisServer("new", tmp_path)
    with ExitStack() as stack:
        for server in (old, new):
            stack.callback(server.kill)
            server.start()
        new.call("REPLICAOF", HOST, old.port)
        wait_until("the replica is in step", lambda: new.info("replication")["master_link_status"] == "up")
        name = stack.enter_context(Switchboard([Node(old.port, "")]))
        url = f"redis://{HOST}:{name.ports[0]}/0"
        holders = [old]
        async with fleet(url, lambda: holders[-1].url, tmp_path) as under_load:
            from_s = time.time()
            old.call("FAILOVER", "TO", HOST, new.port)
            await asyncio.to_thread(wait_until, "the roles are changed", new.is_primary)
            await asyncio.to_thread(wait_until, "the old one follows", lambda: not old.is_primary())
            name.point(0, new.port)
            event = Event("switch", from_s, time.time())
            holders.append(new)
            await under_load.flows(5)
            verdict = await judge("planned switch-over", under_load, [event])
            verdict.holds()


async def test_everything_is_replaced_ten_times(tmp_path: Path) -> None:
    server = RedisServer("rolling", tmp_path, appendonly="yes", appendfsync="everysec")
    async with on_one(server, tmp_path) as under_load:
        for _ in range(10):
            for process in under_load.processes:
                await under_load.replace(process)
        verdict = await judge("rolling SIGTERM, 10 rounds", under_load, [])
        assert len(under_load.exit_codes) == 70
        verdict.holds()
