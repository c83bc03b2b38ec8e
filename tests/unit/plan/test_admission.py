"""Findings of the calendar about a manifest."""

from typing import Any

import pytest

from taskqueue.models.manifest import API_VERSION
from taskqueue.models.refusal import ManifestRefusedError
from taskqueue.models.values import TaskType, UserSubscription
from taskqueue.plan.admission import admit


def task_type(schedule: Any, window: Any, **spec: Any) -> dict[str, Any]:
    fields = {"schedule": schedule, "window": window, "handler": {"function": "report"}, **spec}
    return {"apiVersion": API_VERSION, "kind": "TaskType", "metadata": {"name": "report"}, "spec": fields}


DAILY, BERLIN, UTC = {"cron": "0 2 * * *"}, {"timeZone": "Europe/Berlin"}, {"timeZone": "UTC"}


@pytest.mark.parametrize(
    ("schedule", "longest", "longer"),
    [
        (DAILY | UTC, "24h", "48h"),
        (DAILY | UTC, "24h", "24h1s"),
        (DAILY | {"timeZone": None}, "82800s", "24h"),
        ({"cron": "0 9,17 * * *"} | UTC, "8h", "9h"),
        ({"cron": "*/15 * * * *"}, "15m", "16m"),
        ({"cron": "0 3 * * MON"} | UTC, "168h", "169h"),
        ({"cron": "0 3 1 * *"} | UTC, "672h", "30000h"),
        ({"cron": "0 12 * * *"} | BERLIN, "23h", "24h"),
    ],
)
def test_a_window_is_at_most_the_shortest_time_between_two_runs(
    schedule: dict[str, str], longest: str, longer: str
) -> None:
    assert isinstance(admit(task_type(schedule, longest)), TaskType)
    with pytest.raises(ManifestRefusedError) as error:
        admit(task_type(schedule, longer))
    (refusal,) = error.value.refusals
    assert refusal.field == "spec.window"
    assert refusal.message.startswith("must be at most the shortest time between two runs of cron, ")


def test_a_night_with_an_hour_less_is_named() -> None:
    with pytest.raises(ManifestRefusedError, match="23h when clocks in Europe/Berlin go forward"):
        admit(task_type({"cron": "0 12 * * *"} | BERLIN, "24h"))
    with pytest.raises(ManifestRefusedError, match="22h when clocks in the zone of a user go forward"):
        admit(task_type({"cron": "0 12 * * *"}, "24h"))


def test_a_window_is_refused_together_with_other_fields() -> None:
    with pytest.raises(ManifestRefusedError) as error:
        admit(task_type(DAILY, "48h", cost=0))
    assert [refusal.field for refusal in error.value.refusals] == ["spec.cost", "spec.window"]


@pytest.mark.parametrize(
    ("schedule", "window", "field"),
    [
        ({"cron": "61 * * * *"}, "48h", "spec.schedule.cron"),
        (DAILY | {"timeZone": "Mars/Base"}, "48h", "spec.schedule.timeZone"),
        (DAILY | {"timeZone": 1}, "48h", "spec.schedule.timeZone"),
        (DAILY, "two days", "spec.window"),
        (DAILY, 48, "spec.window"),
        ({"cron": 5}, "48h", "spec.schedule.cron"),
        ("daily", "48h", "spec.schedule"),
        ({"interval": "5m"}, "48h", "spec.window"),
    ],
)
def test_a_refused_field_has_one_refusal(schedule: Any, window: Any, field: str) -> None:
    with pytest.raises(ManifestRefusedError) as error:
        admit(task_type(schedule, window))
    assert [refusal.field for refusal in error.value.refusals] == [field]


def test_a_document_without_a_spec_and_a_user_pass_by_the_calendar() -> None:
    with pytest.raises(ManifestRefusedError):
        admit({"apiVersion": API_VERSION, "kind": "TaskType", "metadata": {"name": "a"}, "spec": None})
    with pytest.raises(ManifestRefusedError):
        admit([])
    user = {"apiVersion": API_VERSION, "kind": "UserSubscription", "metadata": {"name": "a"}, "spec": {}}
    assert admit(user) == UserSubscription("a")


SEVEN = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
WEEKEND = {"weekdays": ["Sat", "Sun"]}


def daily(begin: str, end: str) -> dict[str, dict[str, str]]:
    return {"daily": {"from": begin, "to": end}}


@pytest.mark.parametrize(
    ("schedule", "window", "exclude", "named"),
    [
        ({"interval": "5m"}, None, [{"weekdays": SEVEN}], "interval 5m"),
        ({"interval": "5m"}, None, [WEEKEND, {"weekdays": SEVEN[:4]}], None),
        ({"interval": "5m"}, None, [WEEKEND, {"weekdays": SEVEN[:5]}], "interval 5m"),
        ({"interval": "5m"}, None, [daily("00:00", "24:00")], "interval 5m"),
        ({"interval": "5m"}, None, [daily("22:00", "06:00"), daily("06:00", "21:59")], None),
        ({"interval": "5m"}, None, [daily("22:00", "06:00"), daily("06:00", "22:00")], "interval 5m"),
        ({"interval": "24h"}, "1h", [daily("00:00", "01:00")], "interval 24h"),
        ({"interval": "24h"}, "61m", [daily("00:00", "01:00")], None),
        ({"interval": "25h"}, "1h", [daily("00:00", "01:00")], None),
        ({"interval": "1h", "intervals": ["24h"]}, "30m", [daily("00:00", "01:00")], "interval 24h"),
        ({"interval": "400h"}, None, [daily("00:00", "23:59")], None),
        ({"cron": "0 2 * * SAT,SUN"}, None, [WEEKEND], "0 2 * * SAT,SUN"),
        ({"cron": "0 2 * * FRI-SAT"}, None, [WEEKEND], None),
        ({"cron": "30 23 * * SUN"}, None, [WEEKEND], None),
        ({"cron": "30 23 * * SUN"}, "30m", [WEEKEND], "30 23 * * SUN"),
        ({"cron": "0 2 13 * FRI"}, None, [{"weekdays": ["Fri"]}], None),
        ({"cron": "0 2 */7 * FRI"}, None, [{"weekdays": ["Fri"]}], "0 2 */7 * FRI"),
        ({"cron": "0 2 * * *"}, None, [daily("02:00", "03:00")], "0 2 * * *"),
        ({"cron": "0 2 * * *"} | BERLIN, None, [daily("22:00", "06:00")], "0 2 * * *"),
        ({"cron": "0 2 1 * *"}, "670h", [{"weekdays": SEVEN[:6]}, daily("00:00", "23:59")], None),
        ({"cron": "0 2 * * *"}, None, [{"dates": ["1970-01-01/9999-12-31"]}], None),
    ],
)
def test_exclusions_leave_some_run(
    schedule: dict[str, Any], window: str | None, exclude: list[Any], named: str | None
) -> None:
    written = task_type(schedule | {"exclude": exclude}, window)
    if named is None:
        assert isinstance(admit(written), TaskType)
        return
    with pytest.raises(ManifestRefusedError) as error:
        admit(written)
    (refusal,) = error.value.refusals
    assert refusal.field == "spec.schedule.exclude"
    assert refusal.message == f'must leave some run of "{named}": it excludes them all'
