"""Removes the APIService when the namespace of its Service is being deleted.

Before Kubernetes deletes any namespace it lists the content of that namespace in every API. Without pods this API does
not answer, so every deletion in the cluster would block until an administrator deletes the APIService. Kubernetes 1.36
begins to empty a namespace 5 s after the deletion, in any order, and the operator's account was gone 2 s later. Within
that time there are a watch, a read every few seconds, and a last read at SIGTERM.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from http import HTTPMethod, HTTPStatus

import msgspec
import structlog

from taskqueue.store.cancelled import raise_if_cancelled
from taskqueue_operator.connection import API_ERRORS, ApiError, Connection, describe_error
from taskqueue_operator.external_metrics.api_service import (
    API_SERVICE,
    ForeignApiServiceError,
    remove_api_service,
)

log = structlog.get_logger("taskqueue.operator")

_NAMESPACES = "/api/v1/namespaces"
#: Between two reads of the namespace while the watch is silent or refused.
_EVERY_S = 3.0
_WATCH_S = 300
#: Between two watches.
_PAUSE_S = 1.0
_EXIT_S = 3.0


class _Metadata(msgspec.Struct):
    deletionTimestamp: str | None = None


class _Namespace(msgspec.Struct):
    metadata: _Metadata


class Withdrawal:
    """Watches the namespace of one Service. over: the APIService was removed, or another release owns it."""

    def __init__(self, connection: Connection, service: str, namespace: str) -> None:
        self._connection = connection
        self._service = service
        self._namespace = namespace
        self._logged = ("", "")
        self.over = False

    async def run(self) -> None:
        """Watch the namespace until it is being deleted and the APIService is removed."""
        while not self.over:
            raise_if_cancelled()
            try:
                async with contextlib.aclosing(self._changes()) as changes:
                    async for _ in changes:
                        if await self.check():
                            return
                await asyncio.sleep(_PAUSE_S)
            except API_ERRORS as error:
                self._log("namespace not watched", error)
                await self.check()
                await asyncio.sleep(_EVERY_S)

    async def leave(self) -> None:
        """Check once more as the process ends."""
        try:
            async with asyncio.timeout(_EXIT_S):
                await self.check()
        except TimeoutError as error:
            self._log("namespace not read", error)

    async def check(self) -> bool:
        """Remove the APIService if the namespace is being deleted; True if there is nothing left to do."""
        try:
            if not self.over and await self._is_ending():
                await remove_api_service(self._connection, self._service, self._namespace)
                log.info("APIService removed", api_service=API_SERVICE, namespace=self._namespace)
                self.over = True
        except ForeignApiServiceError:
            self.over = True
        except API_ERRORS as error:
            self._log("APIService not removed", error)
        return self.over

    async def _is_ending(self) -> bool:
        """Tell whether the namespace is being deleted, or gone. Raises API_ERRORS."""
        try:
            found = await self._connection.call(HTTPMethod.GET, f"{_NAMESPACES}/{self._namespace}")
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return True
            raise
        return msgspec.json.decode(found, type=_Namespace).metadata.deletionTimestamp is not None

    async def _changes(self) -> AsyncGenerator[None, None]:
        """Yield at the start of a watch of the namespace, at each of its events, and every few seconds."""
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

    def _log(self, event: str, error: BaseException) -> None:
        """Log a failure once, until another one comes."""
        if self._logged != (failure := (event, describe_error(error))):
            self._logged = failure
            log.warning(event, namespace=self._namespace, error=failure[1])
