"""A Kubernetes cluster of one real node: what control_plane.py starts, and what makes pods run and reach each other.

To be started in network, mount and process namespaces of its own, as tools/e2e.py makes them: it sets up addresses, and
what containerd leaves running ends with the namespaces.
"""

import json
import shutil
import subprocess
from pathlib import Path

from child import Child
from control_plane import ControlPlane
from node_files import PODS, Places, cni, containerd, kubelet
from own_network import open_network

ADDRESS = "172.30.0.1"
NAME = "node"
DNS = Path(__file__).with_name("dns.yaml")


class Node(ControlPlane):
    """node_tools: the folder of the set `node`. images: archives by name; pause and coredns are among them.

    cgroup: the name of the control group of all pods.
    """

    def __init__(
        self, tools: Path, node_tools: Path, images: dict[str, Path], folder: Path, cgroup: str
    ) -> None:
        super().__init__(tools, folder, ADDRESS)
        self.node_tools = node_tools
        self.images = images
        self.places = Places(folder, f"/{cgroup}")
        self.authority.server(NAME, [NAME], [ADDRESS])
        self.authority.client("kubelet-client", "kube-apiserver-kubelet-client", "system:masters")
        self.api_options = self._kubelet_client()

    def start(self) -> None:
        """Return when the node is ready and names are resolved."""
        open_network(ADDRESS)
        self._start_containerd()
        super().start()
        self._start_scheduler()
        kubelet_process = self._start_kubelet()
        self._start_proxy()
        for name in ("pause", "coredns"):
            self.load(name)
        self.kubectl("apply", "-f", str(DNS))
        kubelet_process.until("the node is ready", self._node_ready)
        self.kubectl("rollout", "status", "deployment/coredns", "-n", "kube-system", "--timeout=60s")

    def load(self, name: str) -> None:
        """Give the node an image of `images`."""
        self.import_image(self.images[name])

    def import_image(self, archive: Path) -> None:
        self.ctr("images", "import", str(archive))

    def ctr(self, *words: str) -> str:
        """Run containerd's own client on the images and containers of Kubernetes, and return what it printed."""
        command = ["ctr", "--address", str(self.places.socket), "--namespace", "k8s.io", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def _kubelet_client(self) -> tuple[str, ...]:
        """Tell how the API server reaches the kubelet, for logs and exec."""
        certificates = self.authority.folder
        return (
            "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-certificate-authority={self.authority.certificate}",
            f"--kubelet-client-certificate={certificates / 'kubelet-client.crt'}",
            f"--kubelet-client-key={certificates / 'kubelet-client.key'}",
        )

    def _start_containerd(self) -> None:
        self.places.make()
        (self.places.cni / "10-pods.conflist").write_text(json.dumps(cni()))
        config = self.folder / "containerd.toml"
        config.write_text(containerd(self.places))
        program = shutil.which("containerd")
        assert program, "Debian's package containerd is missing"
        child = self._start(Path(program), f"--config={config}")
        child.until("it listens", self.places.socket.exists)

    def _start_scheduler(self) -> None:
        config = self._write(self.folder / "scheduler.kubeconfig", "scheduler", "system:kube-scheduler")
        options = (f"--kubeconfig={config}", "--leader-elect=false", "--secure-port=0")
        self._start(self.node_tools / "kube-scheduler", *options)

    def _start_kubelet(self) -> Child:
        user = self._write(
            self.folder / "kubelet.kubeconfig", "kubelet", f"system:node:{NAME}", "system:nodes"
        )
        config = self.folder / "kubelet.json"
        config.write_text(json.dumps(kubelet(self.places, ADDRESS, self.authority.folder, NAME)))
        return self._start(
            self.node_tools / "kubelet",
            f"--config={config}",
            f"--kubeconfig={user}",
            f"--hostname-override={NAME}",
            f"--node-ip={ADDRESS}",
            f"--root-dir={self.places.kubelet}",
        )

    def _start_proxy(self) -> None:
        config = self._write(self.folder / "proxy.kubeconfig", "proxy", "system:kube-proxy")
        unlimited = ("max-per-core", "min", "tcp-timeout-established", "tcp-timeout-close-wait")
        self._start(
            self.node_tools / "kube-proxy",
            f"--kubeconfig={config}",
            f"--hostname-override={NAME}",
            "--proxy-mode=nftables",
            f"--cluster-cidr={PODS}",
            *(f"--conntrack-{what}=0" for what in unlimited),  # else it sets the machine's own limits
        )

    def _node_ready(self) -> bool:
        asked = self.attempt("wait", f"node/{NAME}", "--for=condition=Ready", "--timeout=1s")
        return asked.returncode == 0
