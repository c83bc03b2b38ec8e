"""Replicas that share a Secret, on an API server in memory: the first write wins, failures are logged once."""

import base64
import itertools
import json
import ssl
from collections.abc import Mapping
from http import HTTPMethod
from typing import Any

import pytest

from taskqueue_operator.connection import ApiError
from taskqueue_operator.external_metrics.certificate_secret import PairSecret
from taskqueue_operator.external_metrics.certificates import Pair
from taskqueue_operator.external_metrics.front_proxy import FrontProxy
from taskqueue_operator.external_metrics.reconciler import Reconciler
from taskqueue_operator.external_metrics.withdrawal import Withdrawal

SECRET = "/api/v1/namespaces/shop/secrets/pair"
API_SERVICE = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io"
CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
NAMES = ["metrics.shop.svc"]


class Server:
    """An API server of objects by path. refused: status by path. stale: paths whose next read is outdated."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {
            API_SERVICE: {"spec": {"service": {"name": "metrics", "namespace": "shop"}}},
            SECRET: {"metadata": {"resourceVersion": "0"}},
            CONFIG_MAP: {"data": {"requestheader-client-ca-file": "PEM"}},
        }
        self.refused: dict[str, int] = {}
        self.stale: dict[str, bytes] = {}
        self.writes: list[str] = []
        self._versions = itertools.count(1)

    async def call(
        self, method: HTTPMethod, path: str, body: Mapping[str, Any] | None = None, **_: Any
    ) -> bytes:
        if path in self.refused:
            raise ApiError(self.refused[path], reason="no")
        if method is HTTPMethod.GET:
            if path in self.stale:
                return self.stale.pop(path)
            if path not in self.objects:
                raise ApiError(404)
            return json.dumps(self.objects[path]).encode()
        assert body is not None
        self.writes.append(f"{method} {path}")
        stored = self.objects[path]
        wanted = body.get("metadata", {}).get("resourceVersion")
        if wanted is not None and wanted != stored["metadata"]["resourceVersion"]:
            raise ApiError(409)
        if "spec" in body:
            stored["spec"] |= body["spec"]
        else:
            stored["data"] = body["data"]
        stored["metadata"] = {"resourceVersion": str(next(self._versions))}
        return b"{}"

    def bundle(self) -> bytes:
        return base64.b64decode(self.objects[API_SERVICE]["spec"].get("caBundle", ""))


class Shown:
    """Records the pairs and front proxies that an HTTPS server would use."""

    def __init__(self) -> None:
        self.pairs: list[Pair] = []
        self.believed: list[FrontProxy] = []

    def use(self, pair: Pair, front_proxy: FrontProxy) -> None:
        if front_proxy.authorities == "NONSENSE":
            raise ssl.SSLError("no start line")
        self.pairs.append(pair)
        self.believed.append(front_proxy)


def replica(server: Server, names: list[str] = NAMES) -> tuple[Reconciler, Shown]:
    shown: Any = Shown()
    connection: Any = server
    return Reconciler(
        connection,
        PairSecret(connection, "shop", "pair"),
        ("metrics", "shop"),
        names,
        shown,
        Withdrawal(connection, "metrics", "shop"),
    ), shown


async def test_the_first_replica_makes_the_pair_and_all_show_it() -> None:
    server = Server()
    (one, shown), (two, also) = replica(server), replica(server)
    assert [await one.turn(), await two.turn(), await one.turn()] == [True, True, True]
    assert shown.pairs == also.pairs
    assert len(shown.pairs) == 1
    assert server.bundle() == shown.pairs[0].authorities
    assert len(server.writes) == 2, "the Secret and the bundle, once"


async def test_the_later_of_two_replicas_reads_the_pair() -> None:
    server = Server()
    empty = json.dumps(server.objects[SECRET]).encode()
    (one, shown), (two, also) = replica(server), replica(server)
    await one.turn()
    server.stale = {SECRET: empty}
    assert await two.turn()
    assert also.pairs == shown.pairs


async def test_a_renewed_pair_is_shown_once_trusted() -> None:
    server = Server()
    one, shown = replica(server)
    await one.turn()
    server.objects[SECRET]["data"]["tls.crt"] = base64.b64encode(b"nonsense").decode()
    await one.turn()
    assert len(shown.pairs) == 1, "the API server may not have heard yet"
    assert server.bundle().endswith(shown.pairs[0].authorities), "the certificate in use stays trusted"
    await one.turn()
    assert len(shown.pairs) == 2
    assert server.bundle() == shown.pairs[1].authorities


async def test_any_replica_rewrites_a_differing_bundle() -> None:
    server = Server()
    one, shown = replica(server)
    await one.turn()
    server.objects[API_SERVICE]["spec"]["caBundle"] = ""
    await one.turn()
    assert server.bundle() == shown.pairs[0].authorities


async def test_a_change_of_trusted_callers_is_followed() -> None:
    server = Server()
    one, shown = replica(server)
    await one.turn()
    server.objects[CONFIG_MAP]["data"]["requestheader-client-ca-file"] = "NEW"
    await one.turn()
    server.refused[CONFIG_MAP] = 500  # the last front proxy stays in use
    await one.turn()
    server.refused.clear()
    server.objects[CONFIG_MAP]["data"]["requestheader-client-ca-file"] = "NONSENSE"
    assert [await one.turn(), await one.turn()] == [False, False]
    assert [proxy.authorities for proxy in shown.believed] == ["PEM", "NEW"]


@pytest.mark.parametrize(
    ("path", "status"),
    [(SECRET, 403), (SECRET, 404), (API_SERVICE, 403), (API_SERVICE, 404), (CONFIG_MAP, 403)],
)
async def test_a_refusal_is_logged_once_and_retried(
    path: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server()
    one, _ = replica(server)
    server.refused[path] = status
    assert [await one.turn(), await one.turn()] == [False, False]
    output = capsys.readouterr().out
    assert output.count("external-metrics-role.yaml") == 1
    server.refused.clear()
    assert await one.turn()


async def test_a_foreign_api_service_is_not_changed(capsys: pytest.CaptureFixture[str]) -> None:
    server = Server()
    server.objects[API_SERVICE]["spec"]["service"] = {"name": "keda", "namespace": "keda"}
    one, _ = replica(server)
    assert not await one.turn()
    assert "must name shop/metrics (was keda/keda)" in capsys.readouterr().out
    assert server.bundle() == b""
