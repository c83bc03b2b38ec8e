"""Judge a fleet after a fault: plan versus arrivals, the limit, the processes, and the duration."""

import math
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.support.site.bookings import most_booked
from tests.support.site.counting_api import Arrival, worst_second
from tests.support.site.fleet import Fleet
from tests.support.site.planned import Job
from tests.support.store.simulated_workers import Start

LOG_TAIL = 4_000
REPORT = Path(__file__).parents[3] / "dist" / "faults-store.txt"
#: Starts are to come within this time of a promotion.
START_S = 2.0
#: A job that ran is settled so long after it arrived: it takes 50 ms, and the next claim takes the outcome along.
SETTLED_S = 1.0
#: What was claimed is started up to the limiter's horizon later, and takes a little to arrive.
HORIZON_S = 0.3


@dataclass(frozen=True, slots=True)
class Event:
    """from_s: when the fault began, good_s: when a server could be used again (a promotion, a restart). Epoch s."""

    name: str
    from_s: float
    good_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """twice: jobs that arrived more than once, with each arrival's time. silence_s: by event, the longest since.

    after_s: by event, from when a server could be used to the first start since. codes: of processes after SIGTERM;
    None had to be killed. dead: how many processes had ended before. dues: of what was planned, epoch ms.
    worst, booked: most arrivals, and most slots that stores booked, in any second.   exceeded: limits by name, types'
    and the global one that the booked slots exceeded, and by how many; on the server's clock.
    """

    scenario: str
    rate: int
    dues: Mapping[Job, int]
    missing: Sequence[Job]
    twice: Mapping[Job, Sequence[float]]
    worst: int
    booked: int
    idle: bool
    audit: int
    dead: int
    codes: Sequence[int | None]
    exceeded: Mapping[str, float]
    silence_s: Mapping[str, float]
    after_s: Mapping[str, float]
    more: Mapping[str, float] = field(default_factory=dict)

    def holds(self, *allowed_twice: tuple[float, float]) -> None:
        """Fail unless all is as it must be. allowed_twice: see `twice_outside`."""
        self.loses_nothing(*allowed_twice)
        self.stands()
        self.keeps_the_limit()

    def loses_nothing(self, *allowed_twice: tuple[float, float]) -> None:
        assert self.missing == []
        outside = self.twice_outside(allowed_twice)
        assert outside == [], {job: self.twice[job] for job in outside[:20]}

    def stands(self, start_s: float = START_S) -> None:
        """Fail unless every process lived and ended well, the store accounts for all, and starts came soon."""
        assert (self.dead, set(self.codes)) == (0, {0})
        assert (self.idle, self.audit) == (True, 0)
        assert max(self.after_s.values(), default=0.0) <= start_s

    def keeps_the_limit(self) -> None:
        """Fail if more arrived in any second than may. If no more were booked, the machine held some up."""
        assert self.exceeded == {}
        assert self.booked <= self.rate
        assert self.worst <= self.rate, f"arrivals; no second has more than {self.booked} slots"

    def twice_outside(self, windows: Sequence[tuple[float, float]]) -> list[Job]:
        """Return the jobs that arrived twice though their first arrival was in none of these windows (epoch s)."""
        return [
            job
            for job, times in self.twice.items()
            if not any(begin <= min(times) <= end for begin, end in windows)
        ]

    def __str__(self) -> str:
        """Say all of it in one line."""
        waits = " ".join(
            f"{name}:silent={self.silence_s[name]:.2f}s,first-start={self.after_s[name]:+.2f}s"
            for name in self.silence_s
        )
        more = " ".join(f"{name}={value:g}" for name, value in self.more.items())
        return (
            f"{self.scenario:34} planned={len(self.dues)} missing={len(self.missing)} twice={len(self.twice)} "
            f"worst={self.worst}/{self.rate} booked={self.booked} exceeded={dict(self.exceeded)} drained={self.idle} "
            f"audit={self.audit} ended-early={self.dead} exits={sorted(Counter(map(str, self.codes)).items())} "
            f"{waits} load={os.getloadavg()[0]:.1f} {more}"
        ).rstrip()


async def judge(scenario: str, fleet: Fleet, events: Sequence[Event], **more: float) -> Verdict:
    """Stop emitting, drain, end everything; print and return the verdict."""
    stopped_s = time.time()
    dead = sum(process.returncode is not None for process in fleet.processes)
    codes = [*fleet.exit_codes, *[await fleet.end(process) for process in fleet.schedulers]]
    until_ms = await fleet.cursor_ms()
    await fleet.look()
    idle = await fleet.idle()
    audit = await fleet.audit_code()
    codes += [await fleet.end(process) for process in fleet.workers]
    arrivals = await fleet.arrivals()
    planned = fleet.between(until_ms)
    came: dict[Job, list[float]] = {}
    for one in arrivals:
        assert one.occurrence is not None
        came.setdefault((one.type, one.user, one.occurrence), []).append(one.at_us / 1e6)
    verdict = Verdict(
        scenario,
        fleet.rate,
        planned,
        sorted(planned.keys() - came.keys()),
        {job: times for job, times in came.items() if len(times) > 1},
        worst_second(arrivals),
        most_booked(fleet.world.bookings()),
        idle,
        audit,
        dead,
        codes,
        await exceeded(fleet),
        {event.name: silence(arrivals, event.from_s, stopped_s) for event in events},
        {event.name: first_after(arrivals, event.good_s) for event in events},
        more,
    )
    print(f"\n{verdict}", flush=True)
    for process, log in ((one, fleet.world.logs[one.pid]) for one in fleet.processes if one.returncode):
        print(f"{log.name} ended with {process.returncode}:\n{log.read_text()[-LOG_TAIL:]}", flush=True)
    REPORT.parent.mkdir(exist_ok=True)
    with REPORT.open("a") as report:
        report.write(f"{verdict}\n")
    return verdict


def silence(arrivals: Sequence[Arrival], from_s: float, until_s: float) -> float:
    """Return the longest time without an arrival between a fault and the end of emission."""
    between_s = (one.at_us / 1e6 for one in arrivals if from_s <= one.at_us / 1e6 < until_s)
    return max(later - earlier for earlier, later in pairwise([from_s, *between_s, until_s]))


def first_after(arrivals: Sequence[Arrival], at_s: float) -> float:
    """Return how long after an instant the first request arrived; infinite if none did."""
    return next((one.at_us / 1e6 - at_s for one in arrivals if one.at_us / 1e6 >= at_s), math.inf)


async def exceeded(fleet: Fleet) -> dict[str, float]:
    """Return the limits that booked slots exceeded, by the most starts above one."""
    paths, found = await fleet.paths(), dict[str, float]()
    for spell in fleet.world.spells():
        starts = [Start.read(one.member, one.start_us, one.now_us) for one in spell]
        for name, above in paths.exceeded(starts).items():
            found[name] = max(above, found.get(name, 0.0))
    return found
