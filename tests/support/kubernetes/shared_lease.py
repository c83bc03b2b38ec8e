"""A Lease that several replicas share, without an API server: slow, failing, losing answers, late, by a seed."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from taskqueue.store.fence import Fence
from taskqueue_operator.connection import ApiError
from taskqueue_operator.leader import Leader
from taskqueue_operator.lease_record import LeaseRecord

if TYPE_CHECKING:
    from taskqueue.scheduler.floors import CursorCopy


@dataclass
class Shared:
    """The record as the server has it. written: called with the old and the new value as a write takes effect."""

    record: LeaseRecord = field(default_factory=LeaseRecord)
    version: int = 0
    history: list[LeaseRecord] = field(default_factory=list)
    written: Callable[[LeaseRecord, LeaseRecord], None] = lambda _before, _after: None

    def write(self, record: LeaseRecord) -> None:
        if record.version != self.record.version:
            raise ApiError(409)
        self.version += 1
        before, self.record = self.record, replace(record, version=str(self.version))
        self.history.append(self.record)
        self.written(before, self.record)

    def delete(self) -> None:
        self.record = LeaseRecord()


@dataclass
class Trouble:
    """Shares of the failing calls. slow_s: maximum time of each way of a call; pause_s: of some calls."""

    chance: random.Random = field(default_factory=lambda: random.Random(0))
    fail: float = 0.0
    lose: float = 0.0
    late: float = 0.0
    pause: float = 0.0
    slow_s: float = 0.0
    pause_s: float = 0.0

    def hits(self, share: float) -> bool:
        return self.chance.random() < share

    async def way(self) -> None:
        await asyncio.sleep(self.chance.uniform(0, self.pause_s if self.hits(self.pause) else self.slow_s))


class StandIn:
    """One replica's way to the shared record. dead: no call gets through."""

    def __init__(self, shared: Shared, trouble: Trouble) -> None:
        self.name = "lease"
        self.dead = False
        self._shared = shared
        self._trouble = trouble
        self._late: set[asyncio.Task[None]] = set()

    async def read(self) -> LeaseRecord:
        await self._go()
        found = self._shared.record
        await self._trouble.way()
        return found

    async def write(self, record: LeaseRecord) -> None:
        if self._trouble.hits(self._trouble.late):
            task = asyncio.create_task(self._write_late(record))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            raise TimeoutError
        await self._go()
        self._shared.write(record)
        await self._trouble.way()
        if self._trouble.hits(self._trouble.lose):
            raise TimeoutError

    async def _go(self) -> None:
        await self._trouble.way()
        if self.dead or self._trouble.hits(self._trouble.fail):
            raise ConnectionResetError

    async def _write_late(self, record: LeaseRecord) -> None:
        await self._trouble.way()
        try:
            self._shared.write(record)
        except ApiError:
            return


@dataclass
class StoreEpoch:
    """The store's view of leaders, and the writer of each epoch."""

    epoch: int = 0
    down: bool = False
    writers: dict[int, set[str]] = field(default_factory=dict)

    async def claim(self, above: int) -> int:
        self.epoch = max(await self.last(), above) + 1
        return self.epoch

    async def last(self) -> int:
        await asyncio.sleep(0)
        if self.down:
            raise ConnectionRefusedError
        return self.epoch

    def publish(self, fence: Fence, who: str) -> bool:
        """False if the leader was replaced."""
        if fence.epoch < self.epoch:
            return False
        self.epoch = fence.epoch
        self.writers.setdefault(fence.epoch, set()).add(who)
        return True


class Replica:
    """One process: it holds its Lease, and publishes as long as it leads. cut_off: from the store, it alone."""

    def __init__(
        self, name: str, shared: Shared, store: StoreEpoch, trouble: Trouble, duration_s: float = 10
    ) -> None:
        self.name = name
        self.api = StandIn(shared, trouble)
        self.cut_off = False
        #: Of the cursor, as this process knows it.
        self.copy: CursorCopy | None = None
        self.lease = Leader(self.api, name, duration_s, self._owner, self._last_epoch, self._claim_epoch)
        self._store = store
        self._tasks = [
            asyncio.create_task(self.lease.run(lambda: self.copy)),
            asyncio.create_task(self._publish()),
        ]

    async def _owner(self) -> str:
        return "release"

    async def _last_epoch(self) -> int:
        if self.cut_off:
            raise ConnectionRefusedError
        return await self._store.last()

    async def _claim_epoch(self, _owner: str, above: int) -> int:
        if self.cut_off:
            raise ConnectionRefusedError
        return await self._store.claim(above)

    async def _publish(self) -> None:
        while True:
            fence = await self.lease.wait_to_lead()
            if not self._store.down and not self.cut_off:
                self._store.publish(fence, self.name)
            await asyncio.sleep(1)

    async def stop(self) -> None:
        """As SIGTERM does."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def kill(self) -> None:
        """Stop like a machine without power: without a word to any peer."""
        self.api.dead = True
        await self.stop()
