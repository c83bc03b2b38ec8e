"""Definitions, data and cluster-wide objects: owners, survivors, and the refusal of a second release."""

import json

import pytest

from tests.support.chart.helm import CHART, Helm
from tests.support.kubernetes import definitions
from tests.support.kubernetes.control_plane import ControlPlane
from tests.support.kubernetes.shop import install_definitions

DEVELOPMENT = CHART / "ci" / "development-values.yaml"
SELF_SERVED = CHART / "ci" / "self-served-values.yaml"
#: What the documentation says to write where definitions are somebody else's.
TAKE = ("--take-ownership", "--force-conflicts")
TYPE = {
    "apiVersion": "taskqueue.dev/v1alpha1",
    "kind": "TaskType",
    "metadata": {"name": "fetch-orders"},
    "spec": {"schedule": {"interval": "5m"}, "handler": {"function": "fetch_orders"}},
}


def place(name: str, namespace: str, values: object = DEVELOPMENT) -> tuple[str, ...]:
    return name, str(CHART), "--namespace", namespace, "--values", str(values)


@pytest.fixture
def other(own: ControlPlane, restricted: str) -> str:
    """A second namespace, removed with the control plane."""
    own.kubectl("create", "namespace", f"{restricted}-other")
    return f"{restricted}-other"


def test_a_reinstall_takes_over_data_left_by_uninstall(
    undefined: ControlPlane, installer: Helm, restricted: str
) -> None:
    inside = ("--namespace", restricted)
    installer.run("install", *place("first", restricted))
    undefined.kubectl("wait", "--for=condition=Established", "crd/tasktypes.taskqueue.dev", "--timeout=30s")
    undefined.kubectl("apply", "--server-side", *inside, "--filename", "-", stdin=json.dumps(TYPE))
    undefined.kubectl("wait", "--for=create", "pvc/data-first-taskqueue-redis-0", *inside, "--timeout=30s")
    installer.run("uninstall", "first", *inside)
    kept = undefined.kubectl("get", "tasktype,persistentvolumeclaim", *inside, "--output", "name").split()
    assert kept == [
        "tasktype.taskqueue.dev/fetch-orders",
        "persistentvolumeclaim/data-first-taskqueue-redis-0",
    ]

    said = installer.refused("install", *place("second", restricted))
    assert 'CustomResourceDefinition "ratelimits.taskqueue.dev"' in said
    assert 'must equal "second": current value is "first"' in said
    installer.run("install", *place("second", restricted), *TAKE)
    assert "fetch-orders" in undefined.kubectl("get", "tasktype", *inside, "--output", "name")
    installer.run("uninstall", "second", *inside)


def test_definitions_are_removed_with_the_release_on_request(
    undefined: ControlPlane, installer: Helm, restricted: str
) -> None:
    installer.run("install", *place("taskqueue", restricted), "--set", "crds.keep=false")
    undefined.kubectl("wait", "--for=condition=Established", "crd/tasktypes.taskqueue.dev", "--timeout=30s")
    installer.run("uninstall", "taskqueue", "--namespace", restricted)
    definitions.until_gone(undefined)


def test_definitions_from_kubectl_are_kept_or_adopted(
    undefined: ControlPlane, installer: Helm, restricted: str
) -> None:
    install_definitions(undefined)
    shown = ("crd/tasktypes.taskqueue.dev", "--output=jsonpath={.metadata.labels}{.spec.names.shortNames}")
    older = json.dumps([{"op": "replace", "path": "/spec/names/shortNames", "value": ["old"]}])
    undefined.kubectl("patch", shown[0], "--field-manager=kubectl", "--type=json", "--patch", older)
    said = installer.refused("install", *place("taskqueue", restricted))
    assert "invalid ownership metadata" in said
    installer.run("install", *place("taskqueue", restricted), "--set", "crds.enabled=false")
    assert undefined.kubectl("get", *shown) == '["old"]'
    installer.run("upgrade", *place("taskqueue", restricted), *TAKE)
    taken = undefined.kubectl("get", *shown)
    assert "Helm" in taken
    assert taken.endswith('["tt"]')
    installer.run("uninstall", "taskqueue", "--namespace", restricted)


def test_the_first_release_owns_the_definitions(
    undefined: ControlPlane, installer: Helm, restricted: str, other: str
) -> None:
    installer.run("install", *place("taskqueue", restricted))
    said = installer.refused("install", *place("taskqueue", other))
    assert f'"meta.helm.sh/release-namespace" must equal "{other}": current value is "{restricted}"' in said
    installer.run("install", *place("taskqueue", other), "--set", "crds.enabled=false")
    installer.run("uninstall", "taskqueue", "--namespace", other)
    assert "tasktypes" in undefined.kubectl("get", "crd", "--output", "name")
    installer.run("uninstall", "taskqueue", "--namespace", restricted)


def test_a_second_release_in_one_namespace_is_refused(
    defined: ControlPlane, installer: Helm, restricted: str
) -> None:
    options = ("--set", "crds.enabled=false")
    installer.run("install", *place("one", restricted), *options)
    said = installer.refused("install", *place("two", restricted), *options)
    assert f'Role "taskqueue-operator" in namespace "{restricted}" exists' in said
    assert 'must equal "two": current value is "one"' in said
    installer.run("uninstall", "one", "--namespace", restricted)


def test_a_second_self_served_release_is_refused(
    defined: ControlPlane, installer: Helm, restricted: str, other: str
) -> None:
    options = ("--set", "crds.enabled=false")
    installer.run("install", *place("taskqueue", restricted, SELF_SERVED), *options)
    said = installer.refused("install", *place("taskqueue", other, SELF_SERVED), *options)
    assert 'APIService "v1beta1.external.metrics.k8s.io"' in said
    assert f'"meta.helm.sh/release-namespace" must equal "{other}": current value is "{restricted}"' in said
    assert defined.kubectl("get", "deployments", "--namespace", other, "--output", "name") == ""
    installer.run("uninstall", "taskqueue", "--namespace", restricted)
    assert "external.metrics" not in defined.kubectl("get", "apiservices", "--output", "name")


def test_operator_writes_survive_upgrades_and_manifests(
    defined: ControlPlane, installer: Helm, restricted: str
) -> None:
    options = ("--set", "crds.enabled=false")
    service = "apiservice/v1beta1.external.metrics.k8s.io"
    secret = ("secret/taskqueue-external-metrics-certificate", "--namespace", restricted)
    installer.run("install", *place("taskqueue", restricted, SELF_SERVED), *options)
    account = defined.seen_by("taskqueue-operator", restricted)
    authority, data = "bm90IGEgY2VydGlmaWNhdGU=", {"tls.crt": "YQ==", "tls.key": "Yg==", "ca.crt": "Yw=="}
    account.kubectl(
        "patch", service, "--type=merge", "--patch", json.dumps({"spec": {"caBundle": authority}})
    )
    account.kubectl("patch", *secret, "--type=merge", "--patch", json.dumps({"data": data}))
    assert "forbidden" in account.refused("create", "secret", "generic", "mine", "--namespace", restricted)

    def kept() -> tuple[str, dict[str, str]]:
        found = [json.loads(defined.kubectl("get", *one, "--output=json")) for one in ((service,), secret)]
        return found[0]["spec"]["caBundle"], found[1]["data"]

    for rate in (50, 60):
        upgrade = ("upgrade", *place("taskqueue", restricted, SELF_SERVED), *options)
        installer.run(*upgrade, "--set", f"rate={rate}")
        assert kept() == (authority, data)
    shown = ("--show-only", "templates/external-metrics.yaml")
    rendered = installer.template(SELF_SERVED, *shown, namespace=restricted)
    assert rendered == installer.template(SELF_SERVED, *shown, namespace=restricted)
    for manner in (("--server-side", "--force-conflicts"), (), ()):
        defined.kubectl("apply", *manner, "--filename", "-", stdin=rendered)
        assert kept() == (authority, data)
    installer.run("uninstall", "taskqueue", "--namespace", restricted)
    assert "NotFound" in defined.refused("get", *secret)
