"""The instant at which a changed schedule takes over."""

import pytest

from taskqueue.models.values import Schedule
from taskqueue.plan.takeover import takeover_s


@pytest.mark.parametrize(
    ("old", "new", "after", "takes_over"),
    [
        (300, 60, 1_000, 1_001),  # 900 to 1020: at once
        (300, 60, 300, 301),
        (700, 500, 2_600, 2_801),  # 2100 to 3000 is too long: behind the next old start, 2800
        (500, 700, 2_600, 2_601),  # 2500 to 2800
        (50, 500, 1_120, 1_121),
        (60, 60, 90, 91),
    ],
)
def test_a_takeover_is_as_early_as_the_longer_period_allows(
    old: int, new: int, after: int, takes_over: int
) -> None:
    assert takeover_s(Schedule(interval_s=old), Schedule(interval_s=new), after) == takes_over


def test_a_cron_takes_over_and_is_taken_over() -> None:
    nightly = Schedule(cron="0 2 * * *")
    assert takeover_s(Schedule(interval_s=3600), nightly, 10_000) == 10_001  # 7200 to 93600 is one night
    assert takeover_s(nightly, Schedule(interval_s=100_000), 7_201) == 7_202
    # 93600 to 200000 is too long; the night of 180000 does not wait for 200000.
    assert takeover_s(nightly, Schedule(interval_s=100_000), 100_001) == 180_001
