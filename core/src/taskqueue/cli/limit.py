"""limit get, set, clear, open: the global limit, its override, and limits that a handler closed."""

from typing import Annotated

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.cli.instant import iso, read_duration_ms
from taskqueue.cli.options import ForOption
from taskqueue.cli.rate import RateArgument, read_rate
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details
from taskqueue.command_line.command import new_group
from taskqueue.models.quantity import written_rate
from taskqueue.models.values import LimitKey
from taskqueue.store.clock import server_now_ms
from taskqueue.store.limits import GLOBAL, ClosedLimit, clear_rate, open_limit, override_rate, read_closed
from taskqueue.store.types import read_catalog

app = new_group()


@app.command("get")
@store_command
async def limit_get(session: Session) -> None:
    """Show the rate of the global limit, in cost-weighted starts per second over all workers, and closed limits."""
    rate = (await read_catalog(session.store)).rate
    if rate is None:
        fail("no limit is set, so nothing starts: `taskqueue limit set N`, or `none`", ExitCode.NOT_FOUND)
    closed = {one.limit: _closed_text(one) for one in await read_closed(session.store)}
    show_details(session.output, {"perSecond": written_rate(rate), **({"closed": closed} if closed else {})})


@app.command("set")
@store_command
async def limit_set(
    session: Session,
    rate: RateArgument,
    for_: ForOption = None,
) -> None:
    """Override the rate of the global limit, at once and for all workers, until `limit clear` or --for."""
    per_second, for_ms = read_rate("N", rate), read_duration_ms(for_)
    await override_rate(session.store, per_second, for_ms)
    until = iso(await server_now_ms(session.store) + for_ms) if for_ms else None
    show_details(session.output, {"perSecond": written_rate(per_second), "until": until})


@app.command("clear")
@store_command
async def limit_clear(session: Session) -> None:
    """End the override: the configured rate is in force again."""
    ended = await clear_rate(session.store)
    rate = (await read_catalog(session.store)).rate
    show_details(
        session.output, {"wasOverridden": ended, "perSecond": None if rate is None else written_rate(rate)}
    )


@app.command("open")
@store_command
async def limit_open(
    session: Session,
    task_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Open the limit of this type.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="USER", help="Open every User limit of this user.")
    ] = None,
) -> None:
    """Open a limit that a handler closed by raising RateLimited: the global limit, or those of a type or a user."""
    if task_type and user:
        fail("--type and --user exclude each other: give one of them", ExitCode.USAGE)
    limit = f"type:{task_type}" if task_type else f"user:{user}" if user else GLOBAL
    names = [limit]
    if user:
        limits = (await read_catalog(session.store)).limits.values()
        names = [f"{one.name}|{user}" for one in limits if one.key is LimitKey.USER]
    was_ms = max([await open_limit(session.store, name) for name in names], default=0)
    show_details(session.output, {"limit": limit, "wasClosedUntil": iso(was_ms) if was_ms else None})


def _closed_text(one: ClosedLimit) -> str:
    """Return the end of a closure, and the handler that closed the limit where it is known."""
    by = f" by a handler of {one.by[0]}, user {one.by[1]}" if one.by else ""
    return f"until {iso(one.until_ms)}{by}"
