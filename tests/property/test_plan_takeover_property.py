"""The instant of a takeover, for any two schedules."""

from hypothesis import given, settings
from hypothesis import strategies as st

from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import next_occurrence, occurrences, previous_occurrence
from taskqueue.plan.takeover import takeover_s

SCHEDULES = st.one_of(
    st.builds(Schedule, interval_s=st.integers(1, 3_000)),
    st.builds(
        Schedule,
        cron=st.sampled_from(["*/7 * * * *", "0 */2 * * *", "30 2 * * *", "0 9 * * MON"]),
        time_zone=st.sampled_from(["UTC", "Europe/Berlin"]),
    ),
)


def gap_and_bound(old: Schedule, new: Schedule, takes_over: int) -> tuple[int, int]:
    last_old = previous_occurrence(old, takes_over - 1)
    first_new = next_occurrence(new, takes_over - 1)
    old_period = next_occurrence(old, last_old) - last_old
    new_period = first_new - previous_occurrence(new, first_new - 1)
    return first_new - last_old, max(old_period, new_period)


@given(SCHEDULES, SCHEDULES, st.integers(1_774_700_000, 1_774_800_000))
@settings(max_examples=200, deadline=None)
def test_no_gap_exceeds_the_longer_period_and_none_is_earlier(
    old: Schedule, new: Schedule, after: int
) -> None:
    takes_over = takeover_s(old, new, after)
    gap, bound = gap_and_bound(old, new, takes_over)
    assert takes_over > after
    assert gap <= bound
    candidates = {after + 1, next_occurrence(old, after) + 1, next_occurrence(new, after)}
    assert takes_over in candidates
    for earlier in candidates:
        if earlier < takes_over:
            gap, bound = gap_and_bound(old, new, earlier)
            assert gap > bound


@given(SCHEDULES, SCHEDULES, st.integers(1_774_700_000, 1_774_800_000))
@settings(max_examples=50, deadline=None)
def test_no_instant_belongs_to_both(old: Schedule, new: Schedule, after: int) -> None:
    takes_over = takeover_s(old, new, after)
    kept = occurrences(old, after - 9_000, takes_over)
    taken = occurrences(new, takes_over, takes_over + 9_000)
    assert not set(kept) & set(taken)
