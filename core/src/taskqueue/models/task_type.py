"""The TaskType manifest as people write it."""

from typing import Annotated, Any, Literal

from pydantic import Field

from taskqueue.models import values
from taskqueue.models.duration import format_ms, parse_ms, parse_whole_s
from taskqueue.models.exclusion_spec import MAX_EXCLUSIONS, ExclusionSpec
from taskqueue.models.fields import (
    Cron,
    FailuresInARow,
    FunctionName,
    LimitName,
    ParamName,
    Params,
    PositiveDuration,
    Quantity,
    RemovedQuantity,
    TimeZone,
    WholeNumber,
    WholeSeconds,
)
from taskqueue.models.http_spec import HttpSpec
from taskqueue.models.locked_params import MAX_LOCKED_PARAMS
from taskqueue.models.metadata import TypeMetadata
from taskqueue.models.part import Part
from taskqueue.models.quantity import parse_per_second
from taskqueue.models.retry_spec import RetrySpec

#: One Release limit and two User limits; manifests of the limits tell which is which.
MAX_TYPE_LIMITS = 3
#: Plans that a type is sold in; each has a place of its own in the spread.
MAX_INTERVALS = 20
RETRY_SUSPENDED_AFTER = format_ms(values.RETRY_SUSPENDED_AFTER_MS)


class ScheduleSpec(Part):
    """The schedule of the type: exactly one of interval and cron."""

    interval: WholeSeconds | None = Field(
        default=None,
        description="Length of the period: whole seconds from 1s, such as 5m or 1h30m. "
        "Periods start at multiples of it since 1970-01-01 00:00 UTC.",
    )
    intervals: list[WholeSeconds] = Field(
        default=[],
        max_length=MAX_INTERVALS,
        description="Further intervals, such as [1m, 5m], that a subscription may choose by tasks[].interval: "
        "at most 20, each once. Only with interval.",
    )
    cron: Cron | None = Field(
        default=None,
        description="Five cron fields (minute hour day month weekday), such as '0 2 * * *'. "
        "Each time that they name starts a period.",
    )
    time_zone: TimeZone | None = Field(
        default=None,
        description="IANA time zone that cron is read in, such as Europe/Berlin. "
        "Defaults to the timeZone of each user's subscription. Only with cron.",
    )
    exclude: list[ExclusionSpec] = Field(
        default=[],
        max_length=MAX_EXCLUSIONS,
        description="Time without runs, in the time zone of cron, or in UTC with interval: at most 50 items. "
        "A job that would be due then is left out, and counted; it does not move.",
    )


class HandlerSpec(Part):
    """The handler of the type's jobs: exactly one of function and http."""

    function: FunctionName | None = Field(
        default=None,
        description="Name that the workers' code registered a handler under, such as fetch_orders.",
    )
    http: HttpSpec | None = Field(
        default=None, description="An HTTP request that each attempt sends, for a handler without code."
    )


class TypeRateLimitSpec(Part):
    """The limit of the type, in cost-weighted starts per second."""

    per_second: Quantity | None = Field(
        default=None,
        description='Starts per second of this type, all users together, such as "10" or "500m".',
    )
    per_user_per_second: RemovedQuantity | None = (
        Field(  # known, so that the API server refuses it and prunes nothing
            default=None,
            description="Refused: write a RateLimit with key User, and name it in limits.",
        )
    )


class LimitReference(Part):
    """A limit that the type's jobs take from."""

    name: LimitName = Field(description="Name of the RateLimit, such as shopify-app.")


class TaskTypeSpec(Part):
    """The desired state of a TaskType."""

    schedule: ScheduleSpec = Field(
        description="When the type recurs: exactly one of interval and cron. Every subscription has one job "
        "in each period, always at the same place within the window."
    )
    window: WholeSeconds | None = Field(
        default=None,
        description="First part of each period, over which subscriptions are spread evenly: "
        "whole seconds, such as 5m, at most the interval, or the shortest time between two runs of cron. "
        "Defaults to the interval; with cron to the shortest gap between two times, at most 1h.",
    )
    handler: HandlerSpec = Field(
        description="The handler of the type's jobs: exactly one of function and http."
    )
    params: Params = Field(
        default={},
        description="Values for the handler: defaults, merged under the params of each subscription. "
        "At most 1 KiB of JSON.",
    )
    locked_params: list[ParamName] = Field(
        default=[],
        max_length=MAX_LOCKED_PARAMS,
        description="Names of params that no subscription, import or ad hoc job may override or set, each with all "
        "below it: at most 64, of at most 63 characters, each once. A name that params does not have may be locked.",
    )
    priority: Annotated[values.Priority, Field(strict=False)] = Field(
        default=values.Priority.NORMAL,
        description="Lane that jobs wait in. Lanes share the starts by weight; none starves.",
    )
    cost: WholeNumber = Field(
        default=1,
        ge=1,
        le=values.MAX_COST,
        description="Slots that the start of a job takes from each of its limits.",
    )
    timeout: PositiveDuration = Field(
        default="30s",
        description="Time after which a running attempt is cancelled and fails, such as 30s or 2m.",
    )
    retry: RetrySpec = Field(
        default=RetrySpec(), description="How often a failed job is tried again, and how soon."
    )
    rate_limit: TypeRateLimitSpec = Field(
        default=TypeRateLimitSpec(),
        description="Limit of this type, besides the global limit. Defaults to none.",
    )
    limits: list[LimitReference] = Field(
        default=[],
        max_length=MAX_TYPE_LIMITS,
        description="RateLimits that the type's jobs take from, besides the global limit: at most one with key Release "
        "and two with key User. Their Release limits must lie within each other.",
    )
    concurrency_policy: Annotated[values.ConcurrencyPolicy, Field(strict=False)] = Field(
        default=values.ConcurrencyPolicy.ALLOW,
        description="Handling of a job while the subscription's previous job still runs: "
        "Allow runs both, Forbid skips the new one, Replace cancels the running one.",
    )
    starting_deadline: PositiveDuration | None = Field(
        default=None,
        description="A job that has not started this long after it was due expires, such as 10m. "
        "Defaults to the subscription's next due time; with catchUp All to no deadline.",
    )
    catch_up: Annotated[values.CatchUp, Field(strict=False)] = Field(
        default=values.CatchUp.LATEST,
        description="Catching up after an outage: Latest runs the last missed period, All each of the last 100, "
        "Skip none that is more than 5 s late.",
    )
    suspend: bool = Field(default=False, description="While true, no job of this type is emitted or started.")
    suspend_after: FailuresInARow | None = Field(
        default=None,
        description="Jobs in a row that fail for good, such as 20, until their subscription is suspended; "
        "nobody is while more than half of the type's jobs fail. Defaults to never.",
    )
    retry_suspended_after: PositiveDuration | None = Field(
        default=None,
        description="Time until one job of a subscription suspended by suspendAfter is let through. Defaults to 24h.",
    )


class TaskTypeManifest(Part):
    """A task type: its schedule, its handler, its limits.

    Read through `taskqueue.models.manifest.parse`.
    """

    api_version: Literal["taskqueue.dev/v1alpha1"] = Field(description="Version of this schema.")
    kind: Literal["TaskType"] = Field(description="Kind of the object.")
    metadata: TypeMetadata = Field(description="Standard metadata; the name is the type's name.")
    spec: TaskTypeSpec = Field(
        description="The desired state. Only schedule and handler are required; all else has a default."
    )
    status: Any = Field(default={}, description="Written by the operator, ignored in a file.")

    def value(self) -> values.TaskType:
        """Fill in all defaults and turn text into numbers."""
        spec = self.spec
        http = spec.handler.http
        limit = spec.rate_limit
        return values.TaskType(
            name=self.metadata.name,
            schedule=values.Schedule(
                interval_s=None if spec.schedule.interval is None else parse_whole_s(spec.schedule.interval),
                cron=spec.schedule.cron,
                time_zone=spec.schedule.time_zone,
                window_s=None if spec.window is None else parse_whole_s(spec.window),
                intervals_s=tuple(sorted(parse_whole_s(interval) for interval in spec.schedule.intervals)),
            ),
            function=spec.handler.function,
            http=None if http is None else http.value(),
            params=spec.params,
            priority=spec.priority,
            cost=spec.cost,
            timeout_ms=parse_ms(spec.timeout),
            retry=spec.retry.value(),
            rate_limit=values.RateLimit(
                None if limit.per_second is None else parse_per_second(limit.per_second)
            ),
            concurrency_policy=spec.concurrency_policy,
            starting_deadline_ms=None if spec.starting_deadline is None else parse_ms(spec.starting_deadline),
            catch_up=spec.catch_up,
            suspend=spec.suspend,
            locked_params=tuple(sorted(spec.locked_params)),
            limits=tuple(sorted(limit.name for limit in spec.limits)),
            exclude=tuple(one.value() for one in spec.schedule.exclude),
            suspend_after=spec.suspend_after,
            retry_suspended_after_ms=parse_ms(spec.retry_suspended_after or RETRY_SUSPENDED_AFTER),
        )
