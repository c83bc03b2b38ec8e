"""What became of a fleet under a fault: plan versus arrivals, the limit, the processes, and how long it took."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from counting_api import Arrival, worst_second
from fleet import Fleet
from planned import Job


@dataclass(frozen=True, slots=True)
class Event:
    """from_s: when the fault began, good_s: when a server could be used again (a promotion, a restart). Epoch s."""

    name: str
    from_s: float
    good_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """twice: jobs that arrived more than once, with each arrival's time. silence_s: by event, until the first start.

    after_s: by event, from when a server could be used to the first start since. codes: of processes after SIGTERM;
    None had to be killed. dead: how many processes had ended before.
    """

    scenario: str
    rate: int
    planned: int
    missing: Sequence[Job]
    twice: Mapping[Job, Sequence[float]]
    worst: int
    idle: bool
    audit: int
    dead: int
    codes: Sequence[int | None]
    silence_s: Mapping[str, float]
    after_s: Mapping[str, float]
    more: Mapping[str, float] = field(default_factory=dict)

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
            f"{self.scenario:34} planned={self.planned} missing={len(self.missing)} twice={len(self.twice)} "
            f"worst={self.worst}/{self.rate} drained={self.idle} "
            f"audit={self.audit} ended-early={self.dead} exits={sorted(Counter(map(str, self.codes)).items())} "
            f"{waits} {more}"
        ).rstrip()


async def judge(scenario: str, fleet: Fleet, events: Sequence[Event], **more: float) -> Verdict:
    """Stop emitting, drain, end everything; print and return the verdict."""
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
        len(planned),
        sorted(planned.keys() - came.keys()),
        {job: times for job, times in came.items() if len(times) > 1},
        worst_second(arrivals),
        idle,
        audit,
        dead,
        codes,
        {event.name: silence(arrivals, event.from_s) for event in events},
        {event.name: first_after(arrivals, event.good_s) for event in events},
        more,
    )
    print(f"\n{verdict}", flush=True)
    return verdict


def silence(arrivals: Sequence[Arrival], from_s: float, within_s: float = 30.0) -> float:
    """Return the longest time without an arrival in the time after a fault."""
    times = [one.at_us / 1e6 for one in arrivals if from_s <= one.at_us / 1e6 < from_s + within_s]
    return max((b - a for a, b in zip([from_s, *times], times, strict=False)), default=within_s)


def first_after(arrivals: Sequence[Arrival], at_s: float) -> float:
    """Return how long after an instant the first request arrived; infinite if none did."""
    return next((one.at_us / 1e6 - at_s for one in arrivals if one.at_us / 1e6 >= at_s), float("inf"))
