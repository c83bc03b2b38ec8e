"""get: lists of what the store has."""

from itertools import islice
from typing import Any

import typer

from taskqueue.cli.failure import say
from taskqueue.cli.instant import iso
from taskqueue.cli.options import MOST_DEFAULT, MostOption
from taskqueue.cli.output import show_rows
from taskqueue.cli.schedule_text import schedule_text
from taskqueue.cli.store_command import Session, store_command

app = typer.Typer(no_args_is_help=True)


@app.command("types")
@store_command
async def types(session: Session) -> None:
    """List the task types, with the number of running subscriptions."""
    from taskqueue.store.generations import count_subscriptions  # noqa: PLC0415 - slow
    from taskqueue.store.types import read_catalog  # noqa: PLC0415 - slow

    catalog = await read_catalog(session.store)
    newest = {name: record.newest.number for name, record in catalog.records.items() if record.newest}
    counts = await count_subscriptions(session.store, newest) if newest else {}
    show_rows(
        session.output,
        ("type", "schedule", "subscriptions", "priority", "cost", "handler", "state"),
        [
            {
                "type": name,
                "schedule": schedule_text(record.task_type.schedule),
                "subscriptions": counts.get(name, 0),
                "priority": record.task_type.priority.value,
                "cost": record.task_type.cost,
                "handler": record.task_type.function or "http",
                "state": record_state(record.removed, name in catalog.paused, record.task_type.suspend),
            }
            for name, record in catalog.records.items()
        ],
    )


def record_state(removed: bool, paused: bool, suspend: bool) -> str:
    """Say in a word whether a task type runs, and if not, whose doing that is."""
    if removed:
        return "removing"
    if paused:
        return "paused"
    return "suspended" if suspend else "active"


@app.command("users")
@store_command
async def users(session: Session, most: MostOption = MOST_DEFAULT) -> None:
    """List users, where each was declared and what it wants."""
    from taskqueue.store.users import read_subscriptions, scan_stored_users  # noqa: PLC0415 - slow

    rows: list[dict[str, Any]] = []
    async for user, owner in scan_stored_users(session.store):
        if len(rows) == most:
            say(f"there are more than {most}: raise --most to see them")
            break
        tasks = await read_subscriptions(session.store, user)
        rows.append({"user": user, "source": owner.source, "tasks": [task.type for task in tasks]})
    show_rows(session.output, ("user", "source", "tasks"), sorted(rows, key=lambda row: str(row["user"])))


@app.command("jobs")
@store_command
async def jobs(session: Session, most: MostOption = MOST_DEFAULT) -> None:
    """List jobs that wait or run, the first of every lane and of every limit."""
    from taskqueue.store.job_name import parse  # noqa: PLC0415 - slow
    from taskqueue.store.listing import read_jobs  # noqa: PLC0415 - slow

    found = await read_jobs(session.store, most)
    rows = []
    for job in islice(found, most):
        name = parse(job.name)
        rows.append(
            {
                "type": name.type,
                "user": name.user,
                "due": iso(name.due_ms),
                "where": job.where,
                "job": job.name,
            }
        )
    if len(found) >= most:
        say(f"there may be more than {most}: raise --most to see them; `taskqueue audit` counts all")
    show_rows(session.output, ("type", "user", "due", "where", "job"), rows)


@app.command("workers")
@store_command
async def workers(session: Session) -> None:
    """List the workers seen in the last hour."""
    from taskqueue.store.clock import server_now_ms  # noqa: PLC0415 - slow
    from taskqueue.store.listing import read_workers  # noqa: PLC0415 - slow

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
