"""The external metrics API of operators on loopback: its objects, and calls that go round the API server."""

import asyncio
import base64
import http.client
import json
import re
import ssl
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.kubernetes.control_plane import HOST, ControlPlane
from tests.support.kubernetes.shop import ROOT, Shop
from tests.support.process.child import free_ports
from tests.support.site.site import until

ROLES = ROOT / "deploy" / "kubernetes" / "external-metrics-role.yaml"
API_SERVICE = "v1beta1.external.metrics.k8s.io"
BASE = "/apis/external.metrics.k8s.io/v1beta1"
NAME = "taskqueue-external-metrics"
SECRET = f"{NAME}-certificate"
#: One replica is asked for per so many work-seconds: slots of a worker times seconds to drain.
CONCURRENCY, DRAIN_S = 1, 5
TARGET_S = CONCURRENCY * DRAIN_S
ADMIN = {"user": "system:admin", "group": "system:masters"}


class MetricsApi:
    """Every call of kubectl blocks; from a test go through asyncio.to_thread, or be brief."""

    def __init__(self, control_plane: ControlPlane, shop: Shop) -> None:
        self.control_plane = control_plane
        self.shop = shop
        self.path = f"{BASE}/namespaces/{shop.namespace}/taskqueue_work_seconds"

    async def begin(self) -> tuple[asyncio.subprocess.Process, int]:
        """Install it, start the first replica, and wait until the API server has reached that."""
        (port,) = free_ports(1)
        await self.install(port)
        process, _ = await self.operator(port)
        await self.available()
        return process, port

    async def operator(self, port: int | None = None) -> tuple[asyncio.subprocess.Process, int]:
        """Start a replica that serves the API, and return it and its port."""
        port = port or free_ports(1)[0]
        scaled = ("--worker-concurrency", str(CONCURRENCY), "--scale-drain", str(DRAIN_S))
        process = await self.shop.operator(*scaled, "--external-metrics-port", str(port))
        await self.shop.world.says(process, "process started")
        return process, port

    async def install(self, port: int) -> None:
        """Apply the shipped objects, for this namespace, with a Service that leads to a port of loopback.

        Nothing routes to a cluster's addresses here, and an endpoint may not be on loopback: a name may.
        """
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME, "namespace": self.shop.namespace},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        }
        text = ROLES.read_text().replace("namespace: shop", f"namespace: {self.shop.namespace}")
        text = text.replace("resourceNames: [shop]", f"resourceNames: [{self.shop.namespace}]")
        shipped = [part for part in text.split("\n---\n") if "kind: Service\n" not in part]
        documents = "\n---\n".join([*shipped, json.dumps(service)]).replace("port: 443", f"port: {port}")
        await asyncio.to_thread(
            self.control_plane.kubectl,
            "apply",
            "--server-side",
            "--force-conflicts",
            "-f",
            "-",
            stdin=documents,
        )

    async def available(self) -> None:
        """Wait until the API server has reached it, by a certificate that it trusts."""

        async def answered() -> bool:
            return bool((await self.raw(self.path)).returncode == 0)

        await until("the API server answers with the metric", answered, 40)

    async def scaling(self, process: asyncio.subprocess.Process) -> dict[str, float]:
        """Ask the health port, as KEDA would."""
        (port,) = re.findall(r'"health_port": (\d+)', self.shop.world.logs[process.pid].read_text())
        answer = await asyncio.to_thread(urllib.request.urlopen, f"http://{HOST}:{port}/scaling", timeout=5)
        found: dict[str, float] = json.loads(answer.read())
        return found

    async def raw(self, path: str, cluster: Any = None) -> Any:
        """Ask through the API server."""
        return await asyncio.to_thread((cluster or self.control_plane).attempt, "get", "--raw", path)

    async def value_s(self) -> float:
        """Return the one item's value."""
        found = json.loads((await self.raw(self.path)).stdout)
        (item,) = found["items"]
        assert item["metricName"] == "taskqueue_work_seconds"
        return _quantity(item["value"])

    async def secret(self) -> dict[str, bytes]:
        found = await self.shop.get("secret", SECRET)
        return {name: base64.b64decode(value) for name, value in found["data"].items()}

    async def ask(
        self, port: int, path: str, certificate: Path | None = None, **headers: str
    ) -> tuple[int, Any]:
        """Ask a replica itself, with a client's certificate or without, for a user and a group, or for an admin."""
        authorities = (await self.secret())["ca.crt"].decode()
        named = {f"X-Remote-{name}": value for name, value in (headers or ADMIN).items() if value}
        return await asyncio.to_thread(_ask, port, path, authorities, certificate, named)

    async def remove(self) -> None:
        await asyncio.to_thread(
            self.control_plane.kubectl, "delete", "apiservice", API_SERVICE, "--ignore-not-found"
        )


def _ask(
    port: int, path: str, authorities: str, certificate: Path | None, headers: dict[str, str]
) -> tuple[int, Any]:
    context = ssl.create_default_context(cadata=authorities)
    context.check_hostname = False  # which the API server does
    if certificate is not None:
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    with closing(http.client.HTTPSConnection(HOST, port, timeout=5, context=context)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        return answer.status, json.loads(body) if body.startswith("{") else body


def _quantity(text: str) -> float:
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
