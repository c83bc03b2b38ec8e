"""The strips of a user's day: runs that touch are one mark, hours are named in two zones, bad ends are told."""

from datetime import UTC, datetime, timedelta

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.views.user_history import NOT_KEPT, PlannedRun, UserHistory
from taskqueue_api.console.user_day import missed_of, strips_of, ticks_of

NOW = datetime(2026, 11, 24, 9, 10, tzinfo=UTC)
LOST = "did not run: expired, skipped or cancelled, or not subscribed then"


def run(minutes: int, state: str, outcome: Outcome | None = None, task_type: str = "orders") -> PlannedRun:
    due = NOW + timedelta(minutes=minutes)
    return PlannedRun(
        type=task_type, due=due, outcome=outcome, ended_at=due if outcome else None, state=state
    )


def history(*runs: PlannedRun) -> UserHistory:
    return UserHistory(user="ada", now=NOW, is_cut=False, runs=list(runs))


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


def test_another_state_begins_another_mark() -> None:
    runs = [run(-3, NOT_KEPT), run(-2, "ended", Outcome.DONE), run(-1, LOST), run(1, "planned")]
    found = strips_of(history(*runs), 0)
    assert [mark.state for mark in found["orders"]] == ["past", "done", "missed", "planned"]


def test_runs_ahead_of_a_held_type_are_not_planned() -> None:
    found = strips_of(
        history(run(-1, LOST), run(9, "paused"), run(9, "planned", None, "stock")), 0, {"orders"}
    )
    assert {name: [mark.state for mark in marks] for name, marks in found.items()} == {
        "orders": ["missed", "held"],
        "stock": ["planned"],
    }


def test_nothing_is_shown_from_before_the_store_was_installed() -> None:
    installed_ms = int(NOW.timestamp() * 1000) - 60_000
    assert strips_of(history(run(-2, LOST)), installed_ms) == {}


def test_hours_are_those_of_utc_and_of_the_user() -> None:
    ticks = ticks_of(history(), "Europe/Berlin")
    assert [f"{tick.utc:%H:%M}" for tick in ticks] == ["00:00", "04:00", "08:00", "12:00", "16:00", "20:00"]
    assert f"{ticks[2].local:%H:%M}" == "09:00"
    assert ticks[2].percent == pytest.approx(100 * (12 - 70 / 60) / 24, abs=0.01)


def test_runs_that_did_not_end_well_are_told_the_newest_first() -> None:
    runs = [
        run(-20, "ended", Outcome.DEAD, "report"),
        run(-10, LOST),
        run(-5, "ended", Outcome.DONE, "stock"),
    ]
    told = missed_of(strips_of(history(*runs), 0))
    assert [(one.type, one.state) for one in told] == [("orders", LOST), ("report", "ended")]
