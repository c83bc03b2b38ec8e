"""The agenda leaves out no segment that has a due."""

import random
from collections import Counter

from taskqueue.models.values import Schedule
from taskqueue.plan.agenda import Agenda
from taskqueue.plan.due import due
from taskqueue.plan.segment import Segment

HOUR, DAY_MS = 3600, 86_400_000
SCHEDULES = [
    Schedule(interval_s=300),
    Schedule(interval_s=300, window_s=7),
    Schedule(interval_s=7 * HOUR, window_s=HOUR),
    Schedule(cron="*/15 * * * *", time_zone="Asia/Kathmandu"),
    Schedule(cron="30 2 * * *", time_zone="Europe/Berlin", window_s=2 * HOUR),
    Schedule(cron="30 2 * * *", time_zone="America/New_York", window_s=2 * HOUR),
    Schedule(cron="0 0 29 2 *", time_zone="UTC"),
]
SEGMENTS = [Segment(f"type-{number}", 1, schedule) for number, schedule in enumerate(SCHEDULES * 2)]


def agenda_of(segments: list[Segment]) -> Agenda:
    agenda = Agenda()
    agenda.take(segments)
    return agenda


def test_the_same_jobs_are_due_with_and_without_it() -> None:
    chance, agenda = random.Random(16), agenda_of(SEGMENTS)
    after_ms = 1_798_600_000_000
    for _ in range(2_000):
        until_ms = after_ms + chance.choice([250, 1_000, 60_000, 1_800_000, DAY_MS])
        found = due(agenda.open_between(after_ms, until_ms), after_ms, until_ms, until_ms)
        assert Counter(found) == Counter(due(SEGMENTS, after_ms, until_ms, until_ms))
        after_ms = until_ms if chance.random() < 0.98 else until_ms - 2 * DAY_MS


def test_closed_windows_are_left_out() -> None:
    agenda, at_ms = agenda_of(SEGMENTS), 1_798_632_000_000  # 12:00 UTC
    assert {segment.type for segment in agenda.open_between(at_ms + 10_000, at_ms + 11_000)} == {
        "type-0",
        "type-7",
        "type-3",
        "type-10",
    }


def test_new_segments_replace_the_old_ones() -> None:
    agenda, at_ms = agenda_of(SEGMENTS), 1_798_600_000_000
    agenda.open_between(at_ms, at_ms + 1)
    agenda.take(SEGMENTS[:1])
    assert agenda.open_between(at_ms, at_ms + 1) == SEGMENTS[:1]


def test_windows_are_known_after_types_changed() -> None:
    agenda, fresh, at_ms = agenda_of(SEGMENTS), agenda_of(SEGMENTS), 1_798_600_000_000
    agenda.open_between(at_ms, at_ms + 1)
    agenda.take(SEGMENTS)
    for span_ms in (1, DAY_MS // 2, 2 * DAY_MS):
        found = agenda.open_between(at_ms + span_ms, at_ms + span_ms + 250)
        assert Counter(found) >= Counter(fresh.open_between(at_ms + span_ms, at_ms + span_ms + 250))


def test_windows_that_close_together_are_followed_up_later() -> None:
    nightly = [
        Segment(
            f"type-{minute}",
            1,
            Schedule(cron=f"{minute} 2 * * *", time_zone="UTC", window_s=HOUR - 60 * minute),
        )
        for minute in range(40)
    ]
    agenda, closed_ms = agenda_of(nightly), 1_798_600_000_000 // DAY_MS * DAY_MS + 3 * HOUR * 1000
    assert len(agenda.open_between(closed_ms - 1_000, closed_ms - 999)) == 40
    numbers = [len(agenda.open_between(closed_ms + step, closed_ms + step + 1)) for step in range(6)]
    assert numbers == [32, 24, 16, 8, 0, 0]
