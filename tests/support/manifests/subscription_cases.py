"""UserSubscription manifests to refuse."""

from collections.abc import Iterator
from typing import Any

from tests.support.manifests.case import Case, Object, subscription


def subscriptions() -> Iterator[Case]:
    def tasks(*types: Any) -> Object:
        return subscription(tasks=[{"type": name} for name in types])

    user = 'userId must be 1 to 128 printable ASCII characters other than space and "/"'
    name = 'type must be 1 to 63 lower case letters, digits and dashes, such as "fetch-orders"'
    many = [f"type-{number}" for number in range(501)]
    longest = "a" * 128
    yield Case("a user with a slash", subscription(userId="a/b"), subscription(userId="-a|b:50%*"), user)
    yield Case("a user without an id", subscription(userId=""), subscription(userId="0"), user)
    yield Case("a user of 129", subscription(userId=longest + "a"), subscription(userId=longest), "Too long")
    yield Case("a type in capitals", tasks("Fetch"), tasks("fetch"), name)
    yield Case("a type that ends in a dash", tasks("fetch-"), tasks("fetch-orders.v2"), name)
    yield Case("a task of 64 characters", tasks("a" * 64), tasks("a" * 63), "Too long")
    yield Case(
        "a task without a type", subscription(tasks=[{}]), tasks("a"), "spec.tasks[0].type: Required value"
    )
    yield Case("a type twice", tasks("a", "b", "a"), tasks("a", "b"), "spec.tasks[2]: Duplicate value: ")
    yield Case("501 tasks", tasks(*many), tasks(*many[:500]), "Too many")
    yield Case(
        "a name too long for a user",
        subscription(longest + "a"),
        subscription(longest + "a", userId="ada"),
        "add userId: the object's name is longer than 128 characters",
    )
    zone = 'timeZone must be an IANA time zone, such as "Europe/Berlin"'
    berlin = subscription(timeZone="Europe/Berlin")
    yield Case("a user on Mars", subscription(timeZone="Mars/Base"), berlin, zone)
    yield Case("a user with an offset", subscription(timeZone="UTC+2"), berlin, zone)
    every = subscription(tasks=[{"type": "a", "interval": "5m"}])
    yield Case(
        "a task every half second",
        subscription(tasks=[{"type": "a", "interval": "500ms"}]),
        every,
        "interval must be whole seconds",
    )
    for text, says in [
        ("often", 'interval must be a duration such as "5m" or "1h30m"'),
        ("99999h60m", "interval must be at most 99999h59m59s999ms"),
    ]:
        bad = subscription(tasks=[{"type": "a", "interval": text}])
        yield Case(f"a task every {text}", bad, every, says)
    changed = "userId must be as it was; delete the object"
    changes: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
        ("changed", {"userId": "ada"}, {"userId": "eve"}, {"userId": "ada", "suspend": True}),
        ("taken away", {"userId": "ada"}, {}, {"userId": "ada"}),
        ("given later", {}, {"userId": "eve"}, {"userId": "ada-s-object"}),
        ("spelled out and changed", {"userId": "ada-s-object"}, {"userId": "ada"}, {}),
    ]
    for what, before, bad, good in changes:
        old, new, same = (subscription("ada-s-object", **spec) for spec in (before, bad, good))
        yield Case(f"a userId {what}", new, same, changed, before=old, only_here=True)
