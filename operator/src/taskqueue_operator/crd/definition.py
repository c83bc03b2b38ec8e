"""The complete CustomResourceDefinitions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from taskqueue.models.manifest import API_VERSION
from taskqueue.models.rate_limit import RateLimitManifest
from taskqueue.models.task_type import TaskTypeManifest
from taskqueue.models.user_subscription import UserSubscriptionManifest
from taskqueue_operator.crd import rules
from taskqueue_operator.crd.rule import Rule, add_rules
from taskqueue_operator.crd.status import RATE_LIMIT_STATUS, TASK_TYPE_STATUS, USER_SUBSCRIPTION_STATUS
from taskqueue_operator.crd.structural import Schema, structural

GROUP, VERSION = API_VERSION.split("/")
HEAD = "# Written by `make generate` from the models; change it there.\n"


class Column(NamedTuple):
    """A column of `kubectl get`. path: of its value. wide: shown by `-o wide` only."""

    name: str
    type: str
    path: str
    wide: bool = False

    def written(self) -> dict[str, Any]:
        """Return the column as in the definition."""
        written: dict[str, Any] = {"name": self.name, "type": self.type, "jsonPath": self.path}
        return written | ({"priority": 1} if self.wide else {})


def _condition(name: str, condition: str, field: str = "status", *, wide: bool = False) -> Column:
    return Column(name, "string", f'.status.conditions[?(@.type=="{condition}")].{field}', wide)


#: Empty without the field: a default would add a line to every object.
_SUSPENDED = Column("Suspended", "boolean", ".spec.suspend")
#: Ready is also True for a suspended or paused object and for one without tasks; the reason shows it.
_READY = (
    _condition("Ready", "Ready"),
    Column("Age", "date", ".metadata.creationTimestamp"),
    _condition("Reason", "Ready", "reason", wide=True),
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """The parts in which the kinds differ. selectable: fields for `kubectl get --field-selector`."""

    model: type[TaskTypeManifest | UserSubscriptionManifest | RateLimitManifest]
    singular: str
    short: str
    rules: Mapping[str, Sequence[Rule]]
    status: Schema
    columns: Sequence[Column]
    selectable: Sequence[str] = ()

    @property
    def name(self) -> str:
        return self.model.__name__.removesuffix("Manifest")

    @property
    def plural(self) -> str:
        return f"{self.singular}s"


_KINDS = (
    _Kind(
        TaskTypeManifest,
        "tasktype",
        "tt",
        rules.TASK_TYPE,
        TASK_TYPE_STATUS,
        columns=(
            Column("Schedule", "string", ".spec.schedule['interval','cron']"),
            Column("Window", "string", ".status.window", wide=True),
            Column("Subscriptions", "integer", ".status.subscriptions"),
            Column("Next", "string", ".status.next"),
            _SUSPENDED,
            _condition("Refs", "ResolvedRefs"),
            _condition("Feasible", "Feasible"),
            _condition("Handler", "HandlerRegistered"),
            *_READY,
        ),
    ),
    _Kind(
        UserSubscriptionManifest,
        "usersubscription",
        "usub",
        rules.USER_SUBSCRIPTION,
        USER_SUBSCRIPTION_STATUS,
        columns=(
            Column("User", "string", ".status.userId"),
            Column("Tasks", "integer", ".status.taskCount"),
            Column("Zone", "string", ".spec.timeZone", wide=True),
            _SUSPENDED,
            _condition("Accepted", "Accepted"),
            _condition("Refs", "ResolvedRefs"),
            *_READY,
        ),
        selectable=(".spec.userId",),
    ),
    _Kind(
        RateLimitManifest,
        "ratelimit",
        "rl",
        rules.RATE_LIMIT,
        RATE_LIMIT_STATUS,
        columns=(
            Column("Key", "string", ".spec.key"),
            Column("Requests", "integer", ".spec.rate.requests"),
            Column("Per", "string", ".spec.rate.per"),
            Column("Burst", "integer", ".spec.burst"),
            Column("Within", "string", ".spec.within"),
            _condition("Accepted", "Accepted"),
            *_READY,
        ),
    ),
)


def _map_by(key: str) -> Schema:
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


#: Items of lists are unique.
_LIST_TYPES: Mapping[str, Schema] = {
    "lockedParams": {"x-kubernetes-list-type": "set"},
    "tasks": _map_by("type"),
    "limits": _map_by("name"),
}


def definitions() -> dict[str, dict[str, Any]]:
    """Return the definitions by name, such as `tasktypes.taskqueue.dev`."""
    return {f"{kind.plural}.{GROUP}": _definition(kind) for kind in _KINDS}


def text(definition: Mapping[str, Any]) -> str:
    """Return a definition as YAML, the content of its file."""
    return HEAD + yaml.dump(
        definition, Dumper=_Dumper, sort_keys=False, width=110, default_flow_style=False, allow_unicode=True
    )


class _Dumper(yaml.SafeDumper):
    """Writes no anchors: equal parts are repeated."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _definition(kind: _Kind) -> dict[str, Any]:
    """Return the complete definition of a kind."""
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [column.written() for column in kind.columns],
        "schema": {"openAPIV3Schema": _schema(kind)},
    }
    if kind.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in kind.selectable]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": [kind.short],
                "categories": ["taskqueue"],
            },
            "versions": [version],
        },
    }


def _schema(kind: _Kind) -> Schema:
    """Return the schema of a kind: its model, its rules, its status, and the list types of its lists."""
    schema = structural(kind.model.model_json_schema())
    schema["description"] = schema["description"].split("\n\n")[0]  # the rest is for programmers
    schema["required"] = ["spec"]  # the API server sees to apiVersion, kind and metadata itself
    properties = schema["properties"]
    for name in ("apiVersion", "kind"):
        properties[name] = {"description": properties[name]["description"], "type": "string"}
    properties["metadata"] = {"type": "object"}  # Kubernetes allows no other word, and describes it itself
    properties["status"] = kind.status
    for field, list_type in _LIST_TYPES.items():
        properties["spec"]["properties"].get(field, {}).update(list_type)
    add_rules(schema, kind.rules)
    return schema
