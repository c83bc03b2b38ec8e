"""Configuration files of a node's programs: containerd, the pod network, and the kubelet."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

PODS = "10.244.0.0/16"
CLUSTER_DNS = "10.0.0.10"  # as in dns.yaml
KUBELET_PORT = 10250
CGROUPS = Path("/sys/fs/cgroup")
CNI_PROGRAMS = Path("/usr/lib/cni")  # where Debian has them


@dataclass(frozen=True, slots=True)
class Places:
    """Folders and addresses of one node. cgroup: below the root of the control groups. number: of the node, from 0."""

    folder: Path
    cgroup: str
    number: int = 0

    @property
    def address(self) -> str:
        return f"172.30.0.{self.number + 1}"

    @property
    def pods(self) -> str:
        return f"10.244.{self.number}.0/24"

    @property
    def containerd(self) -> Path:
        return self.folder / "containerd"

    @property
    def cni(self) -> Path:
        return self.folder / "cni"

    @property
    def kubelet(self) -> Path:
        return self.folder / "kubelet"

    @property
    def state(self) -> Path:
        """Short, as it holds sockets: their names may have 107 bytes."""
        return Path(f"/run/containerd-{self.number}")

    @property
    def socket(self) -> Path:
        return self.state / "containerd.sock"

    def make(self) -> None:
        for folder in (self.containerd, self.cni, self.kubelet, self.state):
            folder.mkdir(parents=True)
        version_2 = (CGROUPS / "cgroup.controllers").exists()
        for root in [CGROUPS] if version_2 else CGROUPS.iterdir():
            (root / self.cgroup.lstrip("/")).mkdir(parents=True)


def containerd(places: Places) -> str:
    """pause comes from an archive: no registry is asked for it."""
    return f"""
version = 2
root = "{places.containerd}"
state = "{places.state}"
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
address = "{places.socket}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/pause:local"
restrict_oom_score_adj = true  # inside a container of someone else's, scores cannot be lowered

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_PROGRAMS}"
conf_dir = "{places.cni}"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""


def cni(places: Places) -> dict[str, Any]:
    """Routed pairs, not a bridge: so answers pass the node's rules as well, without a kernel module for bridges."""
    return {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "ptp",
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": places.pods}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": f"/run/cni-{places.number}",
                },
            }
        ],
    }


def kubelet(places: Places, certificates: Path, name: str) -> dict[str, Any]:
    """certificates: the folder with ca.crt and the kubelet's own NAME.crt and NAME.key."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": places.address,
        "port": KUBELET_PORT,
        "healthzPort": 0,
        "tlsCertFile": str(certificates / f"{name}.crt"),
        "tlsPrivateKeyFile": str(certificates / f"{name}.key"),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": str(certificates / "ca.crt")},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "clusterDNS": [CLUSTER_DNS],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "containerRuntimeEndpoint": f"unix://{places.socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": places.cgroup,
        "failCgroupV1": False,
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "localStorageCapacityIsolation": False,
        "makeIPTablesUtilChains": False,
        "podLogsDir": str(places.folder / "pod-logs"),
        # The disk of the machine is for others to watch.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "0.1%", "imagefs.available": "0.1%"},
        "imageGCHighThresholdPercent": 100,
    }
