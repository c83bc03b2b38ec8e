"""audit: every job accounted for, and every value that cannot be read."""

from collections.abc import Mapping
from itertools import islice
from typing import Annotated

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.cli.instant import iso
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details
from taskqueue.store.audit import audit as read_audit
from taskqueue.store.connection import Store
from taskqueue.store.inspection import inspect, release_subscribers
from taskqueue.store.malformed import text
from taskqueue.store.repair import forget_notes, read_notes, repair
from taskqueue.store.types import read_catalog

#: Maximum number of locations that `audit` names; all are counted.
MAX_LOCATIONS = 100


@store_command
async def audit(
    session: Session,
    repair: Annotated[
        bool, typer.Option("--repair", help="Read every value, and remove values that cannot be read.")
    ] = False,
) -> None:
    """Check that the jobs that came in equal the jobs that went out and are held; name unreadable values."""
    store = session.store
    found = await read_audit(store)
    installed = (await read_catalog(store)).installed_ms > 0
    malformed = await _malformed(store)
    repaired: list[str] = []
    if repair:
        repaired = await _repair(store, malformed)
        found, malformed = await read_audit(store), await _malformed(store)
    lost = installed and found.cursor < 0
    show_details(
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
                {"malformedValues": dict(islice(sorted(malformed.items()), MAX_LOCATIONS))}
                if malformed
                else {}
            ),
            **({"repaired": repaired} if repair else {}),
        },
    )
    if lost:
        fail("the cursor is lost: `taskqueue cursor set TIME` restores it", ExitCode.AUDIT)
    if found.difference:
        many = abs(found.difference)
        fate = "are missing" if found.difference > 0 else "are held without having come in"
        fail(f"{many} jobs {fate}: keep the store as it is and report this as a bug", ExitCode.AUDIT)
    if malformed:
        fail(
            f"{len(malformed)} values cannot be read and are skipped: `taskqueue audit --repair` removes them",
            ExitCode.CORRUPT,
        )


async def _malformed(store: Store) -> dict[str, str]:
    """Return the locations of unreadable values, noted by scripts or found here, with the fate of each value."""
    notes = {text(location): fate for location, fate in (await read_notes(store)).items()}
    return {**store.malformed.locations, **notes}


async def _repair(store: Store, malformed: Mapping[str, str]) -> list[str]:
    """Remove or set aside every unreadable value, and return the locations."""
    wanted = await inspect(store)
    await release_subscribers(store, wanted)
    done = await repair(store, wanted)
    await forget_notes(store, await read_notes(store))
    for location in list(store.malformed.locations):
        store.malformed.forget(location)
    return sorted({one.location for one in done} | malformed.keys())
