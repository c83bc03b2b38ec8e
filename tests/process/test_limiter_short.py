"""The limiter against a counting server, short and tolerant; `make conformance` is the long form."""

import asyncio
from pathlib import Path

import pytest
from backlog import fill, install, kinds, server
from traffic import per_second, traffic, worst_second


@pytest.mark.parametrize("rate", [100, 1_000])
async def test_four_workers_together_never_exceed_the_limit_and_use_it(rate: int, tmp_path: Path) -> None:
    with server() as url:
        async with traffic(url, tmp_path) as running:
            types = kinds(5)
            await install(running.store, types, 1_000, rate)
            await fill(running.store, types, 12 * rate, 1_000)
            await running.start_workers(4)
            await running.flowing(rate)
            before = await running.calls_and_starts()
            await asyncio.sleep(5)
            calls, starts = (b - a for a, b in zip(before, await running.calls_and_starts(), strict=True))
            arrivals = await running.arrivals()
            assert worst_second(arrivals) <= rate
            assert per_second(arrivals) >= 0.9 * rate
            assert calls / starts <= 0.4
