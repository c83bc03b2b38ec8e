"""audit: conservation of jobs. Every job that came in is in exactly one place, or counted as gone."""

from collections.abc import Mapping
from dataclasses import dataclass

from taskqueue.store.connection import Store
from taskqueue.store.script import Script
from taskqueue.store.wire import packed


@dataclass(frozen=True, slots=True)
class Audit:
    """difference = in - out, 0 at any time.

    in = emitted + enqueued + redriven.
    out = done + dead + expired + skipped + replaced + cancelled + waiting + leased.
    totals: counters since the store was installed. due: the jobs of `ready` whose time has come; the rest was emitted
    ahead, or waits for its next attempt. parked: jobs that wait for a limit or, the `suspects` among them, for a worker
    that runs no other job. cursor -1: lost. Times in epoch ms.
    """

    totals: Mapping[str, int]
    ready: Mapping[str, int]
    due: Mapping[str, int]
    parked: int
    leased: int
    dead_letters: int
    difference: int
    cursor: int
    now: int
    suspects: int = 0


_AUDIT = Script("audit", packed(Audit))


async def audit(store: Store) -> Audit:
    """Count every job of the release in one step."""
    return await store.run(_AUDIT)
