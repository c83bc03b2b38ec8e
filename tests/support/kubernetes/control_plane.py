"""A Kubernetes control plane of a test's own: etcd, API server, controllers, as plain processes on loopback.

There is no node: pods are accepted and stay pending. Everything else is real: definitions, validation, RBAC, watches.
With a node it is node.py's.
"""

import http.client
import ssl
import subprocess
from contextlib import closing
from pathlib import Path

from tests.support.kubernetes import kubeconfig
from tests.support.kubernetes.certificates import Authority
from tests.support.kubernetes.cluster import Cluster
from tests.support.process.child import Child, Children, free_ports

HOST = "127.0.0.1"
SERVICES = "10.0.0.0/24"
FRONT_PROXY = "front-proxy-client"  # as what the API server calls the servers of aggregated APIs
SERVICE_HOSTS = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]


class ControlPlane(Cluster, Children):
    """tools: the folder of the programs. folder: of this control plane alone; made if it is not there.

    address: where the API server listens.
    """

    #: What those who inherit say beside the options that any API server is started with.
    api_options: tuple[str, ...] = ("--endpoint-reconciler-type=none",)  # one on loopback would be refused

    def __init__(self, tools: Path, folder: Path, address: str = HOST) -> None:
        self.tools = tools
        self.address = address
        folder.mkdir(mode=0o700, exist_ok=True)
        self.authority = Authority(folder / "certificates")
        self.authority.key("service-accounts")
        self.authority.server("kube-apiserver", SERVICE_HOSTS, sorted({HOST, address, "10.0.0.1"}))
        self.front_proxy = Authority(folder / "front-proxy")  # one that signs for nobody else
        self.front_proxy.client("client", FRONT_PROXY)
        self.port, self.etcd_port, self.peer_port = free_ports(3)
        super().__init__(tools / "kubectl", folder / "admin.kubeconfig", folder)
        self.write_kubeconfig(self.kubeconfig, "admin", "admin", "system:masters")
        self._children: list[Child] = []

    def start(self) -> None:
        """Return when the API server is ready and the controllers have been started."""
        self._start_etcd()
        self.start_api()
        self._start_controllers()

    def processes(self) -> list[subprocess.Popen[bytes]]:
        return [child.process for child in self._children]

    def start_api(self) -> None:
        """Start the API server on the port and the data it had before, and wait until it is ready."""
        certificates = self.authority.folder
        api = self.start_program(
            self.tools / "kube-apiserver",
            f"--bind-address={self.address}",
            f"--secure-port={self.port}",
            f"--advertise-address={self.address}",
            f"--etcd-servers=http://{HOST}:{self.etcd_port}",
            "--authorization-mode=Node,RBAC",
            f"--client-ca-file={self.authority.certificate}",
            f"--tls-cert-file={certificates / 'kube-apiserver.crt'}",
            f"--tls-private-key-file={certificates / 'kube-apiserver.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={certificates / 'service-accounts.key'}",
            f"--service-account-signing-key-file={certificates / 'service-accounts.key'}",
            f"--service-cluster-ip-range={SERVICES}",
            *self._aggregation(),
            *self.api_options,
        )
        api.until("it is ready", self._ready)

    def _aggregation(self) -> list[str]:
        """Return the credentials between the API server and servers of aggregated APIs."""
        certificates = self.front_proxy.folder
        return [
            f"--proxy-client-cert-file={certificates / 'client.crt'}",
            f"--proxy-client-key-file={certificates / 'client.key'}",
            f"--requestheader-client-ca-file={self.front_proxy.certificate}",
            f"--requestheader-allowed-names={FRONT_PROXY}",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        ]

    def stop_api(self) -> None:
        """Kill the API server, as a machine that fails would."""
        (api,) = [child for child in self._children if child.name == "kube-apiserver"]
        api.kill()
        self._children.remove(api)

    def _start_etcd(self) -> None:
        client, peer = f"http://{HOST}:{self.etcd_port}", f"http://{HOST}:{self.peer_port}"
        self.start_program(
            self.tools / "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",  # the data need not outlive the machine
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        )

    def _start_controllers(self) -> None:
        name = "system:kube-controller-manager"
        config = self.write_kubeconfig(self.folder / "controllers.kubeconfig", "controllers", name)
        self.start_program(
            self.tools / "kube-controller-manager",
            f"--kubeconfig={config}",
            "--use-service-account-credentials=true",  # each controller has the rights of its own account
            "--leader-elect=false",
            "--horizontal-pod-autoscaler-sync-period=1s",
            "--horizontal-pod-autoscaler-downscale-stabilization=5s",
            "--secure-port=0",
            f"--root-ca-file={self.authority.certificate}",
            f"--service-account-private-key-file={self.authority.folder / 'service-accounts.key'}",
        )

    def start_program(self, program: Path, *options: str) -> Child:
        child = Child(program, self.folder / f"{program.name}.log", *options)
        self._children.append(child)
        return child

    def write_kubeconfig(self, path: Path, name: str, user: str, group: str = "") -> Path:
        certificate = self.authority.client(name, user, group)
        return kubeconfig.write(
            path,
            {
                "server": f"https://{self.address}:{self.port}",
                "certificate-authority-data": kubeconfig.inline(self.authority.certificate),
            },
            {
                "client-certificate-data": kubeconfig.inline(certificate),
                "client-key-data": kubeconfig.inline(certificate.with_suffix(".key")),
            },
        )

    def _ready(self) -> bool:
        context = ssl.create_default_context(cafile=self.authority.certificate)
        context.load_cert_chain(self.authority.folder / "admin.crt", self.authority.folder / "admin.key")
        with closing(
            http.client.HTTPSConnection(self.address, self.port, timeout=5, context=context)
        ) as connection:
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False
