"""Manifests with limits to refuse."""

from collections.abc import Iterator
from typing import Any

from tests.support.manifests.case import Case, Object, of_type, rate_limit, subscription

ONE_A_SECOND = {"requests": 1, "per": "1s"}
NAME = 'name must be 1 to 63 lower case letters, digits and dashes, such as "shopify-app"'
GLOBAL = 'must be another name than "global", the limit that every job takes from'
RATE = "rate must be from 1 request per 24h to 1000 requests per 1ms"
#: A bad rate, a good one, and the words of both the API server and the models.
RATES: list[tuple[Any, Any, str]] = [
    ((1, "24h1ms"), (1, "24h"), RATE),
    ((7, "200h"), (7, "168h"), RATE),
    ((1_001, "1ms"), (1_000, "1ms"), RATE),
    ((1_000_000, "999ms"), (1_000_000, "1s"), RATE),
    ((1, "9600h"), (400, "9600h"), RATE),
    ((1, "400d"), (1, "4m"), 'per must be a duration such as "5m" or "1h30m"'),
    ((1, "0s"), (1, "1ms"), "per must be a duration above zero"),
    ((1_000_000, "99999h99999h"), (1_000_000, "99999h"), "per must be at most 99999h59m59s999ms"),
    ((0, "1s"), (1, "1s"), "greater than or equal to 1"),
    ((-1, "1s"), (1, "1s"), "greater than or equal to 1"),
    ((1_000_001, "2s"), (1_000_000, "2s"), "less than or equal to 1000000"),
    (("1", "1s"), (1, "1s"), "requests: Invalid value"),
    ((0.5, "1s"), (1, "2s"), "requests: Invalid value"),
    ((1, 1), (1, "1s"), "per: Invalid value"),
    ((1, "0" * 31 + "1s"), (1, "0" * 4 + "1s"), "Too long"),
]


def limits() -> Iterator[Case]:
    yield from _of_rates()
    yield from _of_rate_limits()
    yield from _of_types()
    yield from _of_users()


def _of_rates() -> Iterator[Case]:
    def rate(pair: Any) -> dict[str, Any]:
        return {"requests": pair[0], "per": pair[1]}

    for bad, good, says in RATES:
        bad_one, good_one = (rate_limit(rate=rate(pair)) for pair in (bad, good))
        yield Case(f"a limit of {bad[0]} per {bad[1]}", bad_one, good_one, says)
        bad_one, good_one = (_own({"rate": rate(pair)}) for pair in (bad, good))
        yield Case(f"a user's limit of {bad[0]} per {bad[1]}", bad_one, good_one, says)
    for missing in ("requests", "per"):
        partial = {field: value for field, value in ONE_A_SECOND.items() if field != missing}
        says = f"rate.{missing}: Required value"
        yield Case(f"a rate without {missing}", rate_limit(rate=partial), rate_limit(), says)


def _of_rate_limits() -> Iterator[Case]:
    bad: list[tuple[str, Object, Object, str]] = [
        ("a limit without a key", rate_limit(key=...), rate_limit(key="User"), "spec.key: Required value"),
        (
            "a key in lower case",
            rate_limit(key="user"),
            rate_limit(key="User"),
            'spec.key: Unsupported value: "user"',
        ),
        ("a limit without a rate", rate_limit(rate=...), rate_limit(), "spec.rate: Required value"),
        ("a rate as a number", rate_limit(rate=2), rate_limit(), "spec.rate: Invalid value"),
        (
            "a limit of 64 characters",
            rate_limit("a" * 64),
            rate_limit("a" * 63),
            "metadata.name must be at most 63 characters",
        ),
        ("a limit named global", rate_limit("global"), rate_limit("globals"), f"metadata.name {GLOBAL}"),
        (
            "a limit within global",
            rate_limit(within="global"),
            rate_limit(within="globals"),
            f"within {GLOBAL}",
        ),
        (
            "a limit within itself",
            rate_limit("app", within="app"),
            rate_limit("app", within="ap"),
            "within must be another limit than the RateLimit itself",
        ),
        (
            "a limit within capitals",
            rate_limit(within="App"),
            rate_limit(within="app.v2"),
            f"within {NAME[5:]}",
        ),
        (
            "a limit within 64 characters",
            rate_limit(within="a" * 64),
            rate_limit(within="a" * 63),
            "Too long",
        ),
        ("a limit with a typo", rate_limit(bursts=2), rate_limit(burst=2), 'unknown field "spec.bursts"'),
    ]
    for name, wrong, right, says in bad:
        yield Case(name, wrong, right, says)
    for burst, good, says in [
        (0, 1, "greater than or equal to 1"),
        (10_001, 10_000, "less than or equal to 10000"),
        ("40", 40, "burst: Invalid value"),
    ]:
        yield Case(f"a burst of {burst!r}", rate_limit(burst=burst), rate_limit(burst=good), says)
        yield Case(f"a user's burst of {burst!r}", _own({"burst": burst}), _own({"burst": good}), says)


def _of_types() -> Iterator[Case]:
    def named(*names: Any) -> dict[str, Any]:
        return {"limits": [{"name": name} for name in names]}

    yield of_type("a type under a name in capitals", named("App"), named("app"), NAME)
    yield of_type("a type under global", named("global"), named("globals"), f"name {GLOBAL}")
    yield of_type("a type under 4 limits", named(*"abcd"), named(*"abc"), "Too many")
    yield of_type(
        "a type under a limit twice", named("a", "a"), named("a", "b"), "spec.limits[1]: Duplicate value"
    )
    yield of_type("a type under no name", {"limits": [{}]}, named("a"), "spec.limits[0].name: Required value")
    yield of_type("names in place of limits", {"limits": ["a"]}, named("a"), "spec.limits[0]: Invalid value")


def _of_users() -> Iterator[Case]:
    many = [{"name": f"limit-{number}", "rate": ONE_A_SECOND} for number in range(51)]
    pairs: list[tuple[str, Object, Object, str]] = [
        ("a user's limit in capitals", _own({"name": "App"}), _own({"name": "app"}), NAME),
        ("a user's own global limit", _own({"name": "global"}), _own({}), f"name {GLOBAL}"),
        (
            "a user's limit without a rate",
            _own({"rate": None}),
            _own({}),
            "spec.limits[0].rate: Required value",
        ),
        (
            "a user's limit twice",
            subscription(limits=many[:2] + many[:1]),
            subscription(limits=many[:2]),
            "spec.limits[2]: Duplicate value",
        ),
        ("51 limits of a user", subscription(limits=many), subscription(limits=many[:50]), "Too many"),
    ]
    for name, wrong, right, says in pairs:
        yield Case(name, wrong, right, says)


def _own(fields: dict[str, Any]) -> Object:
    """A user with values of their own at one limit; None takes a field out."""
    limit = {"name": "shopify-shop", "rate": ONE_A_SECOND} | fields
    return subscription(limits=[{field: value for field, value in limit.items() if value is not None}])
