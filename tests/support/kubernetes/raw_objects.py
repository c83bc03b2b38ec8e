"""Objects as an API server sends them."""

from collections.abc import Mapping
from typing import Any

from taskqueue_operator.objects import Kind

GOOD: Mapping[Kind, Mapping[str, Any]] = {
    "TaskType": {"schedule": {"interval": "5m"}, "handler": {"function": "f"}},
    "UserSubscription": {},
    "RateLimit": {"key": "Release", "rate": {"requests": 10, "per": "1s"}},
}


def raw(
    kind: Kind,
    name: str,
    version: int,
    spec: Mapping[str, Any] | None = None,
    *,
    uid: str = "",
    generation: int = 1,
    created: str = "2026-01-01T00:00:00Z",
    status: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """uid: that of the first object of this name if none is given."""
    meta = {"name": name, "uid": uid or f"{name}-1", "generation": generation, "creationTimestamp": created}
    body = {
        "metadata": meta | {"resourceVersion": str(version)},
        "spec": GOOD[kind] if spec is None else spec,
    }
    return body | ({} if status is None else {"status": status})


def task_type(name: str, version: int, spec: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return raw("TaskType", name, version, spec, **more)


def user(name: str, version: int, spec: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return raw("UserSubscription", name, version, spec, **more)


def rate_limit(name: str, version: int, spec: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return raw("RateLimit", name, version, spec, **more)
