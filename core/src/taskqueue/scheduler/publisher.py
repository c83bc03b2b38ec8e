"""Writes of the difference between the desired and the stored state. Level-triggered: may be called at any time.

The order is: limits, types, waiting jobs that follow limits that changed, leaving users, the other users in the order
of their ids, the dealing of subscriptions, limits that nothing names any more, and again waiting jobs.
A publish may be interrupted anywhere: the next one, of this process or another, finds the rest of the difference.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from taskqueue.models.values import Limit, TaskType, UserSubscription
from taskqueue.process.progress import Progress
from taskqueue.scheduler.limit_writer import LimitWriter
from taskqueue.scheduler.repair import Repair
from taskqueue.scheduler.suspensions import Suspensions
from taskqueue.scheduler.type_writer import TypeWriter
from taskqueue.scheduler.user_writer import UserWriter, batches
from taskqueue.sources.desired import Protected
from taskqueue.sources.removals import are_many
from taskqueue.store.connection import Store
from taskqueue.store.fence import UNFENCED, Fence
from taskqueue.store.inspection import INDEXES, rebuild_indexes
from taskqueue.store.repair import forget_notes, repair
from taskqueue.store.types import Catalog
from taskqueue.store.user_pauses import end_pauses
from taskqueue.store.users import Source

#: Places of values that only a whole publish writes; so are the limits.
_WRITTEN_BY_PUBLISH = frozenset({b"config", b"config rate", b"users"})


@dataclass(frozen=True, slots=True)
class Published:
    """The result of a publish.

    pending_removals: users and types whose removal waits.   of_other_sources: users of imports and applications.
    """

    types_written: int = 0
    users_written: int = 0
    users_removed: int = 0
    pending_removals: int = 0
    of_other_sources: tuple[str, ...] = ()
    limits_written: int = 0


_NOTHING_PROTECTED = Protected()
_NO_LIMITS: Mapping[str, Limit] = MappingProxyType({})


class Publisher:
    """Publishes for one source of manifests.

    progress: of the loop that publishes.
    incomplete: the store lost a value that only a publish writes: the limit, the users.
    """

    def __init__(self, store: Store, source: Source = "folder") -> None:
        self.progress = Progress("publishing")
        self.incomplete = False
        self._store = store
        self._fence = UNFENCED
        self._lock = asyncio.Lock()
        self._types = TypeWriter(store, self.progress)
        self._limits = LimitWriter(store, self._types)
        self._users = UserWriter(store, source, self.progress)
        self._suspensions = Suspensions(store, self.progress)
        self._repair = Repair(store)

    def lead(self, fence: Fence) -> bool:
        """Write with this fence from now on. Return True if it is new: other leaders may have written meanwhile."""
        changed = fence != self._fence
        self._fence = self._types.fence = self._users.fence = fence
        if changed:
            self.forget()
        return changed

    def forget(self) -> None:
        """Forget the store: the next publish reads all of it."""
        self._types.forget()
        self._users.forget()
        self._repair.forget()

    async def look_again(self) -> None:
        """Let the next publish find users that changed in the store: by an import, or by a failover."""
        async with self._lock:
            await self._users.look_again()

    async def publish(
        self,
        types: Mapping[str, TaskType],
        users: Mapping[str, UserSubscription],
        *,
        limits: Mapping[str, Limit] = _NO_LIMITS,
        prune: bool = True,
        protected: Protected = _NOTHING_PROTECTED,
        confirm_removals: bool = False,
        as_of_ms: int | None = None,
    ) -> Published:
        """Bring the store to these types and limits, and to these users of this source.

        prune False: types, users and limits that are not given stay.   protected: those that stay as they are.
        confirm_removals: also remove many at once.
        as_of_ms: new types begin with the period of that instant instead of now.
        Raises DeposedError, ForeignOwnerError, StoreFailure, and StoreReplacedError or StoreRevertedError, after which
        `forget` must be called.
        """
        async with self._lock:
            desired = {user_id: user for user_id, user in users.items() if user.tasks}
            self._repair.types, self._repair.users = types, desired
            self.incomplete = False
            await self._mend()
            catalog = await self._types.read()
            own = await self._users.own()
            stay = protected.users | desired.keys()
            gone = sorted(user_id for user_id in own if prune and user_id not in stay)
            stay = protected.types | types.keys()
            gone_types = [name for name in catalog.records if prune and name not in stay]
            pending = 0
            many = are_many(len(gone), len(own)) or are_many(len(gone_types), len(catalog.records))
            if many and not confirm_removals:
                pending = len(gone) + len(gone_types)
                gone, gone_types = [], []
            desired_types = {**dict.fromkeys(gone_types), **types}
            limits_written = await self._limits.write(limits)
            written = await self._types.step(desired_types, as_of_ms, moving=False)
            await self._follow()
            # First the leaving users: the joining ones get the numbers that become free, and the spread stays even.
            await self._users.remove(gone)
            users_written, of_other_sources = await self._users.write(desired)
            written |= await self._types.write_all_steps(desired_types, as_of_ms)
            if prune:
                limits_written += await self._limits.remove(protected.limits | limits.keys())
            await self._follow()
            return Published(
                len(written), users_written, len(gone), pending, tuple(of_other_sources), limits_written
            )

    async def maintain(self) -> int:
        """Write the next steps of the stored types, and return the number of types written.

        Raises as `publish` does.
        """
        async with self._lock:
            catalog = await self._mend()
            published = self._repair.types or {}
            if not published.keys() <= catalog.records.keys() | catalog.unreadable:  # removed by a repair
                self.incomplete = True
            written = await self._types.write_all_steps({})
            await self._follow()
            await self._suspensions.follow(stored.task_type for stored in catalog.records.values())
            return len(written)

    async def _follow(self) -> None:
        """Have all waiting jobs follow changed limits, and resume the users whose pause is over."""
        await self._limits.follow()
        while await end_pauses(self._store):
            self.progress.step()

    async def _mend(self) -> Catalog:
        """Write unreadable values again, of manifests or as last read; return the types as read before."""
        catalog = await self._types.read()
        stored = {name: record.task_type for name, record in catalog.records.items()}
        self._users.lock({**stored, **(self._repair.types or {})}.values())
        notes = await self._repair.notes()  # after the read, which may add notes
        version = await self._repair.repair_types(catalog, notes, self._fence)
        self._types.version = version or self._types.version
        found = self._repair.unreadable_users(notes)
        for locations in batches(found):
            await self._users.write_again(
                list({found[location].user_id: found[location] for location in locations}.values())
            )
            await forget_notes(self._store, locations)
        lost = [index.encode() for index in INDEXES if index.encode() in notes]
        if lost:
            await repair(self._store, await rebuild_indexes(self._store))
            await forget_notes(self._store, lost)
        lost = [location for location in notes if _is_written_by_publish(location)]
        if lost:
            self.incomplete = True
            self._users.forget()
            await forget_notes(self._store, lost)
        return catalog


def _is_written_by_publish(location: bytes) -> bool:
    return location in _WRITTEN_BY_PUBLISH or location.split(b" ")[0] == b"limits"
