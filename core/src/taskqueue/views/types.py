"""All task types, a row each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from taskqueue.models.duration import format_ms
from taskqueue.models.values import Priority, Schedule
from taskqueue.plan.variants import follows_users
from taskqueue.store.connection import Store
from taskqueue.store.generations import count_subscriptions
from taskqueue.store.suspended import count_suspended
from taskqueue.store.type_record import TypeRecord
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.views.instant import at
from taskqueue.views.schedule_text import schedule_text
from taskqueue.views.view import Instant, View

State = Literal["active", "paused", "suspended", "removing"]


class TypeRow(View):
    """A task type, with the number of its running subscriptions.

    suspended_by_breaker: subscriptions that the circuit breaker suspended.   intervals: subscriptions by interval,
    where they may choose one.   zones: the number of zones that the subscriptions run in, where users have their own.
    handler: the name of a function, or `http`.   paused_until: the end of a pause that has one.
    """

    type: str
    schedule: str
    subscriptions: int
    suspended_by_breaker: int
    intervals: dict[str, int] | None
    zones: int | None
    priority: Priority
    cost: int
    handler: str
    state: State
    paused_until: Instant | None


async def list_types(store: Store) -> list[TypeRow]:
    """Return a row for each task type, by name."""
    catalog = await read_catalog(store)
    counts = await count_running(store, catalog, list(catalog.records))
    suspended = await count_suspended(store, list(catalog.records))
    return [
        TypeRow(
            type=name,
            schedule=schedule_text(record.task_type.schedule),
            subscriptions=sum(counts[name].values()),
            suspended_by_breaker=suspended[name],
            intervals=by_interval(record.task_type.schedule, counts[name]),
            zones=zones(record.task_type.schedule, counts[name]),
            priority=record.task_type.priority,
            cost=record.task_type.cost,
            handler=record.task_type.function or "http",
            state=state_of(record, catalog),
            paused_until=paused_until(name, catalog),
        )
        for name, record in catalog.records.items()
    ]


async def count_running(store: Store, catalog: Catalog, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Count the running subscriptions of some types by variant; none of a type that is being removed."""
    newest = {name: one for name in names if (one := catalog.records[name].newest)}
    return {name: {} for name in names} | await count_subscriptions(store, newest, catalog.variants)


def by_interval(schedule: Schedule, counts: Mapping[str, int]) -> dict[str, int] | None:
    """Return the number of subscriptions of each interval; None where they cannot choose one.

    counts: by variant (`count_subscriptions`).
    """
    chosen = {interval_s: counts.get(str(interval_s), 0) for interval_s in schedule.intervals_s}
    every = {schedule.interval_s or 0: counts.get("", 0), **chosen}
    return {format_ms(one * 1000): number for one, number in every.items()} if chosen else None


def zones(schedule: Schedule, counts: Mapping[str, int]) -> int | None:
    """Return the number of zones that subscriptions run in; None where users do not have their own."""
    return len(counts) if follows_users(schedule) else None


def state_of(record: TypeRecord, catalog: Catalog) -> State:
    """Return the state of a task type: active, or how it was stopped."""
    if record.removed:
        return "removing"
    if record.task_type.name in catalog.paused:
        return "paused"
    return "suspended" if record.task_type.suspend else "active"


def paused_until(name: str, catalog: Catalog) -> datetime | None:
    """Return the end of a type's pause; None without a pause, and for one without an end."""
    end_ms = catalog.paused.get(name)
    return at(end_ms) if end_ms else None
