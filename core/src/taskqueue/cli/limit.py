"""limit list, get, set, clear, open: limits in force, values set by hand, and limits that a handler closed."""

from typing import Annotated

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.cli.instant import read_duration_ms
from taskqueue.cli.limit_name import check_user, find_limit, read_rate
from taskqueue.cli.options import ForOption
from taskqueue.cli.rate import read_rate as read_global_rate
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details, show_views
from taskqueue.command_line.command import new_group
from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.rate import MAX_BURST
from taskqueue.store.clock import server_now_ms
from taskqueue.store.limits import clear_limit, clear_rate, open_limit, override_limit, override_rate
from taskqueue.store.types import read_catalog
from taskqueue.views.instant import iso
from taskqueue.views.limits import (
    LimitRow,
    list_limits,
    rate_text,
    read_global_limit,
    read_limit,
    read_user_limit,
)

app = new_group()

NameArgument = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="Name of a limit. Defaults to the global limit.")
]
LimitUserOption = Annotated[
    str | None, typer.Option("--user", metavar="USER", help="User of a limit with key User.")
]


@app.command("list")
@store_command
async def limit_list(session: Session) -> None:
    """List the global limit and all limits by name: rate in force, waiting jobs, next start that is left."""
    show_views(session.output, LimitRow, await list_limits(session.store))


@app.command("get")
@store_command
async def limit_get(session: Session, name: NameArgument = None, user: LimitUserOption = None) -> None:
    """Show one limit, and with --user that of one user; without NAME the global rate and all closed limits."""
    store = session.store
    if name is not None:
        limit = find_limit(await read_catalog(store), name)
        if user is not None:
            check_user(limit, user)
        found = await (read_limit(store, name) if user is None else read_user_limit(store, name, user))
        show_details(session.output, found.to_json())
        return
    if user is not None:
        fail("--user needs the NAME of a limit with key User", ExitCode.USAGE)
    in_force = await read_global_limit(store)
    if in_force.per_second is None:
        fail("no limit is set, so nothing starts: `taskqueue limit set N`, or `none`", ExitCode.NOT_FOUND)
    show_details(session.output, in_force.to_json())


@app.command("set")
@store_command
async def limit_set(
    session: Session,
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Name of a limit. Defaults to the global limit.")
    ],
    rate: Annotated[
        str | None,
        typer.Argument(
            metavar="RATE",
            help='Starts a second such as "50", in a time such as "2/1m", or "none".',
        ),
    ] = None,
    burst: Annotated[
        int | None,
        typer.Option("--burst", metavar="N", min=1, max=MAX_BURST, help="Defaults to the limit's own burst."),
    ] = None,
    for_: ForOption = None,
) -> None:
    """Override the rate of a limit, for all workers within 250 ms, until `limit clear` or --for.

    No publish ends it. Users with values of their own keep them.
    """
    name, rate = (GLOBAL_LIMIT, name) if rate is None else (name, rate)
    for_ms = read_duration_ms(for_)
    if name == GLOBAL_LIMIT:
        per_second = read_global_rate("RATE", rate)
        if burst is not None:
            fail("--burst needs the NAME of a limit: the global limit has no burst", ExitCode.USAGE)
        await override_rate(session.store, per_second, for_ms)
    else:
        per_second = read_rate(rate)
        find_limit(await read_catalog(session.store), name)
        await override_limit(session.store, name, per_second, burst, for_ms)
    until = iso(await server_now_ms(session.store) + for_ms) if for_ms else None
    show_details(
        session.output, {"limit": name, "perSecond": rate_text(per_second), "burst": burst, "until": until}
    )


@app.command("clear")
@store_command
async def limit_clear(session: Session, name: NameArgument = None) -> None:
    """End the override of a limit: the values of its manifest, or the configured rate, are in force again."""
    store, name = session.store, name or GLOBAL_LIMIT
    catalog = await read_catalog(store)
    if name == GLOBAL_LIMIT:
        ended = await clear_rate(store)
        rate = (await read_catalog(store)).rate
    else:
        # A limit that no manifest declares any more may still have an override.
        rate = None if name in catalog.overrides else find_limit(catalog, name).per_second
        ended = await clear_limit(store, name)
        rate = catalog.limits[name].per_second if name in catalog.limits else rate
    details = {"limit": name, "wasOverridden": ended, "perSecond": rate_text(rate)}
    show_details(session.output, details)


@app.command("open")
@store_command
async def limit_open(
    session: Session,
    name: NameArgument = None,
    user: LimitUserOption = None,
    task_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Open the own limit of this type.")
    ] = None,
) -> None:
    """Open a limit that a handler closed by raising RateLimited: a limit by name, the global one, or a type's own."""
    if task_type and (name or user):
        fail("--type excludes NAME and --user: give one of them", ExitCode.USAGE)
    if user and not name:
        fail("--user needs the NAME of a limit with key User", ExitCode.USAGE)
    limit = f"type:{task_type}" if task_type else name or GLOBAL_LIMIT
    if name and name != GLOBAL_LIMIT:
        check_user(find_limit(await read_catalog(session.store), name), user)
        limit = f"{name}|{user}" if user else name
    was_ms = await open_limit(session.store, limit)
    show_details(session.output, {"limit": limit, "wasClosedUntil": iso(was_ms) if was_ms else None})
