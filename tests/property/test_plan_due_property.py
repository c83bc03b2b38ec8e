"""`due` against its definition, subscription by subscription and occurrence by occurrence."""

from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from taskqueue.models.values import CatchUp, Schedule
from taskqueue.plan.due import CATCH_UP_PERIODS, OVERDUE_GRACE_MS, due
from taskqueue.plan.schedule import next_occurrence, occurrences, previous_occurrence, window_s
from taskqueue.plan.segment import DueRange, Segment

EMITTED, OVERDUE, MISSED = "emitted", "overdue", "missed"
Answers = Counter[tuple[int, str]]  # (offset, what becomes of it) -> in how many occurrences

SCHEDULES = st.one_of(
    st.builds(Schedule, interval_s=st.integers(1, 20), window_s=st.one_of(st.none(), st.integers(1, 20))),
    st.builds(
        Schedule,
        cron=st.sampled_from(["* * * * *", "0,1,7 * * * *", "*/5 1-3 * * *", "30 2 * * *"]),
        time_zone=st.sampled_from(["UTC", "Europe/Berlin"]),
        window_s=st.sampled_from([None, 20, 3600]),
    ),
)
# The two nights of 2026 in which clocks change in Berlin, and an odd second.
ANCHORS = st.sampled_from([1_774_746_000, 1_792_890_000, 1_770_000_123])


@st.composite
def outages(draw: st.DrawFn) -> tuple[Segment, int, int, int]:
    """A segment and (after, until, now): now is near until, or anywhere later."""
    schedule, anchor = draw(SCHEDULES), draw(ANCHORS)
    longest_ms = 600_000 if schedule.interval_s else 7_200_000
    after = anchor * 1000 + draw(st.integers(-5_000, 5_000))
    until = after + draw(st.integers(0, longest_ms))
    now = until + draw(st.one_of(st.integers(-1_000, 0), st.integers(0, longest_ms)))
    segment = Segment(
        "t",
        1,
        schedule,
        catch_up=draw(st.sampled_from(CatchUp)),
        starting_deadline_ms=draw(st.one_of(st.none(), st.integers(0, longest_ms))),
        from_s=draw(st.sampled_from([0, anchor, anchor + 60])),
        until_s=draw(st.sampled_from([None, None, anchor + 120, until // 1000])),
    )
    return segment, after, until, now


def by_definition(segment: Segment, offsets: list[int], after: int, until: int, now: int) -> Answers:
    answers: Answers = Counter()
    schedule = segment.schedule
    oldest_s = previous_occurrence(schedule, now // 1000)
    for _ in range(CATCH_UP_PERIODS - 1):
        oldest_s = previous_occurrence(schedule, oldest_s - 1)
    for start in occurrences(schedule, after // 1000 - window_s(schedule) - 1, until // 1000 + 1):
        if start < segment.from_s or (segment.until_s is not None and start >= segment.until_s):
            continue
        following = next_occurrence(schedule, start)
        is_last = segment.until_s is not None and following >= segment.until_s
        for offset in offsets:
            at = start * 1000 + offset
            if not after < at <= until:
                continue
            overdue = at < now - OVERDUE_GRACE_MS
            runs = {
                CatchUp.LATEST: is_last or following * 1000 + offset > now,
                CatchUp.ALL: start >= oldest_s,
                CatchUp.SKIP: not overdue,
            }[segment.catch_up]
            if segment.starting_deadline_ms is not None and at + segment.starting_deadline_ms < now:
                runs = False
            answers[offset, (OVERDUE if overdue else EMITTED) if runs else MISSED] += 1
    return answers


def by_ranges(ranges: list[DueRange], offsets: list[int]) -> Answers:
    answers: Answers = Counter()
    for found in ranges:
        what = MISSED if found.missed else OVERDUE if found.overdue else EMITTED
        for offset in offsets:
            if found.offset_lo_ms <= offset <= found.offset_hi_ms:
                answers[offset, what] += found.missed or 1
    return answers


@given(outages(), st.data())
@settings(max_examples=250, deadline=None)
def test_every_planned_job_is_emitted_or_missed_exactly_as_defined(
    outage: tuple[Segment, int, int, int], data: st.DataObject
) -> None:
    segment, after, until, now = outage
    last = window_s(segment.schedule) * 1000 - 1
    offsets = sorted({0, last, *data.draw(st.lists(st.integers(0, last), max_size=6))})
    ranges = due([segment], after, until, now)
    assert all(0 <= found.offset_lo_ms <= found.offset_hi_ms <= last for found in ranges)
    assert by_ranges(ranges, offsets) == by_definition(segment, offsets, after, until, now)


@given(outages(), st.data())
@settings(max_examples=150, deadline=None)
def test_cutting_the_span_anywhere_gives_the_same_answers(
    outage: tuple[Segment, int, int, int], data: st.DataObject
) -> None:
    segment, after, until, now = outage
    cuts = sorted({after, until, *data.draw(st.lists(st.integers(after, until), max_size=5))})
    last = window_s(segment.schedule) * 1000 - 1
    offsets = sorted({0, last, *data.draw(st.lists(st.integers(0, last), max_size=6))})
    pieces = [each for lo, hi in pairwise(cuts) for each in due([segment], lo, hi, now)]
    assert by_ranges(pieces, offsets) == by_ranges(due([segment], after, until, now), offsets)
