"""Leader election: the replica that holds the Lease publishes manifests and writes status.

Correctness never depends on the Lease. Each leader takes a fencing epoch from the store, which hands out every epoch
once and refuses all but the latest; leaseTransitions shows it. A replica that does not reach the store neither takes
nor renews the Lease, so that another replica can.

Times are measured by the local monotonic clock: a Lease is expired when its record did not change for its duration
after this replica first read it.

The Lease also carries a copy of the cursor and of the floor of each type, so that scheduling resumes after a store lost
its data.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import structlog

from taskqueue.scheduler.floors import CursorCopy, newest
from taskqueue.store.cancelled import raise_if_cancelled
from taskqueue.store.errors import StoreFailure
from taskqueue.store.fence import Fence
from taskqueue_operator.connection import API_ERRORS, describe_error
from taskqueue_operator.lease_record import LeaseRecord

log = structlog.get_logger("taskqueue.operator")

#: Renewals per Lease duration.
_TRIES = 5


class Lease(Protocol):
    """The Lease of a release. Both calls raise API_ERRORS."""

    @property
    def name(self) -> str: ...

    async def read(self) -> LeaseRecord:
        """Return the record; an empty one if there is no Lease."""

    async def write(self, record: LeaseRecord) -> None:
        """Create or replace the record; 409 if it changed after it was read."""


class Leader:
    """Takes, renews and releases the Lease of one replica.

    find_owner: returns the namespace with its UID, to which the store belongs. read_epoch: returns the latest epoch of
    the store. take_epoch: takes a new epoch for an owner, above a given one. All three raise API_ERRORS and
    StoreFailure.

    another_leads: another replica leads.   last_copy: the newest copy of the cursor that the Lease had.
    epoch: 0 until this replica leads.
    """

    def __init__(
        self,
        lease: Lease,
        identity: str,
        duration_s: float,
        find_owner: Callable[[], Awaitable[str]],
        read_epoch: Callable[[], Awaitable[int]],
        take_epoch: Callable[[str, int], Awaitable[int]],
    ) -> None:
        self._lease = lease
        self._identity = identity
        self._duration_s = duration_s
        self._find_owner = find_owner
        self._owner = ""
        self._read_epoch = read_epoch
        self._claim_epoch = take_epoch
        self._loop = asyncio.get_running_loop()
        self._seen: tuple[str, float] = ("", 0.0)
        self._renewed_s = float("-inf")
        self._logged = False
        self._highest = 0
        self.another_leads = False
        self.last_copy: CursorCopy | None = None
        self._led = asyncio.Event()
        self.epoch = 0

    @property
    def leads(self) -> bool:
        """Whether this replica leads; it stops before another replica can take the Lease over."""
        return self._loop.time() < self._renewed_s + self._duration_s * (_TRIES - 1) / _TRIES

    async def wait_to_lead(self) -> Fence:
        """Wait until this replica leads, and return the fence of its writes."""
        while not self.leads:
            self._led.clear()
            await self._led.wait()
        return Fence(self._owner, self.epoch)

    async def run(self, copy: Callable[[], CursorCopy | None]) -> None:
        """Renew the Lease, or try to take it, until cancelled; then release it for the next replica.

        copy: returns the cursor of this replica.
        """
        try:
            while True:
                raise_if_cancelled()
                await self._attempt(copy())
                await asyncio.sleep(self._duration_s / _TRIES)
        finally:
            self._renewed_s = float("-inf")  # before another replica can lead
            if self._owner:  # a replica that never led has no Lease to release, and ends at once
                with contextlib.suppress(*API_ERRORS):
                    await asyncio.wait_for(self._release(), 2)

    async def _attempt(self, copy: CursorCopy | None) -> None:
        asked_s = self._loop.time()
        try:
            held = await self._hold(copy)
        except (*API_ERRORS, StoreFailure) as error:
            log.warning("lease not renewed", lease=self._lease.name, error=describe_error(error))
            return
        self.another_leads = not held
        if held:
            self._renewed_s = asked_s
            self._led.set()
        else:
            self._renewed_s = float("-inf")
        if held != self._logged:
            self._logged = held
            log.info("leading" if held else "no longer leading", lease=self._lease.name, epoch=self.epoch)

    async def _hold(self, copy: CursorCopy | None) -> bool:
        """Renew or take the Lease; False while another replica holds it.

        Raises StoreFailure and API_ERRORS, among them 409 if another replica wrote first.
        """
        found = await self._lease.read()
        if found.version != self._seen[0]:
            self._seen = found.version, self._loop.time()
        self._highest = max(self._highest, found.transitions)
        mine = found.holder == self._identity
        expired = self._loop.time() - self._seen[1] >= found.duration_s
        if found.holder and not mine and not expired:
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
        # An unknown epoch under this identity: the answer to an earlier write was lost, and the write took effect late.
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
