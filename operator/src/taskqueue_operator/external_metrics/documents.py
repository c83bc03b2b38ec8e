"""JSON documents of the API. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

GROUP, VERSION = "external.metrics.k8s.io", "v1beta1"
GROUP_VERSION = f"{GROUP}/{VERSION}"
METRIC = "taskqueue_work_seconds"

Document = Mapping[str, Any]

_VERSION: Document = {"groupVersion": GROUP_VERSION, "version": VERSION}
_GROUP: Document = {"name": GROUP, "versions": [_VERSION], "preferredVersion": _VERSION}

GROUPS: Document = {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_GROUP]}
THE_GROUP: Document = {"kind": "APIGroup", "apiVersion": "v1", **_GROUP}
RESOURCES: Document = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": GROUP_VERSION,
    "resources": [
        {
            "name": METRIC,
            "singularName": "",
            "namespaced": True,
            "kind": "ExternalMetricValueList",
            "verbs": ["get"],
        }
    ],
}


def value(work_s: float, labels: Mapping[str, str], at: datetime) -> Document:
    """Return a list of exactly one item; an autoscaler ignores an empty list."""
    item = {
        "metricName": METRIC,
        "metricLabels": labels,
        "timestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "value": f"{round(work_s * 1000)}m",
    }
    return {"kind": "ExternalMetricValueList", "apiVersion": GROUP_VERSION, "metadata": {}, "items": [item]}


def selects(selector: str, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector of equalities matches; any other operator matches nothing."""
    fitting = {f"{name}{sign}{value}" for name, value in labels.items() for sign in ("=", "==")}
    return {term.strip() for term in selector.split(",") if term.strip()} <= fitting


def failure(code: HTTPStatus, message: str) -> Document:
    """Return a Status object, which clients of Kubernetes display."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": code.phrase.replace(" ", ""),
        "code": code.value,
    }
