"""Objects of a namespace, made and edited by the hundred: straight to the API server, without a kubectl for each."""

import asyncio
import re
from collections.abc import Iterable
from http import HTTPMethod
from typing import Any

import msgspec

from taskqueue.models.manifest import API_VERSION
from taskqueue_operator.api import PLURALS
from taskqueue_operator.connection import Connection
from taskqueue_operator.objects import Kind

_AT_ONCE = 16


class Objects:
    """Applies objects as `kubectl apply --server-side` does, so that they carry managedFields."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._connection = connection
        self._namespace = namespace
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def apply(self, kind: Kind, specs: Iterable[tuple[str, dict[str, Any]]]) -> None:
        await asyncio.gather(*(self._apply(kind, name, spec) for name, spec in specs))

    async def edit(self, kind: Kind, specs: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Patch some fields of each spec, as `kubectl patch --type=merge` does."""
        await asyncio.gather(*(self._edit(kind, name, fields) for name, fields in specs))

    async def delete(self, kind: Kind, name: str) -> None:
        await self._connection.call(HTTPMethod.DELETE, self._path(kind, name))

    async def names(self, kind: Kind) -> set[str]:
        found = msgspec.json.decode(await self._connection.call(HTTPMethod.GET, self._path(kind)))
        return {raw["metadata"]["name"] for raw in found["items"]}

    async def status(self, kind: Kind, name: str) -> dict[str, Any]:
        found = msgspec.json.decode(await self._connection.call(HTTPMethod.GET, self._path(kind, name)))
        return dict(found.get("status", {}))

    async def status_writes(self) -> int:
        """Count the API server's own figure: answered writes of statuses of the project's kinds."""
        text = (await self._connection.call(HTTPMethod.GET, "/metrics")).decode()
        rows = re.findall(r"^apiserver_request_total\{(.*)\} (\S+)$", text, re.MULTILINE)
        ours = [
            float(count)
            for labels, count in rows
            if 'group="taskqueue.dev"' in labels and 'subresource="status"' in labels
        ]
        return int(sum(ours))

    async def _apply(self, kind: Kind, name: str, spec: dict[str, Any]) -> None:
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
        async with self._free:
            await self._connection.call(
                HTTPMethod.PATCH,
                self._path(kind, name),
                body,
                query={"fieldManager": "kubectl", "force": "true"},
                content_type="application/apply-patch+yaml",
                timeout_s=60,
            )

    async def _edit(self, kind: Kind, name: str, fields: dict[str, Any]) -> None:
        async with self._free:
            await self._connection.call(
                HTTPMethod.PATCH,
                self._path(kind, name),
                {"spec": fields},
                content_type="application/merge-patch+json",
                timeout_s=60,
            )

    def _path(self, kind: Kind, name: str = "") -> str:
        return f"/apis/{API_VERSION}/namespaces/{self._namespace}/{PLURALS[kind]}/{name}".rstrip("/")
