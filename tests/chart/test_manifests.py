"""deploy/manifests/ is what the chart renders, and a server takes it."""

from cluster import Cluster
from control_plane import ControlPlane
from helm import Helm
from render import TARGET, text


def test_the_plain_manifests_are_what_the_chart_renders(helm: Helm) -> None:
    assert TARGET.read_text("utf-8") == text(), "run `make manifests`"


def test_nothing_of_helm_is_in_them() -> None:
    assert "helm" not in TARGET.read_text("utf-8").partition("\n---\n")[2].lower()


def test_kubectl_applies_them(defined: ControlPlane, cluster: Cluster) -> None:
    cluster.kubectl("create", "namespace", "taskqueue")
    said = cluster.kubectl("apply", "--server-side", "--validate=strict", "--filename", str(TARGET))
    cluster.kubectl("delete", "namespace", "taskqueue", "--wait=false")
    assert said.count("serverside-applied") == TARGET.read_text("utf-8").count("\nkind: ")
