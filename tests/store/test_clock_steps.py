"""The server's clock is set forward or back: limits hold, dues start, and waits keep their length."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Limit, LimitKey, RateLimit, Schedule, TaskType
from taskqueue.store.audit import audit
from taskqueue.store.claim import Result
from taskqueue.store.heartbeat import heartbeat
from taskqueue.store.limits import override_rate
from taskqueue.store.listing import read_workers
from taskqueue.store.pause import pause
from taskqueue.store.permit import permit
from taskqueue.store.types import read_catalog
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
PLAIN = TaskType("plain", HOUR)
SHOP = Limit("shop", LimitKey.USER, 1.0)
HORIZON_US = 250_000

pytestmark = pytest.mark.parametrize("back_s", [0.2, 5, 3_600])


async def drive(world: World, seconds: float) -> list[int]:
    """The starts (us) of a worker that calls every 20 ms and ends its jobs at once."""
    starts: list[int] = []
    results: list[Result] = []
    for _ in range(int(seconds * 50)):
        got = await world.claim(n=100, results=results)
        results = [Result(job.lease, Outcome.DONE) for job in got.jobs]
        starts += [job.start_us for job in got.jobs]
        await world.clock.advance(ms=20)
    return starts


async def set_back(world: World, seconds: float) -> None:
    await world.clock.advance(us=-int(seconds * 1e6))


async def test_emitted_jobs_start_within_the_horizon_after_a_step_back(world: World, back_s: float) -> None:
    await world.install(PLAIN, rate=100)
    await world.enqueue("plain", *(f"u{k}" for k in range(40)))
    first = await world.claim(n=5)
    await set_back(world, back_s)
    now_us = world.clock.now_us
    starts = await drive(world, 1)
    assert len(first.jobs) + len(starts) == 40
    assert starts[0] - now_us == pytest.approx(HORIZON_US + 1.015e6 / 100, abs=20_000)
    assert all(b - a >= 10_149 for a, b in itertools.pairwise(starts))
    await world.conserved()


async def test_a_delayed_job_keeps_its_delay_over_a_step_back(world: World, back_s: float) -> None:
    await world.install(PLAIN)
    await world.enqueue("plain", "u", delay_ms=3_000)
    await world.claim(n=0)
    await set_back(world, back_s)
    now_us = world.clock.now_us
    (start_us,) = await drive(world, 4)
    assert start_us - now_us == pytest.approx(3e6, abs=20_000)


async def test_a_step_back_keeps_the_end_of_pauses_and_limits(world: World, back_s: float) -> None:
    await world.install(PLAIN)
    await pause(world.store, "plain", 3_000)
    await override_rate(world.store, 5, 3_000)
    await world.claim(n=0)
    before = await read_catalog(world.store)
    await set_back(world, back_s)
    await world.claim(n=0)
    stepped = await read_catalog(world.store)
    assert stepped.version > before.version, "tickers read it again"
    assert (set(stepped.paused), stepped.rate) == ({"plain"}, 5.0)
    await world.clock.advance(ms=3_001)
    over = await read_catalog(world.store)
    assert over.paused == {}
    assert over.rate != 5


async def test_a_retry_after_a_step_back_waits_for_its_backoff(world: World, back_s: float) -> None:
    await world.install(PLAIN)
    await world.enqueue("plain", "u")
    (job,) = (await world.claim(n=1)).jobs
    await set_back(world, back_s)
    now_us = world.clock.now_us
    await world.claim(n=0, results=[Result(job.lease, Outcome.RETRIED, 2_000)])
    (start_us,) = await drive(world, 3)
    assert start_us - now_us == pytest.approx(2e6, abs=20_000)


async def test_a_job_given_back_after_a_step_back_is_due(world: World, back_s: float) -> None:
    await world.install(PLAIN)
    await world.enqueue("plain", "u")
    (job,) = (await world.claim(n=1)).jobs
    await set_back(world, back_s)
    await world.claim(n=0, results=[Result(job.lease, Outcome.RETURNED)])
    assert len(await drive(world, 0.5)) == 1


async def test_leases_keep_their_time_over_a_step_back(world: World, back_s: float) -> None:
    await world.install(PLAIN)
    await world.enqueue("plain", "kept", "dead")
    kept, dead = (await world.claim("w.0", n=2, lease_ms=3_000)).jobs
    await set_back(world, back_s)
    assert await heartbeat(world.store, "w", 3_000, b"{}", [kept.lease], []) == []
    now_ms = world.clock.now_ms
    leases = dict(await raw(world.store).zrange(world.store.keys("leases"), 0, -1, withscores=True))
    ends = {member.decode(): score - now_ms for member, score in leases.items()}
    assert ends[dead.lease] == pytest.approx(3_000, abs=20)
    assert ends[kept.lease] == pytest.approx(3_000, abs=20)
    for _ in range(4):  # a worker that died is noticed a lease later, however far the clock was set back
        await world.clock.advance(ms=1_000)
        assert await heartbeat(world.store, "w", 3_000, b"{}", [kept.lease], []) == []
        await world.claim("other", n=0, lease_ms=3_000)
    assert (await audit(world.store)).leased == 1


@pytest.mark.parametrize(
    "slow",
    [TaskType("slow", HOUR, rate_limit=RateLimit(1.0)), TaskType("slow", HOUR, limits=("shop",))],
    ids=["of the type", "of each user"],
)
async def test_a_narrow_limit_keeps_its_spacing_over_a_step_back(
    world: World, back_s: float, slow: TaskType
) -> None:
    await world.install(slow, limits=[SHOP])
    for number in range(3):
        await world.enqueue("slow", "u", delay_ms=number)
    await world.clock.advance(ms=10)
    (job,) = (await world.claim(n=10)).jobs
    await set_back(world, back_s)
    began_us = job.start_us - back_s * 1e6
    starts = await drive(world, 3)
    assert [start - began_us for start in starts] == pytest.approx([1.02e6, 2.04e6], abs=20_000)
    await world.conserved()


@pytest.mark.parametrize("limit", ["global", ""])
async def test_a_closed_limit_opens_on_time_over_a_step_back(world: World, back_s: float, limit: str) -> None:
    await world.install(PLAIN)
    await world.enqueue("plain", "u", "u")
    (job, _) = (await world.claim(n=2)).jobs
    await world.claim(n=0, results=[Result(job.lease, Outcome.LIMITED, 2_000, limit)])
    await set_back(world, back_s)
    now_us = world.clock.now_us
    (start_us,) = await drive(world, 3)
    assert start_us - now_us == pytest.approx(2e6, abs=30_000)


async def test_a_permit_after_a_step_back_is_a_slot_of_the_new_clock(world: World, back_s: float) -> None:
    await world.install(PLAIN, rate=100)
    await permit(world.store, 3, 60_000)
    await set_back(world, back_s)
    await permit(world.store, 1, 60_000)
    granted, wait_s, _ = await permit(world.store, 1, 60_000)
    assert (granted, wait_s < 0.3) == (False, True)


async def test_a_step_back_is_counted_once(world: World, back_s: float) -> None:
    await world.install(PLAIN)
    await world.claim()
    assert await world.total("clock_steps") == 0
    await set_back(world, back_s)
    await world.claim()
    await drive(world, 0.1)
    assert await world.total("clock_steps") == 1


async def test_a_worker_was_not_seen_later_than_now_after_a_step_back(world: World, back_s: float) -> None:
    await world.install(PLAIN)
    await heartbeat(world.store, "w", 3_000, b'{"a": 1}', [], [])
    await set_back(world, back_s)
    await world.claim("other")
    (seen,) = await read_workers(world.store)
    assert (seen.seen_ms, seen.info) == (world.clock.now_ms, {"a": 1})


async def test_a_step_forward_stays_within_a_quarter_of_the_limit(world: World, back_s: float) -> None:
    """The slots that were given away lie in the past of the new clock, so a horizon's worth is given twice."""
    rate, forward_us = 300, int(back_s * 1e6)
    await world.install(PLAIN, rate=rate)
    await world.enqueue("plain", *(f"u{k}" for k in range(1_000)))
    starts = await drive(world, 1)
    await world.clock.advance(us=forward_us)
    starts += [start - forward_us for start in await drive(world, 1)]
    worst = max(sum(at <= other < at + 1e6 for other in starts) for at in starts)
    assert worst <= 1.25 * rate
    assert len(starts) >= 2 * rate * 0.95


async def test_live_workers_keep_their_leases_over_a_step_forward(world: World, back_s: float) -> None:
    lease_ms = 1_000
    await world.install(PLAIN)
    await world.enqueue("plain", "u")
    (job,) = (await world.claim("w.0", n=1, lease_ms=lease_ms)).jobs
    await world.clock.advance(ms=int(back_s * 1_000))
    await world.claim("other", n=0, lease_ms=lease_ms)
    await world.clock.advance(ms=300)
    assert await heartbeat(world.store, "w", lease_ms, b"{}", [job.lease], []) == []
    await world.clock.advance(ms=900)
    await world.claim("other", n=0, lease_ms=lease_ms)
    assert (await audit(world.store)).leased == 1
