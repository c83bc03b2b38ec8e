"""What Kubernetes must refuse at apply, for each rule and bound of the definitions: a bad object and its good twin."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from taskqueue.models.manifest import API_VERSION

Object = Mapping[str, Any]

FIVE_MINUTES = {"interval": "5m"}
NIGHTLY = {"cron": "0 2 * * *"}
URL = "https://api.example.com/sync"


@dataclass(frozen=True, slots=True)
class Case:
    """Two objects that differ in one thing.

    says: part of what the API server answers to the bad one, which names the field.
    before: what is there already when they are applied.   only_here: the models cannot know this one.
    """

    name: str
    bad: Object
    good: Object
    says: str
    before: Object | None = None
    only_here: bool = False


def task_type(name: str = "fetch-orders", **spec: Any) -> Object:
    """A good one, with other fields in its spec; ... takes a field out."""
    fields = {"schedule": FIVE_MINUTES, "handler": {"function": "fetch_orders"}} | spec
    return _object("TaskType", name, fields)


def subscription(name: str = "ada", **spec: Any) -> Object:
    return _object("UserSubscription", name, spec)


def _object(kind: str, name: str, fields: Mapping[str, Any]) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name},
        "spec": {field: value for field, value in fields.items() if value is not ...},
    }


def _of_type(name: str, bad: Mapping[str, Any], good: Mapping[str, Any], says: str) -> Case:
    return Case(name, task_type(**bad), task_type(**good), says)


def _durations() -> Iterator[Case]:
    form = 'as a duration such as "5m" or "1h30m"'
    longest = "99999h59m59s999ms"
    places: dict[str, Any] = {
        "interval": lambda text: {"schedule": {"interval": text}},
        "window": lambda text: {"schedule": NIGHTLY, "window": text},
        "timeout": lambda text: {"timeout": text},
        "startingDeadline": lambda text: {"startingDeadline": text},
        "minBackoff": lambda text: {"retry": {"minBackoff": text, "maxBackoff": "99999h"}},
        "maxBackoff": lambda text: {"retry": {"minBackoff": "1ms", "maxBackoff": text}},
    }
    for field, at in places.items():
        yield _of_type(f"{field} in words", at("5 minutes"), at("5m"), f"write {field} {form}")
        yield _of_type(f"{field} of five parts", at("1s1s1s1s1s"), at("1s1s1s1s"), f"write {field} {form}")
        yield _of_type(f"{field} without text", at(""), at("1s"), f"write {field} {form}")
        yield _of_type(f"{field} as a number", at(300), at("300s"), f"{field}: Invalid value")
        too_long = "99999h1h" if field == "minBackoff" else "99999h60m"
        whole = "99998h" if field == "minBackoff" else "99999h59m59s"
        yield _of_type(
            f"{field} of centuries", at(too_long), at(whole), f"write {field} of at most {longest}"
        )
        yield _of_type(f"{field} of 33 characters", at("1" * 32 + "s"), at("1s"), "Too long")
        if field in ("interval", "window"):
            yield _of_type(
                f"{field} below a second", at("999ms"), at("1000ms"), f"write {field} in whole sec"
            )
            yield _of_type(f"{field} and a half", at("1s500ms"), at("2s"), f"write {field} in whole seconds")
        else:
            yield _of_type(f"{field} of nothing", at("0s"), at("1ms"), f"write {field} above zero")


def _schedules() -> Iterator[Case]:
    def of(bad: Any, good: Any, says: str, name: str) -> Case:
        return _of_type(name, {"schedule": bad}, {"schedule": good}, says)

    five = "write cron as five fields"
    fields = "write cron with minutes 0-59"
    zone = 'write timeZone as an IANA time zone, such as "Europe/Berlin"'
    yield of(..., NIGHTLY, "spec.schedule: Required value", "no schedule")
    yield of({}, NIGHTLY, "write schedule with interval", "neither interval nor cron")
    yield of(FIVE_MINUTES | NIGHTLY, FIVE_MINUTES, "write either interval or cron", "interval and cron")
    yield of(
        FIVE_MINUTES | {"timeZone": "UTC"}, NIGHTLY | {"timeZone": "UTC"}, "with cron only", "zone alone"
    )
    for bad, good, says in [
        ("0 2 * *", "0 2 * * *", five),
        ("0 0 2 * * *", "0  2\t* * *", five),
        ("@daily", "0 0 * * *", five),
        ("0 2 * * \N{EN DASH}", "0 2 * * 1-5", five),
        ("60 2 * * *", "59,007 2 * * *", fields),
        ("0 24 * * *", "*/5 23 * * *", fields),
        ("0 2 32 * *", "0 2 1-31/2,L,LW * *", fields),
        ("0 2 * 13 *", "0 2 * dec-DEC *", fields),
        ("0 2 * * 8", "0 2 * * 7,0,sun-SAT/2,5L,MON#2", fields),
        ("0 2 * * MON#6", "0 2 * * MON#5", fields),
        ("*/0 * * * *", "*/1 * * * *", fields),
        ("0,,1 2 * * *", "0,1 2 * * *", fields),
        ("0 2 ? * *", "0 2 * * *", fields),
        ("0" * 121 + " 2 * * *", "0" * 119 + " 2 * * *", "Too long"),
    ]:
        yield of({"cron": bad}, {"cron": good}, says, f"cron {bad[:16]}")
    for bad, good in [
        ("Mars/Base", "America/Port-au-Prince"),
        ("+01:00", "Etc/GMT+1"),
        ("../UTC", "UTC"),
        ("", "Europe/Berlin"),
    ]:
        yield of(NIGHTLY | {"timeZone": bad}, NIGHTLY | {"timeZone": good}, zone, f"time zone '{bad}'")
    yield of(NIGHTLY | {"timeZone": "A" * 65}, NIGHTLY, "Too long", "time zone of 65 characters")
    yield _of_type("a window longer", {"window": "6m"}, {"window": "5m"}, "at most the interval, 5m")


def _handlers() -> Iterator[Case]:
    def http(name: str, says: str, good: dict[str, Any] | None = None, **bad: Any) -> Case:
        request = {"url": URL}
        return _of_type(
            name, {"handler": {"http": request | bad}}, {"handler": {"http": request | (good or {})}}, says
        )

    request: dict[str, Any] = {"http": {"url": URL}}
    function = {"function": "fetch_orders"}
    for name, bad, says in [
        ("no handler", ..., "spec.handler: Required value"),
        ("neither function nor http", {}, "write handler with function"),
        ("function and http", function | request, "write either function or http"),
        ("a path of Python", {"function": "os:system"}, "write function as the name"),
        ("a function without a name", {"function": ""}, "write function as the name"),
        ("a function of 129 characters", {"function": "f" * 129}, "Too long"),
        ("http without a url", {"http": {}}, "spec.handler.http.url: Required value"),
    ]:
        yield _of_type(name, {"handler": bad}, {"handler": request if "http" in name else function}, says)
    for url, good in [
        ("ftp://example.com/", "HTTPS://example.com/"),
        ("/sync", "http://example.com"),
        ("https:///sync", "https://[::1]/sync"),
        ("https://example.com:0/", "https://example.com:8443/"),
        ("https://example.com:65536/", "https://example.com:65535/"),
        ("nonsense", "https://user:word@example.com/a?b=c#d"),
    ]:
        yield http(f"url {url}", "write url as an absolute http or https URL", {"url": good}, url=url)
    yield http("a url with a space", "write url without spaces", url="https://example.com/a b")
    yield http("an umlaut in a url", "write url without spaces", url="https://example.com/\xfc")
    yield http("a url of 2049 characters", "Too long", url=URL + "/" + "a" * (2_048 - len(URL)))
    yield http("a method in lower case", 'Unsupported value: "post"', {"method": "PUT"}, method="post")
    yield http(
        "a header's name", "write the names of headers", {"headers": {"X-A'b": ""}}, headers={"X A": ""}
    )
    for name, text in {"two lines": "a\r\nb: c", "a tab": "\t", "a wide space": "\u2003"}.items():
        yield http(
            f"{name} in a header",
            "write the values of headers",
            {"headers": {"A": "b \xe9"}},
            headers={"A": text},
        )
    yield http("a header of 4097 characters", "Too long", headers={"A": "b" * 4_097})
    yield http("65 headers", "Too many", headers={f"A{number}": "" for number in range(65)})


def _figures() -> Iterator[Case]:
    for field in ("perSecond", "perUserPerSecond"):
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
            says = f"write {field} as a rate above zero"
            yield _of_type(
                f"{field} {bad!r}", {"rateLimit": {field: bad}}, {"rateLimit": {field: good}}, says
            )
        floating = {"rateLimit": {field: 0.5}}
        yield _of_type(
            f"{field} as a float", floating, {"rateLimit": {field: "0.5"}}, f"{field}: Invalid value"
        )
        yield _of_type(f"{field} of 33", {"rateLimit": {field: "0" * 32 + "1"}}, {}, "Too long")
    yield _of_type(
        "backoff upside down",
        {"retry": {"minBackoff": "10m"}},
        {"retry": {"minBackoff": "5m"}},
        "write maxBackoff of at least minBackoff, 10m",
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
            yield _of_type(f"{field} {bad!r}", of_bad, of_good, says)


def _words() -> Iterator[Case]:
    for field, bad, good in [
        ("priority", "high", "High"),
        ("concurrencyPolicy", "No", "Forbid"),
        ("catchUp", "Everything", "All"),
    ]:
        yield _of_type(
            f"{field} {bad}", {field: bad}, {field: good}, f'spec.{field}: Unsupported value: "{bad}"'
        )
    yield _of_type("suspend in quotes", {"suspend": "true"}, {"suspend": True}, "spec.suspend: Invalid value")
    yield _of_type(
        "suspend without a value", {"suspend": None}, {"suspend": False}, "spec.suspend: Invalid value"
    )
    yield _of_type(
        "params as text", {"params": "a"}, {"params": {"a": [None, {}]}}, "spec.params: Invalid value"
    )
    yield _of_type("an unknown field", {"windwo": "5m"}, {"window": "5m"}, 'unknown field "spec.windwo"')
    name = "write metadata.name of at most 63 characters"
    yield Case("a type of 64 characters", task_type("a" * 64), task_type("a" * 63), name)


def _subscriptions() -> Iterator[Case]:
    def tasks(*types: Any) -> Object:
        return subscription(tasks=[{"type": name} for name in types])

    user = "write userId with 1 to 128 letters, digits and ._@+-"
    name = 'write type with 1 to 63 lower case letters, digits and dashes, such as "fetch-orders"'
    many = [f"type-{number}" for number in range(501)]
    longest = "a" * 128
    yield Case("a user with a slash", subscription(userId="a/b"), subscription(userId="A.b_c@d+e-f"), user)
    yield Case("a user without an id", subscription(userId=""), subscription(userId="0"), user)
    yield Case("a user of 129", subscription(userId=longest + "a"), subscription(userId=longest), "Too long")
    yield Case("a type in capitals", tasks("Fetch"), tasks("fetch"), name)
    yield Case("a type that ends in a dash", tasks("fetch-"), tasks("fetch-orders.v2"), name)
    yield Case("a task of 64 characters", tasks("a" * 64), tasks("a" * 63), "Too long")
    yield Case(
        "a task without a type", subscription(tasks=[{}]), tasks("a"), "spec.tasks[0].type: Required value"
    )
    yield Case("a type twice", tasks("a", "b", "a"), tasks("a", "b"), 'Duplicate value: {"type":"a"}')
    yield Case("501 tasks", tasks(*many), tasks(*many[:500]), "Too many")
    yield Case(
        "a name too long for a user",
        subscription(longest + "a"),
        subscription(longest + "a", userId="ada"),
        "write userId: the object's name is longer than 128 characters",
    )
    changed = "write userId as it was: it cannot"
    changes: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
        ("changed", {"userId": "ada"}, {"userId": "eve"}, {"userId": "ada", "suspend": True}),
        ("taken away", {"userId": "ada"}, {}, {"userId": "ada"}),
        ("given later", {}, {"userId": "eve"}, {"userId": "ada-s-object"}),
        ("spelled out and changed", {"userId": "ada-s-object"}, {"userId": "ada"}, {}),
    ]
    for what, before, bad, good in changes:
        old, new, same = (subscription("ada-s-object", **spec) for spec in (before, bad, good))
        yield Case(f"a userId {what}", new, same, changed, before=old, only_here=True)


CASES = [*_durations(), *_schedules(), *_handlers(), *_figures(), *_words(), *_subscriptions()]
