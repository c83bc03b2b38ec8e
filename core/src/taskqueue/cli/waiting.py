"""Why a job waits, and why a subscription has no next run: one sentence, with what would change it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskqueue.plan.worker import ALIVE_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskqueue.store.listing import WaitingJob, WorkerSeen
    from taskqueue.store.type_record import TypeRecord
    from taskqueue.store.types import Catalog
    from taskqueue.store.users import StoredSubscription


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a job's waiting depends on. now_ms: the store's clock."""

    catalog: "Catalog"
    workers: "Sequence[WorkerSeen]"
    now_ms: int


def why_idle(task: "StoredSubscription", catalog: "Catalog") -> str:
    """Say why nothing is emitted for a subscription; empty if it is."""
    record = catalog.records.get(task.type)
    if record is None:
        return "unknown type: no manifest declares it"
    if record.removed:
        return "the type is being removed"
    if task.type in catalog.paused:
        return f"paused: `taskqueue resume {task.type}`"
    if record.task_type.suspend:
        return "the type is suspended"
    if task.suspended:
        return _why_suspended(task, record)
    return "" if record.active else "the type is being set up"


def _why_suspended(task: "StoredSubscription", record: "TypeRecord") -> str:
    """Tell a task that was refused for its params from one that its manifest suspends."""
    from taskqueue.models.locked_params import Locks, refuse_locked  # noqa: PLC0415 - slow

    names = Locks.of([record.task_type]).overridden(task.type, task.params)
    return f"refused: {refuse_locked(task.type, names)}" if names else "suspended"


def why_waiting(job: "WaitingJob", around: Surroundings) -> str:
    """Say what a queued job waits for, the nearest obstacle first."""
    place, _, detail = job.where.partition(":")
    if place == "leased":
        return f"runs on {detail}"
    if place == "parked":
        narrow, _, whose = detail.partition(":")
        return f"waits for the limit of the {'task type' if narrow == 'type' else 'user'} {whose}"
    if place == "suspects":
        return "may have taken a worker down: waits for one that runs nothing else"
    return _why_in_lane(job, around)


def _why_in_lane(job: "WaitingJob", around: Surroundings) -> str:
    from taskqueue.store.job_name import parse  # noqa: PLC0415 - slow

    name, catalog = parse(job.name), around.catalog
    if job.score_ms > around.now_ms:
        word = "is due" if job.score_ms == name.due_ms else "is tried again"
        return f"{word} in {(job.score_ms - around.now_ms) / 1000:.1f} s"
    if name.type in catalog.paused and name.occurrence is not None:
        return f"will be dropped, as its type is paused: `taskqueue resume {name.type}`"
    if catalog.rate is None:
        return "no global limit is set, so nothing starts: `taskqueue limit set N`"
    if not any(around.now_ms - worker.seen_ms <= ALIVE_MS for worker in around.workers):
        return "no worker is alive: start one with `taskqueue worker`"
    return f"waits its turn in lane {job.where} for the global limit of {catalog.rate:g}/s"
