"""The chart on a real API server: objects are valid, pods admitted, and no upgrade resets replicas."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from render import TARGET

from tests.support.chart.helm import CASES, CHART, Helm
from tests.support.chart.shell import Person
from tests.support.kubernetes.cluster import Cluster
from tests.support.kubernetes.control_plane import ControlPlane
from tests.support.kubernetes.replica_history import watched

DEVELOPMENT = CHART / "ci" / "development-values.yaml"
LIMIT_S = 60.0
of_every_case = pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)


class Release:
    """The chart in a namespace of a cluster that has its definitions already."""

    def __init__(self, helm: Helm, cluster: Cluster, namespace: str, name: str = "taskqueue") -> None:
        self.name = name
        self._helm = helm
        self._cluster = cluster
        self._place = ("--namespace", namespace)

    def install(self, values: Path, *options: str) -> None:
        chart = (self.name, str(CHART), "--values", str(values))
        self._helm.run("install", *chart, *self._place, "--set", "crds.enabled=false", *options)

    def upgrade(self, *options: str) -> None:
        chart = (self.name, str(CHART), "--values", str(DEVELOPMENT))
        self._helm.run("upgrade", *chart, *self._place, "--set", "crds.enabled=false", *options)

    def upgrade_refused(self, *options: str) -> str:
        """Return helm's refusal of an upgrade, which must fail."""
        chart = (self.name, str(CHART), "--values", str(DEVELOPMENT))
        return self._helm.refused("upgrade", *chart, *self._place, "--set", "crds.enabled=false", *options)

    def notes(self) -> str:
        return self._helm.run("get", "notes", self.name, *self._place)

    def uninstall(self) -> None:
        self._helm.run("uninstall", self.name, *self._place)

    def until(self, what: str, field: str, value: str = "") -> None:
        """Wait until a field of an object is a value, or is there at all."""
        condition = f"--for=jsonpath={field}={value}".rstrip("=")
        self._cluster.kubectl("wait", what, *self._place, condition, f"--timeout={LIMIT_S:.0f}s")


@pytest.fixture
def person(own: ControlPlane, installer: Helm) -> Person:
    return Person(own, installer, own.kubeconfig)


@pytest.fixture
def release(installer: Helm, defined: ControlPlane, restricted: str) -> Iterator[Release]:
    made = Release(installer, defined, restricted)
    yield made
    made.uninstall()


@of_every_case
def test_every_object_is_valid(
    monitored: Cluster, own: ControlPlane, restricted: str, helm: Helm, case: Path
) -> None:
    rendered = helm.template(case, namespace=restricted)
    options = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")
    said = monitored.kubectl("apply", *options, "--filename", "-", stdin=rendered)
    assert said.count("(server dry run)") == rendered.count("\nkind: ")


@of_every_case
def test_every_pod_is_admitted_where_only_restricted_ones_are(
    monitored: Cluster, release: Release, restricted: str, case: Path
) -> None:
    release.install(case)
    place = ("--namespace", restricted, "--output", "json")
    controllers = json.loads(monitored.kubectl("get", "deployments,statefulsets", *place))["items"]
    assert {one["metadata"]["name"].rpartition("-")[2] for one in controllers} >= {"operator", "worker"}
    for one in controllers:
        release.until(f"{one['kind'].lower()}/{one['metadata']['name']}", "{.status.replicas}")
    pods = json.loads(monitored.kubectl("get", "pods", *place))["items"]
    components = {pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in pods}
    assert components == {one["metadata"]["name"].rpartition("-")[2] for one in controllers}


@of_every_case
def test_the_pod_of_helm_test_is_admitted(own: ControlPlane, restricted: str, helm: Helm, case: Path) -> None:
    pod = helm.template(case, "--show-only", "templates/tests/audit.yaml", namespace=restricted)
    own.kubectl("create", "--dry-run=server", "--namespace", restricted, "--filename", "-", stdin=pod)


def test_the_namespace_refuses_an_unrestricted_pod(own: ControlPlane, restricted: str) -> None:
    said = own.refused("run", "lax", "--image=nowhere.invalid/web", "--namespace", restricted)
    assert "violates PodSecurity" in said


async def test_switching_modes_and_upgrading_never_resets_the_replicas(
    monitored: Cluster, own: ControlPlane, release: Release, restricted: str, person: Person
) -> None:
    workers = "deployment/taskqueue-worker"
    release.install(DEVELOPMENT, "--set", "worker.replicas=3")
    with watched(own, restricted, "spec.replicas") as seen:
        (hand_over,) = re.findall(r"^  (kubectl .*<<END\n.*\nEND)$", release.notes(), re.MULTILINE)
        await person.types(hand_over)
        release.upgrade("--set", "autoscaling.mode=selfServed")
        own.kubectl("scale", workers, "--namespace", restricted, "--replicas=7")  # as an autoscaler would
        release.upgrade("--set", "autoscaling.mode=selfServed", "--set", "worker.image.tag=next")
        for mode in ("keda", "prometheusAdapter", "keda", "selfServed"):
            release.upgrade("--set", f"autoscaling.mode={mode}")
        assert 'conflict with "kubectl"' in release.upgrade_refused("--set", "worker.replicas=5")
        release.upgrade("--set", "worker.replicas=5", "--force-conflicts")
        own.kubectl("annotate", workers, "--namespace", restricted, "last=seen")
        assert seen()[seen().index(3) :] == [3, 7, 5]


def test_an_upgrade_in_mode_none_resets_manual_scaling(
    own: ControlPlane, release: Release, restricted: str
) -> None:
    workers = ("deployment/taskqueue-worker", "--namespace", restricted)
    shown = ("get", *workers, "--output=jsonpath={.spec.replicas}")
    release.install(DEVELOPMENT)
    own.kubectl("scale", *workers, "--replicas=0")
    release.upgrade()
    assert own.kubectl(*shown) == "2"

    own.kubectl("scale", *workers, "--replicas=1")
    assert '"scale" using apps/v1: .spec.replicas' in release.upgrade_refused()
    release.upgrade("--force-conflicts")
    assert own.kubectl(*shown) == "2"


async def test_the_notes_repair_a_release_without_storage_class(
    own: ControlPlane, release: Release, restricted: str, person: Person
) -> None:
    assert own.kubectl("get", "storageclass", "--output=name") == ""
    release.install(DEVELOPMENT)
    release.until(
        "pod/taskqueue-redis-0", "{.spec.volumes[?(@.name=='data')].persistentVolumeClaim.claimName}"
    )
    (repair,) = re.findall(r"^(  kubectl .* delete .*\n  helm .*)$", release.notes(), re.MULTILINE)
    await person.types(repair)
    release.until("pod/taskqueue-redis-0", "{.spec.volumes[?(@.name=='data')].emptyDir}")
    assert own.kubectl("get", "persistentvolumeclaims", "--namespace", restricted, "--output=name") == ""
    release.until("statefulset/taskqueue-redis", "{.status.updatedReplicas}", "1")


@pytest.fixture
def aggregated(own: ControlPlane, helm: Helm) -> Iterator[None]:
    """The roles that come with the chart's definitions; removed afterwards."""
    roles = helm.template(DEVELOPMENT, "--show-only", "templates/aggregated-roles.yaml")
    own.kubectl("apply", "--server-side", "--filename=-", stdin=roles)
    yield
    own.kubectl("delete", "--filename=-", stdin=roles)


def test_a_namespace_admin_installs_all_but_self_served(
    monitored: Cluster,
    own: ControlPlane,
    aggregated: None,
    restricted: str,
    helm_program: Path,
    tmp_path: Path,
) -> None:
    own.kubectl("create", "serviceaccount", "tenant", "--namespace", restricted)
    bound = f"--serviceaccount={restricted}:tenant"
    own.kubectl("create", "rolebinding", "tenant", "-n", restricted, "--clusterrole=admin", bound)
    for kind in ("tasktypes", "usersubscriptions", "ratelimits"):
        may = ("auth", "can-i", "create", f"{kind}.taskqueue.dev", "--namespace", restricted)
        own.kubectl(*may, f"--as=system:serviceaccount:{restricted}:tenant")
    tenant = Helm(helm_program, tmp_path, own.kubeconfig_for("tenant", restricted))
    values = ("--values", str(DEVELOPMENT), "--namespace", restricted, "--set", "crds.enabled=false")
    tenant.run("install", "mine", str(CHART), *values)
    said = tenant.refused("upgrade", "mine", str(CHART), *values, "--set", "autoscaling.mode=selfServed")
    assert "forbidden" in said
    tenant.run("uninstall", "mine", "--namespace", restricted)


def test_the_operator_has_the_rights_the_alerts_page_needs(
    own: ControlPlane, release: Release, restricted: str
) -> None:
    page = " ".join((CHART.parents[1] / "docs" / "alerts.md").read_text("utf-8").split())
    asked = re.findall(r"`kubectl (auth can-i [^`]+)`", page)
    release.install(DEVELOPMENT)
    answers = [own.attempt(*one.replace("shop", restricted).split()).stdout.strip() for one in asked]
    assert answers == ["yes"] * 2


def test_the_role_of_people_is_enough_for_exec_by_deployment(
    own: ControlPlane, release: Release, restricted: str
) -> None:
    """Without a node exec ends at a pod that has none; all rights have been asked by then."""
    own.kubectl("create", "serviceaccount", "ada", "--namespace", restricted)
    subject = {"kind": "ServiceAccount", "name": "ada", "namespace": restricted}
    role = json.dumps({"create": True, "subjects": [subject]})
    release.install(DEVELOPMENT, "--set-json", f"cli.role={role}")
    release.until("deployment/taskqueue-operator", "{.status.replicas}", "2")
    ada = own.seen_by("ada", restricted)
    said = ada.refused("exec", "deploy/taskqueue-operator", "-n", restricted, "--", "taskqueue", "audit")
    assert "does not have a host assigned" in said


def test_kubectl_applies_the_plain_manifests(defined: ControlPlane) -> None:
    defined.kubectl("create", "namespace", "taskqueue")
    said = defined.kubectl("apply", "--server-side", "--validate=strict", "--filename", str(TARGET))
    defined.kubectl("delete", "namespace", "taskqueue", "--wait=false")
    assert said.count("serverside-applied") == TARGET.read_text("utf-8").count("\nkind: ")
