"""Values of manifests, with every default filled in and every unit in the name.

Frozen and slotted, so that a value can be compared, hashed by identity and shared between tasks.
`params` and `headers` are mappings that no code changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

#: Slots of the limit that one job, or one further permit, may take at a time. A higher cost would close the limit for
#: as long.
MAX_COST = 1_000
#: A handler, or an API by one answer, closes a limit for at most a day: one that asks for longer took a date for a
#: delay.
CLOSED_MAX_S = 86_400
#: Time after which one job of a suspended subscription is let through: its credentials may be right again.
RETRY_SUSPENDED_AFTER_MS = 86_400_000


class Priority(StrEnum):
    """The priority of a job; `taskqueue.plan.lanes` has the lane and its weight."""

    HIGH = "High"
    NORMAL = "Normal"
    LOW = "Low"


class ConcurrencyPolicy(StrEnum):
    """Treatment of a job while another one of its subscription runs, as in Kubernetes' CronJob."""

    ALLOW = "Allow"
    FORBID = "Forbid"
    REPLACE = "Replace"


class CatchUp(StrEnum):
    """The occurrences missed in an outage that are still run."""

    LATEST = "Latest"
    ALL = "All"
    SKIP = "Skip"


class Weekday(StrEnum):
    """A day of the week, Monday first."""

    MON = "Mon"
    TUE = "Tue"
    WED = "Wed"
    THU = "Thu"
    FRI = "Fri"
    SAT = "Sat"
    SUN = "Sun"


class LimitKey(StrEnum):
    """The key of a limit: all jobs of the release share it, or each user has it to themselves."""

    RELEASE = "Release"
    USER = "User"


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit by name.   per_second: its rate.   burst: starts that may follow each other at once after a pause.

    within: the Release limit that this one is part of; jobs take from both.
    """

    name: str
    key: LimitKey
    per_second: float
    burst: int = 1
    within: str | None = None


@dataclass(frozen=True, slots=True)
class UserLimit:
    """Values of one user at the User limit `name`, in place of the limit's own rate and burst."""

    name: str
    per_second: float
    burst: int = 1


@dataclass(frozen=True, slots=True)
class Schedule:
    """The recurrence of a task type: exactly one of `interval_s` and `cron` is set.

    interval_s: whole seconds, aligned to the epoch.   cron: five fields, read in `time_zone` (IANA name); None stands
    for the zone of each user.
    window_s: the first part of each period over which subscriptions are spread;
    None stands for the default, which `taskqueue.plan` derives from the period.
    intervals_s: intervals that a subscription may choose in place of `interval_s`, sorted.
    """

    interval_s: int | None = None
    cron: str | None = None
    time_zone: str | None = None
    window_s: int | None = None
    intervals_s: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Time on the wall without runs; one of the three is set.

    dates: first and last, inclusive, in days since 1970-01-01.   daily_s: begin and end of a part of each day, in
    seconds since midnight; an end before the begin is on the following day.
    """

    weekdays: tuple[Weekday, ...] = ()
    dates: tuple[tuple[int, int], ...] = ()
    daily_s: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Full jitter: the n-th delay is uniform in [0, min(max_backoff, min_backoff * 2**(n-1))]."""

    max_attempts: int = 5
    min_backoff_ms: int = 1_000
    max_backoff_ms: int = 300_000


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The limit of a type: starts per second (cost-weighted) of all its jobs together; None means unlimited."""

    per_second: float | None = None


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A handler that needs no code. Params go into the query (GET, HEAD, DELETE) or a JSON body, never the URL.

    limit_on_429: the limit that an answer 429 closes; None for the type's default.
    """

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    limit_on_429: str | None = None


@dataclass(frozen=True, slots=True)
class TaskType:
    """A task type. Exactly one of `function` (a registered name) and `http` is set.

    locked_params: names that no task may override, sorted.   limits: names of the limits that its jobs take from,
    sorted.   exclude: time without runs, in the zone of the schedule, or of the user; in UTC for an interval. Not in
    `schedule`, as it changes no place.
    suspend_after: dead letters in a row that suspend a subscription; None: no circuit breaker.
    retry_suspended_after_ms: until then the next job of a suspended subscription is let through.
    """

    name: str
    schedule: Schedule
    function: str | None = None
    http: HttpCall | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    priority: Priority = Priority.NORMAL
    cost: int = 1
    timeout_ms: int = 30_000
    retry: Retry = Retry()
    rate_limit: RateLimit = RateLimit()
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.ALLOW
    starting_deadline_ms: int | None = None
    catch_up: CatchUp = CatchUp.LATEST
    suspend: bool = False
    locked_params: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    exclude: tuple[Exclusion, ...] = ()
    suspend_after: int | None = None
    retry_suspended_after_ms: int = RETRY_SUSPENDED_AFTER_MS


@dataclass(frozen=True, slots=True)
class Subscription:
    """A user's subscription to one task type. `params` are merged over the type's.

    interval_s: chosen among the type's intervals; None for the type's own.
    """

    type: str
    params: Mapping[str, Any] = field(default_factory=dict)
    suspend: bool = False
    interval_s: int | None = None


@dataclass(frozen=True, slots=True)
class UserSubscription:
    """All subscriptions of one user; `tasks` holds each type at most once.

    limits: the user's own values at User limits, sorted by name.   time_zone: IANA name, for cron types without a zone.
    """

    user_id: str
    tasks: tuple[Subscription, ...] = ()
    suspend: bool = False
    limits: tuple[UserLimit, ...] = ()
    time_zone: str = "UTC"


#: The value of a manifest.
Declared = TaskType | UserSubscription | Limit
