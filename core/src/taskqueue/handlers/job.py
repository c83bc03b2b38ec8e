"""The job as a handler gets it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from taskqueue.models.values import MAX_COST
from taskqueue.text.printable import printable


class Slot(Protocol):
    """The start that the limit reserved for a job, for managed handlers."""

    async def reached(self) -> bool:
        """Wait for the slot. Returns False if it was missed."""

    def begin(self) -> None:
        """Record that the job begins; its timeout counts from here."""


class _NoSlot:
    """The slot of a job outside a worker."""

    async def reached(self) -> bool:
        return True

    def begin(self) -> None:
        pass


NO_SLOT = _NoSlot()


@dataclass(slots=True, eq=False)
class Job:
    """One subscription at one occurrence, or one ad hoc run of a task type for a user.

    occurrence: epoch seconds, None for an ad hoc job, which has an `ad_hoc_id` instead.
    due_ms: epoch milliseconds.   params: the type's defaults under the subscription's own.
    attempt: number of this start of the job, from 1 on.   permits: grants the permits of `permit`.
    slot: the reserved start, for managed handlers.

    Not frozen, because one is made per job and a frozen dataclass takes five times as long to make. Params stay out of
    the repr: they may be personal, and a repr ends up in logs.
    """

    type: str
    user: str
    occurrence: int | None
    due_ms: int
    params: Mapping[str, Any] = field(repr=False)
    attempt: int
    permits: Callable[..., Awaitable[None]] = field(repr=False)
    ad_hoc_id: str | None = None
    slot: Slot = field(default=NO_SLOT, repr=False)

    @property
    def idempotency_key(self) -> str:
        """Identity of the job, equal for all its attempts: "type/user/occurrence", ad hoc "type/user/~id".

        Jobs run at least once; an API that remembers the key makes a repetition harmless.
        """
        if self.occurrence is None:
            return f"{self.type}/{self.user}/~{self.ad_hoc_id}"
        return f"{self.type}/{self.user}/{self.occurrence}"

    async def permit(self, cost: int = 1, *, limit: str | None = None) -> None:
        """Wait until the API may be called again under all limits of the job's type. Make the call at once.

        limit: the name of one limit to take from instead, and of those around it: for a second API, whose limit the
        job's start does not take from. A limit that nothing declares grants nothing.

        The start of the job is its first permit, so the first call needs none; every further call does. A job whose
        type has a cost c and one limit alone holds c consecutive slots, and its first c - 1 permits wait for them.
        Raises ValueError unless `cost` is a whole number from 1 to 1,000: a larger one would close the limit for all.
        """
        if not (isinstance(cost, int) and 1 <= cost <= MAX_COST):
            raise ValueError(
                f"the cost of a permit must be a whole number from 1 to {MAX_COST:,} (was {printable(cost, 50)}); "
                "ask before each call instead"
            )
        await (self.permits(int(cost)) if limit is None else self.permits(int(cost), limit))
