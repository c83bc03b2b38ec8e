"""Writes of the users of one source: removed users first, then users that differ from the store."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from taskqueue.models.locked_params import Locks
from taskqueue.models.values import TaskType, UserSubscription
from taskqueue.process.progress import Progress
from taskqueue.store.connection import Store
from taskqueue.store.fence import UNFENCED, Fence
from taskqueue.store.users import Source, StoredUser, digest, read_stored_users, set_users

#: Users written in one round trip.
BATCH = 200

_Item = TypeVar("_Item")


class UserWriter:
    """The users of one source; users of other sources are left alone. fence: of the leader that writes."""

    def __init__(self, store: Store, source: Source, progress: Progress) -> None:
        self.fence: Fence = UNFENCED
        self._store = store
        self._source: Source = source
        self._progress = progress
        self._stored: dict[str, StoredUser] | None = None
        # Users that were compared already, by identity: digests of 100,000 users take a second.
        self._compared: dict[str, UserSubscription] = {}
        self._locks = Locks({})

    def forget(self) -> None:
        """Forget the stored users: the next write reads and compares all."""
        self._stored, self._compared = None, {}

    def lock(self, types: Iterable[TaskType]) -> None:
        """Compare all users again where these types lock other params, and suspend tasks that override them."""
        locks = Locks.of(types)
        if locks != self._locks:
            self._locks, self._compared = locks, {}

    async def look_again(self) -> None:
        """Let the next write find users that changed in the store: by an import, or by a failover."""
        fresh = await read_stored_users(self._store)
        for user_id, stored in (self._stored or {}).items():
            if fresh.get(user_id) != stored:
                self._compared.pop(user_id, None)
        self._stored = fresh

    async def own(self) -> list[str]:
        """Return the ids of the stored users of this source."""
        if self._stored is None:
            self._stored = await read_stored_users(self._store)
        return [user_id for user_id, stored in self._stored.items() if stored.source == self._source]

    async def remove(self, user_ids: Iterable[str]) -> None:
        """Remove users of this source."""
        for batch in batches(user_ids):
            await self._set(UserSubscription(user_id) for user_id in batch)
            for user_id in batch:
                if self._stored:
                    self._stored.pop(user_id, None)
                self._compared.pop(user_id, None)

    async def write(self, desired: Mapping[str, UserSubscription]) -> tuple[int, list[str]]:
        """Write the users that differ; return their number, and the ids that an import owns."""
        await self.own()
        stored = self._stored
        assert stored is not None
        written, refused_users = 0, []
        for batch in batches(sorted(desired)):
            allowed = {
                user_id: self._locks.apply(desired[user_id])
                for user_id in batch
                if self._compared.get(user_id) is not desired[user_id]
            }
            digests = {user_id: digest(user) for user_id, user in allowed.items()}
            changed = [
                user_id
                for user_id, text in digests.items()
                if stored.get(user_id) != StoredUser(self._source, text)
            ]
            if changed:
                refused = await self._set(allowed[user_id] for user_id in changed)
                refused_users += refused
                written += len(changed) - len(refused)
                stored |= {user_id: StoredUser(self._source, digests[user_id]) for user_id in changed}
                for user_id in refused:
                    del stored[user_id], digests[user_id]
            self._compared |= {user_id: desired[user_id] for user_id in digests}
            await asyncio.sleep(0)  # the ticker shares this thread
        return written, refused_users

    async def write_again(self, users: Sequence[UserSubscription]) -> None:
        """Write users whether or not they differ."""
        await self._set(self._locks.apply(user) for user in users)

    async def _set(self, users: Iterable[UserSubscription]) -> list[str]:
        self._progress.step()
        return await set_users(self._store, self._source, list(users), self.fence)


def batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Yield the items in lists of at most BATCH."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
