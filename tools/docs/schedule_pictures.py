"""Write the pictures of docs/scheduling.md into docs/pictures/, all drawn from the plan."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from taskqueue.models.time_zone import read_time_zone
from taskqueue.models.values import CatchUp, Exclusion, Schedule, Weekday
from taskqueue.plan.due import due
from taskqueue.plan.exclude import excluded_spans
from taskqueue.plan.schedule import occurrences, window_s
from taskqueue.plan.segment import Segment
from taskqueue.plan.spread import spread_class
from tools.docs.timeline import Row, Timeline

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
HOUR_S, MINUTE_S, DAY_S = 3_600, 60, 86_400
#: So far apart are the late runs drawn that start as soon as they can.
LATE_APART_S = 50
NIGHTLY = Schedule(cron="0 2 * * *", window_s=2 * HOUR_S)


def instant(text: str) -> int:
    """Return epoch seconds of a UTC time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def ticks(begin_s: int, end_s: int, step_s: int, form: str, zone: str = "UTC") -> list[tuple[float, str]]:
    """Return an instant and its label every step_s."""
    return [
        (at_s, datetime.fromtimestamp(at_s, read_time_zone(zone)).strftime(form))
        for at_s in range(begin_s, end_s + 1, step_s)
    ]


def spread() -> Timeline:
    """Eight subscriptions to a type with interval 10m: each has a place of its own, the same in each period."""
    begin_s, schedule = instant("2027-01-11 12:00"), Schedule(interval_s=600)
    end_s = begin_s + 3 * 600
    picture = Timeline("Places within an interval", begin_s, end_s, ticks(begin_s, end_s, 300, "%H:%M"))
    for number in range(8):
        at_s = spread_class(schedule).offset_ms(number) / 1000
        starts = occurrences(schedule, begin_s, end_s)
        picture.rows.append(Row(f"user {number + 1}", marks=[(start_s + at_s, "run") for start_s in starts]))
    return picture


def zones() -> Timeline:
    """A nightly type in four zones: window and one user of each."""
    begin_s = instant("2027-01-11 00:00")
    end_s = begin_s + 36 * HOUR_S
    picture = Timeline("One type, four zones", begin_s, end_s, ticks(begin_s, end_s, 6 * HOUR_S, "%H:%M UTC"))
    offset_s = spread_class(NIGHTLY).offset_ms(3) / 1000
    for zone in ("America/Los_Angeles", "America/New_York", "Europe/Berlin", "Asia/Tokyo"):
        starts = occurrences(replace(NIGHTLY, time_zone=zone), begin_s - 2 * HOUR_S, end_s)
        spans = [(start_s, start_s + 2 * HOUR_S, "span") for start_s in starts]
        picture.rows.append(Row(zone, spans, [(start_s + offset_s, "run") for start_s in starts]))
    return picture


def clocks(day: str) -> Callable[[], Timeline]:
    """Return the picture of a night in Berlin in which the clock changes."""

    def drawn() -> Timeline:
        begin_s = instant(f"{day} 00:00") - HOUR_S
        end_s = begin_s + 5 * HOUR_S
        zone = "Europe/Berlin"
        labels = ticks(begin_s, end_s, HOUR_S, "%H:%M", zone)
        picture = Timeline(f"Berlin, {day}", begin_s, end_s, labels)
        for line in ("30 2 * * *", "*/20 2 * * *", "0 1,3 * * *", "*/30 * * * *"):
            starts = occurrences(Schedule(cron=line, time_zone=zone), begin_s, end_s + 1)
            picture.rows.append(Row(line, marks=[(start_s, "run") for start_s in starts]))
        return picture

    return drawn


def excluded() -> Timeline:
    """A type with interval 2h, a user, and three exclusions from Friday to Monday."""
    begin_s = instant("2027-01-15 00:00")
    end_s = begin_s + 4 * DAY_S
    schedule = Schedule(interval_s=2 * HOUR_S)
    weekends = Exclusion(weekdays=(Weekday.SAT, Weekday.SUN))
    nights = Exclusion(daily_s=(22 * HOUR_S, 6 * HOUR_S))
    offset_s = spread_class(schedule).offset_ms(1) / 1000
    picture = Timeline("Excluded time", begin_s, end_s, ticks(begin_s, end_s, DAY_S, "%a %H:%M"))
    for label, exclude in (
        ("no exclusion", ()),
        ("weekdays: [Sat, Sun]", (weekends,)),
        ("daily: 22:00 to 06:00", (nights,)),
        ("both", (weekends, nights)),
    ):
        spans = excluded_spans(exclude, "UTC", begin_s * 1000, end_s * 1000)
        dues = [start_s + offset_s for start_s in occurrences(schedule, begin_s, end_s)]
        marks = [
            (at_s, "missed" if any(lo <= at_s * 1000 < hi for lo, hi in spans) else "run") for at_s in dues
        ]
        picture.rows.append(Row(label, [(lo / 1000, hi / 1000, "excluded") for lo, hi in spans], marks))
    return picture


def catch_up() -> Timeline:
    """An outage of three and a half periods, under each catchUp."""
    begin_s = instant("2027-01-11 12:00")
    end_s, down_s, up_s = begin_s + 80 * MINUTE_S, begin_s + 15 * MINUTE_S, begin_s + 50 * MINUTE_S
    schedule = Schedule(interval_s=600)
    offset_ms = spread_class(schedule).offset_ms(2)
    picture = Timeline("catchUp", begin_s, end_s, ticks(begin_s, end_s, 600, "%H:%M"))
    for policy in CatchUp:
        segment = Segment("sync", 1, schedule, catch_up=policy)
        marks: list[tuple[float, str]] = []
        for after_s, until_s, now_s in (
            (begin_s, down_s, down_s),
            (down_s, up_s, up_s),
            (up_s, end_s, end_s),
        ):
            steps = [(after_s, until_s, now_s)] if now_s == up_s else _steps(after_s, until_s)
            for lo_s, hi_s, judged_s in steps:
                marks += _marks(segment, offset_ms, lo_s, hi_s, judged_s)
        late = [mark for mark in marks if mark[1] == "late"]
        marks = [mark for mark in marks if mark[1] != "late"]
        marks += [(at_s + number * LATE_APART_S, kind) for number, (at_s, kind) in enumerate(late)]
        picture.rows.append(Row(f"catchUp: {policy}", [(down_s, up_s, "outage")], marks))
    return picture


def _steps(after_s: int, until_s: int) -> Iterable[tuple[int, int, int]]:
    return ((at_s, at_s + 1, at_s + 1) for at_s in range(after_s, until_s))


def _marks(
    segment: Segment, offset_ms: int, after_s: int, until_s: int, now_s: int
) -> Iterable[tuple[float, str]]:
    """Yield the runs of one subscription: where they were due if missed, else where they start."""
    for found in due([segment], after_s * 1000, until_s * 1000, now_s * 1000):
        if not found.offset_lo_ms <= offset_ms <= found.offset_hi_ms:
            continue
        for number in range(found.missed):
            yield found.occurrence_s - number * window_s(segment.schedule) + offset_ms / 1000, "missed"
        if not found.missed:
            yield (now_s, "late") if found.overdue else (found.occurrence_s + offset_ms / 1000, "run")


DRAWN: dict[str, Callable[[], Timeline]] = {
    "spread.svg": spread,
    "zones.svg": zones,
    "clocks-forward.svg": clocks("2027-03-28"),
    "clocks-back.svg": clocks("2027-10-31"),
    "excluded.svg": excluded,
    "catch-up.svg": catch_up,
}


def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    for name, draw in DRAWN.items():
        (PICTURES / name).write_text(draw().svg())


if __name__ == "__main__":
    main()
