"""Removes the APIService when the namespace of its Service is being deleted.

Kubernetes asks every API what is in a namespace before it finishes deleting it, those of other namespaces too, and no
pod answers for this API any more: all of them would wait until somebody deletes the APIService by hand. Kubernetes 1.36
begins to empty a namespace 5 s after it was told to, in any order, and the operator's account went 2 s later. Until
then there is a watch, a look every few seconds, and one at SIGTERM.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from http import HTTPMethod, HTTPStatus

import msgspec
import structlog

from taskqueue.store.cancelled import raise_if_cancelled
from taskqueue_operator.connection import API_ERRORS, ApiError, Connection, describe_error
from taskqueue_operator.external_metrics.cluster import (
    API_SERVICE,
    ForeignApiServiceError,
    remove_api_service,
)

log = structlog.get_logger("taskqueue.operator")

_NAMESPACES = "/api/v1/namespaces"
#: The namespace is read again this often, should the watch tell nothing, or be refused.
_EVERY_S = 3.0
_WATCH_S = 300
#: Between two watches.
_PAUSE_S = 1.0
_EXIT_S = 3.0


class _Metadata(msgspec.Struct):
    deletionTimestamp: str | None = None  # noqa: N815 - as Kubernetes writes it


class _Namespace(msgspec.Struct):
    metadata: _Metadata


class Withdrawal:
    """over: the APIService was removed, or is no longer ours."""

    def __init__(self, connection: Connection, service: str, namespace: str) -> None:
        self._connection = connection
        self._service = service
        self._namespace = namespace
        self._said = ""
        self.over = False

    async def run(self) -> None:
        """Follow the namespace until it is being deleted and the APIService is removed."""
        while not self.over:
            raise_if_cancelled()
            try:
                async with contextlib.aclosing(self._news()) as news:
                    async for _ in news:
                        if await self.check():
                            return
                await asyncio.sleep(_PAUSE_S)
            except API_ERRORS as error:
                self._say("namespace not watched", error)
                await self.check()
                await asyncio.sleep(_EVERY_S)

    async def leave(self) -> None:
        """Look once more as the process ends."""
        try:
            async with asyncio.timeout(_EXIT_S):
                await self.check()
        except TimeoutError as error:
            self._say("namespace not read", error)

    async def check(self) -> bool:
        """Remove the APIService if the namespace is being deleted; True if nothing is left to do."""
        try:
            if not self.over and await self._is_ending():
                await remove_api_service(self._connection, self._service, self._namespace)
                log.info("removed the APIService of a namespace that ends", api_service=API_SERVICE)
                self.over = True
        except ForeignApiServiceError:
            self.over = True
        except API_ERRORS as error:
            self._say("APIService not removed", error)
        return self.over

    async def _is_ending(self) -> bool:
        try:
            found = await self._connection.call(HTTPMethod.GET, f"{_NAMESPACES}/{self._namespace}")
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return True
            raise
        return msgspec.json.decode(found, type=_Namespace).metadata.deletionTimestamp is not None

    async def _news(self) -> AsyncGenerator[None, None]:
        """Yield whenever a watch of the namespace says something, at its begin first, and every few seconds."""
        query = {
            "watch": "1",
            "fieldSelector": f"metadata.name={self._namespace}",
            "timeoutSeconds": str(_WATCH_S),
        }
        async with self._connection.stream(_NAMESPACES, query, _WATCH_S + _EVERY_S) as chunks:
            coming = asyncio.ensure_future(anext(chunks, None))
            try:
                while True:
                    await asyncio.wait([coming], timeout=_EVERY_S)
                    if coming.done():
                        if coming.result() is None:
                            return
                        coming = asyncio.ensure_future(anext(chunks, None))
                    yield
            finally:
                coming.cancel()

    def _say(self, what: str, error: BaseException) -> None:
        """Say it once, until it is something else."""
        if self._said != (now := f"{what}: {describe_error(error)}"):
            self._said = now
            log.warning(what, namespace=self._namespace, error=describe_error(error))
