"""The limiter as four worker processes use it: by the slots that the store booked, on a machine however busy.

`make conformance` shows the view of an API and the used share of the limit.
"""

from itertools import pairwise
from pathlib import Path

import pytest

from taskqueue.store.audit import audit
from tests.support.site.site import until
from tests.support.site.traffic import traffic
from tests.support.store.backlog import fill, install, server, task_types

HORIZON_US = 250_000


@pytest.mark.parametrize("rate", [100, 1_000])
async def test_four_workers_share_slots_spaced_by_the_limit(rate: int, tmp_path: Path) -> None:
    with server() as url:
        async with traffic(url, tmp_path) as running:
            types = task_types(5)
            await install(running.store, types, 1_000, rate)
            await running.start_workers(4)
            await running.workers_up()
            await fill(running.store, types, 8 * rate, 1_000)

            async def enough() -> bool:
                done = (await audit(running.store)).totals.get("done", 0)
                return done >= 3 * rate and len({one.worker for one in running.bookings()}) == 4

            await until("three seconds' worth is done, and all four had a part of it", enough, 120)
            booked, begun = running.bookings(), running.begun_us()
            spacing_us = int(1.015e6 / rate)
            assert min(b.start_us - a.start_us for a, b in pairwise(booked)) >= spacing_us
            assert all(one.now_us <= one.start_us <= one.now_us + HORIZON_US for one in booked)
            assert len(begun) >= 3 * rate
            # The k-th start is none before the k-th slot: no more of them in any second than slots were given.
            assert all(at_us >= one.start_us - 1_000 for at_us, one in zip(begun, booked, strict=False))
