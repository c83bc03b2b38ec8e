"""`due` against its definition, subscription by subscription and occurrence by occurrence."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from taskqueue.models.time_zone import read_time_zone
from taskqueue.models.values import CatchUp, Exclusion, Schedule, Weekday
from taskqueue.plan.due import CATCH_UP_PERIODS, OVERDUE_GRACE_MS, due
from taskqueue.plan.schedule import next_occurrence, occurrences, previous_occurrence, window_s
from taskqueue.plan.segment import DueRange, Segment

EMITTED, OVERDUE, MISSED, EXCLUDED = "emitted", "overdue", "missed", "excluded"
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
# The two nights of 2026 in which clocks change in Berlin, a midnight there, and an odd second.
ANCHORS = st.sampled_from([1_774_746_000, 1_792_890_000, 1_770_073_200, 1_770_000_123])


def wall_of(schedule: Schedule, at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, read_time_zone(schedule.time_zone or "UTC"))


def date_of(wall: datetime) -> int:
    return wall.toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal()


@st.composite
def exclusions(draw: st.DrawFn, schedule: Schedule, after: int, until: int) -> tuple[Exclusion, ...]:
    """Exclusions that begin, most of them, between two instants."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        wall = wall_of(schedule, draw(st.integers(after, until)))
        begin = wall.hour * 60 + wall.minute
        length = draw(
            st.one_of(st.integers(1, 5), st.integers(1, 5), st.integers(20, 60), st.integers(1, 1439))
        )
        daily = Exclusion(daily_s=(begin * 60, (begin + length) % 1440 * 60))
        first = date_of(wall) + draw(st.integers(-1, 1))
        dates = Exclusion(dates=((first, first + draw(st.integers(0, 2))),))
        weekday = Exclusion(weekdays=(draw(st.sampled_from(Weekday)),))
        found.append(draw(st.sampled_from([daily, daily, daily, daily, dates, weekday])))
    return tuple(found)


@st.composite
def outages(draw: st.DrawFn, *, excluding: bool = False) -> tuple[Segment, int, int, int]:
    """A segment and (after, until, now): now is near until, or anywhere later."""
    schedule, anchor = draw(SCHEDULES), draw(ANCHORS)
    longest_ms = 600_000 if schedule.interval_s else 7_200_000
    after = anchor * 1000 + draw(st.integers(-longest_ms // 2 if excluding else -5_000, 5_000))
    until = after + draw(st.integers(longest_ms // 2 if excluding else 0, longest_ms))
    now = until + draw(st.one_of(st.integers(-1_000, 0), st.integers(0, longest_ms)))
    segment = Segment(
        "t",
        1,
        schedule,
        catch_up=draw(st.sampled_from(CatchUp)),
        starting_deadline_ms=draw(st.one_of(st.none(), st.integers(0, longest_ms))),
        from_s=draw(st.sampled_from([0, 0, anchor, anchor + 60])),
        until_s=draw(st.sampled_from([None, None, anchor + 120, until // 1000])),
        exclude=draw(exclusions(schedule, after, until)) if excluding else (),
    )
    return segment, after, until, now


OUTAGES = st.one_of(outages(), outages(excluding=True))


def is_excluded(segment: Segment, at_ms: int) -> bool:
    """Read the clock on the wall."""
    wall = wall_of(segment.schedule, at_ms)
    date = date_of(wall)
    time_s = wall.hour * 3600 + wall.minute * 60 + wall.second
    for one in segment.exclude:
        if tuple(Weekday)[wall.weekday()] in one.weekdays:
            return True
        if any(first <= date <= last for first, last in one.dates):
            return True
        if one.daily_s:
            begin, end = one.daily_s
            if begin <= time_s < end or (end < begin and not end <= time_s < begin):
                return True
    return False


def next_due_s(segment: Segment, start: int, offset: int, now: int) -> int:
    """Return the next start whose due is not excluded, or one whose due is later than now."""
    following = next_occurrence(segment.schedule, start)
    while following * 1000 + offset <= now and is_excluded(segment, following * 1000 + offset):
        following = next_occurrence(segment.schedule, following)
    return following


def by_definition(segment: Segment, offsets: list[int], after: int, until: int, now: int) -> Answers:
    answers: Answers = Counter()
    schedule = segment.schedule
    oldest_s = previous_occurrence(schedule, now // 1000)
    for _ in range(CATCH_UP_PERIODS - 1):
        oldest_s = previous_occurrence(schedule, oldest_s - 1)
    for start in occurrences(schedule, after // 1000 - window_s(schedule) - 1, until // 1000 + 1):
        if start < segment.from_s or (segment.until_s is not None and start >= segment.until_s):
            continue
        for offset in offsets:
            at = start * 1000 + offset
            if not after < at <= until:
                continue
            if is_excluded(segment, at):
                answers[offset, EXCLUDED] += 1
                continue
            following = next_due_s(segment, start, offset, now)
            is_last = segment.until_s is not None and following >= segment.until_s
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
        counted = EXCLUDED if found.excluded else MISSED
        what = counted if found.missed or found.excluded else OVERDUE if found.overdue else EMITTED
        for offset in offsets:
            if found.offset_lo_ms <= offset <= found.offset_hi_ms:
                answers[offset, what] += found.missed or found.excluded or 1
    return answers


@given(OUTAGES, st.data())
@settings(max_examples=500, deadline=None)
def test_every_planned_job_is_emitted_or_missed_exactly_as_defined(
    outage: tuple[Segment, int, int, int], data: st.DataObject
) -> None:
    segment, after, until, now = outage
    last = window_s(segment.schedule) * 1000 - 1
    offsets = sorted({0, last, *data.draw(st.lists(st.integers(0, last), max_size=6))})
    ranges = due([segment], after, until, now)
    assert all(0 <= found.offset_lo_ms <= found.offset_hi_ms <= last for found in ranges)
    assert by_ranges(ranges, offsets) == by_definition(segment, offsets, after, until, now)


@given(OUTAGES, st.data())
@settings(max_examples=300, deadline=None)
def test_cutting_the_span_anywhere_gives_the_same_answers(
    outage: tuple[Segment, int, int, int], data: st.DataObject
) -> None:
    segment, after, until, now = outage
    cuts = sorted({after, until, *data.draw(st.lists(st.integers(after, until), max_size=5))})
    last = window_s(segment.schedule) * 1000 - 1
    offsets = sorted({0, last, *data.draw(st.lists(st.integers(0, last), max_size=6))})
    pieces = [each for lo, hi in pairwise(cuts) for each in due([segment], lo, hi, now)]
    assert by_ranges(pieces, offsets) == by_ranges(due([segment], after, until, now), offsets)
