"""KEDA's own manifests, with addresses of processes instead of pods.

Admission is asked for ScaledObjects alone, and refuses them when it fails, where those files would let them pass: one
that was never asked would show nothing.
"""

from pathlib import Path
from typing import Any

import yaml

NAMESPACE = "keda"
ACCOUNT = "keda-operator"
METRICS = "keda-metrics-apiserver"
DEFINITIONS = "crd/bases"
RIGHTS = (
    "general/namespace.yaml",
    "service_account/service_account.yaml",
    "rbac/role.yaml",
    "rbac/role_binding.yaml",
    "metrics-server/role.yaml",
    "metrics-server/role_binding.yaml",
)
Object = dict[str, Any]


class KedaFiles:
    """folder: `config` of KEDA's sources. authority: the certificate that processes are trusted by, as base64."""

    def __init__(self, folder: Path, authority: str) -> None:
        self.folder = folder
        self.authority = authority

    def options(self, *names: str) -> list[str]:
        """Name files to kubectl."""
        return [f"--filename={self.folder / name}" for name in names]

    def metrics(self, address: str, port: int) -> list[Object]:
        """Make the API of external metrics one that is served there."""
        api_service = self._read("metrics-server/api_service.yaml")
        api_service["spec"]["caBundle"] = self.authority
        return [_service(port), _endpoints(address, port), api_service]

    def admission(self, address: str, port: int) -> Object:
        """Have ScaledObjects judged there."""
        shipped = self._read("webhooks/validation_webhooks.yaml")
        (one,) = [one for one in shipped["webhooks"] if one["name"] == "vscaledobject.kb.io"]
        path = one["clientConfig"]["service"]["path"]
        one["clientConfig"] = {"url": f"https://{address}:{port}{path}", "caBundle": self.authority}
        one["failurePolicy"] = "Fail"
        return {**shipped, "webhooks": [one]}

    def _read(self, name: str) -> Object:
        found: Object = yaml.safe_load((self.folder / name).read_text())
        return found


def _service(port: int) -> Object:
    """Without a selector: the address is no pod's."""
    ports = [{"name": "https", "port": 443, "targetPort": port}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": _place(), "spec": {"ports": ports}}


def _endpoints(address: str, port: int) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**_place(), "labels": {"kubernetes.io/service-name": METRICS}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }


def _place() -> dict[str, str]:
    return {"name": METRICS, "namespace": NAMESPACE}
