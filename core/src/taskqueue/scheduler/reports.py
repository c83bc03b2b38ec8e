"""Log lines and metrics about manifests: faults, waiting subscriptions, publishes."""

from collections.abc import Collection

import structlog

from taskqueue.scheduler import metrics
from taskqueue.scheduler.publisher import Published
from taskqueue.sources.desired import Desired

log = structlog.get_logger()


def report_desired(desired: Desired, before: Desired | None) -> None:
    """Report a desired state that a source gave. before: the previous one, whose faults are not logged again."""
    metrics.SOURCE_FAULTS.set(len(desired.faults))
    metrics.SOURCE_TYPES.set(len(desired.types))
    metrics.SOURCE_USERS.set(len(desired.users))
    for fault in desired.faults:
        if before is None or fault not in before.faults:
            log.error("manifest not applied", fault=str(fault), file=fault.file)
    advised = before.advice() if before else {}
    for name, advice in desired.advice().items():
        if advised.get(name) != advice:
            log.warning("cron steps uneven", type=name, advice=advice)
    _report_unresolved(desired, before)
    known = before.overriding if before else ()
    for overriding in desired.overriding:
        if overriding not in known:
            log.warning("subscription overrides locked params", type=overriding.type, reason=str(overriding))
    _report_not_offered(desired, before)


def _report_unresolved(desired: Desired, before: Desired | None) -> None:
    types = {one.type for one in before.unresolved} if before else set[str]()
    limits = {one.limit for one in before.unresolved_limits} if before else set[str]()
    for unresolved in desired.unresolved:
        if unresolved.type not in types:
            log.warning("subscription waits for its type", reason=str(unresolved))
    for limit in desired.unresolved_limits:
        if limit.limit not in limits:
            log.warning("named limit not in force", limit=limit.limit, reason=str(limit))


def _report_not_offered(desired: Desired, before: Desired | None) -> None:
    known = {(one.type, one.interval_s) for one in before.not_offered} if before else set[tuple[str, int]]()
    for one in desired.not_offered:
        if (one.type, one.interval_s) not in known:
            log.warning("interval not offered", type=one.type, reason=str(one))


def report_published(done: Published, faulty_files: Collection[str]) -> None:
    """Report a publish. faulty_files: manifests because of which nothing was removed."""
    metrics.PUBLISHES.labels("done").inc()
    metrics.TYPES_WRITTEN.inc(done.types_written)
    metrics.USERS_WRITTEN.labels("written").inc(done.users_written)
    metrics.USERS_WRITTEN.labels("removed").inc(done.users_removed)
    metrics.PENDING_REMOVALS.set(done.pending_removals)
    log.info(
        "published",
        types=done.types_written,
        users=done.users_written,
        users_removed=done.users_removed,
        pending_removals=done.pending_removals,
    )
    if faulty_files:
        log.warning("nothing removed, manifests faulty since the start", files=sorted(faulty_files))
    if done.of_other_sources:
        log.warning(
            "users of other sources kept", users=done.of_other_sources[:10], count=len(done.of_other_sources)
        )
