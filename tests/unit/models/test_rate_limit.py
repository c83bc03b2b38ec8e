"""RateLimit manifests, and limits in task types and subscriptions."""

from collections.abc import Mapping
from typing import Any

import pytest

from taskqueue.models.manifest import API_VERSION, parse
from taskqueue.models.rate import MAX_PER_MS, MAX_REQUESTS, MAX_SPACING_MS, describe_rate
from taskqueue.models.refusal import ManifestRefusedError
from taskqueue.models.values import Limit, LimitKey, TaskType, UserLimit, UserSubscription
from tests.support.manifests.case import rate_limit, subscription, task_type
from tests.support.manifests.limit_cases import ONE_A_SECOND, RATES


def refusals(document: Mapping[str, Any]) -> dict[str, str]:
    with pytest.raises(ManifestRefusedError) as error:
        parse(document)
    return {refusal.field: refusal.message for refusal in error.value.refusals}


def test_the_smallest_limit_has_the_documented_defaults() -> None:
    assert parse(rate_limit("app")) == Limit("app", LimitKey.RELEASE, 100.0, burst=1, within=None)


def test_every_field_finds_its_place_in_the_value() -> None:
    rate = {"requests": 90, "per": "1m"}
    assert parse(rate_limit("shop", key="User", rate=rate, burst=40, within="app")) == Limit(
        "shop", LimitKey.USER, 1.5, 40, "app"
    )


def test_a_null_stands_for_an_absent_field() -> None:
    assert parse(rate_limit(burst=None, within=None)) == parse(rate_limit())
    own = {"name": "shop", "rate": ONE_A_SECOND}
    assert parse(subscription(limits=[own | {"burst": None}])) == parse(subscription(limits=[own]))
    assert parse(subscription(limits=None)) == parse(subscription())
    assert parse(task_type(limits=None)) == parse(task_type())


@pytest.mark.parametrize(
    ("requests", "per", "per_second"),
    [
        (1, "24h", 1 / 86_400),
        (7, "168h", 7 / 604_800),
        (1_000_000, "1s", 1e6),
        (1_000, "1ms", 1e6),
        (2.0, "1s", 2.0),
        (1, "1m", 1 / 60),
    ],
)
def test_a_rate_is_requests_per_time(requests: float, per: str, per_second: float) -> None:
    limit = parse(rate_limit(rate={"requests": requests, "per": per}))
    assert isinstance(limit, Limit)
    assert limit.per_second == per_second


def test_limits_of_types_and_users_are_in_order_of_name() -> None:
    named = parse(task_type(limits=[{"name": "shop"}, {"name": "app"}]))
    assert isinstance(named, TaskType)
    assert named.limits == ("app", "shop")
    own = [{"name": name, "rate": ONE_A_SECOND} for name in ("b", "a")]
    user = parse(subscription("ada", limits=[own[0] | {"burst": 400}, own[1]]))
    assert user == UserSubscription("ada", limits=(UserLimit("a", 1.0), UserLimit("b", 1.0, 400)))


IN_WORDS_OF_THE_MODELS = {
    "greater than or equal to 1": "must be at least 1",
    "less than or equal to 1000000": f"must be at most {MAX_REQUESTS}",
    "requests: Invalid value": "must be a",
    "per: Invalid value": "must be text in quotes",
    "Too long": "must be a duration such as",
}


@pytest.mark.parametrize(
    ("bad", "says"), [(bad, says) for bad, _, says in RATES], ids=lambda one: str(one)[:30]
)
def test_a_rate_out_of_bounds_is_refused_in_the_words_of_the_api_server(bad: Any, says: str) -> None:
    found = refusals(rate_limit(rate={"requests": bad[0], "per": bad[1]}))
    ((field, message),) = found.items()
    assert field.startswith("spec.rate")
    if says in IN_WORDS_OF_THE_MODELS:
        assert message.startswith(IN_WORDS_OF_THE_MODELS[says])
    else:
        assert f"{field.rpartition('.')[2]} {message}".startswith(says)


@pytest.mark.parametrize(
    ("document", "field", "says"),
    [
        (rate_limit(key="release"), "spec.key", 'must be Release or User (was "release")'),
        (rate_limit(key=...), "spec.key", "add key: it is required"),
        (rate_limit(rate=2), "spec.rate", "must be a mapping with requests, per"),
        (rate_limit(rate={"request": 1, "per": "1s"}), "spec.rate.request", 'must be "requests"'),
        (rate_limit(burst=0), "spec.burst", "must be at least 1 (was 0)"),
        (rate_limit(burst=10_001), "spec.burst", "must be at most 10000 (was 10001)"),
        (rate_limit("app", within="app"), "spec.within", "must be another limit than the RateLimit itself"),
        (rate_limit(within="global"), "spec.within", 'must be another name than "global"'),
        (rate_limit("global"), "metadata.name", 'must be another name than "global"'),
        (rate_limit("App"), "metadata.name", 'such as "shopify-app" (was "App")'),
        (task_type(limits=[{"name": "a"}] * 2), "spec.limits[1].name", "limits[0] lists it already"),
        (task_type(limits=[{"name": n} for n in "abcd"]), "spec.limits", "at most 3 items (was 4)"),
        (task_type(limits=[{"name": "a", "burst": 2}]), "spec.limits[0].burst", "unknown field"),
        (task_type(limits=["a", {"name": "a"}]), "spec.limits[0]", "must be a mapping with name"),
        (subscription(limits=[{"name": "a"}]), "spec.limits[0].rate", "add rate: it is required"),
        (
            subscription(limits=[{"name": "a", "rate": {"requests": 1, "per": "25h"}}]),
            "spec.limits[0].rate",
            '(was "1 per 25h")',
        ),
        ({"apiVersion": API_VERSION, "kind": "RateLimit", "metadata": {"name": "a"}}, "spec", "required"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_bad_limit_is_named_with_its_remedy(document: Mapping[str, Any], field: str, says: str) -> None:
    assert says in refusals(document)[field]


def test_a_rate_is_refused_once_for_one_reason() -> None:
    for rate in (
        {"requests": 0, "per": "400d"},
        {"requests": True, "per": "0s"},
        {"requests": 10**30, "per": 1},
    ):
        assert set(refusals(rate_limit(rate=rate))) == {"spec.rate.requests", "spec.rate.per"}
    assert set(refusals(rate_limit(rate=None))) == {"spec.rate"}


def test_bounds_of_rates_are_those_of_their_sentence() -> None:
    assert (MAX_SPACING_MS, MAX_PER_MS) == (24 * 3_600_000, 1_000)


@pytest.mark.parametrize(
    ("per_second", "text"),
    [
        (1_000_000, "1000000/s"),
        (100, "100/s"),
        (2.5, "2.5/s"),
        (100 / 60, "100/min"),
        (0.5, "30/min"),
        (100 / 3_600, "100/h"),
        (1 / 1_800, "2/h"),
        (1 / 86_400, "1/day"),
        (1e-6, "0.09/day"),
        (1 / 0.7, "1.43/s"),
    ],
)
def test_a_rate_is_described_in_a_unit_with_few_decimals(per_second: float, text: str) -> None:
    assert describe_rate(per_second) == text
