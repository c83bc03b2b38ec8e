"""A kubelet without a node: it refuses to run a command, and records the request."""

import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tests.support.kubernetes.cluster import Cluster

SAYS = "this node runs nothing"


class Kubelet(http.server.ThreadingHTTPServer):
    """asked: path and query of every request."""

    daemon_threads = True

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Refuses)
        self.asked: list[tuple[str, list[tuple[str, str]]]] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        self.socket = context.wrap_socket(self.socket, server_side=True)


class _Refuses(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Kubelet)
        url = urlsplit(self.path)
        self.server.asked.append((url.path, parse_qsl(url.query)))
        self.send_error(501, SAYS)

    do_POST = do_GET  # noqa: N815 - the same

    def log_message(self, *_: object) -> None:
        """It is all in `asked`."""


@contextmanager
def node(cluster: Cluster, name: str, certificate: Path) -> Iterator[Kubelet]:
    """A Node of the cluster with this kubelet."""
    kubelet = Kubelet(certificate)
    thread = threading.Thread(target=kubelet.serve_forever)
    thread.start()
    try:
        cluster.kubectl(
            "create",
            "-f",
            "-",
            stdin=json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}),
        )
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.server_address[1]}},
        }
        patch = ("--subresource=status", "--type=merge", "--patch", json.dumps({"status": status}))
        cluster.kubectl("patch", "node", name, *patch)
        yield kubelet
    finally:
        cluster.attempt("delete", "node", name, "--wait=false")
        kubelet.shutdown()
        thread.join()
        kubelet.server_close()
