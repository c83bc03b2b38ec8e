"""KEDA on a node: its operator, its metrics server and its admission webhooks, as processes beside the control plane.

They have the account, the rights and the definitions of KEDA's own files.
"""

import json
import shutil
import socket
import urllib.request
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

from tests.support.kubernetes import kubeconfig
from tests.support.kubernetes.control_plane import HOST
from tests.support.kubernetes.metrics_api import API_SERVICE
from tests.support.node.cluster import ADDRESS, Node
from tests.support.node.files import CLUSTER_DNS
from tests.support.node.keda_files import ACCOUNT, DEFINITIONS, METRICS, NAMESPACE, RIGHTS, KedaFiles, Object
from tests.support.node.network_namespace import resolve_by
from tests.support.process.child import Child, Children, free_ports

#: It watches all namespaces.
ENVIRONMENT = {
    "KEDA_CLUSTER_OBJECT_NAMESPACE": NAMESPACE,
    "POD_NAMESPACE": NAMESPACE,
    "POD_NAME": ACCOUNT,
    "WATCH_NAMESPACE": "",
}


class Keda(Children):
    """tools: the folder of the set `keda`. node: one that has been started."""

    def __init__(self, tools: Path, node: Node) -> None:
        self.tools = tools
        self.node = node
        self.files = KedaFiles(tools / "config", kubeconfig.inline(node.authority.certificate))
        self._children: list[Child] = []

    def start(self) -> None:
        """Return when external metrics are served and ScaledObjects are validated."""
        resolve_by(CLUSTER_DNS, self.node.folder)  # the operator asks Services by their names
        definitions = self.files.options(DEFINITIONS)
        self.node.kubectl("apply", "--server-side", *definitions)
        self.node.kubectl("wait", "--for=condition=Established", "--timeout=30s", *definitions)
        self.node.kubectl("apply", *self.files.options(*RIGHTS))
        self._config = self.node.kubeconfig_for(ACCOUNT, NAMESPACE)
        authority = self.node.authority
        serving = authority.server("keda", ["localhost", f"{METRICS}.{NAMESPACE}.svc"], [HOST, ADDRESS])
        self._serving = self._certificates("keda-serving", serving)
        (metrics,) = free_ports(1)
        self._start_operator(metrics)
        self._start_adapter(metrics)
        self._start_webhooks()

    def _start_operator(self, metrics: int) -> None:
        (probes,) = free_ports(1)
        operator = self._start(
            "keda-operator",
            f"--cert-dir={self._serving}",
            "--leader-elect=false",
            "--metrics-bind-address=0",
            f"--metrics-service-bind-address={HOST}:{metrics}",
            f"--health-probe-bind-address={HOST}:{probes}",
        )
        operator.until("it is ready", _answers(f"http://{HOST}:{probes}/readyz"))

    def _start_adapter(self, metrics: int) -> None:
        """Start the metrics server, and give the API server its address."""
        port, own = free_ports(2)
        asking = self._certificates("keda-asking", self.node.authority.client("keda-adapter", "keda-adapter"))
        adapter = self._start(
            "keda-adapter",
            f"--secure-port={port}",
            f"--port={own}",
            f"--cert-dir={asking}",
            f"--tls-cert-file={self._serving / 'tls.crt'}",
            f"--tls-private-key-file={self._serving / 'tls.key'}",
            f"--metrics-service-address={HOST}:{metrics}",
            *(
                f"--{what}-kubeconfig={self._config}"
                for what in ("lister", "authentication", "authorization")
            ),
        )
        self._apply(*self.files.metrics(ADDRESS, port))
        available = ("wait", f"apiservice/{API_SERVICE}", "--for=condition=Available", "--timeout=1s")
        adapter.until("metrics are served", lambda: self.node.attempt(*available).returncode == 0)

    def _start_webhooks(self) -> None:
        port, probes = free_ports(2)
        webhooks = self._start(
            "keda-webhooks",
            f"--cert-dir={self._serving}",
            f"--port={port}",
            "--metrics-bind-address=0",
            f"--health-probe-bind-address={HOST}:{probes}",
        )
        webhooks.until("it listens", _listens(port))
        self._apply(self.files.admission(ADDRESS, port))

    def _start(self, name: str, *options: str) -> Child:
        log = self.node.folder / f"{name}.log"
        child = Child(self.tools / name, log, f"--kubeconfig={self._config}", *options, env=ENVIRONMENT)
        self._children.append(child)
        return child

    def _certificates(self, name: str, certificate: Path) -> Path:
        """Make a folder with the names that KEDA's programs look for."""
        folder = self.node.folder / name
        folder.mkdir(mode=0o700)
        shutil.copy(self.node.authority.certificate, folder / "ca.crt")
        shutil.copy(certificate, folder / "tls.crt")
        shutil.copy(certificate.with_suffix(".key"), folder / "tls.key")
        return folder

    def _apply(self, *objects: Object) -> None:
        self.node.kubectl("apply", "--filename=-", stdin="\n---\n".join(map(json.dumps, objects)))


def _answers(url: str) -> Callable[[], bool]:
    def check() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False

    return check


def _listens(port: int) -> Callable[[], bool]:
    def check() -> bool:
        try:
            with closing(socket.create_connection((ADDRESS, port), timeout=2)):
                return True
        except OSError:
            return False

    return check
