"""Follows both kinds, and sees to it that the watches are alive.

A watch that tells nothing for too long is not believed: everything is listed at once, and again for as long as that
lasts; then the watch is started anew; and if that does not help, though the API server can be listed, /livez fails.
"""

import asyncio
import time

import structlog

from taskqueue_operator.api import GROUP, PLURALS, VERSION
from taskqueue_operator.connection import Connection, describe_error
from taskqueue_operator.items import decode
from taskqueue_operator.kopf_watch import Pulse, Target, Watch, start
from taskqueue_operator.source import KubernetesSource

log = structlog.get_logger("taskqueue.operator")

#: In periods, the time that a request for a watch lasts.
_LIST_AFTER, _RESTART_AFTER, _DEAD_AFTER = 1.5, 3.0, 6.0
_LOOKS_PER_PERIOD = 8
_KINDS = {plural: kind for kind, plural in PLURALS.items()}


class SilentWatchError(Exception):
    """A watch told nothing for too long."""


class Watcher:
    """Owned by the loop of the source. period_s: how long a request for a watch lasts."""

    def __init__(
        self, source: KubernetesSource, connection: Connection, namespace: str, period_s: float
    ) -> None:
        self._source = source
        self._target = Target(connection, GROUP, VERSION, namespace)
        self._period_s = period_s
        self.pulse = Pulse(_KINDS)

    async def run(self) -> None:
        """Follow both kinds until cancelled."""
        while True:
            await self._source.listed.wait()
            watch = start(self._target, self.pulse, self._on_event, self._on_list, self._period_s)
            try:
                await self._mind(watch)
            except Exception as error:  # noqa: BLE001  (kopf lets through whatever its watches meet)
                log.warning("watch failed, restarting", error=describe_error(error))
            finally:
                await watch.stop()
            self._source.listed.clear()
            self._source.doubt()

    def stuck(self) -> str | None:
        """Say which watch is dead, though the API server can be listed; for /livez."""
        listed_s = self._source.listed_for_s()
        for plural, kind in _KINDS.items():
            silent_s = self.pulse.silent_s(plural)
            if min(silent_s, listed_s) > _DEAD_AFTER * self._period_s:
                return f"the watch of {kind} has told nothing for {silent_s:.0f} s, though lists go well"
        return None

    async def _mind(self, watch: Watch) -> None:
        """Wait for its end. Raises SilentWatchError, and what kopf ends by."""
        ending = asyncio.ensure_future(watch.end())
        started_s = listed_s = time.monotonic()
        try:
            while not ending.done():
                await asyncio.wait([ending], timeout=self._period_s / _LOOKS_PER_PERIOD)
                now_s = time.monotonic()
                silent_s = max(map(self.pulse.age_s, _KINDS))
                if silent_s > _LIST_AFTER * self._period_s < now_s - listed_s:
                    log.warning("watch silent, listing again", silent_s=round(silent_s, 1))
                    listed_s = now_s
                    self._source.request_relist()
                if min(silent_s, now_s - started_s) > _RESTART_AFTER * self._period_s:
                    raise SilentWatchError(f"nothing told for {silent_s:.0f} s")
            ending.result()
        finally:
            ending.cancel()

    def _on_event(self, plural: str, event: str, text: str) -> None:
        raw = decode(text.encode())
        if event == "DELETED":
            self._source.drop(_KINDS[plural], raw["metadata"]["name"], raw["metadata"]["uid"])
        else:
            self._source.put(_KINDS[plural], raw)

    def _on_list(self, _plural: str) -> None:
        self._source.doubt()  # what went before it, no watch will tell
