"""Workers on the scripts' clock, which call exactly when they are told to, and what they started."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from taskqueue.models.outcome import Outcome
from taskqueue.store.claim import JobLease, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.store.conftest import World


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
