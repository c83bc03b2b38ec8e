"""kopf's part: it watches both kinds and tells the source what it saw. It writes nothing.

kopf gives up when an API server refuses for long, or when a definition goes; it looks for the kinds once only, takes
the signals of the process, and ends by cancelling every task of its loop. So it has a loop and a thread of its own,
and is started again, each time after a list of everything.
"""

import asyncio
import contextlib
import logging
from typing import Any

import kopf
import structlog

from taskqueue_operator.api import GROUP, PLURALS, VERSION
from taskqueue_operator.connection import Connection, said
from taskqueue_operator.forgetting import NoDifferences, NoProgress
from taskqueue_operator.objects import Kind
from taskqueue_operator.source import KubernetesSource

log = structlog.get_logger("taskqueue.operator")

#: Between tries; what cannot be reached for all of them is left, and begun again.
_BACKOFFS_S = (1, 1, 2, 3, 5)
_CONNECT_S = 5
_ANSWER_S = 30


async def watch(source: KubernetesSource, connection: Connection, namespace: str) -> None:
    """Follow both kinds until cancelled."""
    # It warns that signals are not its own.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
    while True:
        await source.listed.wait()
        try:
            await _run_apart(source, connection, namespace)
        except Exception as error:  # noqa: BLE001  (kopf lets through whatever its watches meet)
            log.warning("the watch broke off and begins anew", error=said(error))
        source.listed.clear()
        source.doubt()


async def _run_apart(source: KubernetesSource, connection: Connection, namespace: str) -> None:
    """Run kopf in a thread until it fails, or this is cancelled."""
    loop = asyncio.new_event_loop()
    kopfs = loop.create_task(
        kopf.operator(
            registry=_registry(source, connection, asyncio.get_running_loop()),
            settings=_settings(),
            standalone=True,
            namespaces=[namespace],
        )
    )
    running = asyncio.ensure_future(asyncio.to_thread(_run, loop, kopfs))
    try:
        await asyncio.shield(running)
    finally:
        with contextlib.suppress(RuntimeError):  # it has ended, and its loop is closed
            loop.call_soon_threadsafe(kopfs.cancel)
        await asyncio.wait([running])


def _run(loop: asyncio.AbstractEventLoop, kopfs: asyncio.Task[None]) -> None:
    try:
        loop.run_until_complete(kopfs)
    finally:
        loop.close()


def _registry(
    source: KubernetesSource, connection: Connection, loop: asyncio.AbstractEventLoop
) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()
    for kind, plural in PLURALS.items():
        _follow(registry, source, loop, kind, plural)

    @kopf.on.login(registry=registry)
    def login(**_: Any) -> kopf.ConnectionInfo:
        """As the other connection: it asks for a new token in time."""
        known = connection.configuration
        scheme, _space, token = connection.authorization.partition(" ")
        return kopf.ConnectionInfo(
            server=known.host,
            ca_path=known.ssl_ca_cert,
            insecure=not known.verify_ssl,
            certificate_path=known.cert_file,
            private_key_path=known.key_file,
            scheme=scheme or None,
            token=token or None,
            proxy_url=known.proxy,
        )

    return registry


def _follow(
    registry: kopf.OperatorRegistry,
    source: KubernetesSource,
    loop: asyncio.AbstractEventLoop,
    kind: Kind,
    plural: str,
) -> None:
    @kopf.on.event(GROUP, VERSION, plural, registry=registry)
    async def seen(event: Any, **_: Any) -> None:
        raw = event["object"]
        if event["type"] == "DELETED":
            loop.call_soon_threadsafe(source.drop, kind, raw["metadata"]["name"], raw["metadata"]["uid"])
            return
        loop.call_soon_threadsafe(source.put, kind, raw)
        if event["type"] is None:  # of a list: what went before it, no watch will tell
            loop.call_soon_threadsafe(source.doubt)


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.process.ultimate_exiting_timeout = None  # else it kills this process later
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.persistence.diffbase_storage = NoDifferences()
    settings.persistence.progress_storage = NoProgress()
    settings.scanning.disabled = True
    settings.queueing.idle_timeout = 0.05  # a task per object for as long as it is busy, and not for 5 s
    settings.networking.error_backoffs = _BACKOFFS_S
    settings.networking.connect_timeout = _CONNECT_S
    settings.networking.request_timeout = _ANSWER_S
    settings.watching.server_timeout = 240
    settings.watching.chunk_size = 500
    return settings
