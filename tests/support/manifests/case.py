"""A bad object that Kubernetes must refuse, and its good twin."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskqueue.models.manifest import API_VERSION

Object = Mapping[str, Any]

FIVE_MINUTES = {"interval": "5m"}
NIGHTLY = {"cron": "0 2 * * *"}


@dataclass(frozen=True, slots=True)
class Case:
    """Two objects that differ in one thing.

    says: part of the API server's refusal of the bad one, which names the field.
    before: the object in place when they are applied.   only_here: the models cannot know this one.
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


def rate_limit(name: str = "shopify-app", **spec: Any) -> Object:
    """A good one, with other fields in its spec; ... takes a field out."""
    return _object("RateLimit", name, {"key": "Release", "rate": {"requests": 100, "per": "1s"}} | spec)


def _object(kind: str, name: str, fields: Mapping[str, Any]) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name},
        "spec": {field: value for field, value in fields.items() if value is not ...},
    }


def of_type(name: str, bad: Mapping[str, Any], good: Mapping[str, Any], says: str) -> Case:
    return Case(name, task_type(**bad), task_type(**good), says)
