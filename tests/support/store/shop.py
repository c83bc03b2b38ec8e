"""A shop whose users' jobs fail for good when a test says so: publisher, ticker and worker on the scripts' clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.scheduler.publisher import Publisher
from taskqueue.scheduler.ticker import Ticker
from taskqueue.store.claim import JobLease, Result
from taskqueue.store.limits import set_rate
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.store.conftest import World

AFTER = 3
SYNC = TaskType("sync", Schedule(interval_s=10), suspend_after=AFTER)
RUN_US = 1_000


@dataclass
class Shop:
    """fails: whether a job of a user fails now, in s since the shop opened.   params: of a user's subscription."""

    world: World
    users: list[str]
    task_type: TaskType = SYNC
    fails: Callable[[str, float], bool] = lambda _user, _at_s: False
    params: dict[str, dict[str, int]] = field(default_factory=dict)

    async def open(self) -> None:
        self.publisher, self.ticker = Publisher(self.world.store), Ticker(self.world.store)
        await set_rate(self.world.store, 1_000_000)
        await self.publish()
        await self.world.warm()
        self.begin_us = self.world.clock.now_us

    async def publish(self) -> None:
        name = self.task_type.name
        users = {
            user: UserSubscription(user, (Subscription(name, self.params.get(user, {})),))
            for user in self.users
        }
        await self.publisher.publish({name: self.task_type}, users)

    @property
    def now_s(self) -> float:
        return (self.world.clock.now_us - self.begin_us) / 1e6

    async def work(self, seconds: float, step_s: float = 0.5) -> list[str]:
        """Let time pass; return the users of the jobs that started."""
        started: list[str] = []
        results: list[Result] = []
        end_us = self.world.clock.now_us + round(seconds * 1e6)
        second = self.now_s
        while self.world.clock.now_us < end_us:
            await self.ticker.turn()
            if self.now_s >= second:
                await self.publisher.maintain()
                second += 1
            jobs = (await self.world.claim("w", 1_000, results)).jobs
            started += [user_of(job) for job in jobs]
            results = [self.result(job) for job in jobs]
            await self.world.clock.advance(us=round(step_s * 1e6))
        await self.world.claim("w", 0, results)
        await self.publisher.maintain()
        await self.world.conserved()
        return started

    def result(self, job: JobLease) -> Result:
        if self.fails(user_of(job), self.now_s):
            return Result(job.lease, Outcome.DEAD, 0, "401", RUN_US)
        return Result(job.lease, Outcome.DONE, 0, "", RUN_US)

    async def suspended(self) -> set[str]:
        key = self.world.store.keys.suspended(self.task_type.name)
        return {user.decode() for user in await raw(self.world.store).hkeys(key)}


def user_of(job: JobLease) -> str:
    return job.lease.split("|")[1]


async def opened(
    world: World, users: int, task_type: TaskType = SYNC, bad: Iterable[int] = ()
) -> tuple[Shop, set[str]]:
    revoked = {f"u{k}" for k in bad}
    shop = Shop(world, [f"u{k}" for k in range(users)], task_type, lambda user, _: user in revoked)
    await shop.open()
    return shop, revoked


async def broken(world: World, task_type: TaskType = SYNC) -> tuple[Shop, set[str]]:
    """A shop in which u0 was suspended."""
    shop, revoked = await opened(world, 5, task_type, [0])
    await shop.work(10 * (AFTER + 1))
    assert await shop.suspended() == {"u0"}
    return shop, revoked
