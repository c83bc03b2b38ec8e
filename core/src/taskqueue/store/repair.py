"""repair: the removal of malformed values; scripts/repair.lua keeps the difference of audit at 0."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from taskqueue.store.command import hgetall
from taskqueue.store.connection import Store
from taskqueue.store.malformed import text
from taskqueue.store.script import Script
from taskqueue.store.wire import packed

_REPAIR = Script("repair", packed(list[int]))
#: Repairs of one call of the script: milliseconds of the server's time.
_BATCH = 200

NOTES = "malformed"


Action = Literal["field", "member", "score", "key", "type", "subscription", "parked", "lane", "note"]


class Repair(NamedTuple):
    """One step of scripts/repair.lua. seen: the value that was found, or the value to write."""

    action: Action
    name: str
    field: bytes = b""
    seen: bytes = b""

    @property
    def location(self) -> str:
        """Return the location that is repaired, for people."""
        return f"{self.name} {text(self.field)}".strip()


async def read_notes(store: Store) -> dict[bytes, str]:
    """Read the locations that scripts noted since the last repair, each with the fate of its value."""
    rows = await store.read(hgetall(store.keys(NOTES)))
    return {location: text(fate) for location, fate in rows.items()}


async def repair(store: Store, repairs: Sequence[Repair]) -> list[Repair]:
    """Carry out repairs and return the completed ones: a value that changed since it was seen is left alone."""
    done: list[Repair] = []
    for start in range(0, len(repairs), _BATCH):
        batch = repairs[start : start + _BATCH]
        flags = await store.run(_REPAIR, *(part for one in batch for part in one))
        done += [one for one, flag in zip(batch, flags, strict=True) if flag]
    for one in done:
        store.malformed.forget(one.location)
    return done


async def forget_notes(store: Store, locations: Iterable[bytes]) -> None:
    """Take locations off the list of malformed values: their values were written again."""
    locations = list(locations)
    await repair(store, [Repair("note", NOTES, location) for location in locations])
    for location in locations:
        store.malformed.forget(text(location))
