"""Watches for evicted and missing keys of Redis: in the log, in /metrics and in a note for /readyz."""

import asyncio

import structlog
from prometheus_client import Counter, Gauge

from taskqueue.store.audit import audit
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.retention import NO_EVICTION, Retention, read_retention

MAY_EVICT = Gauge(
    "taskqueue_store_may_evict", f"1 while the server's maxmemory-policy is another than {NO_EVICTION}."
)
EVICTED = Counter(
    "taskqueue_store_evicted_keys",
    "Keys of any client that the server evicted while this process watched it.",
)
MISSING = Gauge(
    "taskqueue_store_missing_keys",
    "Keys of the release that must exist and are missing, at the last look; a sample of the users' keys.",
)

WATCH_S = 60.0
_RETRY_S = 5.0
#: Names that a log line or a note repeats at most.
_NAMED = 5

log = structlog.get_logger()


class RetentionWatch:
    """A look at Redis every WATCH_S seconds. note: a sentence for /readyz, or None."""

    def __init__(self, store: Store) -> None:
        self.note: str | None = None
        self._store = store
        self._seen: Retention | None = None

    async def run(self) -> None:
        """Look at once, then every WATCH_S seconds, until cancelled."""
        while True:
            wait_s = WATCH_S
            try:
                await self.look()
            except StoreFailure:  # logged by the loops that work with the store
                wait_s = _RETRY_S
            await asyncio.sleep(wait_s)

    async def look(self) -> None:
        """Log and count new evictions and missing keys, and set the note. Raises StoreFailure."""
        seen, before = await read_retention(self._store), self._seen
        missing = list(seen.missing)
        if before and before.version == seen.version and seen.types < before.types:
            missing.append("types")  # a write of types also writes a new version
        evicted = 0 if before is None else seen.evicted - before.evicted
        MAY_EVICT.set(seen.may_evict)
        MISSING.set(len(missing))
        policy = f"maxmemory-policy must be {NO_EVICTION} (was {seen.policy}): an evicted key is lost work"
        if seen.may_evict and (before is None or before.policy != seen.policy):
            log.warning(policy)
        if evicted > 0:
            EVICTED.inc(evicted)
            log.error("server evicted keys", keys=evicted, jobs_missing=await self._jobs_missing())
        if missing:
            log.error("keys missing that must exist", keys=missing[:_NAMED], count=len(missing))
        notes = [policy] if seen.may_evict else []
        if missing:
            notes.append(f"keys are missing that must exist: {', '.join(missing[:_NAMED])}")
        self.note = "; ".join(notes) or None
        self._seen = seen

    async def _jobs_missing(self) -> int:
        """Count the jobs that were emitted and are nowhere."""
        return max(0, (await audit(self._store)).difference)
