"""The account of every job, and the values that cannot be read."""

from collections.abc import Mapping
from itertools import islice
from typing import Literal

from pydantic import Field

from taskqueue.store.audit import audit
from taskqueue.store.connection import Store
from taskqueue.store.malformed import text
from taskqueue.store.repair import read_notes
from taskqueue.store.types import read_catalog
from taskqueue.views.instant import at
from taskqueue.views.view import Instant, View

#: Maximum number of locations that an audit names; all are counted.
MAX_LOCATIONS = 100


class AuditDetail(View):
    """The jobs that came in, went out and are held, at one instant.

    difference: jobs in - out - held; 0 unless jobs are missing.   totals: counters since the store was installed.
    cursor: up to which every job was emitted; None in a store without types.   malformed: the number of values that
    cannot be read; malformed_values: their locations, with the fate of each.
    """

    difference: int
    totals: dict[str, int]
    ready: dict[str, int]
    parked: int
    suspects: int
    leased: int
    dead_letters: int
    cursor: Instant | Literal["lost"] | None
    now: Instant
    malformed: int
    malformed_values: dict[str, str] = Field(exclude_if=lambda values: not values)


async def read_audit(store: Store) -> AuditDetail:
    """Count every job, and name the values that cannot be read."""
    found = await audit(store)
    is_installed = (await read_catalog(store)).installed_ms > 0
    malformed = await read_malformed(store)
    cursor = "lost" if found.cursor < 0 else at(found.cursor)
    return AuditDetail(
        difference=found.difference,
        totals=dict(sorted(found.totals.items())),
        ready=dict(found.ready),
        parked=found.parked,
        suspects=found.suspects,
        leased=found.leased,
        dead_letters=found.dead_letters,
        cursor=cursor if is_installed else None,
        now=at(found.now),
        malformed=len(malformed),
        malformed_values=dict(islice(sorted(malformed.items()), MAX_LOCATIONS)),
    )


async def read_malformed(store: Store) -> Mapping[str, str]:
    """Return the locations of unreadable values, noted by scripts or found here, with the fate of each value."""
    notes = {text(location): fate for location, fate in (await read_notes(store)).items()}
    return {**store.malformed.locations, **notes}
