"""The answers of a worker's /livez and /readyz. A check returns the problem as a sentence, or None.

A live worker goes on trying: to restart it while the store is away would help no job and end the running ones. A
ready worker has its calls answered, and has room for jobs.
"""

import asyncio
from datetime import UTC, datetime

from taskqueue.handlers.threads import Threads
from taskqueue.process.retention import RetentionWatch
from taskqueue_worker.calls import Calls
from taskqueue_worker.liveness.watchdog import Watchdog
from taskqueue_worker.slots import ConcurrencySlots


class Probes:
    """The checks of one worker, for `serve_health`."""

    def __init__(
        self,
        calls: Calls,
        slots: ConcurrencySlots,
        threads: Threads,
        watchdog: Watchdog,
        retention: RetentionWatch,
    ) -> None:
        self._calls = calls
        self._slots = slots
        self._threads = threads
        self._watchdog = watchdog
        self._retention = retention
        self._loop = asyncio.get_running_loop()

    def live(self) -> str | None:
        """Check this process."""
        ended = self._slots.size - self._slots.alive
        if ended:
            return f"{ended} of {self._slots.size} concurrency slots ended"
        return self._calls.contact.stuck(self._slots.free)

    def ready(self) -> str | None:
        """Check that the worker takes jobs; the problem may be the store's."""
        if self._calls.draining:
            return "draining"
        return (
            self.live()
            or self._calls.contact.unanswered()
            or self._without_threads()
            or self._watchdog.blocked()
        )

    def note(self) -> str | None:
        """Return facts that a person should know although the worker is ready."""
        notes = [note for note in (self._closed(), self._retention.note) if note]
        return "; ".join(notes) or None

    def _without_threads(self) -> str | None:
        if self._threads.stuck < self._threads.size:
            return None
        return f"all {self._threads.size} threads run handlers for longer than their jobs' timeouts"

    def _closed(self) -> str | None:
        until_ms = self._calls.closed_us / 1000
        if until_ms <= self._calls.clock.to_store_ms(self._loop.time()):
            return None
        at = datetime.fromtimestamp(until_ms / 1000, UTC).isoformat(timespec="seconds")
        return f"a handler closed the global limit until {at}: `taskqueue limit get`, `taskqueue limit open`"
