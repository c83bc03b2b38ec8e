"""Valid manifests, and ways to break them as a person or a program would; for hypothesis."""

import copy
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from hypothesis import strategies as st

from taskqueue.models.manifest import API_VERSION
from taskqueue.models.refusal import FieldPath

VALID: list[dict[str, Any]] = [
    {
        "apiVersion": API_VERSION,
        "kind": "TaskType",
        "metadata": {"name": "fetch-orders", "labels": {"team": "shop"}},
        "spec": {
            "schedule": {"interval": "5m"},
            "window": "4m",
            "handler": {"function": "fetch_orders"},
            "params": {"region": "eu", "pages": [1, 2, {"deep": None}]},
            "priority": "High",
            "cost": 2,
            "timeout": "30s",
            "retry": {"maxAttempts": 5, "minBackoff": "1s", "maxBackoff": "5m"},
            "rateLimit": {"perSecond": "10"},
            "limits": [{"name": "shopify-orders"}, {"name": "shopify-shop"}],
            "concurrencyPolicy": "Forbid",
            "startingDeadline": "10m",
            "catchUp": "All",
            "suspend": False,
        },
    },
    {
        "apiVersion": API_VERSION,
        "kind": "TaskType",
        "metadata": {"name": "nightly-report"},
        "spec": {
            "schedule": {"cron": "0 2 * * *", "timeZone": "Europe/Berlin"},
            "handler": {
                "http": {"url": "https://h/x", "method": "POST", "headers": {"Accept": "text/plain"}}
            },
        },
    },
    {
        "apiVersion": API_VERSION,
        "kind": "UserSubscription",
        "metadata": {"name": "u-0042"},
        "spec": {
            "userId": "u-0042",
            "suspend": False,
            "tasks": [
                {"type": "fetch-orders", "params": {"region": "eu"}},
                {"type": "nightly-report", "suspend": True},
            ],
            "limits": [{"name": "shopify-shop", "rate": {"requests": 20, "per": "1s"}, "burst": 400}],
        },
    },
    {
        "apiVersion": API_VERSION,
        "kind": "RateLimit",
        "metadata": {"name": "shopify-shop"},
        "spec": {
            "key": "User",
            "rate": {"requests": 2, "per": "1s"},
            "burst": 40,
            "within": "shopify-app",
        },
    },
]


def nested(depth: int) -> Any:
    value: Any = "deep"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
texts = st.sampled_from(
    [
        "",
        " ",
        "null",
        "0042",
        "no",
        "1h",
        "99999h99999h",
        "0s",
        "0 0 31 2 *",
        "* * * * * *",
        "1" * 400,
        "\0",
        "\ud800",
        "a\r\nb",
        "http://[",
        "\N{PILE OF POO}",
        "x" * 70_000,
        "-1",
        "NaN",
        "1e400",
        "\N{GRINNING FACE}" * 300,
        "__class__",
        "{message}",
        "%s",
    ]
)
odd_values: st.SearchStrategy[Any] = st.one_of(
    texts,
    json_values,
    st.sampled_from(
        [10**30, -1, 0, 1.5, float("nan"), float("inf"), date(2026, 1, 1), b"x", (1,), {1, 2}, {1: 2}]
    ),
    st.integers(min_value=30, max_value=400).map(nested),
    st.integers(min_value=100, max_value=600).map(lambda size: [{"type": f"a{n}"} for n in range(size)]),
)


def paths(value: Any, path: FieldPath = ()) -> Iterator[FieldPath]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from paths(inner, (*path, position))


def drop(parent: Any, key: Any, _odd: Any) -> None:
    del parent[key]


def retype(parent: Any, key: Any, odd: Any) -> None:
    parent[key] = odd


def wrap(parent: Any, key: Any, _odd: Any) -> None:
    parent[key] = [parent[key]] if isinstance(parent[key], dict) else {"value": parent[key]}


def add(parent: Any, _key: Any, odd: Any) -> None:
    if isinstance(parent, list):
        parent.append(odd)
    else:
        parent[odd if isinstance(odd, str | int | bytes) else "extra"] = odd


def rename(parent: Any, key: Any, odd: Any) -> None:
    if isinstance(parent, dict):
        parent[odd if isinstance(odd, str) else f"{key}s"] = parent.pop(key)


def repeat(parent: Any, key: Any, _odd: Any) -> None:
    if isinstance(parent, list):
        parent += [copy.deepcopy(parent[key])] * 2
    elif isinstance(parent[key], str):
        parent[key] *= 50


MUTATIONS: list[Callable[[Any, Any, Any], None]] = [drop, retype, wrap, add, rename, repeat]


@st.composite
def broken_manifests(draw: st.DrawFn) -> Any:
    """A valid manifest with one to three places changed."""
    document: Any = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        inner = [path for path in paths(document) if path and len(path) < 20][:200]
        if not inner:
            break
        *way, key = draw(st.sampled_from(inner))
        parent = document
        for step in way:
            parent = parent[step]
        draw(st.sampled_from(MUTATIONS))(parent, key, copy.deepcopy(draw(odd_values)))
    return document


def assert_readable(field: str, message: str) -> None:
    assert field
    assert message
    assert (field + message).isprintable(), "a refusal is one line, whatever was written"
    assert len(message) < 400


EDITS = st.tuples(
    st.integers(min_value=0, max_value=2_000),
    st.integers(min_value=0, max_value=4),
    st.sampled_from(
        [
            b"",
            b" ",
            b"\n",
            b"\t",
            b"- ",
            b": ",
            b"{",
            b"]",
            b"'",
            b'"',
            b"&a ",
            b"*a",
            b"<<: ",
            b"!!x ",
            b"---\n",
            b"\xff",
            b"\0",
            b"#",
            b"? ",
            b"|\n",
            b"\\u",
            b"[" * 3_000,
            b"0",
            b"no",
            b"a: 1\na: 2\n",
            b"%YAML 1.1\n",
        ]
    ),
)
