"""audit: every job accounted for, and every value that cannot be read."""

from typing import Annotated, Any

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details
from taskqueue.store.connection import Store
from taskqueue.store.inspection import inspect, release_subscribers
from taskqueue.store.repair import forget_notes, read_notes, repair
from taskqueue.views.audit import read_audit, read_malformed


@store_command
async def audit(
    session: Session,
    repair: Annotated[
        bool, typer.Option("--repair", help="Read every value, and remove values that cannot be read.")
    ] = False,
) -> None:
    """Check that the jobs that came in equal the jobs that went out and are held; name unreadable values."""
    store = session.store
    found, repaired = await read_audit(store), dict[str, Any]()
    if repair:
        repaired["repaired"] = await _repair(store)
        found = await read_audit(store)
    show_details(session.output, {**found.to_json(), **repaired})
    if found.cursor == "lost":
        fail("the cursor is lost: `taskqueue cursor set TIME` restores it", ExitCode.AUDIT)
    if found.difference:
        many = abs(found.difference)
        fate = "are missing" if found.difference > 0 else "are held without having come in"
        fail(f"{many} jobs {fate}: keep the store as it is and report this as a bug", ExitCode.AUDIT)
    if found.malformed:
        fail(
            f"{found.malformed} values cannot be read and are skipped: `taskqueue audit --repair` removes them",
            ExitCode.CORRUPT,
        )


async def _repair(store: Store) -> list[str]:
    """Remove or set aside every unreadable value, and return the locations."""
    malformed, wanted = await read_malformed(store), await inspect(store)
    await release_subscribers(store, wanted)
    done = await repair(store, wanted)
    await forget_notes(store, await read_notes(store))
    for location in list(store.malformed.locations):
        store.malformed.forget(location)
    return sorted({one.location for one in done} | malformed.keys())
