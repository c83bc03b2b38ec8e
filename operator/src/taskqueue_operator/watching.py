"""kopf's part: it watches both kinds and tells the source what it saw. It writes nothing."""

import asyncio
from typing import Any

import kopf

from taskqueue_operator.api import GROUP, PLURALS, VERSION
from taskqueue_operator.connection import in_a_pod
from taskqueue_operator.forgetting import NoDifferences, NoProgress
from taskqueue_operator.objects import Kind
from taskqueue_operator.source import KubernetesSource


async def watch(source: KubernetesSource, namespace: str, stop: asyncio.Event) -> None:
    """Follow both kinds until `stop` is set, or SIGTERM or SIGINT come, which kopf listens to from here on."""
    registry = kopf.OperatorRegistry()
    for kind, plural in PLURALS.items():
        _follow(registry, source, kind, plural)

    @kopf.on.login(registry=registry)
    def login(**kwargs: Any) -> Any:
        if in_a_pod():
            return kopf.login_with_service_account(**kwargs)
        return kopf.login_with_kubeconfig(**kwargs)

    await kopf.operator(
        registry=registry,
        settings=_settings(),
        standalone=True,
        namespaces=[namespace],
        stop_flag=stop,
    )


def _follow(registry: kopf.OperatorRegistry, source: KubernetesSource, kind: Kind, plural: str) -> None:
    @kopf.on.event(GROUP, VERSION, plural, registry=registry)
    async def seen(event: Any, **_: Any) -> None:
        raw = event["object"]
        if event["type"] == "DELETED":
            source.drop(kind, raw["metadata"]["name"], raw["metadata"]["uid"])
        else:
            source.put(kind, raw)


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.persistence.diffbase_storage = NoDifferences()
    settings.persistence.progress_storage = NoProgress()
    settings.scanning.disabled = True
    settings.queueing.idle_timeout = 0.05  # a task per object for as long as it is busy, and not for 5 s
    settings.watching.server_timeout = 240
    settings.watching.chunk_size = 500
    return settings
