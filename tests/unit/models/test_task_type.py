from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from taskqueue.models.manifest import API_VERSION, parse
from taskqueue.models.part import MAX_UNKNOWN, Part, refusals
from taskqueue.models.rate_limit import RateLimitManifest
from taskqueue.models.refusal import ManifestRefusedError
from taskqueue.models.task_type import TaskTypeManifest, TaskTypeSpec
from taskqueue.models.user_subscription import UserSubscriptionManifest
from taskqueue.models.values import (
    CatchUp,
    ConcurrencyPolicy,
    HttpCall,
    Priority,
    RateLimit,
    Retry,
    Schedule,
    TaskType,
)

SMALLEST: Mapping[str, Any] = {"schedule": {"interval": "5m"}, "handler": {"function": "fetch_orders"}}


def manifest(**changes: Any) -> dict[str, Any]:
    """The smallest task type with other fields in its spec; ... takes a field out."""
    spec = {key: value for key, value in {**SMALLEST, **changes}.items() if value is not ...}
    return {"apiVersion": API_VERSION, "kind": "TaskType", "metadata": {"name": "fetch-orders"}, "spec": spec}


def refused(document: object) -> dict[str, str]:
    """Field -> sentences."""
    with pytest.raises(ManifestRefusedError) as error:
        parse(document)
    assert error.value.refusals
    return {refusal.field: refusal.message for refusal in error.value.refusals}


def test_the_smallest_task_type_has_the_documented_defaults() -> None:
    assert parse(manifest()) == TaskType(
        name="fetch-orders", schedule=Schedule(interval_s=300), function="fetch_orders"
    )


def test_a_null_stands_for_an_absent_field() -> None:
    fields = set(TaskTypeSpec.model_json_schema()["properties"]) - {"schedule", "handler"}
    assert parse(manifest(**dict.fromkeys(fields))) == parse(manifest())
    nothing: dict[str, Any] = {
        "schedule": {"interval": "5m", "cron": None, "timeZone": None},
        "handler": {"function": "fetch_orders", "http": None},
        "retry": {"maxAttempts": None, "minBackoff": None, "maxBackoff": None},
        "rateLimit": {"perSecond": None, "perUserPerSecond": None},
    }
    assert parse(manifest(**nothing)) == parse(manifest())
    url = {"url": "https://h/x"}
    assert parse(manifest(handler={"http": {**url, "method": None, "headers": None}})) == parse(
        manifest(handler={"http": url})
    )


def test_every_field_finds_its_place_in_the_value() -> None:
    document = manifest(
        schedule={"cron": "0 2 * * *", "timeZone": "Europe/Berlin"},
        window="2h",
        handler={"http": {"url": "https://h/x", "method": "PUT", "headers": {"A": "b"}}},
        params={"region": "eu"},
        priority="High",
        cost=3,
        timeout="1m",
        retry={"maxAttempts": 2, "minBackoff": "2s", "maxBackoff": "4s"},
        rateLimit={"perSecond": "10"},
        limits=[{"name": "shopify-orders"}, {"name": "shop"}],
        concurrencyPolicy="Replace",
        startingDeadline="10m",
        catchUp="All",
        suspend=True,
    )
    document["metadata"] |= {"labels": {"a": "b"}, "resourceVersion": "1"}
    document["status"] = {"conditions": []}
    assert parse(document) == TaskType(
        name="fetch-orders",
        schedule=Schedule(cron="0 2 * * *", time_zone="Europe/Berlin", window_s=7_200),
        http=HttpCall("https://h/x", "PUT", {"A": "b"}),
        params={"region": "eu"},
        priority=Priority.HIGH,
        cost=3,
        timeout_ms=60_000,
        retry=Retry(2, 2_000, 4_000),
        rate_limit=RateLimit(10.0),
        concurrency_policy=ConcurrencyPolicy.REPLACE,
        starting_deadline_ms=600_000,
        catch_up=CatchUp.ALL,
        suspend=True,
        limits=("shop", "shopify-orders"),
    )


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        (
            {"schedule": {"interval": "5m", "cron": "* * * * *"}},
            "spec.schedule.cron",
            "remove interval or cron",
        ),
        ({"schedule": {}}, "spec.schedule", "add interval"),
        ({"schedule": ...}, "spec.schedule", "add schedule: it is required"),
        (
            {"schedule": "5m"},
            "spec.schedule",
            "must be a mapping with interval, intervals, cron, timeZone, exclude",
        ),
        ({"schedule": {"interval": 300}}, "spec.schedule.interval", 'in quotes, such as "5m"'),
        ({"schedule": {"interval": "500ms"}}, "spec.schedule.interval", "whole seconds"),
        ({"schedule": {"interval": "5m", "timeZone": "UTC"}}, "spec.schedule.timeZone", "remove timeZone"),
        ({"schedule": {"cron": "0 0 31 2 *"}}, "spec.schedule.cron", "must exist in the month"),
        ({"schedule": {"cron": "* * * * *", "timeZone": "Mars"}}, "spec.schedule.timeZone", "IANA"),
        ({"window": "6m"}, "spec.window", "must be at most the interval, 5m"),
        ({"window": "1s1ms"}, "spec.window", "whole seconds"),
        ({"handler": {}}, "spec.handler", "add function"),
        ({"handler": ...}, "spec.handler", "required"),
        ({"handler": []}, "spec.handler", "must be a mapping with function, http"),
        (
            {"handler": {"function": "f", "http": {"url": "http://h/"}}},
            "spec.handler.http",
            "remove function or http",
        ),
        ({"handler": {"function": "os:system"}}, "spec.handler.function", "registered"),
        ({"handler": {"http": {}}}, "spec.handler.http.url", "required"),
        ({"handler": {"http": {"url": "ftp://h/"}}}, "spec.handler.http.url", "http or https"),
        ({"handler": {"http": {"url": "http://h/", "method": "post"}}}, "spec.handler.http.method", "POST"),
        (
            {"handler": {"http": {"url": "http://h/", "headers": {"A": "\n"}}}},
            "spec.handler.http.headers",
            "CR or LF",
        ),
        ({"params": {"a": "x" * 2_000}}, "spec.params", "at most 1024 bytes"),
        ({"priority": "high"}, "spec.priority", "must be High, Normal or Low"),
        ({"priority": 1}, "spec.priority", "must be High, Normal or Low"),
        ({"concurrencyPolicy": "No"}, "spec.concurrencyPolicy", "must be Allow, Forbid or Replace"),
        ({"catchUp": True}, "spec.catchUp", "must be Latest, All or Skip"),
        ({"cost": 0}, "spec.cost", "must be at least 1"),
        ({"cost": 1_001}, "spec.cost", "must be at most 1000"),
        ({"cost": "5"}, "spec.cost", "must be a whole number, without quotes"),
        ({"cost": True}, "spec.cost", "must be a whole number"),
        ({"cost": 1.5}, "spec.cost", "must be a whole number"),
        ({"cost": [1]}, "spec.cost", "must be a whole number, without quotes (was a list)"),
        ({"cost": 10**5_000}, "spec.cost", "must be at most 1000 (was a number of many digits)"),
        ({"window": 5}, "spec.window", 'must be text in quotes, such as "5m" (was 5)'),
        ({"timeout": "0s"}, "spec.timeout", "above zero"),
        ({"startingDeadline": "0s"}, "spec.startingDeadline", "above zero"),
        ({"retry": {"maxAttempts": 0}}, "spec.retry.maxAttempts", "at least 1"),
        ({"retry": {"maxAttempts": 101}}, "spec.retry.maxAttempts", "at most 100"),
        ({"retry": {"minBackoff": "10m"}}, "spec.retry.maxBackoff", "at least minBackoff, 10m"),
        ({"retry": {"minBackoff": "0s"}}, "spec.retry.minBackoff", "above zero"),
        ({"rateLimit": {"perSecond": 0.5}}, "spec.rateLimit.perSecond", 'such as "10", "0.5"'),
        ({"rateLimit": {"perSecond": True}}, "spec.rateLimit.perSecond", 'such as "10", "0.5"'),
        ({"rateLimit": {"perSecond": "0"}}, "spec.rateLimit.perSecond", "above zero"),
        ({"suspend": "no"}, "spec.suspend", "must be true or false"),
        ({"schedule": None}, "spec.schedule", "add schedule: it is required"),
        ({"schedule": {"interval": None}}, "spec.schedule", "add interval"),
        (
            {"schedule": {"interval": "5m", "cron": None, "timeZone": "UTC"}},
            "spec.schedule.timeZone",
            "remove timeZone",
        ),
        ({"handler": {"function": None, "http": None}}, "spec.handler", "add function"),
        ({"handler": {"http": {"url": None}}}, "spec.handler.http.url", "add url: it is required"),
        ({"startingDedline": "1m"}, "spec.startingDedline", 'unknown field: must be "startingDeadline"'),
        (
            {"retry": {"zzz": 1}},
            "spec.retry.zzz",
            "unknown field: must be one of maxAttempts, minBackoff, maxBackoff",
        ),
        ({"\ud800": 1}, "spec", "half a surrogate pair"),
        ({"handler": {"function": "\ud800"}}, "spec.handler.function", "registered"),
    ],
)
def test_a_bad_field_is_named_with_its_remedy(changes: dict[str, Any], field: str, says: str) -> None:
    found = refused(manifest(**changes))
    assert says in found.pop(field)
    assert found == {}


def test_rules_between_fields_are_reported_together_with_bad_fields() -> None:
    found = refused(manifest(window="6m", cost=0, handler={}, retry={"minBackoff": "10m", "x": 1}))
    assert set(found) == {"spec.window", "spec.cost", "spec.handler", "spec.retry.maxBackoff", "spec.retry.x"}


def test_rules_between_fields_skip_invalid_durations() -> None:
    found = refused(manifest(window=5, retry={"minBackoff": "soon", "maxBackoff": "1s"}))
    assert set(found) == {"spec.window", "spec.retry.minBackoff"}


def test_a_window_as_long_as_the_interval_is_taken() -> None:
    value = parse(manifest(window="300s"))
    assert isinstance(value, TaskType)
    assert value.schedule == Schedule(interval_s=300, window_s=300)


@pytest.mark.parametrize(
    ("document", "field", "says"),
    [
        (None, "manifest", "must be a mapping with apiVersion, kind, metadata and spec"),
        ([manifest()], "manifest", "must be a mapping"),
        (
            {},
            "manifest",
            f"add apiVersion: {API_VERSION} and kind: TaskType or UserSubscription or RateLimit",
        ),
        ({"kind": "TaskType"}, "apiVersion", f"must be {API_VERSION}"),
        ({"apiVersion": "apps/v1", "kind": "Deployment"}, "apiVersion", '(was "apps/v1")'),
        ({"apiVersion": API_VERSION}, "kind", "must be TaskType or UserSubscription or RateLimit"),
        ({"apiVersion": API_VERSION, "kind": "Tasktype"}, "kind", '(was "Tasktype")'),
        (
            {"apiVersion": API_VERSION, "kind": ["TaskType"]},
            "kind",
            "must be TaskType or UserSubscription or RateLimit",
        ),
        (
            manifest() | {"extra": 1},
            "extra",
            "unknown field: must be one of apiVersion, kind, metadata, spec, status",
        ),
        (manifest() | {"metadata": {}}, "metadata.name", "required"),
        (manifest() | {"metadata": {"name": "a" * 64}}, "metadata.name", "1 to 63"),
        (manifest() | {"metadata": {"name": 5}}, "metadata.name", "must be text, in quotes"),
        (manifest() | {"spec": []}, "spec", "must be a mapping with schedule"),
    ],
)
def test_a_foreign_document_is_told_the_manifest_form(document: object, field: str, says: str) -> None:
    found = refused(document)
    assert says in found.pop(field)
    assert found == {}


@pytest.mark.parametrize("value", [1, None])
def test_unknown_fields_beyond_a_few_are_left_out(value: object) -> None:
    unknown = {f"field-{number}": value for number in range(100_000)}
    found = refused(unknown | manifest(**unknown, window=5))
    assert "text in quotes" in found.pop("spec.window")
    assert found.keys() == {f"{at}field-{one}" for at in ("spec.", "") for one in range(MAX_UNKNOWN)}


def test_a_non_text_key_is_refused() -> None:
    found = refused(manifest() | {7: 1})
    assert found == {"[7]": "every key must be text, in quotes"}


def test_an_error_without_a_rule_of_ours_has_no_words_of_pydantic() -> None:
    class Odd(Part):
        ratio: Decimal

    with pytest.raises(ValidationError) as error:
        Odd.model_validate({"ratio": "half"})
    (refusal,) = refusals(error.value, Odd)
    said = 'must be of the form that its documentation shows (was "half")'
    assert (refusal.field, refusal.message) == ("ratio", said)


def undescribed(schema: dict[str, Any]) -> list[str]:
    """Name the fields that neither describe themselves nor refer to a part that does."""
    parts = schema["$defs"]
    return [
        name
        for part in [schema, *parts.values()]
        for name, field in part.get("properties", {}).items()
        if not (parts.get(field.get("$ref", "").removeprefix("#/$defs/"), {}) | field).get("description")
    ]


@pytest.mark.parametrize("shape", [TaskTypeManifest, UserSubscriptionManifest, RateLimitManifest])
def test_every_field_is_described_for_kubectl_explain(
    shape: type[TaskTypeManifest | UserSubscriptionManifest | RateLimitManifest],
) -> None:
    assert undescribed(shape.model_json_schema()) == []


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("0.5", "{requests: 1, per: 2s}"),
        ("500m", "{requests: 1, per: 2s}"),
        (4, "{requests: 4, per: 1s}"),
        ("0.3", "{requests: 3, per: 10s}"),
        ("1u", "{requests: 1, per: 24h}"),
        ("999999.5", "{requests: 1000000, per: 1s}"),
        ("1M", "{requests: 1000000, per: 1s}"),
        ("fast", "{requests: 1, per: 1s}"),
        (-1, "{requests: 1, per: 1s}"),
        ([4], "{requests: 1, per: 1s}"),
    ],
)
def test_a_limit_of_each_user_is_refused_with_the_rate_limit_to_write(written: object, rate: str) -> None:
    with pytest.raises(ManifestRefusedError) as refused:
        parse(manifest(rateLimit={"perUserPerSecond": written}))
    (refusal,) = refused.value.refusals
    assert refusal.field == "spec.rateLimit.perUserPerSecond"
    assert refusal.message == (
        "remove perUserPerSecond: add the RateLimit {metadata: {name: fetch-orders-user}, "
        f"spec: {{key: User, rate: {rate}}}}}, and limits: [{{name: fetch-orders-user}}] to the type"
    )


@pytest.mark.parametrize(
    ("name", "limit"),
    [("a" * 63, f"{'a' * 58}-user"), ("Bad", "my-user"), (None, "my-user")],
    ids=["a long name", "a bad name", "no name"],
)
def test_the_rate_limit_to_write_has_a_good_name(name: object, limit: str) -> None:
    document = manifest(rateLimit={"perUserPerSecond": 1}) | {"metadata": {"name": name}}
    with pytest.raises(ManifestRefusedError) as refused:
        parse(document)
    assert f"limits: [{{name: {limit}}}]" in str(refused.value)


FULL: dict[str, Any] = {
    "schedule": {"cron": "0 2 * * *", "timeZone": "Europe/Berlin"},
    "window": "30m",
    "handler": {"http": {"url": "https://api.example.com", "method": "PUT", "headers": {"A": "b"}}},
    "params": {"region": "eu"},
    "lockedParams": ["region"],
    "priority": "High",
    "cost": 2,
    "timeout": "7s",
    "retry": {"maxAttempts": 2, "minBackoff": "2s", "maxBackoff": "3s"},
    "rateLimit": {"perSecond": "5"},
    "limits": [{"name": "shopify-app"}],
    "concurrencyPolicy": "Replace",
    "startingDeadline": "9s",
    "catchUp": "Skip",
    "suspendAfter": 20,
    "retrySuspendedAfter": "1h",
    "suspend": True,
}


@pytest.mark.parametrize("field", TaskTypeSpec.model_fields)
def test_every_field_reaches_the_value(field: str) -> None:
    """A field that `value()` forgets would be accepted and ignored."""
    name = to_camel(field)
    plain = {"schedule": {"cron": "0 3 * * *"}, "handler": {"function": "noop"}, "suspendAfter": 2}
    assert value_of(plain | {name: FULL[name]}) != value_of(plain)


def value_of(spec: dict[str, Any]) -> TaskType:
    value = parse({"apiVersion": API_VERSION, "kind": "TaskType", "metadata": {"name": "t"}, "spec": spec})
    assert isinstance(value, TaskType)
    return value
