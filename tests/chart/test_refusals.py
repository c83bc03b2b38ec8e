"""Refused values and the sentence of each refusal: refusals.yaml. Each case is one change of valid values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.chart.helm import CHART, Helm

GOOD: dict[str, Any] = {
    "redis": {"existingSecret": {"name": "taskqueue-redis"}},
    "operator": {"image": {"repository": "registry.example.com/taskqueue-operator"}},
    "worker": {"image": {"repository": "registry.example.com/taskqueue-worker"}},
}


@dataclass(frozen=True)
class Bad:
    """values: laid over GOOD. said: a part of helm's refusal."""

    name: str
    values: dict[str, Any]
    said: str


CASES = [Bad(**case) for case in yaml.safe_load(Path(__file__).with_name("refusals.yaml").read_text("utf-8"))]


def over(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Lay changes over a copy of base, mapping into mapping."""
    laid = dict(base)
    for name, value in changes.items():
        both = isinstance(value, dict) and isinstance(laid.get(name), dict)
        laid[name] = over(laid[name], value) if both else value
    return laid


@pytest.fixture
def template(tmp_path: Path) -> tuple[str, ...]:
    return (
        "template",
        "taskqueue",
        str(CHART),
        "--namespace",
        "shop",
        "--values",
        str(tmp_path / "values.yaml"),
    )


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.name)
def test_bad_values_are_refused_with_a_sentence(
    helm: Helm, template: tuple[str, ...], tmp_path: Path, bad: Bad
) -> None:
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(over(GOOD, bad.values)), "utf-8")
    assert bad.said in helm.refused(*template)


def test_the_values_that_refusals_change_are_valid(
    helm: Helm, template: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(GOOD), "utf-8")
    assert helm.run(*template)


def test_a_registry_with_a_port_is_no_tag(helm: Helm, template: tuple[str, ...], tmp_path: Path) -> None:
    values = over(GOOD, {"worker": {"image": {"repository": "registry.example.com:5000/shop"}}})
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values), "utf-8")
    assert "registry.example.com:5000/shop:0.1.0" in helm.run(*template)


def test_an_old_cluster_is_refused(helm: Helm, template: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(GOOD), "utf-8")
    said = helm.refused(*template, "--kube-version", "1.29.9")
    assert "requires kubeVersion: >=1.30.0-0 which is incompatible with Kubernetes v1.29.9" in said
    assert helm.run(*template, "--kube-version", "1.30.0-eks-1")


def test_a_release_name_unfit_for_a_service_is_refused(
    helm: Helm, template: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(GOOD), "utf-8")
    command, _, *rest = template
    assert 'the first a letter (was "1.2-taskqueue")' in helm.refused(command, "1.2", *rest)
    assert helm.run(command, "1.2", *rest, "--set", "fullnameOverride=mine")
