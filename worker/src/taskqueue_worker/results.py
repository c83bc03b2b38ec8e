"""What became of jobs, until a claim has carried it to the store."""

import asyncio

from taskqueue.store.claim import Result
from taskqueue.store.job_name import parse
from taskqueue_worker.clock import ServerClock
from taskqueue_worker.kinds import Kinds
from taskqueue_worker.pace import Pace

#: The store's scripts are bounded: no call carries more.
_MOST = 500
#: While a job of Forbid or Replace is leased, the next of its subscription would be skipped or take its place: if that
#: one is due within this much, the result is settled soon.
_NEAR_MS = 2_000
#: Cron has no shorter period.
_CRON_PERIOD_S = 60


class Results:
    """In the order of their ends."""

    def __init__(self, pace: Pace, kinds: Kinds, clock: ServerClock) -> None:
        self._pace = pace
        self._kinds = kinds
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Result] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, result: Result) -> None:
        self._waiting.append(result)
        self._pace.reported(soon=result.verb != "d" or self._holds_up_another(result.member))

    def take(self) -> list[Result]:
        """The oldest, for one call. Whoever could not deliver them puts them back."""
        taken, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        return taken

    def put_back(self, taken: list[Result]) -> None:
        self._waiting = taken + self._waiting

    def _holds_up_another(self, member: str) -> bool:
        """Whether another job of the same subscription may come up while this one still counts as running."""
        if not member.endswith("x") or self._pace.hungry:  # a hungry worker's next claim is a moment away
            return False
        try:
            name = parse(member)
        except (ValueError, IndexError):  # a member that cannot be read is better gone soon
            return True
        kind = self._kinds.get(name.type)
        if name.occurrence is None or kind is None:
            return True
        period_ms = (kind.spec.schedule.interval_s or _CRON_PERIOD_S) * 1000
        since_due_ms = self._clock.to_server_ms(self._loop.time()) - name.due_ms
        return period_ms - since_due_ms % period_ms <= _NEAR_MS
