"""The strips of a user's day: runs that touch are one mark, hours are named in two zones, bad ends are told."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.views.planned_run import NO_JOB, NOT_KEPT, PlannedRun, RunKind
from taskqueue.views.user_history import ListedSpan, UserHistory
from taskqueue_api.console.user_day import cut_of, missed_of, strips_of, ticks_of

NOW = datetime(2026, 11, 24, 9, 10, tzinfo=UTC)
STATES: dict[RunKind, str] = {
    "missed": NO_JOB,
    "unknown": NOT_KEPT,
    "dead": "dead: HTTP 500",
    "done": "ended",
}
OUTCOMES: dict[RunKind, Outcome] = {"done": Outcome.DONE, "dead": Outcome.DEAD}


def run(minutes: int, kind: RunKind, task_type: str = "orders") -> PlannedRun:
    due, outcome = NOW + timedelta(minutes=minutes), OUTCOMES.get(kind)
    return PlannedRun(
        type=task_type,
        due=due,
        kind=kind,
        outcome=outcome,
        ended_at=due if outcome else None,
        state=STATES.get(kind, kind),
    )


def history(*runs: PlannedRun, cut: Sequence[ListedSpan] = ()) -> UserHistory:
    return UserHistory(user="ada", now=NOW, is_cut=bool(cut), cut=list(cut), without_runs=[], runs=list(runs))


@pytest.mark.parametrize(
    ("dues", "marks"),
    [
        ([1, 2, 3], [(721, 6, 3)]),
        ([1, 5, 9], [(721, 12, 3)]),
        ([1, 30], [(721, 4, 1), (750, 4, 1)]),
        ([-800, 1, 800], [(721, 4, 1)]),
    ],
    ids=["overlapping", "touching", "apart", "out of reach"],
)
def test_runs_of_one_state_that_touch_are_one_mark(
    dues: list[int], marks: list[tuple[float, float, int]]
) -> None:
    found = strips_of(history(*(run(due, "planned") for due in dues)), 0)
    assert [(mark.x, mark.width, mark.count) for mark in found["orders"]] == marks


def test_another_kind_begins_another_mark() -> None:
    kinds: list[RunKind] = ["unknown", "done", "missed", "waits", "planned", "held", "excluded"]
    found = strips_of(history(*(run(minute, kind) for minute, kind in enumerate(kinds))), 0)
    assert [mark.state for mark in found["orders"]] == kinds


def test_only_what_is_missing_within_the_strips_is_told() -> None:
    day, hour = timedelta(hours=24), timedelta(hours=1)
    spans = [
        ListedSpan(type="often", since=NOW - hour, until=NOW + hour),
        ListedSpan(type="orders", since=NOW - day, until=NOW + day - hour),
    ]
    assert [one.type for one in cut_of(history(cut=spans))] == ["often"]


def test_nothing_is_shown_from_before_the_store_was_installed() -> None:
    installed_ms = int(NOW.timestamp() * 1000) - 60_000
    assert strips_of(history(run(-2, "missed")), installed_ms) == {}


def test_hours_are_those_of_utc_and_of_the_user() -> None:
    ticks = ticks_of(history(), "Europe/Berlin")
    assert [f"{tick.utc:%H:%M}" for tick in ticks] == ["00:00", "04:00", "08:00", "12:00", "16:00", "20:00"]
    assert f"{ticks[2].local:%H:%M}" == "09:00"
    assert ticks[2].percent == pytest.approx(100 * (12 - 70 / 60) / 24, abs=0.01)


def test_runs_that_did_not_end_well_are_told_the_newest_first() -> None:
    runs = [run(-20, "dead", "report"), run(-10, "missed"), run(-7, "excluded"), run(-5, "done", "stock")]
    told = missed_of(strips_of(history(*runs), 0))
    assert [[(one.type, one.state) for one in runs] for runs in told] == [
        [("orders", NO_JOB)],
        [("report", "dead: HTTP 500")],
    ]


def test_many_runs_that_were_missed_for_one_reason_are_told_together() -> None:
    often = [run(-minute, "done" if minute == 300 else "missed", "often") for minute in range(700, 0, -1)]
    told = missed_of(strips_of(history(run(-600, "dead"), *often), 0))
    assert [(runs[0].type, len(runs)) for runs in told] == [("often", 299), ("often", 400), ("orders", 1)]
