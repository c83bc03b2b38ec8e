"""Rules between fields.

They read the document as written and not a model, so that one answer names a window that is too long together with a
typing error elsewhere. Fields that their own check refuses are skipped.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from taskqueue.models.duration import format_ms, parse_ms
from taskqueue.models.exclusion_rules import exclude_conflicts
from taskqueue.models.identity import MAX_USER_ID_CHARACTERS
from taskqueue.models.limit_rules import limits_conflicts, removed_limit_conflicts
from taskqueue.models.params import MAX_OBJECT_BYTES, MAX_TASK_BYTES, json_bytes
from taskqueue.models.refusal import Refusal, ValueRefusedError, excerpt, must_be
from taskqueue.models.values import Retry


def task_type_conflicts(document: Mapping[str, Any]) -> Iterator[Refusal]:
    """Find contradictions in a TaskType."""
    spec = _mapping(document, "spec")
    yield from _schedule_conflicts(spec)
    yield from _handler_conflicts(spec)
    yield from _locked_twice(spec)
    if spec.get("retrySuspendedAfter") is not None and spec.get("suspendAfter") is None:
        message = "remove retrySuspendedAfter: nothing is suspended without suspendAfter"
        yield Refusal(("spec", "retrySuspendedAfter"), message)
    yield from limits_conflicts(spec)
    yield from removed_limit_conflicts(document)
    retry = _mapping(spec, "retry")
    min_backoff_ms = _duration_ms(retry, "minBackoff", Retry().min_backoff_ms)
    max_backoff_ms = _duration_ms(retry, "maxBackoff", Retry().max_backoff_ms)
    if min_backoff_ms is not None and max_backoff_ms is not None and min_backoff_ms > max_backoff_ms:
        yield Refusal(
            ("spec", "retry", "maxBackoff"),
            must_be(f"at least minBackoff, {format_ms(min_backoff_ms)}", format_ms(max_backoff_ms)),
        )


def subscription_conflicts(document: Mapping[str, Any]) -> Iterator[Refusal]:
    """Find contradictions in a UserSubscription."""
    spec = _mapping(document, "spec")
    name = _mapping(document, "metadata").get("name")
    if spec.get("userId") is None and isinstance(name, str) and len(name) > MAX_USER_ID_CHARACTERS:
        message = f"add userId: the object's name is longer than {MAX_USER_ID_CHARACTERS} characters"
        yield Refusal(("spec", "userId"), message)
    tasks = spec.get("tasks")
    if isinstance(tasks, list):
        yield from task_conflicts(tasks)
    yield from limits_conflicts(spec)


def task_conflicts(tasks: list[Any]) -> Iterator[Refusal]:
    """Find types that one user lists twice, and params that are too big together."""
    first_by_type: dict[str, int] = {}
    for position, task in enumerate(tasks):
        if not isinstance(task, dict):
            continue
        task_type = task.get("type")
        if isinstance(task_type, str):
            first = first_by_type.setdefault(task_type, position)
            if first != position:
                message = f'remove "{excerpt(task_type)}": tasks[{first}] lists it already'
                yield Refusal(("spec", "tasks", position, "type"), message)
    if len(tasks) > MAX_OBJECT_BYTES // MAX_TASK_BYTES:  # fewer cannot be too big together
        params_bytes = sum(
            _params_bytes(task.get("params") or {}) for task in tasks if isinstance(task, dict)
        )
        if params_bytes > MAX_OBJECT_BYTES:
            message = must_be(f"at most {MAX_OBJECT_BYTES} bytes of params in all", params_bytes)
            yield Refusal(("spec", "tasks"), message)


def _schedule_conflicts(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    schedule = spec.get("schedule")
    if not isinstance(schedule, dict):
        return
    interval, cron, time_zone = (schedule.get(key) for key in ("interval", "cron", "timeZone"))
    if interval is not None and cron is not None:
        yield Refusal(("spec", "schedule", "cron"), "remove interval or cron: a schedule has one of them")
    elif interval is None and cron is None:
        message = 'add interval (such as "5m") or cron (such as "0 2 * * *")'
        yield Refusal(("spec", "schedule"), message)
    elif time_zone is not None and cron is None:
        message = "remove timeZone: an interval has no time zone"
        yield Refusal(("spec", "schedule", "timeZone"), message)
    yield from _intervals_conflicts(schedule)
    yield from exclude_conflicts(schedule)
    window_ms = _duration_ms(spec, "window")
    interval_ms = _duration_ms(schedule, "interval")
    if window_ms is not None and interval_ms is not None and window_ms > interval_ms:
        message = must_be(f"at most the interval, {format_ms(interval_ms)}", spec["window"])
        yield Refusal(("spec", "window"), message)


def _intervals_conflicts(schedule: Mapping[str, Any]) -> Iterator[Refusal]:
    intervals = schedule.get("intervals")
    if not isinstance(intervals, list):
        return
    if intervals and schedule.get("interval") is None:
        message = "remove intervals: only a schedule with interval has others to choose from"
        yield Refusal(("spec", "schedule", "intervals"), message)
    listed: dict[int | None, str] = {_duration_ms(schedule, "interval"): "interval"}
    for position, written in enumerate(intervals):
        interval_ms = _duration_ms({"interval": written}, "interval")
        if interval_ms is None:
            continue
        if interval_ms in listed:
            message = f'remove "{excerpt(written)}": {listed[interval_ms]} has this length already'
            yield Refusal(("spec", "schedule", "intervals", position), message)
        listed.setdefault(interval_ms, f"intervals[{position}]")


def _handler_conflicts(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    handler = spec.get("handler")
    if not isinstance(handler, dict):
        return
    function, http = handler.get("function"), handler.get("http")
    if function is not None and http is not None:
        yield Refusal(("spec", "handler", "http"), "remove function or http: a handler has one of them")
    elif function is None and http is None:
        message = "add function (a registered name) or http (with a url)"
        yield Refusal(("spec", "handler"), message)


def _locked_twice(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    locked = spec.get("lockedParams")
    if not isinstance(locked, list):
        return
    first_by_name: dict[str, int] = {}
    for position, name in enumerate(locked):
        if isinstance(name, str):
            first = first_by_name.setdefault(name, position)
            if first != position:
                message = f'remove "{excerpt(name)}": lockedParams[{first}] lists it already'
                yield Refusal(("spec", "lockedParams", position), message)


def _mapping(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    child = parent.get(key)
    return child if isinstance(child, dict) else {}


def _duration_ms(parent: Mapping[str, Any], key: str, default_ms: int | None = None) -> int | None:
    """Read a duration; None where it is absent without a default, or refused by its own check."""
    written = parent.get(key)
    if written is None:
        return default_ms
    try:
        return parse_ms(written) if isinstance(written, str) else None
    except ValueRefusedError:
        return None


def _params_bytes(params: object) -> int:
    try:
        return json_bytes(params)
    except ValueRefusedError:
        return 0
