"""The rest between two reads of the recovery point, by the durations of the reads."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from taskqueue.scheduler import recovery_point
from taskqueue.scheduler.leadership import Always
from taskqueue.scheduler.recovery_point import RecoveryPoint


@pytest.mark.parametrize(
    ("durations_s", "rests_s"),
    [
        ([0.001, 0.001, 0.001], [1, 1, 1]),
        ([0.3, 0.3, 0.3], [30, 30, 30]),
        ([9, 9], [60, 60]),
        ([0.001, 4, 0.001, 0.001], [1, 1, 1, 1]),
        ([0.001, 0.1, 0.2], [1, 1, 10]),
    ],
    ids=["cheap reads", "expensive reads", "at most a minute", "a store that hung once", "growing reads"],
)
async def test_the_rest_follows_the_shorter_of_two_reads(
    monkeypatch: pytest.MonkeyPatch, durations_s: list[float], rests_s: list[float]
) -> None:
    now_s, left, rests = [0.0], [*durations_s], list[float]()

    async def read(_: RecoveryPoint) -> None:
        now_s[0] += left.pop(0)

    async def sleep(rest_s: float) -> None:
        rests.append(rest_s)
        if not left:
            raise asyncio.CancelledError

    monkeypatch.setattr(RecoveryPoint, "read", read)
    monkeypatch.setattr(recovery_point, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    monkeypatch.setattr(recovery_point, "asyncio", SimpleNamespace(sleep=sleep))
    unused: Any = None
    with pytest.raises(asyncio.CancelledError):
        await RecoveryPoint(unused, unused, Always()).run()
    assert rests == pytest.approx(rests_s)
