"""cursor get, cursor set: the instant up to which the schedule has been emitted."""

from typing import Annotated

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.cli.instant import read_instant_ms
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details
from taskqueue.command_line.command import new_group
from taskqueue.store.clock import server_now_ms
from taskqueue.store.cursor import read_cursor, restore_cursor
from taskqueue.store.types import read_catalog
from taskqueue.views.instant import iso

app = new_group()


@app.command("get")
@store_command
async def cursor_get(session: Session) -> None:
    """Show the instant up to which every job was emitted, and its distance from the clock."""
    cursor_ms = await read_cursor(session.store)
    now_ms = await server_now_ms(session.store)
    show_details(session.output, {"cursor": iso(cursor_ms), "behindSeconds": (now_ms - cursor_ms) / 1000})


@app.command("set")
@store_command
async def cursor_set(
    session: Session,
    time: Annotated[
        str, typer.Argument(metavar="TIME", help='Instant to resume from, such as "2026-11-24T08:00:00Z".')
    ],
) -> None:
    """Restore a lost cursor; an existing cursor stays."""
    cursor_ms = read_instant_ms(time)
    if cursor_ms > await server_now_ms(session.store):
        fail(f"TIME must be in the past (was {time}): jobs due before it would never run", ExitCode.USAGE)
    if not (await read_catalog(session.store)).installed_ms:
        fail("this store never had a cursor: `taskqueue apply PATH` sets the first one", ExitCode.REFUSED)
    if not await restore_cursor(session.store, cursor_ms):
        fail("the store has a cursor, which only moves forward: nothing was changed", ExitCode.REFUSED)
    show_details(session.output, {"cursor": iso(cursor_ms)})
