"""A simulated closed loop: arrivals, the limit, workers, and an autoscaler that follows the work-seconds.

Time goes in tenths of a second. The autoscaler is Kubernetes' for an AverageValue: every 15 s it asks for
ceil(value / target), stays within a tenth of it, at most doubles or adds 4 in 15 s, and goes down only to the most it
asked for within 5 minutes.
"""

import math
import random
from collections import deque
from dataclasses import dataclass
from typing import Literal

from taskqueue.plan.capacity import Due, QueueWork, Rate, capacity

TICK_S = 0.1
SYNC_S = 15
CONCURRENCY, DRAIN_S = 50, 30.0
STABILIZATION = 20  # of SYNC_S
POD_STARTS_S = 5.0


@dataclass
class Run:
    """The result of a run; `last` means over the last quarter of the time."""

    started: int = 0
    most_replicas: int = 0
    last_replicas: float = 0
    last_wait_s: float = 0
    last_start_rate: float = 0
    emptied_s: float | None = None


def autoscaled(
    *,
    arrivals_per_s: float,
    service_s: float,
    rate: float,
    seconds: int,
    backlog: int = 0,
    running_counts: Literal["share", "service", "nothing"] = "share",
) -> Run:
    """Run it. service_s: mean of exponential times. running_counts: weight of a running job in the metric."""
    chance = random.Random(1)
    queue = deque([0.0] * backlog)
    ends: dict[int, int] = {}  # tick -> jobs that end then
    pods: list[float] = []  # since when each is ready
    running, arriving, permits = 0, 0.0, 0.0
    asked: deque[int] = deque(maxlen=STABILIZATION)
    run, waits, replicas, last_started = Run(), list[float](), list[int](), 0
    for tick in range(round(seconds / TICK_S)):
        now_s = tick * TICK_S
        running -= ends.pop(tick, 0)
        arriving += arrivals_per_s * TICK_S
        while arriving >= 1:
            queue.append(now_s)
            arriving -= 1
        permits = min(permits + rate * TICK_S, max(1.0, rate * TICK_S))  # what nobody takes is gone
        slots = CONCURRENCY * sum(ready_s <= now_s for ready_s in pods)
        while queue and running < slots and permits >= 1:
            waited_s = now_s - queue.popleft()
            permits -= 1
            running += 1
            run.started += 1
            if now_s > seconds * 0.75:
                waits.append(waited_s)
                last_started += 1
            end = tick + max(1, round(chance.expovariate(1 / service_s) / TICK_S))
            ends[end] = ends.get(end, 0) + 1
        if tick % round(SYNC_S / TICK_S) == 0:
            pods = _scale(pods, asked, _value(len(queue), running, service_s, rate, running_counts), now_s)
        run.most_replicas = max(run.most_replicas, len(pods))
        if now_s > seconds * 0.75:
            replicas.append(len(pods))
        if run.emptied_s is None and backlog and not queue:
            run.emptied_s = now_s
    run.last_replicas = replicas[-1] if not waits else sum(replicas) / len(replicas)
    run.last_wait_s = sum(waits) / max(1, len(waits))
    run.last_start_rate = last_started / (seconds * 0.25)
    return run


def _value(waiting: int, running: int, service_s: float, rate: float, running_counts: str) -> float:
    due, limits = {"normal": Due(waiting, service_s, 1.0)}, {"global": Rate(rate)}
    if running_counts == "share":
        return capacity({"global": QueueWork(due, running)}, limits, CONCURRENCY, DRAIN_S).work_s
    value = capacity({"global": QueueWork(due)}, limits, CONCURRENCY, DRAIN_S).work_s
    return value + (running * service_s if running_counts == "service" else 0)


def _scale(pods: list[float], asked: deque[int], value: float, now_s: float) -> list[float]:
    target = CONCURRENCY * DRAIN_S
    wanted = math.ceil(value / target)
    if pods and abs(value / (target * len(pods)) - 1) <= 0.1:
        wanted = len(pods)
    asked.append(wanted)
    if wanted < len(pods):
        return pods[: min(len(pods), max(asked))]
    most = max(2 * len(pods), len(pods) + 4)
    return pods + [now_s + POD_STARTS_S] * (min(wanted, most) - len(pods))
