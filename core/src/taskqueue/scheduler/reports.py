"""What becomes of manifests, for the log and for Prometheus: taken in, waiting, published."""

import time
from collections.abc import Callable, Collection

import structlog

from taskqueue.scheduler import metrics
from taskqueue.scheduler.publisher import Published
from taskqueue.sources.desired import Desired

log = structlog.get_logger()


class Lag:
    """How long the oldest change that is not published yet has been waiting, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting_s: float | None = None
        self._under_way_s: float | None = None

    def change(self) -> None:
        """Something is to be published."""
        if self._waiting_s is None:
            self._waiting_s = self._clock()

    def begin(self) -> None:
        """All of that is being published; what changes from here on waits for the next time."""
        if self._under_way_s is None:  # else the last time failed
            self._under_way_s = self._waiting_s
        self._waiting_s = None

    def done(self) -> None:
        self._under_way_s = None

    def seconds(self) -> float:
        oldest_s = self._waiting_s if self._under_way_s is None else self._under_way_s
        return 0.0 if oldest_s is None else self._clock() - oldest_s


def report_taken(desired: Desired, before: Desired | None) -> None:
    """before: what was taken last; what was wrong already then is not said again."""
    metrics.SOURCE_FAULTS.set(len(desired.faults))
    metrics.SOURCE_TYPES.set(len(desired.types))
    metrics.SOURCE_USERS.set(len(desired.users))
    for fault in desired.faults:
        if before is None or fault not in before.faults:
            log.error("a manifest is at fault and not applied", fault=str(fault), file=fault.file)
    said = before.advice() if before else {}
    for name, advice in desired.advice().items():
        if said.get(name) != advice:
            log.warning("cron steps are uneven", type=name, advice=advice)
    waited = {unresolved.type for unresolved in before.unresolved} if before else set[str]()
    for unresolved in desired.unresolved:
        if unresolved.type not in waited:
            log.warning("a subscription waits for its task type", reason=str(unresolved))
    known = before.overriding if before else ()
    for overriding in desired.overriding:
        if overriding not in known:
            log.warning("a task overrides locked params", type=overriding.type, reason=str(overriding))


def report_published(done: Published, unknown: Collection[str]) -> None:
    """unknown: manifests for whose sake nothing was removed."""
    metrics.PUBLISHES.labels("done").inc()
    metrics.TYPES_WRITTEN.inc(done.types_written)
    metrics.USERS_WRITTEN.labels("written").inc(done.users_written)
    metrics.USERS_WRITTEN.labels("removed").inc(done.users_removed)
    metrics.REMOVALS_HELD.set(done.held)
    log.info(
        "published",
        types=done.types_written,
        users=done.users_written,
        users_removed=done.users_removed,
        removals_held=done.held,
    )
    if unknown:
        log.warning(
            "nothing was removed: these manifests were at fault since this process started",
            files=sorted(unknown),
        )
    if done.foreign:
        log.warning(
            "an import owns these users; left alone", users=done.foreign[:10], count=len(done.foreign)
        )
