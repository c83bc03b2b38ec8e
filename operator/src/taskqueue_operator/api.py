"""The few calls of the Kubernetes API that the operator makes itself; watching is kopf's."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientError
from kubernetes.aio import client, config
from kubernetes.aio.client.exceptions import ApiException

from taskqueue.models.manifest import API_VERSION
from taskqueue_operator.lease_record import LeaseObject
from taskqueue_operator.objects import Kind, Object

GROUP, VERSION = API_VERSION.split("/")
PLURALS: Mapping[Kind, str] = {"TaskType": "tasktypes", "UserSubscription": "usersubscriptions"}
#: What a call raises when the API server is down, slow or says no.
API_ERRORS = (ApiException, ClientError, OSError, TimeoutError)
_PAGE = 500
_SAID_MOST = 300
_TIMEOUT_S = 10.0


class Api:
    """One connection pool to one API server, for one namespace."""

    def __init__(self, connection: client.ApiClient, namespace: str) -> None:
        self.namespace = namespace
        self._leases = client.CoordinationV1Api(connection)
        self._custom = client.CustomObjectsApi(connection)
        self._core = client.CoreV1Api(connection)

    async def namespace_uid(self) -> str:
        """Tells this namespace from every other of any cluster. Raises any of API_ERRORS."""
        found = await self._core.read_namespace(self.namespace, _request_timeout=_TIMEOUT_S)
        assert found.metadata is not None
        return str(found.metadata.uid)

    def lease(self, name: str) -> LeaseObject:
        return LeaseObject(self._leases, self.namespace, name)

    async def list(self, kind: Kind) -> AsyncIterator[Mapping[str, Any]]:
        """Every object of a kind, page by page; a kind the server does not know is an error, not an empty list.

        Raises any of API_ERRORS.
        """
        more = ""
        while True:
            page: Any = await self._custom.list_namespaced_custom_object(
                GROUP,
                VERSION,
                self.namespace,
                PLURALS[kind],
                limit=_PAGE,
                _continue=more or None,
                _request_timeout=_TIMEOUT_S,
            )
            for raw in page["items"]:
                yield raw
            more = page["metadata"].get("continue", "")
            if not more:
                return

    async def apply_status(self, one: Object, status: Mapping[str, Any]) -> None:
        """Server-side apply of our part of the status, unless the object changed since. Raises any of API_ERRORS."""
        body = {
            "apiVersion": API_VERSION,
            "kind": one.kind,
            "metadata": {"name": one.name, "resourceVersion": one.version},
            "status": status,
        }
        await self._custom.patch_namespaced_custom_object_status(
            GROUP,
            VERSION,
            self.namespace,
            PLURALS[one.kind],
            one.name,
            body,
            field_manager="taskqueue-operator",
            force=True,
            _content_type="application/apply-patch+yaml",
            _request_timeout=_TIMEOUT_S,
        )


@asynccontextmanager
async def connect(namespace: str) -> AsyncIterator[Api]:
    """Open the API that KUBECONFIG, the pod's service account or ~/.kube/config names, in this order.

    Raises ConfigException where nothing says how to reach one.
    """
    configuration = client.Configuration()
    if in_a_pod():
        config.load_incluster_config(client_configuration=configuration)
    else:
        named = os.environ.get("KUBECONFIG")  # the client itself looks at it only once, when it is imported
        await config.load_kube_config(config_file=named, client_configuration=configuration)
    async with client.ApiClient(configuration) as connection:
        yield Api(connection, namespace)


def said(error: BaseException) -> str:
    """What an error says, in a line for the log; of one of the API server, its own words."""
    if isinstance(error, ApiException):
        return f"{error.status} {error.reason}: {error.body}"[:_SAID_MOST]
    return repr(error)[:_SAID_MOST]


def in_a_pod() -> bool:
    """Whether the service account of a pod says who we are: unless KUBECONFIG says so first."""
    token = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
    return not os.environ.get("KUBECONFIG") and token.exists()
