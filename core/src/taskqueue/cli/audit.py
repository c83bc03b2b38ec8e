"""audit and cursor: whether every job is accounted for, and how far the schedule has been emitted."""

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.cli.instant import iso, read_instant_ms
from taskqueue.cli.output import show_facts
from taskqueue.cli.store_command import Session, store_command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskqueue.store.connection import Store

#: Places named by `audit`; all are counted.
PLACES_SHOWN = 100

cursor_app = typer.Typer(no_args_is_help=True)


@store_command
async def audit(
    session: Session,
    repair: Annotated[
        bool, typer.Option("--repair", help="Look at every value, and remove those that cannot be read.")
    ] = False,
) -> None:
    """Check that what came in equals what went out and what is held, and name values that cannot be read."""
    from taskqueue.store.audit import audit as read_audit  # noqa: PLC0415 - slow
    from taskqueue.store.types import read_catalog  # noqa: PLC0415 - slow

    store = session.store
    found = await read_audit(store)
    installed = (await read_catalog(store)).installed_ms > 0
    malformed = await _malformed(store)
    repaired: list[str] = []
    if repair:
        repaired = await _repair(store, malformed)
        found, malformed = await read_audit(store), await _malformed(store)
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
            "malformed": len(malformed),
            **(
                {"malformedValues": dict(islice(sorted(malformed.items()), PLACES_SHOWN))}
                if malformed
                else {}
            ),
            **({"repaired": repaired} if repair else {}),
        },
    )
    if lost:
        fail("the cursor is lost: `taskqueue cursor set TIME` says from when to go on", ExitCode.AUDIT)
    if found.difference:
        many = abs(found.difference)
        fate = "are missing" if found.difference > 0 else "are there without having come in"
        fail(f"{many} jobs {fate}: keep the store as it is and report this as a bug", ExitCode.AUDIT)
    if malformed:
        fail(
            f"{len(malformed)} values cannot be read and are skipped: `taskqueue audit --repair` removes them",
            ExitCode.CORRUPT,
        )


async def _malformed(store: "Store") -> dict[str, str]:
    """Read what scripts named, and what this process could not read; each place, and what became of the value."""
    from taskqueue.store.malformed import text  # noqa: PLC0415 - slow
    from taskqueue.store.repair import read_notes  # noqa: PLC0415 - slow

    notes = {text(place): fate for place, fate in (await read_notes(store)).items()}
    return {**store.malformed.places, **notes}


async def _repair(store: "Store", malformed: "Mapping[str, str]") -> list[str]:
    """Repair all there is, take note of the rest, and return every place."""
    from taskqueue.store.inspection import inspect, release_subscribers  # noqa: PLC0415 - slow
    from taskqueue.store.repair import forget_notes, read_notes, repair  # noqa: PLC0415 - slow

    wanted = await inspect(store)
    await release_subscribers(store, wanted)
    done = await repair(store, wanted)
    await forget_notes(store, await read_notes(store))
    for place in list(store.malformed.places):
        store.malformed.forget(place)
    return sorted({one.place for one in done} | malformed.keys())


@cursor_app.command("get")
@store_command
async def cursor_get(session: Session) -> None:
    """Show the instant up to which everything was emitted, and how far that is behind the clock."""
    from taskqueue.store.clock import server_now_ms  # noqa: PLC0415 - slow
    from taskqueue.store.cursor import read_cursor  # noqa: PLC0415 - slow

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
    from taskqueue.store.clock import server_now_ms  # noqa: PLC0415 - slow
    from taskqueue.store.cursor import restore_cursor  # noqa: PLC0415 - slow
    from taskqueue.store.types import read_catalog  # noqa: PLC0415 - slow

    cursor_ms = read_instant_ms(time)
    if cursor_ms > await server_now_ms(session.store):
        fail("write a time that has passed: what is due before it would never run", ExitCode.USAGE)
    if not (await read_catalog(session.store)).installed_ms:
        fail("this store never had a cursor: `taskqueue apply PATH` begins one", ExitCode.REFUSED)
    if not await restore_cursor(session.store, cursor_ms):
        fail("the store has a cursor, which only moves forward: nothing was changed", ExitCode.REFUSED)
    show_facts(session.output, {"cursor": iso(cursor_ms)})
