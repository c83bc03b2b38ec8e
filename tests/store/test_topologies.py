"""The same store on Redis Cluster and behind Sentinel: keys share a slot, no command is refused."""

from itertools import count
from pathlib import Path

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.store import sentinel as sentinel_module
from taskqueue.store.audit import audit
from taskqueue.store.claim import Result, claim
from taskqueue.store.connection import Store, open_store
from taskqueue.store.dead import purge_dead, read_dead, retry_dead
from taskqueue.store.enqueue import enqueue
from taskqueue.store.errors import StoreFailure, StoreRefused
from taskqueue.store.generations import redeal
from taskqueue.store.heartbeat import heartbeat
from taskqueue.store.limits import override_rate
from taskqueue.store.listing import read_jobs
from taskqueue.store.pause import pause, resume
from taskqueue.store.permit import permit
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.wakeup import pass_wakeup_on, wait_for_wakeup
from tests.support.site.site import until
from tests.support.store.backlog import fill, install, task_types
from tests.support.store.topologies import cluster, sentinel


async def answers(store: Store) -> bool:
    try:
        return (await audit(store)).difference == 0
    except StoreFailure:
        return False


async def test_sentinels_may_have_a_password_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sentinel(tmp_path, "hush") as url:
        async with open_store(url, sentinel_password="hush") as store:
            await until("the store answers", lambda: answers(store))
        monkeypatch.setattr(sentinel_module, "_seen", {})  # as a process that never knew the primary
        async with open_store(url) as store:
            with pytest.raises(StoreRefused, match=r"no Sentinel at .*NOAUTH"):
                await audit(store)


@pytest.mark.parametrize("kind", ["cluster", "sentinel"])
async def test_every_verb_works_there(kind: str, tmp_path: Path) -> None:
    with cluster() if kind == "cluster" else sentinel(tmp_path) as url:
        store = open_store(url)
        await until("the store answers", lambda: answers(store))
        types = task_types(2)
        await install(store, types, 50, rate=1_000)
        await fill(store, types, 100, 50)
        await enqueue(store, "type-000", "u-00001", {"a": 1}, job_id="one")
        assert await wait_for_wakeup(store, 1)
        await pass_wakeup_on(store)
        held: list[str] = []
        calls = count(1)

        async def all_claimed() -> bool:
            answer = await claim(store, "w", next(calls), 100, 60_000)
            held.extend(job.lease for job in answer.jobs)
            return len(held) == 101

        await until("all jobs are claimed", all_claimed)
        assert await heartbeat(store, "w", 60_000, b"{}", [*held, "a|b|1|2|0|w|1"], ["f"]) == [
            "a|b|1|2|0|w|1"
        ]
        await claim(
            store,
            "w",
            1_000,
            0,
            60_000,
            [Result(held[0], Outcome.DEAD, 0, "why"), Result(held[1], Outcome.DONE)],
        )
        letters = await read_dead(store)
        assert [letter.reason for letter in letters] == ["why"]
        assert await retry_dead(store, [letters[0].job]) == 1
        assert await purge_dead(store, ["none"]) == 0
        await permit(store, 1, 60_000)
        await pause(store, "type-001", for_ms=60_000)
        assert await resume(store, "type-001")
        await override_rate(store, 5)
        assert await redeal(store, "type-000", 1, 1) == 0
        assert len(await read_subscriptions(store, "u-00001")) == 2
        assert len(await read_jobs(store, 200)) == 100
        assert (await audit(store)).difference == 0
        await store.close()
