"""Arrivals at the API by period: users of each occurrence, and their evenness."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from tests.support.site.counting_api import Arrival, CountingApi

#: What a busy limit or a busy machine held up arrives within this time (s) after its period.
LATE_S = 1.5


async def next_period(
    api: CountingApi, types: Collection[str], period_s: int, after_s: float
) -> tuple[int, list[Arrival]]:
    """Watch the first whole period that begins after an instant (epoch s) to its end.

    Return its start, and its arrivals of these types.
    """
    begin_s = int(after_s // period_s + 1) * period_s
    await asyncio.sleep(max(0.0, begin_s + period_s + LATE_S - time.time()))
    return begin_s, [one for one in await api.arrivals() if one.type in types and one.occurrence == begin_s]


def once_each(arrivals: Iterable[Arrival], wanted: Mapping[str, Collection[str]]) -> None:
    """Assert that every type came once for each of its users, and for no other user."""
    came = Counter((one.type, one.user) for one in arrivals)
    due = Counter((name, user) for name, users in wanted.items() for user in users)
    assert (came - due, due - came) == (Counter(), Counter()), "(too many, missing)"


def evenly(arrivals: Collection[Arrival], begin_s: int, period_s: int) -> None:
    """Assert that every second has its share of the arrivals, give or take a half: a busy machine shifts some."""
    share = len(arrivals) / period_s
    seconds = Counter(int(one.at_us / 1e6 - begin_s) for one in arrivals)
    assert all(0.5 * share <= seconds[n] <= 1.5 * share for n in range(period_s)), (share, seconds)
