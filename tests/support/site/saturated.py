"""Workers under limits by name, each with a backlog: starts as the store booked them, arrivals as the API counts."""

import asyncio
import json
import math
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from taskqueue.models.values import Limit, TaskType, UserSubscription
from taskqueue.plan.limiter import STRETCH
from taskqueue.store.audit import audit
from taskqueue.store.limits import set_rate
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_limits, put_types, read_catalog
from taskqueue.store.users import set_users
from tests.support.site.traffic import Traffic, traffic
from tests.support.store.backlog import server
from tests.support.store.limit_judge import Paths
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready
from tests.support.store.simulated_workers import Start

_AT_A_TIME = 5_000


class Backlog(NamedTuple):
    """jobs: of a type that waits in a lane of the queue of this name, for so many users in turn."""

    type: TaskType
    queue: str
    jobs: int
    users: int = 1_000
    lane: str = "normal"


@dataclass(frozen=True)
class Saturated:
    """starts: all that were booked. seconds: of the watched span, which ends with the run.

    rows: of the API, by limit. taking: calls that took jobs, a second; other: further calls, a second.
    """

    paths: Paths
    starts: list[Start]
    from_us: int
    seconds: float
    rows: dict[str, dict[str, Any]]
    taking: float
    other: float
    difference: int

    @property
    def steady(self) -> list[Start]:
        """Return the starts of the watched span."""
        end_us = self.from_us + int(self.seconds * 1e6)
        return [one for one in self.starts if self.from_us <= one.start_us < end_us]

    def use(self, limit: str, per_second: float) -> float:
        """Return the booked use of a Release limit in the watched span."""
        return len(self._under(limit)) / self.seconds / per_second

    def unused_us(self, limit: str, per_second: float) -> float:
        """Return the longest time that passed before a start in the watched span, though its call had come.

        A Release limit with a backlog is free one spacing after each start, and is used from the next call on: at once,
        however late a busy machine calls.
        """
        apart_us = STRETCH * 1e6 / per_second
        pairs = pairwise(self._under(limit))
        return max(later.start_us - max(one.start_us + apart_us, later.called_us) for one, later in pairs)

    def _under(self, limit: str) -> list[Start]:
        """Return the starts of the watched span that take from a Release limit."""
        paths = self.paths
        return [one for one in self.steady if any(b.name == limit for b in paths.of_job(one.type, one.user))]

    def exceeded(self) -> dict[str, float]:
        """Return the limits that were exceeded by booked starts, and by how many."""
        return self.paths.exceeded(self.starts)

    @property
    def per_second(self) -> float:
        return len(self.steady) / self.seconds


async def saturate(
    folder: Path,
    limits: Sequence[Limit],
    backlogs: Sequence[Backlog],
    *,
    rate: float = math.inf,
    workers: int = 4,
    settle_s: float = 10.0,
    seconds: float = 30.0,
    users: Sequence[UserSubscription] = (),
    concurrency: int = 50,
) -> Saturated:
    """Let workers drain backlogs for settle_s, then watch them."""
    types = {one.type.name: one.type for one in backlogs}
    with server() as url:
        async with traffic(url, folder) as running:
            version = await put_limits(running.store, (await read_catalog(running.store)).version, limits)
            records = [TypeRecord(one, (Generation(1, one.schedule),)) for one in types.values()]
            await put_types(running.store, version, records)
            await set_rate(running.store, rate)
            await set_users(running.store, "import", list(users))
            await asyncio.to_thread(_tell, running.api.url, limits)
            await running.start_workers(workers, "--concurrency", str(concurrency))
            await running.workers_up()
            for one in backlogs:
                await _fill(running, one)
            await running.api.flowing(1)
            await asyncio.sleep(settle_s)
            (before, _), from_s = await running.calls_and_starts(), time.time()
            await asyncio.sleep(seconds)
            (after, _), to_s = await running.calls_and_starts(), time.time()
            page = await asyncio.to_thread(_read, f"{running.api.url}/-/limits")
            booked = running.bookings()
            starts = [Start.read(one.member, one.start_us, one.now_us) for one in booked]
            calls = {tuple(one.member.rstrip("x").rsplit("|", 2)[1:]): one.now_us for one in booked}
            taking = sum(from_s * 1e6 <= at_us < to_s * 1e6 for at_us in calls.values()) / (to_s - from_s)
            return Saturated(
                Paths.of(types.values(), limits, rate, users),
                starts,
                int(from_s * 1e6),
                to_s - from_s,
                {row["name"]: row for row in page["limits"]},
                taking,
                (after - before) / (to_s - from_s) - taking,
                (await audit(running.store)).difference,
            )


async def _fill(running: Traffic, one: Backlog) -> None:
    """Put jobs into the lane that have been due for a minute, in the order of their numbers."""
    due_ms = int(time.time() * 1000) - 60_000
    for first in range(0, one.jobs, _AT_A_TIME):
        numbers = range(first, min(first + _AT_A_TIME, one.jobs))
        dues = {k: due_ms + k * 50_000 // one.jobs for k in numbers}
        names = {f"{one.type.name}|u{k % one.users}|~{k}|{due}|0": due for k, due in dues.items()}
        await put_ready(running.store, one.lane, names, one.queue)
        await raw(running.store).hincrby(running.store.keys("metrics"), "enqueued", len(names))


def _tell(url: str, limits: Sequence[Limit]) -> None:
    """Have the API count arrivals at each limit; it refuses none."""
    rules = [
        {
            "name": one.name,
            "key": one.key,
            "per_second": one.per_second,
            "burst": one.burst,
            "within": one.within,
        }
        for one in limits
    ]
    body = json.dumps({"limits": rules, "slack_ms": 1e9}).encode()
    urllib.request.urlopen(f"{url}/-/limits", body, timeout=20).close()


def _read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.loads(answer.read())
