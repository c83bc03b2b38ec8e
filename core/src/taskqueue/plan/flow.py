"""The flow of a day's demand through one limit: the backlog it leaves, the waits, and its end (a fluid model).

As jobs start in the order of their dues, a job waits for the backlog ahead of it. The peak of the backlog is the
greatest excess of demand over capacity in any interval between two edges: the processor-demand test, in one pass.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

from taskqueue.plan.cron import DAY_S
from taskqueue.plan.demand import Step

# Sums of floats: less than this many slots is no backlog.
_NOTHING = 1e-6


class Peak(NamedTuple):
    """The worst backlog: it grows from start_s and is greatest at end_s, `slots` being the excess."""

    start_s: float
    end_s: float
    slots: float


class Backlog(NamedTuple):
    """levels: slots waiting at each edge of the steps.   lasting: a day asks for more than a day gives."""

    levels: list[float]
    peak: Peak
    lasting: bool


def merge(flows: Sequence[Sequence[Step]]) -> Sequence[Step]:
    """Return the sum of flows, at least one, over the same day."""
    if len(flows) == 1:
        return flows[0]
    changes: defaultdict[float, float] = defaultdict(float)
    for steps in flows:
        before = 0.0
        for step in steps:
            changes[step.start_s] += step.rate - before
            before = step.rate
        changes[steps[-1].end_s] -= before
    rate = 0.0
    merged: list[Step] = []
    for edge, following in pairwise(sorted(changes)):
        rate += changes[edge]
        merged.append(Step(edge, following, rate))
    return merged


def backlog(steps: Sequence[Step], capacity: float, burst: int = 1) -> Backlog:
    """Return the backlog over the steps of a day at `capacity` slots a second.

    burst: slots that may follow each other at once after a pause; all but one of them are no backlog.
    A day that can be served repeats, so the backlog at midnight meets the same morning again: a peak may lie in
    the second day. A day that cannot be served is computed once: every further day would only add to the backlog.
    """
    lasting = sum((step.rate - capacity) * (step.end_s - step.start_s) for step in steps) > _NOTHING
    free = burst - 1
    owed = 0.0  # slots taken beyond those that the capacity gave since
    levels: list[float] = []
    begin_s = steps[0].start_s
    peak = Peak(begin_s, begin_s, 0.0)
    for day in range(1 if lasting else 2):
        levels = [owed - free if owed > free else 0.0]
        for step in steps:
            if owed == 0:
                begin_s = step.start_s + day * DAY_S
            owed += (step.rate - capacity) * (step.end_s - step.start_s)
            if owed < _NOTHING:
                owed = 0.0
            level = owed - free if owed > free else 0.0
            if level > peak.slots + _NOTHING:
                peak = Peak(begin_s, step.end_s + day * DAY_S, level)
            levels.append(level)
    return Backlog(levels, peak, lasting)


def passed(steps: Sequence[Step], levels: Sequence[float], capacity: float) -> list[Step]:
    """Return the demand behind a limit: the demand of the time, or the capacity while jobs wait."""
    after: list[Step] = []
    for step, (before, behind) in zip(steps, pairwise(levels), strict=True):
        change = step.end_s
        if before > 0 and behind <= 0:  # the backlog ends within the step
            change = step.start_s + before / (capacity - step.rate)
        elif before <= 0 < behind:  # it begins, after a burst
            change = step.end_s - behind / (step.rate - capacity)
        change = min(max(change, step.start_s), step.end_s)
        first, second = (capacity, step.rate) if before > 0 else (step.rate, capacity)
        if step.start_s < change:
            after.append(Step(step.start_s, change, first))
        if change < step.end_s:
            after.append(Step(change, step.end_s, second))
    return after


def waits(steps: Sequence[Step], found: Backlog, capacity: float, *, in_order: bool) -> list[float]:
    """Return the longest wait of a job due in each step.

    in_order: jobs start in the order of their dues. If they do not, as with several lanes, a job may wait until the
    backlog ends.
    """
    levels = found.levels
    if in_order or not found.peak.slots:
        return [max(edges) / capacity for edges in pairwise(levels)]
    if found.lasting:
        return [inf] * len(steps)
    longest = [0.0] * len(steps)
    end_s = steps[-1].end_s
    for days in (1, 0):  # the backlog at midnight ends in the next day
        for position in range(len(steps) - 1, -1, -1):
            step = steps[position]
            if levels[position + 1] <= 0:
                end_s = step.start_s + days * DAY_S
                if levels[position] > 0:
                    end_s += levels[position] / (capacity - step.rate)
            longest[position] = max(0.0, end_s - step.start_s - days * DAY_S)
    return longest
