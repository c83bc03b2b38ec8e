"""A node of a cluster: containerd and a kubelet, which make pods run."""

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.support.kubernetes.control_plane import ControlPlane
from tests.support.node.files import Places, cni, containerd, kubelet
from tests.support.process.child import Child


class Machine:
    """name: of the Node object. kubelet: the program."""

    def __init__(self, cluster: ControlPlane, kubelet: Path, name: str, places: Places) -> None:
        self.cluster = cluster
        self.name = name
        self.places = places
        self._kubelet = kubelet
        self._children: list[Child] = []
        cluster.authority.server(name, [name], [places.address])

    def start(self, images: Iterable[Path]) -> None:
        """Return when the node is ready, with these images."""
        self.places.make()
        self._start_containerd()
        for archive in images:
            self.import_image(archive)
        self._start_kubelet()

    def stop(self) -> None:
        """End it for good. Its pods are to be gone."""
        for child in reversed(self._children):
            child.kill()
        self.cluster.kubectl("delete", "node", self.name)

    def import_image(self, archive: Path) -> None:
        self.ctr("images", "import", str(archive))

    def ctr(self, *words: str) -> str:
        """Run containerd's own client on the images and containers of Kubernetes, and return its output."""
        command = ["ctr", "--address", str(self.places.socket), "--namespace", "k8s.io", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def _start_containerd(self) -> None:
        (self.places.cni / "10-pods.conflist").write_text(json.dumps(cni(self.places)))
        config = self.places.folder / "containerd.toml"
        config.write_text(containerd(self.places))
        program = shutil.which("containerd")
        assert program, "Debian's package containerd is missing"
        child = self._run(Path(program), f"--config={config}")
        child.until("it listens", self.places.socket.exists)

    def _start_kubelet(self) -> None:
        folder = self.places.folder
        user = self.cluster.write_kubeconfig(
            folder / "kubelet.kubeconfig", f"{self.name}-kubelet", f"system:node:{self.name}", "system:nodes"
        )
        config = folder / "kubelet.json"
        config.write_text(json.dumps(kubelet(self.places, self.cluster.authority.folder, self.name)))
        child = self._run(
            self._kubelet,
            f"--config={config}",
            f"--kubeconfig={user}",
            f"--hostname-override={self.name}",
            f"--node-ip={self.places.address}",
            f"--root-dir={self.places.kubelet}",
        )
        child.until("the node is ready", self._ready)

    def _run(self, program: Path, *options: str) -> Child:
        child = self.cluster.start_program(program, *options)
        self._children.append(child)
        return child

    def _ready(self) -> bool:
        asked = self.cluster.attempt("wait", f"node/{self.name}", "--for=condition=Ready", "--timeout=1s")
        return asked.returncode == 0
