"""The sets of programs that tools/cluster builds, and the sources of each."""

from typing import NamedTuple


class Program(NamedTuple):
    """module: the folder here with the go.mod that pins the package's version. tags: build tags."""

    module: str
    package: str
    tags: str = ""


class Copied(NamedTuple):
    """A folder of a module that a program is built from, beside the programs under its own name."""

    module: str
    source: str
    folder: str


class Programs(NamedTuple):
    """A set. The first program's version is the set's."""

    name: str
    what: str
    minutes: int
    programs: dict[str, Program]
    copied: tuple[Copied, ...] = ()


def of_kubernetes(module: str, *names: str) -> dict[str, Program]:
    return {name: Program(module, f"k8s.io/kubernetes/cmd/{name}") for name in names}


def control_plane(release: str) -> Programs:
    """kubectl and etcd are always the newest."""
    programs = {
        **of_kubernetes(release, "kube-apiserver", "kube-controller-manager"),
        **of_kubernetes("kubernetes", "kubectl"),
        "etcd": Program("etcd", "go.etcd.io/etcd/server/v3"),
        "kstatus": Program("kstatus", "."),
    }
    return Programs("cluster", "the control plane", 6, programs)


NODE = {
    **of_kubernetes("kubernetes", "kubelet", "kube-scheduler", "kube-proxy"),
    "coredns": Program("coredns", "github.com/coredns/coredns"),
}
# Without the clients of clouds, by which Prometheus finds what to scrape: they are most of what would be compiled.
PROMTOOL = Program("promtool", "github.com/prometheus/prometheus/cmd/promtool", "remove_all_sd")
# Its definitions, and what its processes may do, are among the sources.
KEDA = "github.com/kedacore/keda/v2"
KEDA_PROGRAMS = {
    "keda-operator": Program("keda", f"{KEDA}/cmd/operator"),
    "keda-adapter": Program("keda", f"{KEDA}/cmd/adapter"),
    "keda-webhooks": Program("keda", f"{KEDA}/cmd/webhooks"),
}
SETS = {
    "kubernetes": control_plane("kubernetes"),
    "kubernetes-oldest": control_plane("kubernetes-oldest"),
    "node": Programs("node", "the programs of a node", 4, NODE),
    "helm": Programs("helm", "Helm", 2, {"helm": Program("helm", "helm.sh/helm/v4/cmd/helm")}),
    "compose": Programs(
        "compose",
        "docker compose",
        2,
        {"docker-compose": Program("compose", "github.com/docker/compose/v5/cmd")},
    ),
    "promtool": Programs("promtool", "Prometheus' promtool", 2, {"promtool": PROMTOOL}),
    "keda": Programs("keda", "KEDA", 8, KEDA_PROGRAMS, (Copied("keda", KEDA, "config"),)),
}
