"""A number that tells whether subscriptions have the places they had: a store that is filled anew may deal others."""

from collections.abc import Iterable
from math import isfinite
from zlib import crc32

from taskqueue.plan.spread import spread_class
from taskqueue.store.catalog import TypeRecord
from taskqueue.store.connection import Store

_BATCH = 1_000


async def digest_places(store: Store, records: Iterable[TypeRecord]) -> int:
    """Return a number that changes with any place of these types' subscriptions, suspended ones included.

    0: a schedule takes over from another, and places are about to change.
    """
    total = 1
    for record in records:
        if record.building or len(record.active) != 1:
            return 0
        (generation,) = record.active
        salt = crc32(f"{record.spec.name} {spread_class(generation.schedule)}".encode())
        async for rows in store.scan(
            "ZSCAN", store.keys.schedule(record.spec.name, generation.number), _BATCH
        ):
            for user, score in rows:
                if not isfinite(score):
                    continue  # nobody's
                place = int(score if score >= 0 else -1 - score)
                total += crc32(b"%s %d" % (user, place), salt)
    return total
