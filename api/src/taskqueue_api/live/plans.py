"""The plans of days. Each takes a core for tenths of a second: it is reckoned once for the same demands, in turn."""

import asyncio
from collections import OrderedDict

from taskqueue.store.connection import Store
from taskqueue.views.demands import Plan, read_plan
from taskqueue.views.plan import PlanDay, plan_day
from taskqueue_api.live.readings import Readings

#: Days that are kept; the one that was unused for longest goes first.
_MAX_DAYS = 8


class Plans:
    """The plans of one process."""

    def __init__(self, store: Store, readings: Readings) -> None:
        self._store = store
        self._readings = readings
        self._days = OrderedDict[int, tuple[Plan, PlanDay]]()
        self._turn = asyncio.Lock()

    async def read(self, day_s: int, kept_s: float = 0.0) -> PlanDay:
        """Return the plan of the day that begins at an instant, epoch s.

        kept_s: seconds for which the demands are kept; by default they are read for this call.
        Raises ScheduleError and StoreFailure.
        """
        plan = await self._readings.get(
            ("demands", kept_s), lambda: read_plan(self._store), kept_s, waits=not kept_s
        )
        async with self._turn:
            reckoned = self._days.get(day_s)
            if reckoned is None or reckoned[0] != plan:
                reckoned = plan, await asyncio.to_thread(plan_day, plan, day_s)
                self._days[day_s] = reckoned
            self._days.move_to_end(day_s)
            if len(self._days) > _MAX_DAYS:
                self._days.popitem(last=False)
        return reckoned[1]
