"""The external metrics API through the real aggregator, read by a real autoscaler and refused to other clients."""

import asyncio
import base64
import contextlib
import json
import re
import signal
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from taskqueue.bounded_http.port import MAX_CONNECTIONS
from taskqueue.store.enqueue import enqueue
from taskqueue.store.limits import clear_rate, override_rate
from taskqueue_operator.external_metrics.certificates import LIFE, Pair, make
from tests.support.kubernetes.certificates import Authority
from tests.support.kubernetes.control_plane import ControlPlane
from tests.support.kubernetes.metrics_api import API_SERVICE, BASE, NAME, SECRET, TARGET_S, MetricsApi
from tests.support.kubernetes.shop import ROOT, Shop, task_type
from tests.support.site.site import until
from tests.support.store.raw import raw

FAILURES = ROOT / "docs" / "failures.md"
DUE, MEAN_S = 35, 2
#: Longest life of a silent connection, on a busy machine.
SILENT_S = 20
#: Validity begins an hour before the certificate was made.
_SKEW = timedelta(hours=1)
_UNTIL_RENEWED = (LIFE + _SKEW) * 2 / 3 - _SKEW


@pytest.fixture
async def api(control_plane: ControlPlane, shop: Shop) -> AsyncIterator[MetricsApi]:
    made = MetricsApi(control_plane, shop)
    try:
        yield made
    finally:
        await made.remove()


async def due(api: MetricsApi) -> None:
    """Enqueue 35 jobs of 2 s, without a worker."""
    store = api.shop.world.store
    await api.shop.apply(task_type("sync"))
    await api.shop.says("tt", "sync", "Ready", "True", "Scheduled")
    for n in range(DUE):
        await enqueue(store, "sync", f"u-{n}")
    await raw(store).hset(store.keys("service_times"), "sync", f"{MEAN_S * 10**6}|50")


async def test_the_autoscaler_follows_demand_up_to_the_limit(
    api: MetricsApi,
) -> None:
    operator, _ = await api.begin()
    assert await api.value_s() == 0, "one item, also when idle"
    await api.shop.apply(_deployment(), _autoscaler())

    await due(api)
    await _scaled(api, DUE * MEAN_S // TARGET_S)
    assert await api.value_s() == DUE * MEAN_S
    store = api.shop.world.store
    await override_rate(store, 1.5)  # 1.5 starts/s of 2.02 s keep 4 workers of one slot busy
    await _scaled(api, 4)
    assert await api.value_s() == 4 * TARGET_S
    told = {"workSeconds": 4 * TARGET_S, "uncappedWorkSeconds": DUE * MEAN_S, "usefulReplicas": 4}
    assert await api.scaling(operator) == told
    await clear_rate(store)
    await _scaled(api, 14)
    await raw(store).unlink(store.keys.ready("global", "normal"))
    await _scaled(api, 1)
    hpa = await api.shop.get("hpa", "worker")
    conditions = {one["type"]: one["status"] for one in hpa["status"]["conditions"]}
    assert conditions["ScalingActive"] == "True"


async def test_only_the_front_proxy_and_readers_are_admitted(
    api: MetricsApi, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _, port = await api.begin()
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2 * MAX_CONNECTIONS)]
    proxy = api.control_plane.front_proxy
    right = proxy.folder / "client.crt"
    assert (await api.ask(port, api.path, right))[0] == 200

    code, said = await api.ask(port, api.path)
    assert (code, said["kind"], said["reason"]) == (401, "Status", "Unauthorized")
    assert (await api.ask(port, BASE))[0] == 401, "not even the list of resources"
    assert await api.ask(port, "/healthz", user="") == (200, "ok\n")
    other = proxy.client("other", "somebody-else")
    assert (await api.ask(port, api.path, other))[0] == 401
    assert (await api.ask(port, api.path, right, user=""))[0] == 401
    stranger = Authority(tmp_path_factory.mktemp("other") / "ca").client("client", "front-proxy-client")
    admin = api.control_plane.authority.folder / "admin.crt"
    for certificate in (stranger, admin):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await api.ask(port, api.path, certificate)

    account = await asyncio.to_thread(api.control_plane.seen_by, "default", api.shop.namespace)
    refused = await api.raw(api.path, account)
    assert "Forbidden" in refused.stderr
    resource = "--resource=taskqueue_work_seconds.external.metrics.k8s.io"
    await api.shop.kubectl("create", "role", "reader", "--verb=list", resource)
    user = f"system:serviceaccount:{api.shop.namespace}:default"
    code, said = await api.ask(port, api.path, right, user=user)
    assert (code, said["reason"]) == (403, "Forbidden"), "also where the API server would hand it on"
    assert user in said["message"]
    await api.shop.kubectl("create", "rolebinding", "reader", "--role=reader", f"--user={user}")

    async def allowed() -> bool:
        return bool((await api.raw(api.path, account)).returncode == 0)

    await until("the account may read", allowed)
    missing = await api.raw(f"{BASE}/namespaces/{api.shop.namespace}/other_metric")
    assert "NotFound" in missing.stderr
    elsewhere = await api.raw(f"{BASE}/namespaces/default/taskqueue_work_seconds")
    assert "NotFound" in elsewhere.stderr
    series = await api.raw(f"{api.path}?labelSelector=release%3D{api.shop.world.release}")
    assert len(json.loads(series.stdout)["items"]) == 1
    assert "NotFound" in (await api.raw(f"{api.path}?labelSelector=release%3Dother")).stderr
    listed = await asyncio.to_thread(
        api.control_plane.kubectl, "api-resources", "--api-group=external.metrics.k8s.io"
    )
    assert "taskqueue_work_seconds" in listed
    async with asyncio.timeout(SILENT_S):
        for reader, writer in silent:
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.transport.abort()


async def test_replicas_share_a_certificate_renewed_while_running(api: MetricsApi) -> None:
    service = f"{NAME}.{api.shop.namespace}.svc"
    before = make([service], datetime.now(UTC) + timedelta(seconds=25) - _UNTIL_RENEWED)
    # Under the operator's field manager: a manifest without data then removes none.
    await api.shop.kubectl("create", "-f", "-", stdin=json.dumps(_secret(before)))
    first, port = await api.begin()
    _, port_of_second = await api.operator()
    for one in (port, port_of_second):
        await _shows(one, before.certificate)

    asking = asyncio.create_task(_never_refused(api))

    async def renewed() -> bool:
        return (await api.secret())["tls.crt"] != before.certificate

    await until("one of them renews it", renewed, 60)
    after = await api.secret()
    assert len(x509.load_pem_x509_certificates(after["ca.crt"])) == 2, (
        "certificates in use by other replicas stay trusted"
    )
    for one in (port, port_of_second):
        await _shows(one, after["tls.crt"])
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    await api.install(port_of_second)
    assert await api.shop.world.end(first, signal.SIGTERM) == 0
    await api.available()


async def test_a_foreign_api_service_is_kept_and_missing_rights_told(api: MetricsApi) -> None:
    spec = {
        "group": "external.metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "service": {"name": "keda", "namespace": "keda", "port": 443},
    }
    metadata = {"name": API_SERVICE}
    foreign = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": metadata,
        "spec": spec,
    }
    operator, port = await api.operator()
    await api.shop.world.says(operator, "external-metrics-role.yaml")
    await api.install(port)
    await asyncio.to_thread(api.control_plane.kubectl, "replace", "-f", "-", stdin=json.dumps(foreign))
    await api.shop.world.says(operator, "(was keda/keda)")
    assert "caBundle" not in (await api.shop.get("apiservice", API_SERVICE))["spec"]
    del api.shop.world.logs[operator.pid]  # expected to fail

    second = await api.shop.operator("--external-metrics-port", str(port))
    assert await asyncio.wait_for(second.wait(), 20) == 1
    assert "external metrics not served" in api.shop.world.logs[second.pid].read_text()


async def test_deleting_the_namespace_deletes_the_api_service(api: MetricsApi) -> None:
    operator, _ = await api.begin()
    await _deleted(api)
    assert "NotFound" in (await _api_service(api)).stderr
    assert await api.shop.world.end(operator, signal.SIGTERM) == 0
    del api.shop.world.logs[operator.pid]  # its role was deleted with the namespace


async def test_namespaces_terminate_after_a_manual_api_deletion(api: MetricsApi) -> None:
    """Follow the documented remedy for a cluster where no operator runs."""
    (typed,) = set(re.findall(r"kubectl (delete apiservice \S+)$", FAILURES.read_text("utf-8"), re.MULTILINE))
    await api.install(9)
    other = f"{api.shop.namespace}-other"
    await api.shop.kubectl("create", "namespace", other)
    for namespace in (other, api.shop.namespace):
        await api.shop.kubectl("delete", "namespace", namespace, "--wait=false")
    waits = "--for=condition=NamespaceDeletionDiscoveryFailure"
    for namespace in (other, api.shop.namespace):
        await api.shop.kubectl("wait", f"namespace/{namespace}", waits, "--timeout=30s")
    await api.shop.kubectl(*typed.split())
    await api.shop.kubectl("wait", "--for=delete", f"namespace/{other}", "--timeout=30s")
    await api.shop.kubectl("wait", "--for=delete", f"namespace/{api.shop.namespace}", "--timeout=30s")


async def _api_service(api: MetricsApi) -> Any:
    return await asyncio.to_thread(api.control_plane.attempt, "get", "apiservice", API_SERVICE)


async def _deleted(api: MetricsApi) -> None:
    """Delete a namespace and wait until it is gone."""
    await api.shop.kubectl("delete", "namespace", api.shop.namespace, "--wait=false")

    async def gone() -> bool:
        found = await asyncio.to_thread(api.control_plane.attempt, "get", "namespace", api.shop.namespace)
        return "NotFound" in found.stderr

    await until("the namespace is gone", gone, 40)


async def _scaled(api: MetricsApi, replicas: int) -> None:
    """Wait until the autoscaler asks for a number of replicas."""

    async def check() -> bool:
        hpa, deployment = await api.shop.get("hpa", "worker"), await api.shop.get("deployment", "worker")
        return bool(
            hpa.get("status", {}).get("desiredReplicas") == deployment["spec"]["replicas"] == replicas
        )

    await until(f"the autoscaler wants {replicas}", check, 60)


async def _never_refused(api: MetricsApi) -> None:
    """Read through the API server repeatedly; it must trust the certificate every time."""
    while True:
        answer = await api.raw(api.path)
        assert answer.returncode == 0, answer.stderr


async def _shown(port: int) -> bytes:
    return (await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))).encode()


async def _shows(port: int, certificate: bytes) -> None:
    async def check() -> bool:
        return await _shown(port) == certificate

    await until(f"the replica on {port} shows the certificate", check, 30)


def _secret(pair: Pair) -> dict[str, object]:
    data = {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": pair.authorities}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET},
        "data": {name: base64.b64encode(value).decode() for name, value in data.items()},
    }


def _deployment() -> dict[str, object]:
    container = {"name": "worker", "image": "worker"}
    labels = {"app": "worker"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "worker"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _autoscaler() -> dict[str, object]:
    target = {"type": "AverageValue", "averageValue": str(TARGET_S)}
    at_once = {"policies": [{"type": "Pods", "value": 100, "periodSeconds": 15}]}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "worker"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"},
            "minReplicas": 1,
            "maxReplicas": 30,
            "behavior": {"scaleUp": at_once},
            "metrics": [
                {
                    "type": "External",
                    "external": {"metric": {"name": "taskqueue_work_seconds"}, "target": target},
                }
            ],
        },
    }
