"""Writes docs/configuration.md from the code: settings, manifests and metrics describe themselves. `make docs`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from prometheus_client import REGISTRY
from pydantic import BaseModel

import taskqueue.scheduler.metrics  # noqa: F401 - registers what it documents
import taskqueue_worker.metrics
from taskqueue.models.task_type import TaskTypeSpec
from taskqueue.models.user_subscription import UserSubscriptionSpec
from taskqueue.scheduler.settings import SchedulerSettings
from taskqueue.settings import StoreSettings
from taskqueue_worker.settings import WorkerSettings

TARGET = Path(__file__).with_name("configuration.md")
HEAD = """# Settings, manifests, metrics

Written by `make docs` from the code; change it there.

## Settings

`taskqueue scheduler` and `taskqueue worker` take each setting as a flag (`--redis-url`), from the environment
(`TASKQUEUE_REDIS_URL`), or from the YAML file of `--config` (`redis_url:`); flags win over the environment, which wins over the
file. An unknown or bad one is named and refused (exit code 2). Keep passwords in the environment.
"""
WORKER_METRICS = (
    ("taskqueue_claims_total", "counter", "Calls of claim."),
    ("taskqueue_started_total", "counter", "Jobs claimed to be started."),
    (
        "taskqueue_jobs_total",
        "counter",
        "Jobs by `type` and `outcome`: " + ", ".join(taskqueue_worker.metrics.OUTCOMES) + ".",
    ),
    ("taskqueue_slots", "gauge", "Jobs this worker can run at a time."),
    ("taskqueue_slots_free", "gauge", "Slots without a job."),
)


def text() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield HEAD
    shared = set(StoreSettings.model_fields)
    yield from _settings("Both", StoreSettings, set())
    yield from _settings("Scheduler", SchedulerSettings, shared)
    yield from _settings("Worker", WorkerSettings, shared)
    yield "## Manifests\n"
    yield (
        "`apiVersion: taskqueue.dev/v1alpha1`, `metadata.name`, and a `spec` of these fields. Durations are written like `30s`, `5m`, "
        "`1h30m`. Files are YAML of any number of documents, JSON, or `.ndjson`; folders are read recursively. "
        "Examples: [examples/shop](../examples/shop/README.md).\n"
    )
    for kind, model in (("TaskType", TaskTypeSpec), ("UserSubscription", UserSubscriptionSpec)):
        yield f"### {kind}\n"
        yield "| field of spec | default | |\n|---|---|---|"
        yield from _fields(model, "")
        yield ""
    yield "## Metrics\n"
    yield "`/metrics` of each process (`health_port`), beside `/livez` and `/readyz`.\n"
    yield "| name | kind | |\n|---|---|---|"
    rows = [(_metric_name(m.name, m.type), m.type, m.documentation) for m in REGISTRY.collect()]
    for name, kind, words in sorted({*rows, *WORKER_METRICS}):
        if name.startswith("taskqueue_"):
            yield f"| `{name}` | {kind} | {_cell(words)} |"


def _settings(title: str, model: type[StoreSettings], without: set[str]) -> Iterator[str]:
    yield f"### {title}\n"
    yield "| setting | default | |\n|---|---|---|"
    for name, field in model.model_fields.items():
        if name not in without:
            yield f"| `{name}` | {_default(field.get_default(call_default_factory=True))} | {_cell(field.description)} |"
    yield ""


def _fields(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        label = prefix + (field.alias or name)
        inner = _inner(field.annotation)
        default = (
            "required" if field.is_required() else _default(field.get_default(call_default_factory=True))
        )
        yield f"| `{label}` | {'' if inner and not field.is_required() else default} | {_cell(field.description)} |"
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
    return f"`{getattr(value, 'value', value)}`"


def _cell(words: str | None) -> str:
    return (words or "").replace("|", "\\|").replace("\n", " ")


def _metric_name(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "counter" else name


if __name__ == "__main__":
    TARGET.write_text(text())
    sys.stdout.write(f"{TARGET.name}\n")
