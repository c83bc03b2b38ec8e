"""Repair of task types and users of manifests that the store holds in an unreadable form.

A type is written as it was last read, if the types did not change since. A process that never read it adopts the
stored schedule if its offsets are those of the manifest's schedule: then no job runs twice and none is left out.
Otherwise the subscriptions are dealt again, as for a new type.
"""

import time
from collections.abc import Collection, Iterable, Mapping

import structlog

from taskqueue.models.values import TaskType, UserSubscription
from taskqueue.plan.spread import spread_classes
from taskqueue.store.connection import Store
from taskqueue.store.errors import TypesMovedError
from taskqueue.store.fence import Fence
from taskqueue.store.generations import find_generations, read_sample, redeal
from taskqueue.store.malformed import text
from taskqueue.store.repair import forget_notes, read_notes
from taskqueue.store.scalars import MAX_GENERATIONS, WAITING_ROOM
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import Catalog, put_types
from taskqueue.store.user_key import read_user

#: Seconds between two repairs of one type: two releases that cannot read each other's records would take turns.
_AGAIN_S = 10.0
_TYPES = b"types"
#: Members whose offsets are compared before a stored schedule is adopted.
_SAMPLE = 50

log = structlog.get_logger()


class Repair:
    """The types of the store as last readable. types, users: the desired ones, None before the first publish."""

    def __init__(self, store: Store) -> None:
        self.types: Mapping[str, TaskType] | None = None
        self.users: Mapping[str, UserSubscription] = {}
        self._store = store
        self._known: dict[str, TypeRecord] = {}
        self._version = -1
        self._repaired_s: dict[str, float] = {}

    def forget(self) -> None:
        """Forget the types: the store was replaced."""
        self._known, self._version = {}, -1

    async def notes(self) -> Collection[bytes]:
        """Return the locations that scripts found malformed, and log new ones."""
        notes = await read_notes(self._store)
        for location, fate in notes.items():
            self._store.malformed.add(text(location), fate)
        return notes.keys()

    async def repair_types(self, catalog: Catalog, notes: Collection[bytes], fence: Fence) -> int | None:
        """Write unreadable types again. Return the new version, or None if nothing was written."""
        names = self._unreadable(catalog, notes)
        if not names:
            self._known, self._version = dict(catalog.records), catalog.version
            return None
        records, dropped = await self._repaired(names, catalog)
        if not records:
            return None
        try:
            version = await put_types(self._store, catalog.version, records, dropped=dropped, fence=fence)
        except TypesMovedError:
            return None
        written = [record.task_type.name for record in records]
        self._repaired_s |= dict.fromkeys(written, time.monotonic())
        log.warning("unreadable types repaired", types=written[:10], count=len(written))
        for record in records:  # subscriptions made meanwhile wait for the type
            if record.newest and not record.building:
                await redeal(self._store, record.task_type.name, WAITING_ROOM, record.newest.number)
        locations = [f"types {name}".encode() for name in written]
        await forget_notes(self._store, [*locations, *([_TYPES] if names <= set(written) else [])])
        return version

    def _unreadable(self, catalog: Catalog, notes: Collection[bytes]) -> set[str]:
        names = set(catalog.unreadable)
        if _TYPES in notes:  # all of them were set aside
            known = self._known if catalog.version == self._version else {}
            names |= ((self.types or {}).keys() | known.keys()) - catalog.records.keys()
        return names

    async def _repaired(
        self, names: Iterable[str], catalog: Catalog
    ) -> tuple[list[TypeRecord], list[tuple[str, int]]]:
        """Return records for the types that can be repaired now, and the generations to drop with them."""
        known = self._known if catalog.version == self._version else {}
        records, dropped = list[TypeRecord](), list[tuple[str, int]]()
        latest_s = time.monotonic() - _AGAIN_S
        for name in sorted(names):
            if self._repaired_s.get(name, latest_s) > latest_s:
                continue
            record = catalog.records.get(name) or known.get(name)
            if record is None and self.types is not None and name in self.types:
                record, gone = await self._adopt(self.types[name])
                dropped += [(name, number) for number in gone]
            if record is not None:
                records.append(record)
        return records, dropped

    async def _adopt(self, task_type: TaskType) -> tuple[TypeRecord, list[int]]:
        """Return a record for the stored schedule of a type, and the generations to drop with it."""
        store, numbers = self._store, range(1, MAX_GENERATIONS + 1)
        full = await find_generations(store, task_type.name, numbers)
        if len(full) == 1 and await self._fits(task_type, full[0]):
            return TypeRecord(task_type, (Generation(full[0], task_type.schedule),)), []
        for number in full:
            await redeal(store, task_type.name, number, WAITING_ROOM)
        return TypeRecord(task_type, (), building=Generation(1, task_type.schedule)), full

    async def _fits(self, task_type: TaskType, number: int) -> bool:
        """Tell whether the members of a generation have the offsets that the schedule gives to their numbers."""
        classes = spread_classes(task_type.schedule)
        sample = await read_sample(self._store, task_type.name, number, _SAMPLE)
        return bool(sample) and all(
            subscription.generation == number
            and any(one.offset_ms(subscription.number) == place.offset_ms for one in classes)
            for subscription, place in sample
        )

    def unreadable_users(self, notes: Collection[bytes]) -> dict[bytes, UserSubscription]:
        """Return the desired users whose stored records are unreadable, by the location noted."""
        found = {}
        for location in notes:
            key, _, field = location.decode(errors="replace").partition(" ")
            match key.split(":"):
                case ["subscriptions", stored_user]:
                    user = self._user(stored_user)
                case ["limits", _]:
                    user = self._user(field)
                case _:
                    user = None
            if user:
                found[location] = user
        return found

    def _user(self, stored_user: str) -> UserSubscription | None:
        """Return the desired user of an id as the store holds it."""
        try:
            return self.users.get(read_user(stored_user))
        except ValueError:
            return None
