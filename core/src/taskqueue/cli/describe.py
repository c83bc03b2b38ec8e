"""describe type, describe user: one task type or one user in full."""

import shlex
from typing import Any

from taskqueue.cli.failure import fail_unknown_type, fail_unknown_user
from taskqueue.cli.get import counted, record_state, zone_name
from taskqueue.cli.instant import iso
from taskqueue.cli.limit_text import last_free, limit_text, unknown_reason
from taskqueue.cli.next_due import next_due_ms
from taskqueue.cli.options import TypeArgument, UserArgument
from taskqueue.cli.output import Output, show_json, show_line
from taskqueue.cli.reasons import Conditions, excluded_reason, idle_reason, interval_reason, waiting_reason
from taskqueue.cli.schedule_text import exclude_texts, schedule_text
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details, show_rows
from taskqueue.command_line.command import new_group
from taskqueue.models.duration import format_ms
from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.plan.following import next_period_s
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.generations import count_subscriptions
from taskqueue.store.job_name import parse
from taskqueue.store.limit_names import limit_names
from taskqueue.store.limit_times import read_limit_times
from taskqueue.store.listing import read_handlers, read_workers
from taskqueue.store.lookup import find_jobs, find_stored_users, read_user_places
from taskqueue.store.suspended import count_suspended, find_suspension
from taskqueue.store.type_record import TypeRecord
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.store.user_pauses import find_pause
from taskqueue.store.users import StoredSubscription, read_runs, read_subscriptions
from taskqueue.text.redaction import redact

#: Number of period starts shown of a type.
NEXT_STARTS = 3

app = new_group()


@app.command("type")
@store_command
async def describe_type(session: Session, name: TypeArgument) -> None:
    """Show a task type: its schedule, next periods, limits and number of subscriptions."""
    catalog = await read_catalog(session.store)
    record = catalog.records.get(name)
    if record is None:
        fail_unknown_type(name)
    task_type = record.task_type
    newest = {name: record.newest} if record.newest else {}
    counts = await count_subscriptions(session.store, newest, catalog.variants)
    handlers = await read_handlers(session.store)
    deadline_ms = task_type.starting_deadline_ms
    details = {
        "type": name,
        "state": record_state(record.removed, name in catalog.paused, task_type.suspend),
        "schedule": schedule_text(task_type.schedule),
        "exclude": exclude_texts(task_type.exclude),
        "nextPeriods": _next_periods(record, await server_now_ms(session.store)),
        # Where each user has a zone of their own, the periods are those of users in UTC.
        "nextPeriodsZone": task_type.schedule.time_zone or ("UTC" if task_type.schedule.cron else None),
        **counted(task_type.schedule, counts.get(name, {})),
        "suspendedByBreaker": (await count_suspended(session.store, [name]))[name],
        "handler": f"function {task_type.function}" if task_type.function else _http_text(record),
        # Unknown until a worker has registered the function.
        "handlerRegistered": task_type.function in handlers if task_type.function else None,
        "priority": task_type.priority.value,
        "cost": task_type.cost,
        "timeout": format_ms(task_type.timeout_ms),
        "maxAttempts": task_type.retry.max_attempts,
        "concurrencyPolicy": task_type.concurrency_policy.value,
        "catchUp": task_type.catch_up.value,
        "lockedParams": list(task_type.locked_params),
        "suspendAfter": task_type.suspend_after,
        "startingDeadline": None if deadline_ms is None else format_ms(deadline_ms),
        **await _limits(session.store, catalog, record),
        "limitPerSecond": task_type.rate_limit.per_second,
    }
    show_details(session.output, details)


async def _limits(store: Store, catalog: Catalog, record: TypeRecord) -> dict[str, Any]:
    """Return the limits by name from which the type's jobs take, and the one for which the next of them waits."""
    names = limit_names(record.task_type, catalog.limits)
    now_ms = await server_now_ms(store)
    times = await read_limit_times(store, catalog, names.path)
    last = last_free(names.path, times, now_ms)
    waits = last in times and times[last].free_ms > now_ms
    obstacle = unknown_reason(names.unknown[0]) if names.unknown else None
    return {
        "limits": [*(name for name in names.path if name != GLOBAL_LIMIT and ":" not in name), *names.users],
        "waitsFor": obstacle or (limit_text(last, times, now_ms) if waits else None),
    }


def _http_text(record: TypeRecord) -> str:
    """Return method and URL of an HTTP handler, without secrets; empty for a function."""
    http = record.task_type.http
    return f"{http.method} {redact(http.url)}" if http else ""


def _next_periods(record: TypeRecord, now_ms: int) -> list[str]:
    """Return the starts of the next periods; empty for a type without an active generation."""
    starts: list[str] = []
    at_s = now_ms // 1000
    while record.active and len(starts) < NEXT_STARTS:
        at_s = next_period_s(record.task_type.schedule, record.task_type.exclude, at_s)
        starts.append(iso(at_s * 1000))
    return starts


@app.command("user")
@store_command
async def describe_user(session: Session, user: UserArgument) -> None:
    """Show the subscriptions of a user: next run, last outcome, and why jobs of the user wait."""
    store = session.store
    (owner,) = await find_stored_users(store, [user])
    catalog = await read_catalog(store)
    waiting = await find_jobs(store, user, catalog)
    wanted = await read_subscriptions(store, user)
    pause_ms = await find_pause(store, user)
    if owner is None and pause_ms is None and not waiting and not wanted:
        fail_unknown_user(user)
    now_ms = await server_now_ms(store)
    subscriptions = await _subscriptions(store, user, catalog, wanted, now_ms)
    names = {job.limit for job in waiting if job.limit}
    for task_type in {parse(job.name).type for job in waiting} & catalog.records.keys():
        names |= {*limit_names(catalog.records[task_type].task_type, catalog.limits).path}
    times = await read_limit_times(store, catalog, sorted(names))
    paused = pause_ms is not None or any(subscription.paused for subscription in wanted)
    conditions = Conditions(catalog, await read_workers(store), now_ms, times, paused)
    jobs = [{"job": job.name, "where": job.where, "why": waiting_reason(job, conditions)} for job in waiting]
    details = {
        "user": user,
        "source": owner.source if owner else None,
        "timeZone": zone_name(owner.zone if owner else 0, catalog),
        "state": _pause_text(user, pause_ms or 0) if paused else "active",
    }
    if session.output is Output.JSON:
        show_json({**details, "subscriptions": subscriptions, "jobs": jobs})
        return
    show_details(session.output, details)
    show_line()
    show_rows(session.output, ("type", "interval", "next", "lastOutcome", "lastAt", "state"), subscriptions)
    if jobs:
        show_line()
        show_rows(session.output, ("job", "where", "why"), jobs)


def _pause_text(user: str, until_ms: int) -> str:
    """Return until when a user is paused, and the command that ends it."""
    until = f" until {iso(until_ms)}" if until_ms else ""
    return f"paused{until}: `taskqueue resume --user {shlex.quote(user)}`"


async def _subscriptions(
    store: Store, user: str, catalog: Catalog, subscriptions: list[StoredSubscription], now_ms: int
) -> list[dict[str, Any]]:
    """Return one row for each subscription of a user: next run, last outcome, state."""
    runs = await read_runs(store, user)
    suspensions = {
        one.type: found for one in subscriptions if (found := await find_suspension(store, user, one))
    }
    segments = {
        subscription.type: catalog.records[subscription.type].segments(catalog.variants)
        for subscription in subscriptions
        if subscription.type in catalog.records
    }
    generations = {(name, one.generation) for name, several in segments.items() for one in several}
    places = await read_user_places(store, user, sorted(generations))
    rows = []
    for subscription in subscriptions:
        suspension = suspensions.get(subscription.type)
        idle = idle_reason(subscription, catalog, user, suspension)
        due_ms = None if idle else next_due_ms(segments[subscription.type], places, now_ms)
        outcome, at_s = runs.get(subscription.type, (None, 0))
        rows.append(
            {
                "type": subscription.type,
                "interval": format_ms(subscription.interval_s * 1000) if subscription.interval_s else None,
                "next": None if due_ms is None else iso(due_ms),
                "lastOutcome": outcome,
                "lastAt": iso(at_s * 1000) if outcome else None,
                "state": idle
                or interval_reason(subscription, catalog)
                or excluded_reason(subscription, catalog, due_ms)
                or "active",
            }
        )
    return rows
