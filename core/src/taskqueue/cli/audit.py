"""audit and cursor: whether every job is accounted for, and how far the schedule has been emitted."""

from typing import Annotated

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.cli.instant import iso, read_instant_ms
from taskqueue.cli.output import show_facts
from taskqueue.cli.store_command import Session, store_command

cursor_app = typer.Typer(no_args_is_help=True)


@store_command
async def audit(session: Session) -> None:
    """Check that what came in equals what went out and what is held."""
    from taskqueue.store.audit import audit as read_audit  # noqa: PLC0415 - slow
    from taskqueue.store.catalog import read_catalog  # noqa: PLC0415 - slow

    found = await read_audit(session.store)
    installed = (await read_catalog(session.store)).installed_ms > 0
    lost = installed and found.cursor < 0
    show_facts(
        session.output,
        {
            "difference": found.difference,
            "totals": dict(sorted(found.totals.items())),
            "ready": dict(found.ready),
            "parked": found.parked,
            "suspects": found.suspects,
            "leased": found.leased,
            "deadLetters": found.dead_letters,
            "cursor": "lost" if lost else iso(found.cursor) if installed else None,
            "now": iso(found.now),
        },
    )
    if lost:
        fail("the cursor is lost: `taskqueue cursor set TIME` says from when to go on", ExitCode.AUDIT)
    if found.difference:
        many = abs(found.difference)
        fate = "are missing" if found.difference > 0 else "are there without having come in"
        fail(f"{many} jobs {fate}: keep the store as it is and report this as a bug", ExitCode.AUDIT)


@cursor_app.command("get")
@store_command
async def cursor_get(session: Session) -> None:
    """Show the instant up to which everything was emitted, and how far that is behind the clock."""
    from taskqueue.store.catalog import read_cursor  # noqa: PLC0415 - slow
    from taskqueue.store.clock import server_now_ms  # noqa: PLC0415 - slow

    cursor_ms = await read_cursor(session.store)
    now_ms = await server_now_ms(session.store)
    show_facts(session.output, {"cursor": iso(cursor_ms), "behindSeconds": (now_ms - cursor_ms) / 1000})


@cursor_app.command("set")
@store_command
async def cursor_set(
    session: Session,
    time: Annotated[
        str, typer.Argument(metavar="TIME", help='From when to go on, such as "2026-11-24T08:00:00Z".')
    ],
) -> None:
    """Give a store that lost its cursor one again; one that has a cursor keeps it."""
    from taskqueue.store.catalog import read_catalog, restore_cursor  # noqa: PLC0415 - slow
    from taskqueue.store.clock import server_now_ms  # noqa: PLC0415 - slow

    cursor_ms = read_instant_ms(time)
    if cursor_ms > await server_now_ms(session.store):
        fail("write a time that has passed: what is due before it would never run", ExitCode.USAGE)
    if not (await read_catalog(session.store)).installed_ms:
        fail("this store never had a cursor: `taskqueue apply PATH` begins one", ExitCode.REFUSED)
    if not await restore_cursor(session.store, cursor_ms):
        fail("the store has a cursor, which only moves forward: nothing was changed", ExitCode.REFUSED)
    show_facts(session.output, {"cursor": iso(cursor_ms)})
