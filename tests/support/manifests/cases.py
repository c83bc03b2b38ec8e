"""All manifests that Kubernetes must refuse at apply, for each rule and bound of the definitions."""

from collections.abc import Iterator

from tests.support.manifests.case import Case, of_type, task_type
from tests.support.manifests.exclusion_cases import exclusions
from tests.support.manifests.handler_cases import handlers
from tests.support.manifests.limit_cases import limits
from tests.support.manifests.schedule_cases import durations, intervals, schedules
from tests.support.manifests.subscription_cases import subscriptions


def _figures() -> Iterator[Case]:
    field = "perSecond"
    for bad, good in [
        ("fast", "10"),
        ("0", "1u"),
        ("-1", "+1"),
        ("0.5n", "500m"),
        ("1000001", "1M"),
        ("1Gi", "1Ki"),
        ("1e007", "1e3"),
        ("", ".5"),
        (0, 1),
        (1_000_001, 1_000_000),
    ]:
        says = f"{field} must be a rate above zero"
        yield of_type(f"{field} {bad!r}", {"rateLimit": {field: bad}}, {"rateLimit": {field: good}}, says)
    floating = {"rateLimit": {field: 0.5}}
    yield of_type(f"{field} as a float", floating, {"rateLimit": {field: "0.5"}}, f"{field}: Invalid value")
    yield of_type(f"{field} of 33", {"rateLimit": {field: "0" * 32 + "1"}}, {}, "Too long")
    removed = "remove perUserPerSecond: add"
    for written in ("0.5", 1):
        yield of_type(
            f"a limit of each user, {written!r}", {"rateLimit": {"perUserPerSecond": written}}, {}, removed
        )
    yield of_type(
        "backoff upside down",
        {"retry": {"minBackoff": "10m"}},
        {"retry": {"minBackoff": "5m"}},
        "maxBackoff must be at least minBackoff, 10m",
    )
    for field, low, high in (("cost", 1, 1_000), ("maxAttempts", 1, 100)):
        for bad, good, says in [
            (low - 1, low, f"greater than or equal to {low}"),
            (high + 1, high, f"less than or equal to {high}"),
            ("5", 5, f"{field}: Invalid value"),
        ]:
            of_bad, of_good = (
                {field: figure} if field == "cost" else {"retry": {field: figure}} for figure in (bad, good)
            )
            yield of_type(f"{field} {bad!r}", of_bad, of_good, says)


def _breaker() -> Iterator[Case]:
    for bad, good, says in [
        (1, 2, "greater than or equal to 2"),
        (1_001, 1_000, "less than or equal to 1000"),
        ("20", 20, "suspendAfter: Invalid value"),
    ]:
        yield of_type(f"suspendAfter {bad!r}", {"suspendAfter": bad}, {"suspendAfter": good}, says)
    retry = {"retrySuspendedAfter": "1h"}
    says = "remove retrySuspendedAfter: nothing is suspended without suspendAfter"
    yield of_type("retrySuspendedAfter alone", retry, {"suspendAfter": 20, **retry}, says)


def _locked() -> Iterator[Case]:
    def locked(*names: object) -> dict[str, object]:
        return {"lockedParams": list(names)}

    sentence = "lockedParams must be names of params, 1 to 63 characters each"
    many = [f"n{number}" for number in range(65)]
    yield of_type("a locked param without a name", locked(""), locked("a.b/c d"), sentence)
    yield of_type("a locked param of 64", locked("n" * 64), locked("n" * 63), "Too long")
    yield of_type("65 locked params", locked(*many), locked(*many[:64]), "Too many")
    yield of_type(
        "a param locked twice",
        locked("a", "b", "a"),
        locked("a", "b"),
        "spec.lockedParams[2]: Duplicate value",
    )
    yield of_type("a number as a locked param", locked(1), locked("1"), "spec.lockedParams[0]: Invalid value")


def _words() -> Iterator[Case]:
    for field, bad, good in [
        ("priority", "high", "High"),
        ("concurrencyPolicy", "No", "Forbid"),
        ("catchUp", "Everything", "All"),
    ]:
        yield of_type(
            f"{field} {bad}", {field: bad}, {field: good}, f'spec.{field}: Unsupported value: "{bad}"'
        )
    yield of_type("suspend in quotes", {"suspend": "true"}, {"suspend": True}, "spec.suspend: Invalid value")
    yield of_type(
        "params as text", {"params": "a"}, {"params": {"a": [None, {}]}}, "spec.params: Invalid value"
    )
    yield of_type("an unknown field", {"windwo": "5m"}, {"window": "5m"}, 'unknown field "spec.windwo"')
    name = "metadata.name must be at most 63 characters"
    yield Case("a type of 64 characters", task_type("a" * 64), task_type("a" * 63), name)


CASES = [
    *schedules(),
    *durations(),
    *intervals(),
    *exclusions(),
    *handlers(),
    *_figures(),
    *_breaker(),
    *_locked(),
    *_words(),
    *subscriptions(),
    *limits(),
]
