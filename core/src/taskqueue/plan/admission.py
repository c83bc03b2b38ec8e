"""The entry of manifests: the checks of the models, and then the checks that need a calendar."""

from collections.abc import Iterator
from typing import Any

from taskqueue.models.cron import check_cron
from taskqueue.models.duration import format_ms, parse_whole_s
from taskqueue.models.manifest import parse
from taskqueue.models.refusal import ManifestRefusedError, Refusal, ValueRefusedError, must_be
from taskqueue.models.time_zone import check_time_zone
from taskqueue.models.values import Declared, Schedule, TaskType
from taskqueue.plan.excluded_week import leaves_run
from taskqueue.plan.schedule import shortest_gap_s
from taskqueue.plan.variants import intervals


def admit(document: object) -> Declared:
    """Turn a document, as YAML or JSON gave it, into a value.

    Raises ManifestRefusedError, which names every field that is wrong.
    """
    refusals: list[Refusal] = []
    try:
        value = parse(document)
        if isinstance(value, TaskType) and value.exclude:
            refusals += _runs_excluded(value)
    except ManifestRefusedError as error:
        refusals += error.refusals
    if isinstance(document, dict) and document.get("kind") == "TaskType":
        refusals += _calendar_conflicts(document.get("spec"))
    if refusals:
        raise ManifestRefusedError(tuple(refusals))
    return value


def _runs_excluded(task_type: TaskType) -> Iterator[Refusal]:
    """Find schedules, the type's own and those that subscriptions may choose, of which the exclusions leave no run."""
    for schedule in (task_type.schedule, *intervals(task_type.schedule)):
        if not leaves_run(schedule, task_type.exclude):
            name = schedule.cron or f"interval {format_ms((schedule.interval_s or 0) * 1000)}"
            message = f'must leave some run of "{name}": it excludes them all'
            yield Refusal(("spec", "schedule", "exclude"), message)
            return


def _calendar_conflicts(spec: Any) -> Iterator[Refusal]:
    """Find a window that is longer than the time between two runs of its cron line.

    Fields that the models refuse are skipped.
    """
    schedule = spec.get("schedule") if isinstance(spec, dict) else None
    if not isinstance(schedule, dict) or schedule.get("interval") is not None:
        return
    cron, zone = schedule.get("cron"), schedule.get("timeZone")
    window = spec.get("window")
    if not (isinstance(cron, str) and isinstance(zone, str | None) and isinstance(window, str)):
        return
    try:
        check_cron(cron)
        check_time_zone(zone or "UTC")
        window_s = parse_whole_s(window)
    except ValueRefusedError:
        return
    gap_s = shortest_gap_s(Schedule(cron=cron, time_zone=zone))
    if window_s <= gap_s:
        return
    rule = f"at most the shortest time between two runs of cron, {format_ms(gap_s * 1000)}"
    if gap_s < shortest_gap_s(Schedule(cron=cron, time_zone="UTC")):
        rule += f" when clocks in {zone or 'the zone of a user'} go forward"
    yield Refusal(("spec", "window"), must_be(rule, window))
