"""A Kubernetes cluster of real nodes: the control plane, and the programs that run and connect pods.

To be started in network, mount and process namespaces of its own, as tools/e2e.py makes them: it sets up addresses, and
what containerd leaves running ends with the namespaces.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.kubernetes.control_plane import ControlPlane
from tests.support.node.files import PODS, Places
from tests.support.node.machine import Machine
from tests.support.node.network_namespace import add_address, open_network

ADDRESS = "172.30.0.1"
NAME = "node"
DNS = Path(__file__).with_name("dns.yaml")


class Node(ControlPlane):
    """One node, until `join` makes it two.

    node_tools: the folder of the set `node`. images: archives by name; pause and coredns are among them. cgroup: the
    name of the control group of all pods.
    """

    def __init__(
        self, tools: Path, node_tools: Path, images: dict[str, Path], folder: Path, cgroup: str
    ) -> None:
        super().__init__(tools, folder, ADDRESS)
        self.node_tools = node_tools
        self.images = images
        self._cgroup = cgroup
        self._names = ["pause", "coredns"]
        self._tags: list[tuple[str, ...]] = []
        self._first = self._machine(NAME, 0)
        self.authority.client("kubelet-client", "kube-apiserver-kubelet-client", "system:masters")
        self.api_options = self._kubelet_client()

    def start(self) -> None:
        """Return when the node is ready and names are resolved."""
        open_network()
        add_address(ADDRESS)
        super().start()
        self._start_scheduler()
        self._start_proxy()
        self._first.start(self.images[name] for name in self._names)
        self.kubectl("apply", "-f", str(DNS))
        self.kubectl("rollout", "status", "deployment/coredns", "-n", "kube-system", "--timeout=60s")

    @contextmanager
    def joined_by(self, name: str) -> Iterator[None]:
        """A second node, with the images of the first; to be drained before it leaves."""
        machine = self._machine(name, 1)
        add_address(machine.places.address)
        machine.start(self.images[name] for name in self._names)
        for names in self._tags:
            machine.ctr("images", "tag", *names)
        try:
            yield
        finally:
            machine.stop()

    def load(self, name: str) -> None:
        """Give the node an image of `images`."""
        self._names.append(name)
        self.import_image(self.images[name])

    def tag(self, image: str, *names: str) -> None:
        """Give an image further names, on nodes that join later, too."""
        self._tags.append((image, *names))
        self.ctr("images", "tag", image, *names)

    def import_image(self, archive: Path) -> None:
        self._first.import_image(archive)

    def ctr(self, *words: str) -> str:
        """Run containerd's client on the first node."""
        return self._first.ctr(*words)

    def _machine(self, name: str, number: int) -> Machine:
        places = Places(self.folder / name, f"/{self._cgroup}/{name}", number)
        return Machine(self, self.node_tools / "kubelet", name, places)

    def _kubelet_client(self) -> tuple[str, ...]:
        """Tell how the API server reaches the kubelets, for logs and exec."""
        certificates = self.authority.folder
        return (
            "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-certificate-authority={self.authority.certificate}",
            f"--kubelet-client-certificate={certificates / 'kubelet-client.crt'}",
            f"--kubelet-client-key={certificates / 'kubelet-client.key'}",
        )

    def _start_scheduler(self) -> None:
        config = self.write_kubeconfig(
            self.folder / "scheduler.kubeconfig", "scheduler", "system:kube-scheduler"
        )
        options = (f"--kubeconfig={config}", "--leader-elect=false", "--secure-port=0")
        self.start_program(self.node_tools / "kube-scheduler", *options)

    def _start_proxy(self) -> None:
        """One for all nodes: they share the network."""
        config = self.write_kubeconfig(self.folder / "proxy.kubeconfig", "proxy", "system:kube-proxy")
        unlimited = ("max-per-core", "min", "tcp-timeout-established", "tcp-timeout-close-wait")
        self.start_program(
            self.node_tools / "kube-proxy",
            f"--kubeconfig={config}",
            f"--hostname-override={NAME}",
            "--proxy-mode=nftables",
            f"--cluster-cidr={PODS}",
            *(f"--conntrack-{what}=0" for what in unlimited),  # else it sets the machine's own limits
        )
