"""The Lease that says which replica publishes and writes status. It is never needed for correctness.

Times are judged by one's own monotonic clock: a Lease counts as silent when its record has not changed for its
duration since it was first seen so. leaseTransitions shows the fencing epoch, which the store hands out, each once,
and refuses when it is not the last. Who does not reach the store neither takes the Lease nor renews it: another may.

The Lease also keeps a copy of the cursor, and of how far back each type must go, renewed with it: a store that lost
everything goes on from there.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from taskqueue.scheduler.floors import CursorCopy, newest
from taskqueue.store.cancelled import raise_if_cancelled
from taskqueue.store.errors import StoreFailure
from taskqueue.store.fence import Fence
from taskqueue_operator.connection import API_ERRORS, describe_error
from taskqueue_operator.lease_record import LeaseObject

log = structlog.get_logger("taskqueue.operator")

#: Renewals within a duration.
_TRIES = 5


class Leader:
    """Held by one replica at a time.

    `find_owner` says whose manifests these are; `read_epoch` which epoch the store gave out last, and `claim_epoch`
    takes a new one for an owner, beyond a given one. They raise any of API_ERRORS and StoreFailure.
    """

    def __init__(
        self,
        lease: LeaseObject,
        identity: str,
        duration_s: float,
        find_owner: Callable[[], Awaitable[str]],
        read_epoch: Callable[[], Awaitable[int]],
        claim_epoch: Callable[[str, int], Awaitable[int]],
    ) -> None:
        self._lease = lease
        self._identity = identity
        self._duration_s = duration_s
        self._find_owner = find_owner
        self._owner = ""
        self._read_epoch = read_epoch
        self._claim_epoch = claim_epoch
        self._loop = asyncio.get_running_loop()
        self._seen: tuple[str, float] = ("", 0.0)
        self._renewed_s = float("-inf")
        self._said = False
        self._highest = 0
        self.elsewhere = False
        self.last_copy: CursorCopy | None = None
        self._led = asyncio.Event()
        self.epoch = 0

    @property
    def leads(self) -> bool:
        """Until the Lease could have been taken over by another, this replica leads."""
        return self._loop.time() < self._renewed_s + self._duration_s * (_TRIES - 1) / _TRIES

    async def leading(self) -> Fence:
        """Return once this replica may publish, and as whom."""
        while not self.leads:
            self._led.clear()
            await self._led.wait()
        return Fence(self._owner, self.epoch)

    async def run(self, copy: Callable[[], CursorCopy | None]) -> None:
        """Hold the Lease or wait for it, until cancelled; then let it go, so that another need not wait.

        copy: of the cursor, as this replica knows it.
        """
        try:
            while True:
                raise_if_cancelled()
                await self._turn(copy())
                await asyncio.sleep(self._duration_s / _TRIES)
        finally:
            self._renewed_s = float("-inf")  # before another can take over
            if self._owner:  # else it was never asked for, and a process that starts must end at once
                with contextlib.suppress(*API_ERRORS):
                    await asyncio.wait_for(self._release(), 2)

    async def _turn(self, copy: CursorCopy | None) -> None:
        asked_s = self._loop.time()
        try:
            held = await self._hold(copy)
        except (*API_ERRORS, StoreFailure) as error:
            log.warning("the lease could not be renewed", lease=self._lease.name, error=describe_error(error))
            return
        self.elsewhere = not held
        if held:
            self._renewed_s = asked_s
            self._led.set()
        else:
            self._renewed_s = float("-inf")
        if held != self._said:
            self._said = held
            log.info("leading" if held else "no longer leading", lease=self._lease.name, epoch=self.epoch)

    async def _hold(self, copy: CursorCopy | None) -> bool:
        """Renew, take or leave it. Raises any of API_ERRORS, among them 409 when another was faster; StoreFailure."""
        found = await self._lease.read()
        if found.version != self._seen[0]:
            self._seen = found.version, self._loop.time()
        self._highest = max(self._highest, found.transitions)
        mine = found.holder == self._identity
        silent = self._loop.time() - self._seen[1] >= found.duration_s
        if found.holder and not mine and not silent:
            return False
        self._owner = self._owner or await self._find_owner()
        now = datetime.now(UTC)
        self.last_copy = newest(copy, found.copy)
        wanted = replace(
            found,
            holder=self._identity,
            renewed=now,
            duration_s=math.ceil(self._duration_s),
            copy=self.last_copy,
        )
        # Ours under an epoch we do not know: the answer to that write was lost, and it may have come late.
        known = mine and found.transitions == self.epoch
        if not known or await self._read_epoch() > self.epoch:
            epoch = await self._claim_epoch(self._owner, self._highest)
            wanted = replace(wanted, transitions=epoch, acquired=now)
        await self._lease.write(wanted)
        self.epoch = self._highest = wanted.transitions
        return True

    async def _release(self) -> None:
        found = await self._lease.read()
        if found.holder == self._identity:
            await self._lease.write(replace(found, holder=""))
