"""Numbers in every form that Helm hands them over in: digits, decimals, exponents and strings of these."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from taskqueue.process.settings import load
from taskqueue_operator.settings import OperatorSettings
from taskqueue_worker.settings import WorkerSettings
from tests.support.chart.helm import CHART, Helm
from tests.support.chart.rendered import of_kind, pods, variables

DEVELOPMENT, EVERYTHING = (CHART / "ci" / f"{name}-values.yaml" for name in ("development", "everything"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))
OPERATOR = "taskqueue-operator"
#: Every number of the chart as a string and with an exponent, and what it comes to.
EXPONENTS = {
    "rate": "1e3",
    "redis.port": "6.38e3",
    "redis.database": "1e0",
    "operator.replicas": "3.0",
    "operator.leaseDurationSeconds": "1.25e1",
    "operator.maxBacklog": "1e6",
    "operator.terminationGracePeriodSeconds": "6e1",
    "worker.replicas": "2e1",
    "worker.concurrency": "1e2",
    "worker.threads": "2e1",
    "worker.leaseSeconds": "2.5",
    "worker.graceSeconds": "3e4",
    "worker.terminationGracePeriodSeconds": "4e6",
    "console.replicas": "2e0",
    "autoscaling.minReplicas": "1e0",
    "autoscaling.maxReplicas": "1e2",
    "autoscaling.drainSeconds": "6e1",
    "autoscaling.keda.pollingInterval": "2e1",
    "autoscaling.keda.cooldownPeriod": "2e2",
    "networkPolicy.redisPorts": "{2.6379e4}",
    "networkPolicy.apiServerPorts": "{4.43e2}",
    "monitoring.rules.latenessSeconds": "1e6",
    "podSecurityContext.runAsUser": "1.00066e9",
    "podSecurityContext.runAsGroup": "1.00066e9",
    "podSecurityContext.fsGroup": "1.00066e9",
}

#: Numbers that a process reads as a setting, which it refuses at its start where they are out of bounds.
SETTINGS: dict[str, tuple[type[BaseModel], str]] = {
    "rate": (OperatorSettings, "rate"),
    "operator.leaseDurationSeconds": (OperatorSettings, "lease_duration"),
    "operator.maxBacklog": (OperatorSettings, "max_backlog"),
    "autoscaling.drainSeconds": (OperatorSettings, "scale_drain"),
    "worker.concurrency": (WorkerSettings, "concurrency"),
    "worker.threads": (WorkerSettings, "threads"),
    "worker.leaseSeconds": (WorkerSettings, "lease"),
    "worker.graceSeconds": (WorkerSettings, "grace"),
}


def options(values: dict[str, str], flag: str) -> list[str]:
    return [word for name, value in values.items() for word in (flag, f"{name}={value}")]


def plain(values: dict[str, str]) -> dict[str, str]:
    """Return the same numbers in digits."""
    return {name: _digits(value) for name, value in values.items()}


def _digits(value: str) -> str:
    if value.startswith("{"):
        return f"{{{_digits(value[1:-1])}}}"
    number = float(value)
    return str(int(number)) if number == int(number) else value


def numbers(schema: dict[str, Any], path: str = "") -> dict[str, tuple[str, float, float]]:
    """Return every number of the schema by its path: which kind, and its bounds."""
    found: dict[str, tuple[str, float, float]] = {}
    for name, node in schema.get("properties", {}).items():
        inner = node.get("items", node)
        of_kind = {**inner.get("else", {}), **inner}
        kind = of_kind.get("$ref", "").rpartition("/")[2]
        if kind in ("whole", "number"):
            found[path + name] = (kind, inner.get("minimum", 0), inner.get("maximum", 0))
        found |= numbers(node, f"{path}{name}.")
    return found


@pytest.mark.parametrize("mode", ["none", "selfServed", "keda"])
def test_an_exponent_renders_as_its_digits_do(helm: Helm, mode: str) -> None:
    chosen = {
        "autoscaling.mode": mode,
        "console.enabled": "true",
        "console.image.repository": "taskqueue-api",
        "console.credentials.existingSecret": "console",
        "monitoring.rules.enabled": "true",
        "redis.development.enabled": "false",
        "redis.existingSecret.name": "redis",
        "redis.existingSecret.passwordKey": "password",
        "redis.host": "redis.example.com",
    }
    settings = options(chosen, "--set")
    rendered = helm.template(DEVELOPMENT, *settings, *options(EXPONENTS, "--set"))
    assert rendered == helm.template(DEVELOPMENT, *settings, *options(plain(EXPONENTS), "--set"))
    assert rendered == helm.template(DEVELOPMENT, *settings, *options(plain(EXPONENTS), "--set-string"))


def test_a_file_with_large_numbers_renders_digits(helm: Helm, tmp_path: Path) -> None:
    """Go prints a float of seven digits with an exponent, which Kubernetes refuses for a whole number."""
    file = tmp_path / "values.yaml"
    file.write_text(
        "worker: {graceSeconds: 6.0e+4, terminationGracePeriodSeconds: 3000000, tmpSizeLimit: 1.0e9}\n"
        "autoscaling: {mode: selfServed, maxReplicas: 1000000}\n"
        "podSecurityContext: {runAsUser: 1000660000}\n"
        "redis: {development: {maxMemory: 268435456, persistence: {size: 2000000000}}}\n"
        "operator: {maxBacklog: 1.0e+7, resources: {limits: {memory: 1000000000}}}\n"
    )
    objects = helm.objects(DEVELOPMENT, "--values", str(file))
    worker = pods(objects)["taskqueue-worker"]
    assert worker["terminationGracePeriodSeconds"] == 3_000_000
    assert worker["securityContext"]["runAsUser"] == 1_000_660_000
    assert worker["volumes"][0]["emptyDir"] == {"sizeLimit": "1000000000"}
    assert variables(worker)["TASKQUEUE_GRACE"] == "60000"
    assert "268435456" in pods(objects)["taskqueue-redis"]["containers"][0]["args"]
    (claim,) = of_kind(objects, "StatefulSet")[0]["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"] == {"storage": "2000000000"}
    operator = pods(objects)[OPERATOR]
    assert variables(operator)["TASKQUEUE_MAX_BACKLOG"] == "10000000"
    assert operator["containers"][0]["resources"]["limits"] == {"memory": 1_000_000_000}
    (scaler,) = of_kind(objects, "HorizontalPodAutoscaler")
    assert scaler["spec"]["maxReplicas"] == 1_000_000


@pytest.mark.parametrize("form", ["100.5", "1e3", "1E+3", "+5", ".5", "5.", "0.000001"])
def test_chart_and_operator_read_a_rate_alike(helm: Helm, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    told = variables(pods(helm.objects(DEVELOPMENT, "--set", f"rate={form}"))[OPERATOR])["TASKQUEUE_RATE"]
    monkeypatch.setenv("TASKQUEUE_NAMESPACE", "shop")
    for value in (told, form):
        monkeypatch.setenv("TASKQUEUE_RATE", value)
        assert load(OperatorSettings, [], "operator").rate == float(form)


@pytest.mark.parametrize("flag", ["--set", "--set-string", "--set-json"])
def test_a_rate_of_none_is_told_as_it_is(helm: Helm, flag: str) -> None:
    none = '"none"' if flag == "--set-json" else "none"
    told = variables(pods(helm.objects(DEVELOPMENT, flag, f"rate={none}"))[OPERATOR])
    assert told["TASKQUEUE_RATE"] == "none"


@pytest.mark.parametrize("value", ["2", "25%"])
def test_a_budget_as_a_string_is_a_number_or_a_share(helm: Helm, value: str) -> None:
    objects = helm.objects(DEVELOPMENT, "--set-string", f"worker.podDisruptionBudget.maxUnavailable={value}")
    (budget,) = [
        one for one in of_kind(objects, "PodDisruptionBudget") if "worker" in one["metadata"]["name"]
    ]
    assert budget["spec"]["maxUnavailable"] == yaml.safe_load(value)


def test_string_bounds_equal_the_schema() -> None:
    template = (CHART / "templates" / "_numbers.tpl").read_text("utf-8")
    bounds = re.findall(r'"([\w.]+)" \(list "a (whole )?number" (\d+) (\d+)\)', template)
    said = {
        name: ("whole" if whole else "number", int(least), int(most)) for name, whole, least, most in bounds
    }
    assert said == numbers(SCHEMA)
    assert set(said) == set(EXPONENTS)


@pytest.mark.parametrize(("name", "setting"), SETTINGS.items(), ids=SETTINGS)
def test_number_bounds_equal_their_settings(
    helm: Helm, name: str, setting: tuple[type[BaseModel], str]
) -> None:
    model, field = setting
    told = model.model_fields[field].metadata
    least, most = (getattr(one, word) for word in ("ge", "le") for one in told if hasattr(one, word))
    long = ("--set", "worker.terminationGracePeriodSeconds=100000")
    for taken in (least, most):
        helm.template(DEVELOPMENT, *long, *options({name: repr(taken)}, "--set"))
    place = ("template", "taskqueue", str(CHART), "--values", str(DEVELOPMENT), *long)
    for refused in (least - (1 if least >= 1 else least / 2 or 0.5), most + 1):
        assert name.rpartition(".")[2] in helm.refused(*place, *options({name: repr(refused)}, "--set"))


def test_every_switch_with_numerals_is_taken(helm: Helm) -> None:
    assert helm.template(EVERYTHING, *options({"rate": "99.5"}, "--set-string")) == helm.template(EVERYTHING)
