"""The watches of all kinds, and the check that they are alive.

After too long a silence everything is listed at once, and again while the silence lasts. Then the watch is restarted.
If a restart does not help although lists succeed, /livez fails.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Protocol

import structlog

from taskqueue_operator.api import GROUP, PLURALS, VERSION
from taskqueue_operator.connection import Connection, describe_error
from taskqueue_operator.items import decode
from taskqueue_operator.kopf_watch import Pulse, Target, start
from taskqueue_operator.objects import Kind

log = structlog.get_logger("taskqueue.operator")

#: In periods; a period is the duration of one watch request.
_LIST_AFTER, _RESTART_AFTER, _DEAD_AFTER = 1.5, 3.0, 6.0
_CHECKS_PER_PERIOD = 8
_KINDS = {plural: kind for kind, plural in PLURALS.items()}


class SilentWatchError(Exception):
    """A watch had no event for too long."""


class RunningWatch(Protocol):
    """A watch that `kopf_watch` started."""

    async def end(self) -> None:
        """Return when the watch ended by itself. Raises its error."""

    async def stop(self) -> None:
        """End the watch."""


class WatchedSource(Protocol):
    """The receiver of events. listed: set after a complete list; cleared when a watch breaks off."""

    @property
    def listed(self) -> asyncio.Event: ...

    def put(self, kind: Kind, raw: Mapping[str, Any]) -> None:
        """Take an object that was added or modified."""

    def drop(self, kind: Kind, name: str, uid: str) -> None:
        """Remove an object that was deleted."""

    def request_relist(self, *, at_once: bool = False) -> None:
        """Have everything listed again."""

    def listed_for_s(self) -> float:
        """Return for how long lists have succeeded; 0 if the last list failed."""


class Watcher:
    """Watches all kinds in the loop of the source. period_s: the duration of one watch request."""

    def __init__(
        self, source: WatchedSource, connection: Connection, namespace: str, period_s: float
    ) -> None:
        self._source = source
        self._target = Target(connection, GROUP, VERSION, namespace)
        self._period_s = period_s
        self.pulse = Pulse(_KINDS)

    async def run(self) -> None:
        """Watch all kinds until cancelled."""
        while True:
            await self._source.listed.wait()
            watch = start(self._target, self.pulse, self._on_event, self._on_list, self._period_s)
            try:
                await self._supervise(watch)
            except Exception as error:  # noqa: BLE001  (kopf passes on every error of its watches)
                log.warning("watch failed, restarting", error=describe_error(error))
            finally:
                await watch.stop()
            self._source.listed.clear()
            self._source.request_relist()

    def stuck(self) -> str | None:
        """Return why /livez fails: a watch is silent although lists succeed. None if all watches are alive."""
        listed_s = self._source.listed_for_s()
        for plural, kind in _KINDS.items():
            silent_s = self.pulse.silent_s(plural)
            if min(silent_s, listed_s) > _DEAD_AFTER * self._period_s:
                return f"the watch of {kind} had no event for {silent_s:.0f} s, although lists succeed"
        return None

    async def _supervise(self, watch: RunningWatch) -> None:
        """Wait until a watch ends. Raises SilentWatchError, and any error of kopf."""
        ending = asyncio.ensure_future(watch.end())
        started_s = listed_s = time.monotonic()
        try:
            while not ending.done():
                await asyncio.wait([ending], timeout=self._period_s / _CHECKS_PER_PERIOD)
                now_s = time.monotonic()
                silent_s = max(map(self.pulse.age_s, _KINDS))
                if silent_s > _LIST_AFTER * self._period_s < now_s - listed_s:
                    log.warning("watch silent, listing again", silent_s=round(silent_s, 1))
                    listed_s = now_s
                    self._source.request_relist(at_once=True)
                if min(silent_s, now_s - started_s) > _RESTART_AFTER * self._period_s:
                    raise SilentWatchError(f"no event for {silent_s:.0f} s")
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
        self._source.request_relist()  # the watch has no events of earlier changes
