"""The clock of the server steps while it runs: libfaketime reads the step from a file."""

import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.site.counting_api import worst_second
from tests.support.site.fleet import RATE, SATURATED, Fleet, fleet
from tests.support.site.verdict import Event, judge
from tests.support.store.server import RedisServer, fake_clock_library

_LIBRARY = fake_clock_library()
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(_LIBRARY is None, reason="Debian's package faketime is missing"),
]
#: What was emitted is off the queue so soon after a step back: the limiter's horizon, a second's emissions at the
#: limit's pace, and what a worker needs to ask.
_WORKED_OFF_S = 4.0


@dataclass(frozen=True, slots=True)
class Clock:
    file: Path

    def step(self, seconds: int) -> float:
        """Let the server's clock be so far from ours from now on; return when (epoch s)."""
        draft = self.file.with_suffix(".draft")
        draft.write_text(f"{seconds:+d}\n")
        at_s = time.time()
        draft.rename(self.file)
        return at_s


@asynccontextmanager
async def on_a_fake_clock(folder: Path, rate: int = RATE) -> AsyncIterator[tuple[Fleet, Clock, RedisServer]]:
    clock = Clock(folder / "clock")
    clock.step(0)
    env = {
        "LD_PRELOAD": str(_LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(clock.file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    # Debian's redis-server hangs under the library, which jemalloc asks for the time before it is ready.
    server = RedisServer("stepping", folder, "valkey", env=env)
    with ExitStack() as stack:
        stack.callback(server.kill)
        server.start()
        async with fleet(server.url, lambda: server.url, folder, rate=rate) as made:
            yield made, clock, server


def ahead_s(server: RedisServer) -> float:
    seconds, micros = server.call("TIME")
    return int(seconds) + int(micros) / 1e6 - time.time()


async def test_a_step_forward(tmp_path: Path) -> None:
    async with on_a_fake_clock(tmp_path, SATURATED) as (under_load, clock, server):
        at_s = clock.step(5)
        assert 4.9 < ahead_s(server) < 5.1
        await under_load.flows(6)
        verdict = await judge("clock steps +5 s", under_load, [Event("step", at_s, at_s)])
        arrivals = await under_load.arrivals()
        assert verdict.missing == []
        assert verdict.twice_outside([]) == []
        verdict.stands()
        assert verdict.exceeded == {}
        assert verdict.worst <= 1.25 * verdict.rate
        later = [one for one in arrivals if not at_s - 1 <= one.at_us / 1e6 <= at_s + 2]
        assert worst_second(later) <= verdict.rate


@pytest.mark.parametrize("seconds", [5, 3_600])
async def test_a_step_back(seconds: int, tmp_path: Path) -> None:
    async with on_a_fake_clock(tmp_path) as (under_load, clock, server):
        at_s = clock.step(-seconds)
        assert -0.1 < ahead_s(server) + seconds < 0.1
        worked_off = await under_load.idle(_WORKED_OFF_S)
        waited_s = time.time() - at_s
        if seconds < 60:
            await under_load.flows(5, limit_s=60)
        name = f"clock steps -{seconds} s"
        verdict = await judge(name, under_load, [Event("step", at_s, at_s)], worked_off_s=waited_s)
        assert worked_off, "what was emitted waits for the clock"
        verdict.loses_nothing()
        verdict.stands()
        assert verdict.exceeded == {}
        assert verdict.worst <= verdict.rate  # slots before and after the step have the same times
