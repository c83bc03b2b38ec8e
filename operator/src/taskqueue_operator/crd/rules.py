"""The rules of each field of all kinds, equal to the checks of the models (fields.py and rules.py there).

A key is a path: `spec.tasks[].type`, or "" for the whole object.
"""

from collections.abc import Mapping, Sequence

from taskqueue.models.identity import (
    GLOBAL_LIMIT,
    MAX_LIMIT_CHARACTERS,
    MAX_TYPE_CHARACTERS,
    MAX_USER_ID_CHARACTERS,
    NOT_GLOBAL,
)
from taskqueue_operator.crd import forms
from taskqueue_operator.crd.cron_rules import cron
from taskqueue_operator.crd.exclusion_rules import EXCLUSION
from taskqueue_operator.crd.rule import Rule

_SCHEDULE = [
    Rule(
        "has(self.interval) || has(self.cron)",
        'add interval (such as "5m") or cron (such as "0 2 * * *") to schedule',
    ),
    Rule(
        "!has(self.interval) || !has(self.cron)",
        "remove interval or cron: a schedule has one of them",
        at=".cron",
    ),
    Rule(
        "!has(self.timeZone) || has(self.cron)",
        "remove timeZone: an interval has no time zone",
        at=".timeZone",
    ),
    Rule(
        "!has(self.intervals) || size(self.intervals) == 0 || has(self.interval)",
        "remove intervals: only a schedule with interval has others to choose from",
        at=".intervals",
    ),
    Rule(
        "!has(self.intervals) || self.intervals.all(one, self.intervals.exists_one(other, "
        f"other == one || one.{forms.IS_DURATION} && other.{forms.IS_DURATION} && duration(other) == duration(one)))",
        "intervals must name each length once",
        at=".intervals",
    ),
    Rule(
        f"!has(self.intervals) || !has(self.interval) || !self.interval.{forms.IS_DURATION} || "
        f"!self.intervals.exists(one, one.{forms.IS_DURATION} && duration(one) == duration(self.interval))",
        "intervals must name other lengths than interval",
        at=".intervals",
    ),
]
_HANDLER = [  # __function__ is the field `function`: the word is reserved in CEL, and Kubernetes 1.30 insists on that
    Rule(
        "has(self.__function__) || has(self.http)",
        "add function (a registered name) or http (with a url) to handler",
    ),
    Rule(
        "!has(self.__function__) || !has(self.http)",
        "remove function or http: a handler has one of them",
        at=".http",
    ),
]
_WINDOW = Rule(
    "!has(self.window) || !has(self.schedule.interval) || "
    f"!self.window.{forms.IS_DURATION} || !self.schedule.interval.{forms.IS_DURATION} || "
    "duration(self.window) <= duration(self.schedule.interval)",
    "window must be at most the interval",
    saying="'window must be at most the interval, ' + self.schedule.interval",
    at=".window",
)
_BREAKER = Rule(
    "!has(self.retrySuspendedAfter) || has(self.suspendAfter)",
    "remove retrySuspendedAfter: nothing is suspended without suspendAfter",
    at=".retrySuspendedAfter",
)
_BACKOFF = Rule(  # both are always there: the schema has defaults for them
    f"!self.minBackoff.{forms.IS_DURATION} || !self.maxBackoff.{forms.IS_DURATION} || "
    "duration(self.minBackoff) <= duration(self.maxBackoff)",
    "maxBackoff must be at least minBackoff",
    saying="'maxBackoff must be at least minBackoff, ' + self.minBackoff",
    at=".maxBackoff",
)

#: Of rateLimit and not of the object: a stored one that still has the field can then have its status written.
_NO_LIMIT_OF_USERS = Rule(
    "!has(self.perUserPerSecond)",
    "remove perUserPerSecond: add a RateLimit with key: User and this rate, and its name to limits of the type",
    at=".perUserPerSecond",
)


def _short_name(max_characters: int) -> Rule:
    return Rule(
        f"size(self.metadata.name) <= {max_characters}",
        f"metadata.name must be at most {max_characters} characters: keys and labels hold it",
    )


TASK_TYPE: Mapping[str, Sequence[Rule]] = {
    "": [_short_name(MAX_TYPE_CHARACTERS)],
    "spec": [_WINDOW, _BREAKER],
    "spec.schedule": _SCHEDULE,
    "spec.schedule.interval": forms.whole_seconds("interval"),
    "spec.schedule.intervals[]": forms.whole_seconds("intervals"),
    "spec.schedule.cron": cron(),
    "spec.schedule.timeZone": forms.time_zone("timeZone"),
    **EXCLUSION,
    "spec.window": forms.whole_seconds("window"),
    "spec.handler": _HANDLER,
    "spec.handler.function": forms.function("function"),
    "spec.handler.http": [*forms.url("url"), *forms.headers("headers")],
    "spec.handler.http.limitOn429": forms.any_limit_name("limitOn429"),
    "spec.lockedParams[]": forms.param_name("lockedParams"),
    "spec.timeout": forms.positive_duration("timeout"),
    "spec.retry": [_BACKOFF],
    "spec.retry.minBackoff": forms.positive_duration("minBackoff"),
    "spec.retry.maxBackoff": forms.positive_duration("maxBackoff"),
    "spec.limits[].name": forms.limit_name("name"),
    "spec.rateLimit": [_NO_LIMIT_OF_USERS],
    "spec.rateLimit.perSecond": forms.per_second("perSecond"),
    "spec.startingDeadline": forms.positive_duration("startingDeadline"),
    "spec.retrySuspendedAfter": forms.positive_duration("retrySuspendedAfter"),
}

_ID = "(has({0}.spec.userId) ? {0}.spec.userId : {0}.metadata.name)"
USER_SUBSCRIPTION: Mapping[str, Sequence[Rule]] = {
    "": [
        Rule(  # a transition rule: it holds on updates only, and its default is the object's name
            f"{_ID.format('self')} == {_ID.format('oldSelf')}",
            "userId must be as it was; delete the object and create another for another user",
            at=".spec.userId",
        ),
        Rule(
            f"has(self.spec.userId) || size(self.metadata.name) <= {MAX_USER_ID_CHARACTERS}",
            f"add userId: the object's name is longer than {MAX_USER_ID_CHARACTERS} characters",
            at=".spec.userId",
        ),
    ],
    "spec.userId": forms.user_id("userId"),
    "spec.timeZone": forms.time_zone("timeZone"),
    "spec.tasks[].type": forms.type_name("type"),
    "spec.tasks[].interval": forms.whole_seconds("interval"),
    "spec.limits[].name": forms.limit_name("name"),
    "spec.limits[].rate": forms.requests_per_time("rate"),
    "spec.limits[].rate.per": forms.positive_duration("per"),
}

RATE_LIMIT: Mapping[str, Sequence[Rule]] = {
    "": [
        _short_name(MAX_LIMIT_CHARACTERS),
        Rule(f"self.metadata.name != '{GLOBAL_LIMIT}'", f"metadata.name must be {NOT_GLOBAL}"),
        Rule(
            "!has(self.spec.within) || self.spec.within != self.metadata.name",
            "within must be another limit than the RateLimit itself",
            at=".spec.within",
        ),
    ],
    "spec.rate": forms.requests_per_time("rate"),
    "spec.rate.per": forms.positive_duration("per"),
    "spec.within": forms.limit_name("within"),
}
