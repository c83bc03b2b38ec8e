"""The limiter against a counting server, short and tolerant; `make conformance` is the long form."""

from pathlib import Path

import pytest
from backlog import fill, install, kinds, server
from traffic import traffic


@pytest.mark.parametrize("rate", [100, 1_000])
async def test_four_workers_together_never_exceed_the_limit_and_use_it(rate: int, tmp_path: Path) -> None:
    with server() as url:
        async with traffic(url, tmp_path) as running:
            types = kinds(5)
            await install(running.store, types, 1_000, rate)
            await fill(running.store, types, 12 * rate, 1_000)
            await running.start_workers(4)
            seen = await running.watch(rate, 5)
            assert seen.worst <= rate
            assert seen.per_second() >= 0.9 * rate
            assert seen.calls_a_start <= 0.4
