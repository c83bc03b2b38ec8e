"""An API that refuses everybody delays no job of another API.

Without a global limit: under one, the starts of all limits lie on its grid, up to half a horizon ahead.
"""

import asyncio
import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.site.refusing import refusing
from tests.support.site.site import until

pytestmark = pytest.mark.conformance
SECONDS = 10
PER_SECOND = 30


async def test_lateness_of_another_api_stays(tmp_path: Path, row: Callable[..., None]) -> None:
    """Lateness: from a job's due to the start that its limit, at 60 % of its rate, reserved for the job."""
    async with refusing(tmp_path, math.inf) as apis:
        from_ms = int(time.time() * 1000) + 1_000
        await apis.put_free([from_ms + k * 1000 // PER_SECOND for k in range(2 * SECONDS * PER_SECOND)])
        await asyncio.sleep(SECONDS)
        refused_us = time.time_ns() // 1000
        await apis.put_refused(2_000)
        await until("the Release limit is closed", apis.is_closed, 60)
        await asyncio.sleep(SECONDS)
        found: dict[bool, list[float]] = {False: [], True: []}
        for one in apis.running.bookings():
            name, _, _, due_ms, *_ = one.member.split("|")
            if name == "free":
                found[one.start_us >= refused_us].append(one.start_us / 1000 - int(due_ms))
        calm, meanwhile = (sorted(found[key])[len(found[key]) * 99 // 100] for key in (False, True))
        row(
            "another API refuses",
            PER_SECOND,
            calm_p99_ms=calm,
            p99_ms=meanwhile,
            refused=apis.arrived["refusing"],
        )
        assert min(map(len, found.values())) >= 0.8 * SECONDS * PER_SECOND
        assert meanwhile <= calm + 2
