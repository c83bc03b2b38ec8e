"""A backlog, a worker on the scripts' clock that calls exactly when it is told to, and what it started."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from taskqueue.models.outcome import Outcome
from taskqueue.store.claim import JobLease, Result
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.store.conftest import World


async def backlog(
    world: World,
    name: str,
    queue: str,
    jobs: int,
    due_ms: int = 1_000,
    users: int = 1_000,
    lane: str = "normal",
) -> None:
    """Ad hoc jobs that have been due since due_ms, in the order of their numbers."""
    names = {f"{name}|u{k % users}|~{k}|{due_ms + k}|0": due_ms + k for k in range(jobs)}
    await put_ready(world.store, lane, names, queue)
    await raw(world.store).hincrby(world.store.keys("metrics"), "enqueued", jobs)


async def drive(world: World, seconds: float, n: int = 50) -> list[JobLease]:
    """One worker that never fills up."""
    started: list[JobLease] = []
    results: list[Result] = []
    end_us = world.clock.now_us + seconds * 1e6
    while world.clock.now_us < end_us:
        got = await world.claim(n=n, results=results)
        results = [Result(job.lease, Outcome.DONE) for job in got.jobs]
        started += got.jobs
        await world.clock.advance(us=max(1_000, got.next_call_us - got.now_us))
    return started


def kind(job: JobLease) -> str:
    return job.lease.split("|")[0]


def user(job: JobLease) -> str:
    return job.lease.split("|")[1]


def starts(jobs: list[JobLease], part: Callable[[JobLease], str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for job in jobs:
        found[part(job)].append(job.start_us)
    return found


def most_in_a_span(times: list[int], span_us: float) -> int:
    """Return the most starts in any half-open span of this length."""
    ordered, first, most = sorted(times), 0, 0
    for last, at_us in enumerate(ordered):
        while at_us - ordered[first] >= span_us:
            first += 1
        most = max(most, last - first + 1)
    return most
