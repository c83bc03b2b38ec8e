"""Write docs/configuration.md from the descriptions of settings, manifest fields and metrics: `make docs`."""

import json
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import annotated_types
from prometheus_client import REGISTRY
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import taskqueue.process.malformed_values
import taskqueue.process.retention
import taskqueue.scheduler.metrics  # noqa: F401 - registers what it documents
import taskqueue_operator.metrics  # noqa: F401 - the same
from taskqueue.models.rate_limit import RateLimitSpec
from taskqueue.models.task_type import TaskTypeSpec
from taskqueue.models.user_subscription import UserSubscriptionSpec
from taskqueue.process.settings import StoreSettings
from taskqueue.scheduler.settings import SchedulerSettings, TickingSettings
from taskqueue_api.settings import ApiSettings
from taskqueue_operator.settings import OperatorSettings
from taskqueue_operator.work_metrics import WorkCollector
from taskqueue_worker.metrics import WorkerCollector
from taskqueue_worker.settings import WorkerSettings
from taskqueue_worker.tally import Lateness

TARGET = Path(__file__).parents[2] / "docs" / "configuration.md"
HEAD = """# Settings, manifests, metrics

Written by `make docs` from the code; change it there.

## Settings

`taskqueue scheduler`, `taskqueue worker` and `taskqueue api` take each setting as a flag (`--redis-url`), from the environment
(`TASKQUEUE_REDIS_URL`), or from the YAML file of `--config` (`redis_url:`); flags win over the environment, the environment over
the file. Unknown and invalid settings are refused by name (exit code 2). Keep passwords in the environment. Files to start from:
[scheduler.yaml](../examples/scheduler.yaml), [worker.yaml](../examples/worker.yaml).

Two more variables: HTTP handlers may put `TASKQUEUE_HTTP_...` into headers ([handlers](handlers.md)), and `TASKQUEUE_TRACEBACK` makes
commands print the traceback of a bug ([exit codes](cli.md#exit-codes)).
"""
KINDS: Mapping[str, type[BaseModel]] = {
    "TaskType": TaskTypeSpec,
    "UserSubscription": UserSubscriptionSpec,
    "RateLimit": RateLimitSpec,
}
LIMITS = {annotated_types.Ge: "at least", annotated_types.Gt: "above", annotated_types.Le: "at most"}


class _Idle:
    """Stands in for the counters of a worker."""

    size = free = sent = leased = steps = busy = stuck = 0
    lateness = Lateness()

    def all(self) -> tuple[()]:
        return ()


def text() -> str:
    """Return the whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield HEAD
    shared = set(StoreSettings.model_fields)
    yield from _settings("All", StoreSettings, set())
    yield from _settings("Scheduler", SchedulerSettings, shared)
    yield from _settings("Worker", WorkerSettings, shared)
    ticking = set(TickingSettings.model_fields)
    yield from _settings(
        "Operator: the scheduler's settings except `manifests` and `manifests_poll`, and these",
        OperatorSettings,
        ticking,
    )
    yield from _settings("API and console", ApiSettings, shared)
    yield "## Manifests\n"
    yield (
        "`apiVersion: taskqueue.dev/v1alpha1`, `metadata.name`, and a `spec` of these fields. Durations are written like `30s`, `5m`, "
        '`1h30m`; rates like `"10"`, `"0.5"`, `"500m"`. Unknown fields and empty values are refused. Files are YAML of any number of '
        "documents, JSON, or `.ndjson`; folders are read recursively. "
        "Examples: [examples/shop](../examples/shop/README.md).\n"
    )
    for kind, model in KINDS.items():
        yield f"### {kind}\n"
        yield "| field of spec | default | allowed | |\n|---|---|---|---|"
        yield from _fields(model, "")
        yield ""
    yield "## Metrics\n"
    yield (
        "Each process serves them at `/metrics` of its `health_port`, next to `/livez`, `/readyz`, and the metrics of Python and the process. "
        "The store's own counters, for all processes together, are in `taskqueue audit -o json`.\n"
    )
    yield "| name | kind | |\n|---|---|---|"
    idle: Any = _Idle()
    metrics = [*REGISTRY.collect(), *WorkerCollector(idle, idle, idle, idle, idle, idle, {}).collect()]
    metrics += WorkCollector(lambda: None).collect()
    for metric in sorted(metrics, key=lambda metric: metric.name):
        if metric.name.startswith("taskqueue_"):
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            yield f"| `{name}` | {metric.type} | {_cell(metric.documentation)} |"


def _settings(title: str, model: type[StoreSettings], without: set[str]) -> Iterator[str]:
    yield f"### {title}\n"
    yield "| setting | default | allowed | |\n|---|---|---|---|"
    for name, field in model.model_fields.items():
        if name not in without:
            default = _default(field.get_default(call_default_factory=True))
            yield f"| `{name}` | {default} | {_allowed(field)} | {_cell(field.description)} |"
    yield ""


def _fields(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        label = prefix + (field.alias or name)
        inner = _inner(field.annotation)
        default = (
            "required" if field.is_required() else _default(field.get_default(call_default_factory=True))
        )
        shown = "" if inner and not field.is_required() else default
        yield f"| `{label}` | {shown} | {_allowed(field)} | {_cell(field.description)} |"
        if inner:
            yield from _fields(inner, label + ("[]." if "list" in str(field.annotation) else "."))


def _inner(annotation: Any) -> type[BaseModel] | None:
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _default(value: Any) -> str:
    if value is None or value in ({}, []):
        return ""
    if isinstance(value, bool):
        return f"`{json.dumps(value)}`"
    return f"`{getattr(value, 'value', value)}`"


def _allowed(field: FieldInfo) -> str:
    """Return the allowed words, or the bounds of a number or of a list's length."""
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(field.annotation))
    if isinstance(field.annotation, type) and issubclass(field.annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in field.annotation)
    nested = [item for part in get_args(field.annotation) for item in getattr(part, "__metadata__", ())]
    bounds = [one for item in nested for one in (item.metadata if isinstance(item, FieldInfo) else [item])]
    words = []
    for item in (*field.metadata, *bounds):
        if type(item) in LIMITS:
            bound = next(getattr(item, name) for name in ("ge", "gt", "le") if hasattr(item, name))
            words.append(f"{LIMITS[type(item)]} {bound:,}")
        elif isinstance(item, annotated_types.MaxLen):
            words.append(
                f"at most {item.max_length:,} {'characters' if field.annotation is str else 'items'}"
            )
    return ", ".join(words)


def _cell(words: str | None) -> str:
    return (words or "").replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    TARGET.write_text(text())
    sys.stdout.write(f"{TARGET.name}\n")
