"""One task type in full."""

from taskqueue.models.duration import format_ms
from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.values import CatchUp, ConcurrencyPolicy, Priority
from taskqueue.plan.following import next_period_s
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.errors import UnknownTypeError
from taskqueue.store.limit_names import LimitNames, limit_names
from taskqueue.store.limit_times import read_limit_times
from taskqueue.store.listing import read_handlers
from taskqueue.store.suspended import count_suspended
from taskqueue.store.type_record import TypeRecord
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.text.redaction import redact
from taskqueue.views.instant import at
from taskqueue.views.limit_text import last_free, limit_text, unknown_reason
from taskqueue.views.schedule_text import exclude_texts, schedule_text
from taskqueue.views.types import State, by_interval, count_running, paused_until, state_of, zones
from taskqueue.views.view import Instant, View

#: Number of period starts shown of a type.
_NEXT_STARTS = 3


class TypeDetail(View):
    """A task type: its schedule, next periods, limits and number of subscriptions.

    paused_until: the end of a pause that has one.
    next_periods_zone: where each user has a zone of their own, the periods are those of users in UTC.
    handler_registered: None for HTTP; unknown until a worker has registered the function.   limits: by name, from which
    the type's jobs take.   waits_for: the one for which the next of them waits.
    """

    type: str
    state: State
    paused_until: Instant | None
    schedule: str
    exclude: list[str]
    next_periods: list[Instant]
    next_periods_zone: str | None
    subscriptions: int
    intervals: dict[str, int] | None
    zones: int | None
    suspended_by_breaker: int
    handler: str
    handler_registered: bool | None
    priority: Priority
    cost: int
    timeout: str
    max_attempts: int
    concurrency_policy: ConcurrencyPolicy
    catch_up: CatchUp
    locked_params: list[str]
    suspend_after: int | None
    starting_deadline: str | None
    limits: list[str]
    waits_for: str | None
    limit_per_second: float | None


async def read_type_detail(store: Store, name: str) -> TypeDetail:
    """Return one task type. Raises UnknownTypeError."""
    catalog = await read_catalog(store)
    record = catalog.records.get(name)
    if record is None:
        raise UnknownTypeError(name)
    task_type, schedule = record.task_type, record.task_type.schedule
    counts = (await count_running(store, catalog, [name]))[name]
    handlers = await read_handlers(store)
    deadline_ms, names = task_type.starting_deadline_ms, limit_names(task_type, catalog.limits)
    now_ms = await server_now_ms(store)
    return TypeDetail(
        type=name,
        state=state_of(record, catalog),
        paused_until=paused_until(name, catalog),
        schedule=schedule_text(schedule),
        exclude=exclude_texts(task_type.exclude),
        next_periods=[at(start_s * 1000) for start_s in _next_periods_s(record, now_ms)],
        next_periods_zone=schedule.time_zone or ("UTC" if schedule.cron else None),
        subscriptions=sum(counts.values()),
        intervals=by_interval(schedule, counts),
        zones=zones(schedule, counts),
        suspended_by_breaker=(await count_suspended(store, [name]))[name],
        handler=f"function {task_type.function}" if task_type.function else _http_text(record),
        handler_registered=task_type.function in handlers if task_type.function else None,
        priority=task_type.priority,
        cost=task_type.cost,
        timeout=format_ms(task_type.timeout_ms),
        max_attempts=task_type.retry.max_attempts,
        concurrency_policy=task_type.concurrency_policy,
        catch_up=task_type.catch_up,
        locked_params=list(task_type.locked_params),
        suspend_after=task_type.suspend_after,
        starting_deadline=None if deadline_ms is None else format_ms(deadline_ms),
        limits=[*(one for one in names.path if one != GLOBAL_LIMIT and ":" not in one), *names.users],
        waits_for=await _obstacle(store, catalog, names, now_ms),
        limit_per_second=task_type.rate_limit.per_second,
    )


async def _obstacle(store: Store, catalog: Catalog, names: LimitNames, now_ms: int) -> str | None:
    """Return the limit for which the next job of a type waits; None if it may start now."""
    if names.unknown:
        return unknown_reason(names.unknown[0])
    times = await read_limit_times(store, catalog, names.path)
    last = last_free(names.path, times, now_ms)
    return limit_text(last, times, now_ms) if last in times and times[last].free_ms > now_ms else None


def _http_text(record: TypeRecord) -> str:
    """Return method and URL of an HTTP handler, without secrets; empty for a function."""
    http = record.task_type.http
    return f"{http.method} {redact(http.url)}" if http else ""


def _next_periods_s(record: TypeRecord, now_ms: int) -> list[int]:
    """Return the starts of the next periods; empty for a type without an active generation."""
    starts_s: list[int] = []
    at_s = now_ms // 1000
    while record.active and len(starts_s) < _NEXT_STARTS:
        at_s = next_period_s(record.task_type.schedule, record.task_type.exclude, at_s)
        starts_s.append(at_s)
    return starts_s
