"""Starts of many types in the last hours, for a page that is shown again and again."""

from collections.abc import Collection

from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.history import MINUTE_MS, MINUTES_PER_HOUR, Counters, read_hours, sum_starts

STEP_MINUTES = 5
_STEPS = MINUTES_PER_HOUR // STEP_MINUTES
#: Flushes for an hour may come this late.
_FINAL_AFTER_MS = 5 * MINUTE_MS


class StartsReader:
    """Reads the starts of types from the history, and keeps those of hours that are over.

    The first look reads a key for each type and hour, 100 a round trip; later ones a key for each type.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hours: dict[tuple[str, int], list[int]] = {}

    async def read(self, types: Collection[str], hours: int) -> dict[str, list[int]]:
        """Return the starts of each type in steps of five minutes: those of so many hours, and those of this hour."""
        now_ms = await server_now_ms(self._store)
        this = now_ms // MINUTE_MS // MINUTES_PER_HOUR
        wanted = [(name, hour) for name in types for hour in range(this - hours, this + 1)]
        missing = [one for one in wanted if one not in self._hours]
        read = dict(zip(missing, map(_steps, await read_hours(self._store, missing)), strict=True))
        known = self._hours | read
        self._hours = {one: known[one] for one in wanted if _is_final(one[1], now_ms)}
        return {
            name: [starts for hour in range(this - hours, this + 1) for starts in known[name, hour]]
            for name in types
        }


def _is_final(hour: int, now_ms: int) -> bool:
    return now_ms > (hour + 1) * MINUTES_PER_HOUR * MINUTE_MS + _FINAL_AFTER_MS


def _steps(minutes: dict[int, Counters]) -> list[int]:
    starts = [0] * _STEPS
    for minute, counters in minutes.items():
        starts[minute % MINUTES_PER_HOUR // STEP_MINUTES] += sum_starts(counters)
    return starts
