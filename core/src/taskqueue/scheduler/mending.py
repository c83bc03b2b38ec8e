"""Writes again what manifests own and the store holds in a form that cannot be read: task types and users.

A type is written as it was last read, if nothing changed since. A process that never read it takes over the schedule
that is there, where its offsets are those of the manifest's schedule: then nothing runs twice and nothing is left out.
Else its subscriptions are dealt anew, as when a type appears.
"""

import time
from collections.abc import Collection, Iterable, Mapping

import structlog

from taskqueue.models.values import TaskType, UserSubscription
from taskqueue.plan.schedule import window_s
from taskqueue.plan.spread import offset_ms
from taskqueue.store.connection import Store
from taskqueue.store.errors import TypesMovedError
from taskqueue.store.fence import Fence
from taskqueue.store.generations import find_generations, read_sample, redeal
from taskqueue.store.malformed import text
from taskqueue.store.repair import forget_notes, read_notes
from taskqueue.store.type_record import GENERATIONS_MOST, Generation, TypeRecord
from taskqueue.store.types import Catalog, put_types

#: One type is not written again more often: two releases that do not read each other's records would take turns.
_AGAIN_S = 10.0
_WAITING_ROOM = 0
_TYPES = b"types"
#: Members whose offsets are compared before a schedule that is there is taken over.
_SAMPLE = 50

log = structlog.get_logger()


class Mending:
    """What was readable last, and what the manifests say of it.

    types, users: as the manifests have them, None until they were published once.
    """

    def __init__(self, store: Store) -> None:
        self.types: Mapping[str, TaskType] | None = None
        self.users: Mapping[str, UserSubscription] = {}
        self._store = store
        self._known: dict[str, TypeRecord] = {}
        self._version = -1
        self._mended_s: dict[str, float] = {}

    def forget(self) -> None:
        """Know nothing of the store: it is another one."""
        self._known, self._version = {}, -1

    async def notes(self) -> Collection[bytes]:
        """Read what scripts found malformed, and tell of what is new."""
        notes = await read_notes(self._store)
        for place, fate in notes.items():
            self._store.malformed.add(text(place), fate)
        return notes.keys()

    async def mend_types(self, catalog: Catalog, notes: Collection[bytes], fence: Fence) -> int | None:
        """Write unreadable types anew; return the version since then, None if there was nothing to write."""
        names = self._unreadable(catalog, notes)
        if not names:
            self._known, self._version = dict(catalog.records), catalog.version
            return None
        records, dropped = await self._written_anew(names, catalog)
        if not records:
            return None
        try:
            version = await put_types(self._store, catalog.version, records, dropped=dropped, fence=fence)
        except TypesMovedError:
            return None
        written = [record.task_type.name for record in records]
        self._mended_s |= dict.fromkeys(written, time.monotonic())
        log.warning("unreadable task types written again", types=written[:10], count=len(written))
        for record in records:  # who subscribed meanwhile waits for the type
            if record.newest and not record.building:
                await redeal(self._store, record.task_type.name, _WAITING_ROOM, record.newest.number)
        places = [f"types {name}".encode() for name in written]
        await forget_notes(self._store, [*places, *([_TYPES] if names <= set(written) else [])])
        return version

    def _unreadable(self, catalog: Catalog, notes: Collection[bytes]) -> set[str]:
        names = set(catalog.unreadable)
        if _TYPES in notes:  # all of them were set aside
            known = self._known if catalog.version == self._version else {}
            names |= ((self.types or {}).keys() | known.keys()) - catalog.records.keys()
        return names

    async def _written_anew(
        self, names: Iterable[str], catalog: Catalog
    ) -> tuple[list[TypeRecord], list[tuple[str, int]]]:
        """Return records for as many of the types as can be, and the generations to drop with them."""
        known = self._known if catalog.version == self._version else {}
        records, dropped = list[TypeRecord](), list[tuple[str, int]]()
        latest_s = time.monotonic() - _AGAIN_S
        for name in sorted(names):
            if self._mended_s.get(name, latest_s) > latest_s:
                continue
            record = catalog.records.get(name) or known.get(name)
            if record is None and self.types is not None and name in self.types:
                record, gone = await self._adopt(self.types[name])
                dropped += [(name, number) for number in gone]
            if record is not None:
                records.append(record)
        return records, dropped

    async def _adopt(self, spec: TaskType) -> tuple[TypeRecord, list[int]]:
        """Make a record for what is there of a type, and say which generations are to be dropped with it."""
        store, numbers = self._store, range(1, GENERATIONS_MOST + 1)
        full = await find_generations(store, spec.name, numbers)
        if len(full) == 1 and await self._fits(spec, full[0]):
            return TypeRecord(spec, (Generation(full[0], spec.schedule),)), []
        for number in full:
            await redeal(store, spec.name, number, _WAITING_ROOM)
        return TypeRecord(spec, (), building=Generation(1, spec.schedule)), full

    async def _fits(self, spec: TaskType, number: int) -> bool:
        """Whether the members of a generation have the offsets that the schedule gives to their numbers."""
        window = window_s(spec.schedule)
        sample = await read_sample(self._store, spec.name, number, _SAMPLE)
        return bool(sample) and all(
            task.generation == number and offset_ms(task.number, window) == offset for task, offset in sample
        )

    def unreadable_users(self, notes: Collection[bytes]) -> dict[bytes, UserSubscription]:
        """Return the users of the manifests whose records cannot be read, by the place that was noted."""
        found = {}
        for place in notes:
            name = place.partition(b" ")[0].split(b":")
            if name[0] == b"users" and len(name) == 3 and name[2] == b"tasks":  # noqa: PLR2004 - users:USER:tasks
                user = self.users.get(text(name[1]))
                if user:
                    found[place] = user
        return found
