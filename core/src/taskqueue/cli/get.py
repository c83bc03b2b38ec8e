"""get types, users, jobs, workers: lists of the objects in the store."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from taskqueue.cli.failure import say
from taskqueue.cli.instant import iso
from taskqueue.cli.options import LIMIT_DEFAULT, LimitOption
from taskqueue.cli.schedule_text import schedule_text
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_rows
from taskqueue.command_line.command import new_group
from taskqueue.models.duration import format_ms
from taskqueue.models.values import Schedule
from taskqueue.plan.variants import follows_users
from taskqueue.store.clock import server_now_ms
from taskqueue.store.generations import count_subscriptions
from taskqueue.store.job_name import parse
from taskqueue.store.listing import read_jobs, read_workers
from taskqueue.store.suspended import count_suspended
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.store.users import read_subscriptions, scan_stored_users

app = new_group()


@app.command("types")
@store_command
async def types(session: Session) -> None:
    """List the task types, with the number of their running subscriptions."""
    catalog = await read_catalog(session.store)
    newest = {name: record.newest for name, record in catalog.records.items() if record.newest}
    counts = await count_subscriptions(session.store, newest, catalog.variants)
    suspended = await count_suspended(session.store, list(catalog.records))
    show_rows(
        session.output,
        (
            "type",
            "schedule",
            "subscriptions",
            "suspendedByBreaker",
            "intervals",
            "zones",
            "priority",
            "cost",
            "handler",
            "state",
        ),
        [
            {
                "type": name,
                "schedule": schedule_text(record.task_type.schedule),
                **counted(record.task_type.schedule, counts.get(name, {})),
                "suspendedByBreaker": suspended[name],
                "priority": record.task_type.priority.value,
                "cost": record.task_type.cost,
                "handler": record.task_type.function or "http",
                "state": record_state(record.removed, name in catalog.paused, record.task_type.suspend),
            }
            for name, record in catalog.records.items()
        ],
    )


def counted(schedule: Schedule, counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the number of subscriptions, of them by interval where they may choose one, and of zones that they run in.

    counts: by variant (`count_subscriptions`).
    """
    chosen = {interval_s: counts.get(str(interval_s), 0) for interval_s in schedule.intervals_s}
    every = {schedule.interval_s or 0: counts.get("", 0), **chosen}
    return {
        "subscriptions": sum(counts.values()),
        "intervals": {format_ms(one * 1000): number for one, number in every.items()} if chosen else None,
        "zones": len(counts) if follows_users(schedule) else None,
    }


def record_state(removed: bool, paused: bool, suspend: bool) -> str:
    """Return the state of a task type: active, or how it was stopped."""
    if removed:
        return "removing"
    if paused:
        return "paused"
    return "suspended" if suspend else "active"


def zone_name(number: int, catalog: Catalog) -> str:
    """Return the time zone of a user by the number of its variant."""
    return next((name for name, one in catalog.variants.items() if one == number), "UTC")


@app.command("users")
@store_command
async def users(session: Session, limit: LimitOption = LIMIT_DEFAULT) -> None:
    """List users, with the source that declares them, their time zone and the types they subscribe to."""
    catalog = await read_catalog(session.store)
    rows: list[dict[str, Any]] = []
    async for user, owner in scan_stored_users(session.store):
        if len(rows) == limit:
            say(f"there are more than {limit} users: raise --limit to list them")
            break
        subscriptions = await read_subscriptions(session.store, user)
        rows.append(
            {
                "user": user,
                "source": owner.source,
                "timeZone": zone_name(owner.zone, catalog),
                "state": "paused" if any(one.paused for one in subscriptions) else "active",
                "subscriptions": [one.type for one in subscriptions],
                "suspendedByBreaker": [one.type for one in subscriptions if one.by_breaker],
            }
        )
    columns = ("user", "source", "timeZone", "state", "subscriptions", "suspendedByBreaker")
    show_rows(session.output, columns, sorted(rows, key=lambda row: str(row["user"])))


@app.command("jobs")
@store_command
async def jobs(session: Session, limit: LimitOption = LIMIT_DEFAULT) -> None:
    """List waiting and running jobs, the first of each lane and of each limit."""
    found = await read_jobs(session.store, limit)
    rows = []
    for job in islice(found, limit):
        name = parse(job.name)
        rows.append(
            {
                "type": name.type,
                "user": name.user,
                "due": iso(name.due_ms),
                "where": job.where,
                "limit": job.limit or None,
                "job": job.name,
            }
        )
    if len(found) >= limit:
        say(f"there may be more than {limit} jobs: raise --limit to list them; `taskqueue audit` counts all")
    show_rows(session.output, ("type", "user", "due", "where", "limit", "job"), rows)


@app.command("workers")
@store_command
async def workers(session: Session) -> None:
    """List workers that sent a heartbeat in the last hour."""
    now_ms = await server_now_ms(session.store)
    show_rows(
        session.output,
        ("worker", "seen", "silentSeconds", "info"),
        [
            {
                "worker": one.worker,
                "seen": iso(one.seen_ms),
                "silentSeconds": max(0, now_ms - one.seen_ms) / 1000,
                "info": one.info,
            }
            for one in await read_workers(session.store)
        ],
    )
