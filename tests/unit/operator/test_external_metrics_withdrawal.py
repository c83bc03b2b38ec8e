"""Withdrawal of the APIService when its namespace is deleted, on an API server in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPMethod
from typing import Any

import pytest

from taskqueue_operator.connection import ApiError
from taskqueue_operator.external_metrics import withdrawal
from taskqueue_operator.external_metrics.withdrawal import Withdrawal
from tests.support.site.site import until

API_SERVICE = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io"
NAMESPACE = "/api/v1/namespaces/shop"
OURS = {"metadata": {"uid": "u-1"}, "spec": {"service": {"name": "metrics", "namespace": "shop"}}}
KEDAS = {"metadata": {"uid": "u-1"}, "spec": {"service": {"name": "keda", "namespace": "keda"}}}
LIVES: dict[str, Any] = {"metadata": {"name": "shop"}}
ENDS = {"metadata": {"name": "shop", "deletionTimestamp": "2026-11-24T00:00:00Z"}}


class Server:
    """refused: status by path. news: events of the next watches; a watch without events is refused."""

    def __init__(
        self, namespace: Mapping[str, Any] | None = ENDS, api: Mapping[str, Any] | None = OURS
    ) -> None:
        self.objects = {NAMESPACE: namespace, API_SERVICE: api}
        self.refused: dict[str, int] = {}
        self.news: list[Mapping[str, Any]] = []
        self.watches: list[Mapping[str, str]] = []
        self.preconditions: Any = None

    async def call(
        self, method: HTTPMethod, path: str, body: Mapping[str, Any] | None = None, **_: Any
    ) -> bytes:
        if path in self.refused:
            raise ApiError(self.refused[path], reason="no")
        if self.objects[path] is None:
            raise ApiError(404)
        if method is HTTPMethod.DELETE:
            assert body
            self.preconditions, self.objects[path] = body["preconditions"], None
            return b"{}"
        return json.dumps(self.objects[path]).encode()

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], _: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        self.watches.append({"path": path, **query})
        if not self.news:
            raise ApiError(403, reason="Forbidden")
        yield self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        while self.news:
            self.objects[NAMESPACE] = self.news.pop(0)
            yield b"{}"


def departing(server: Server) -> Withdrawal:
    connection: Any = server
    return Withdrawal(connection, "metrics", "shop")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withdrawal, "_EVERY_S", 0.01)
    monkeypatch.setattr(withdrawal, "_PAUSE_S", 0.01)


@pytest.mark.parametrize(
    ("namespace", "api", "over", "left"),
    [
        (LIVES, OURS, False, OURS),
        (ENDS, OURS, True, None),
        (None, OURS, True, None),
        (ENDS, KEDAS, True, KEDAS),
        (ENDS, None, True, None),
    ],
    ids=["lives", "ends", "gone", "another's", "removed before"],
)
async def test_the_api_service_ends_with_its_namespace(
    namespace: Mapping[str, Any] | None, api: Mapping[str, Any] | None, over: bool, left: Any
) -> None:
    server = Server(namespace, api)
    assert await departing(server).check() is over
    assert server.objects[API_SERVICE] == left


async def test_a_foreign_api_service_is_not_removed() -> None:
    server = Server()
    await departing(server).check()
    assert server.preconditions == {"uid": "u-1"}


async def test_the_watch_reports_the_deletion() -> None:
    server = Server(LIVES)
    server.news = [LIVES, LIVES, ENDS]
    async with asyncio.timeout(5):
        await departing(server).run()
    assert server.objects[API_SERVICE] is None
    assert len(server.watches) == 1
    (watched,) = server.watches
    assert (watched["path"], watched["fieldSelector"]) == ("/api/v1/namespaces", "metadata.name=shop")


async def test_a_refused_watch_is_replaced_by_reads(
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = Server(LIVES)
    running = asyncio.create_task(departing(server).run())

    async def tried_again() -> bool:
        return len(server.watches) >= 3

    await until("the watch is tried again", tried_again)
    server.objects[NAMESPACE] = ENDS
    async with asyncio.timeout(5):
        await running
    assert server.objects[API_SERVICE] is None
    assert capsys.readouterr().out.count("namespace not watched") == 1


@pytest.mark.parametrize("refused", [NAMESPACE, API_SERVICE])
async def test_a_process_checks_once_more_at_its_end(
    refused: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server()
    server.refused = {refused: 401}
    leaving = departing(server)
    await leaving.leave()
    assert not leaving.over
    assert "APIService not removed" in capsys.readouterr().out
    server.refused = {}
    await leaving.leave()
    assert server.objects[API_SERVICE] is None
