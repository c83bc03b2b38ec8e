"""Writes the difference between what is wanted and what the store has. Level-triggered: call it at will.

Types first, then the users who leave, then the others in the order of their ids, then what has to be dealt
anew. It may be cut off anywhere: the next call, of this process or another, finds what is missing.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from taskqueue.models.locked_params import Locks
from taskqueue.models.values import TaskType, UserSubscription
from taskqueue.process.progress import Progress
from taskqueue.scheduler.errors import StoreReplacedError, StoreRevertedError
from taskqueue.scheduler.mending import Mending
from taskqueue.scheduler.reconcile import Change, advance, pending_move
from taskqueue.sources.desired import Protected
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.cursor import read_cursor
from taskqueue.store.errors import CursorLostError, TypesMovedError
from taskqueue.store.fence import UNFENCED, Fence
from taskqueue.store.generations import redeal
from taskqueue.store.inspection import wake_parked
from taskqueue.store.repair import forget_notes, repair
from taskqueue.store.type_record import TypeRecord
from taskqueue.store.types import Catalog, put_types, read_catalog
from taskqueue.store.users import Source, StoredUser, digest, read_stored_users, set_users

#: Users written in one round trip.
BATCH = 200
#: Places of values that only a whole publish writes.
_WRITTEN_BY_PUBLISH = frozenset({b"config", b"config rate", b"users"})
_Item = TypeVar("_Item")
#: More removals than this at once, and than this part of what there is, want a confirmation; and so does everything.
REMOVALS_FREE = 100
REMOVALS_FREE_PART = 0.2


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish did. held: users and types whose removal waits. foreign: users that an import owns."""

    types_written: int = 0
    users_written: int = 0
    users_removed: int = 0
    held: int = 0
    foreign: tuple[str, ...] = ()


_NOTHING_PROTECTED = Protected()


class Publisher:
    """Publishes for one source of manifests; other sources' users are left alone."""

    def __init__(self, store: Store, source: Source = "folder") -> None:
        self.progress = Progress("publishing")
        self._store = store
        self._source: Source = source
        self._fence = UNFENCED
        self._lock = asyncio.Lock()
        self._installed_ms = 0
        self._version = 0
        self._mending = Mending(store)
        #: Something that only a publish writes was lost with a key that was set aside: the limit, all users.
        self.incomplete = False
        self._owners: dict[str, StoredUser] | None = None
        # What was compared already, by identity: digests of 100,000 users take a second.
        self._seen: dict[str, UserSubscription] = {}
        self._locks = Locks({})

    def lead(self, fence: Fence) -> bool:
        """Write as this leader from now on. True if it is another: what was written meanwhile is not known."""
        changed, self._fence = fence != self._fence, fence
        if changed:
            self.forget()
        return changed

    def forget(self) -> None:
        """Take nothing for granted any more: the next publish reads all from the store."""
        self._installed_ms = self._version = 0
        self._owners = None
        self._seen = {}
        self._mending.forget()

    async def look_again(self) -> None:
        """Let the next publish find what others did to users: an import, or a failover that lost some."""
        async with self._lock:
            fresh = await read_stored_users(self._store)
            for user_id, owner in (self._owners or {}).items():
                if fresh.get(user_id) != owner:
                    self._seen.pop(user_id, None)
            self._owners = fresh

    async def publish(
        self,
        types: Mapping[str, TaskType],
        users: Mapping[str, UserSubscription],
        *,
        prune: bool = True,
        protected: Protected = _NOTHING_PROTECTED,
        confirm_removals: bool = False,
        as_of_ms: int | None = None,
    ) -> Published:
        """Make the store have these types, and these users of this source.

        prune False: what is not named stays.   protected: what stays as it is.
        confirm_removals: also remove many at once.
        as_of_ms: new types begin with the period of that instant instead of now.
        Raises StoreReplacedError, StoreRevertedError, DeposedError, ForeignOwnerError and StoreFailure.
        """
        async with self._lock:
            wanted = {user_id: user for user_id, user in users.items() if user.tasks}
            self._mending.types, self._mending.users = types, wanted
            self.incomplete = False
            await self._mend()
            catalog = await self._read()
            if self._owners is None:
                self._owners = await read_stored_users(self._store)
            ours = [user_id for user_id, owner in self._owners.items() if owner.source == self._source]
            stay = protected.users | wanted.keys()
            gone = sorted(user_id for user_id in ours if prune and user_id not in stay)
            stay = protected.types | types.keys()
            gone_types = [name for name in catalog.records if prune and name not in stay]
            held = 0
            if not confirm_removals and (_many(gone, ours) or _many(gone_types, catalog.records)):
                held = len(gone) + len(gone_types)
                gone, gone_types = [], []
            specs = {**dict.fromkeys(gone_types), **types}
            written = await self._round(specs, as_of_ms, moving=False)
            # Leaving first: who joins gets the numbers that become free, and the spread stays even.
            for batch in _batches(gone):
                await self._set_users(UserSubscription(user_id) for user_id in batch)
                for user_id in batch:
                    self._owners.pop(user_id, None)
                    self._seen.pop(user_id, None)
            users_written, foreign = await self._write_users(wanted)
            written |= await self._settle(specs, as_of_ms)
            return Published(len(written), users_written, len(gone), held, tuple(foreign))

    async def maintain(self) -> int:
        """Carry on what is under way in the store and return how many types were written.

        Raises StoreReplacedError, StoreRevertedError and StoreFailure.
        """
        async with self._lock:
            catalog = await self._mend()
            published = self._mending.types or {}
            if not published.keys() <= catalog.records.keys() | catalog.unreadable:  # removed by a repair
                self.incomplete = True
            return len(await self._settle({}, None))

    async def _mend(self) -> Catalog:
        """Write anew what cannot be read, as far as it is the manifests' or was known; return what was read before."""
        catalog = await self._read()
        self._learn_locks(catalog)
        notes = await self._mending.notes()  # those of that reading, too
        self._version = await self._mending.mend_types(catalog, notes, self._fence) or self._version
        found = self._mending.unreadable_users(notes)
        for places in _batches(found):
            users = {user.user_id: self._locks.apply(user) for user in map(found.__getitem__, places)}
            await self._set_users(users.values())
            await forget_notes(self._store, places)
        if b"wake" in notes:
            await repair(self._store, await wake_parked(self._store))
            await forget_notes(self._store, [b"wake"])
        lost = [place for place in notes if place in _WRITTEN_BY_PUBLISH]
        if lost:
            self.incomplete = True
            self._owners, self._seen = None, {}
            await forget_notes(self._store, lost)
        return catalog

    def _learn_locks(self, catalog: Catalog) -> None:
        """Compare all users anew where types lock other params: tasks that override those are suspended."""
        stored = {name: record.task_type for name, record in catalog.records.items()}
        specs = {**stored, **(self._mending.types or {})}
        locks = Locks.of(specs.values())
        if locks != self._locks:
            self._locks, self._seen = locks, {}

    async def _read(self) -> Catalog:
        self.progress.step()
        catalog = await read_catalog(self._store)
        if self._installed_ms and catalog.installed_ms != self._installed_ms:
            raise StoreReplacedError
        if catalog.version < self._version:  # a failover or a backup: older than what was written
            self.forget()
            raise StoreRevertedError
        self._installed_ms, self._version = catalog.installed_ms, catalog.version
        return catalog

    async def _settle(self, specs: Mapping[str, TaskType | None], as_of_ms: int | None) -> set[str]:
        written: set[str] = set()
        while changed := await self._round(specs, as_of_ms, moving=True):
            written |= changed
        return written

    async def _round(
        self, specs: Mapping[str, TaskType | None], as_of_ms: int | None, *, moving: bool
    ) -> set[str]:
        """Write one step of every type that has one to make, in one call, and return those types.

        moving False: those that have subscriptions to deal anew stay where they are.
        """
        moved: dict[str, TypeRecord] = {}
        while True:
            catalog = await self._read()
            records = catalog.records
            if moving:
                await self._move(records, moved)
            cursor_ms, now_ms = await self._cursor(), as_of_ms or await server_now_ms(self._store)
            changes = []
            for name in sorted(records.keys() | specs.keys()):
                record = records.get(name)
                if record and not moving and pending_move(record):
                    continue
                spec = specs[name] if name in specs else records[name].task_type
                change = advance(record, spec, cursor_ms, now_ms)
                if change:
                    changes.append(change)
            if not changes:
                return set()
            try:
                self._version = await self._write(catalog.version, changes)
            except TypesMovedError:
                continue
            return {change.type for change in changes}

    async def _move(self, records: Mapping[str, TypeRecord], moved: dict[str, TypeRecord]) -> None:
        """Deal anew what has to be, but for records that `moved` holds just as they are."""
        for name, record in records.items():
            move = pending_move(record)
            if move and moved.get(name) != record:
                for generation in move.sources:
                    self.progress.step()
                    await redeal(self._store, name, generation, move.target)
                moved[name] = record

    async def _write(self, version: int, changes: Sequence[Change]) -> int:
        deadlines = [change.before_cursor_ms for change in changes if change.before_cursor_ms]
        return await put_types(
            self._store,
            version,
            [change.record for change in changes if change.record],
            removed=[change.type for change in changes if not change.record],
            dropped=[(change.type, number) for change in changes for number in change.dropped],
            before_cursor_ms=min(deadlines, default=0),
            fence=self._fence,
        )

    async def _cursor(self) -> int | None:
        try:
            return await read_cursor(self._store)
        except CursorLostError:
            return None

    async def _set_users(self, users: Iterable[UserSubscription]) -> list[str]:
        self.progress.step()
        return await set_users(self._store, self._source, list(users), self._fence)

    async def _write_users(self, wanted: Mapping[str, UserSubscription]) -> tuple[int, list[str]]:
        """Write the users that differ; return how many, and those that an import owns."""
        owners = self._owners
        assert owners is not None
        written, foreign = 0, []
        for batch in _batches(sorted(wanted)):
            allowed = {
                user_id: self._locks.apply(wanted[user_id])
                for user_id in batch
                if self._seen.get(user_id) is not wanted[user_id]
            }
            digests = {user_id: digest(user) for user_id, user in allowed.items()}
            changed = [
                user_id
                for user_id, text in digests.items()
                if owners.get(user_id) != StoredUser(self._source, text)
            ]
            if changed:
                refused = await self._set_users(allowed[user_id] for user_id in changed)
                foreign += refused
                written += len(changed) - len(refused)
                owners |= {user_id: StoredUser(self._source, digests[user_id]) for user_id in changed}
                for user_id in refused:
                    del owners[user_id], digests[user_id]
            self._seen |= {user_id: wanted[user_id] for user_id in digests}
            await asyncio.sleep(0)  # the ticker shares this thread
        return written, foreign


def _many(gone: Collection[str], there: Collection[str]) -> bool:
    return len(gone) > max(REMOVALS_FREE, REMOVALS_FREE_PART * len(there)) or 1 < len(gone) == len(there)


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
