"""Checks of the arguments of a client. Each raises ValueRefusedError with the name of the argument."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from taskqueue.models.ad_hoc_job import MAX_JOB_S
from taskqueue.models.duration import MAX_MS
from taskqueue.models.identity import check_limit_name, check_type_name, check_user_id
from taskqueue.models.params import MAX_OBJECT_BYTES, MAX_TASK_BYTES, check_params, json_bytes, write_params
from taskqueue.models.quantity import MAX_PER_SECOND
from taskqueue.models.rate import MAX_BURST, MAX_SPACING_MS, RATES
from taskqueue.models.refusal import ValueRefusedError, must_be
from taskqueue.models.time_zone import check_time_zone
from taskqueue.models.user_subscription import MAX_TASKS, MAX_USER_LIMITS
from taskqueue.models.values import Subscription, UserLimit, UserSubscription

_Value = TypeVar("_Value")


def check_names(user: str, task_type: str) -> None:
    check_named("user", check_user_id, user)
    check_named("task_type", check_type_name, task_type)


def check_named(name: str, check: Callable[[str], _Value], value: object) -> _Value:
    """Check an argument and return its value."""
    if not isinstance(value, str):
        raise ValueRefusedError(f"{name} must be text (was {type(value).__name__})")
    try:
        return check(value)
    except ValueRefusedError as error:
        raise ValueRefusedError(f"{name}: {error}") from None


def read_params(params: object) -> dict[str, Any]:
    return {} if params is None else _of_mapping(params, check_params) or {}


def params_json(params: object) -> str:
    """Return params of a job as JSON; '' without params."""
    return "" if params is None else (_of_mapping(params, write_params) or b"").decode()


def _of_mapping(params: object, read: Callable[[dict[str, Any]], _Value]) -> _Value | None:
    """Return params as they are read; None for empty ones."""
    if not isinstance(params, (dict, Mapping)):  # most are a dict, which is found sooner
        raise ValueRefusedError(f"params must be a mapping (was {type(params).__name__})")
    try:
        return read(dict(params)) if params else None
    except ValueRefusedError as error:
        raise ValueRefusedError(f"params: {error}") from None


def milliseconds(name: str, seconds: float) -> int:
    """Return milliseconds, rounded up."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= MAX_JOB_S:
        raise ValueRefusedError(f"{name} must be from 0 to {MAX_JOB_S} seconds (was {seconds!r})")
    return math.ceil(seconds * 1000)


def check_cancel(jobs: Sequence[str] | None, user: str | None, task_type: str | None) -> None:
    """Check the arguments of `cancel`."""
    if (jobs is None) == (user is None and task_type is None):
        raise ValueRefusedError("jobs must be given, or user, task_type or both")
    if isinstance(jobs, str) or not all(isinstance(job, str) for job in jobs or ()):
        raise ValueRefusedError("jobs must be a list of names")
    if user is not None:
        check_named("user", check_user_id, user)
    if task_type is not None:
        check_named("task_type", check_type_name, task_type)


def read_user(user: UserSubscription) -> UserSubscription:
    """Return a user as the store has it: tasks and limits by name, each task of a suspended user suspended."""
    check_named("user", check_user_id, user.user_id)
    check_named("time_zone", check_time_zone, user.time_zone)
    if len(user.tasks) > MAX_TASKS:
        raise ValueRefusedError(f"tasks {must_be(f'at most {MAX_TASKS}', len(user.tasks))}")
    tasks: dict[str, Subscription] = {}
    for position, task in enumerate(user.tasks):
        if not isinstance(task, Subscription):
            raise ValueRefusedError(f"tasks[{position}] must be a Subscription (was {type(task).__name__})")
        try:
            found = _read_task(task, suspend=user.suspend)
        except ValueRefusedError as error:
            raise ValueRefusedError(f"tasks[{position}].{error}") from None
        if tasks.setdefault(found.type, found) is not found:
            raise ValueRefusedError(
                f"tasks[{position}].type: remove {found.type}: another task names it already"
            )
    if len(tasks) > MAX_OBJECT_BYTES // MAX_TASK_BYTES:  # fewer cannot be too big together
        size = sum(json_bytes(task.params) for task in tasks.values())
        if size > MAX_OBJECT_BYTES:
            raise ValueRefusedError(
                f"tasks {must_be(f'at most {MAX_OBJECT_BYTES} bytes of params in all', size)}"
            )
    return UserSubscription(
        user.user_id,
        tuple(tasks[name] for name in sorted(tasks)),
        limits=_read_limits(user.limits),
        time_zone=user.time_zone,
    )


def _read_task(task: Subscription, *, suspend: bool) -> Subscription:
    check_named("type", check_type_name, task.type)
    if task.interval_s is not None and not _is_whole(task.interval_s, MAX_MS // 1_000):
        raise ValueRefusedError(f"interval_s {must_be('whole seconds, at least 1', task.interval_s)}")
    return Subscription(task.type, read_params(task.params), bool(task.suspend or suspend), task.interval_s)


def _read_limits(limits: Sequence[UserLimit]) -> tuple[UserLimit, ...]:
    if len(limits) > MAX_USER_LIMITS:
        raise ValueRefusedError(f"limits {must_be(f'at most {MAX_USER_LIMITS}', len(limits))}")
    found: dict[str, UserLimit] = {}
    for position, limit in enumerate(limits):
        name = f"limits[{position}]"
        if not isinstance(limit, UserLimit):
            raise ValueRefusedError(f"{name} must be a UserLimit (was {type(limit).__name__})")
        check_named(f"{name}.name", check_limit_name, limit.name)
        rate = limit.per_second
        if not isinstance(rate, int | float) or not 1_000 / MAX_SPACING_MS <= rate <= MAX_PER_SECOND:
            raise ValueRefusedError(f"{name}.per_second {must_be(RATES, rate)}")
        if not _is_whole(limit.burst, MAX_BURST):
            raise ValueRefusedError(f"{name}.burst {must_be(f'from 1 to {MAX_BURST}', limit.burst)}")
        if limit.name in found:
            raise ValueRefusedError(f"{name}.name: remove {limit.name}: another limit has this name already")
        found[limit.name] = UserLimit(limit.name, float(rate), limit.burst)
    return tuple(found[name] for name in sorted(found))


def _is_whole(number: object, most: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= most
