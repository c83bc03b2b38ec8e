"""audit: conservation. Every job that came in is somewhere, exactly once."""

from collections.abc import Mapping
from dataclasses import dataclass

from taskqueue.store.connection import Store
from taskqueue.store.script import Script
from taskqueue.store.wire import packed


@dataclass(frozen=True, slots=True)
class Audit:
    """difference = (emitted + enqueued + redriven) - (done + dead + expired + skipped + replaced + waiting + leased).

    It is 0 at any time. totals: counters since the store was installed. due: those of `ready` whose time has come; the
    others were emitted ahead, or wait for their next attempt. parked: waits for a limit or, as the `suspects` among
    them do, for a worker that runs nothing else. cursor -1: lost. Times in epoch ms.
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
    return await store.run(_AUDIT)
