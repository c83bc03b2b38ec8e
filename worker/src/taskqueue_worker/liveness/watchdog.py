"""A watchdog of the event loop, in a thread of its own, as a handler may block the loop.

main loop: beat, beat, (a handler blocks) ............................ beat
watchdog:  look, look, look: silent for 1 s -> log its stack, count its type, keep the leases ... -> goes on

While C code holds the interpreter itself, no thread runs: a timer of the system has the stacks written to standard
error (held_timer), and the watchdog logs the duration afterwards. Leases are not renewed meanwhile.
"""

import asyncio
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from taskqueue.text.printable import describe_error
from taskqueue_worker.liveness.held_timer import HeldTimer

log = structlog.get_logger("taskqueue.worker")

_BEAT_S = 0.25
#: A loop that is silent for so long counts as blocked.
BLOCKED_S = 1.0
#: Silence of the watchdog itself that scheduling does not explain.
_HELD_S = 1.0
#: How long after a block /readyz reports it.
_REMEMBERED_S = 10.0
#: The type of a block without a handler: a task or a callback was left behind, or the machine has no time.
NO_TYPE = "none"


@dataclass(frozen=True, slots=True)
class Block:
    """A silence of the loop.

    type: of the handler that runs, or `none`.   since_s: monotonic clock.
    """

    type: str
    since_s: float


class Watchdog:
    """The watchdog of the running loop.

    type_of: names the type whose handler runs in a task.   keep_leases: called again and again while the loop is
    blocked, in the watchdog's thread, as `type_of` is.   counts: blocks by type.
    """

    def __init__(
        self,
        type_of: Callable[[asyncio.Task[Any]], str | None],
        keep_leases: Callable[[], None],
        keep_each_s: float,
    ) -> None:
        self._type_of = type_of
        self._keep_leases = keep_leases
        self._keep_each_s = keep_each_s
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="taskqueue-watchdog", daemon=True)
        self._stopping = threading.Event()
        self._block: Block | None = None
        self._kept_s = 0.0
        self._timer = HeldTimer()
        self._last: tuple[str, float, float] | None = None
        self._beat_s = time.monotonic()
        self.counts: Counter[str] = Counter()

    async def beat(self) -> None:
        """Record the life of the loop, until cancelled. Starts the thread."""
        if not self._thread.is_alive():
            self._thread.start()
        while True:
            self._beat_s = time.monotonic()
            await asyncio.sleep(_BEAT_S)

    def stop(self) -> None:
        """End the thread; a thread that waits for the store is left."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_BEAT_S)
        self._timer.remove()

    def blocked(self) -> str | None:
        """Return a recent block as a sentence. During a block, probes time out."""
        if self._last is None:
            return None
        blocker, lasted_s, ended_s = self._last
        ago_s = time.monotonic() - ended_s
        if ago_s > _REMEMBERED_S:
            return None
        return f"a handler of type {blocker} blocked the event loop for {lasted_s:.0f} s, {ago_s:.0f} s ago"

    def _watch(self) -> None:
        looked_s = time.monotonic()
        while not self._stopping.wait(_BEAT_S):
            now_s = time.monotonic()
            try:
                self._timer.set()
                self._check(now_s, now_s - looked_s)
            except Exception as error:  # noqa: BLE001 - the watchdog goes on after every error
                log.error("watchdog failed", error=describe_error(error))  # noqa: TRY400
            looked_s = time.monotonic()

    def _check(self, now_s: float, own_silence_s: float) -> None:
        silent_s = now_s - self._beat_s
        if self._block is not None and self._block.since_s != self._beat_s:
            self._ended(self._block)
        if silent_s >= BLOCKED_S:
            self._blocked(silent_s, own_silence_s if own_silence_s > _HELD_S else 0.0)
        # Short leases must be kept before it is certain that the loop is blocked.
        if silent_s >= min(BLOCKED_S, self._keep_each_s) and now_s - self._kept_s >= self._keep_each_s:
            self._kept_s = now_s
            self._keep_leases()

    def _blocked(self, silent_s: float, held_s: float) -> None:
        if self._block is None:
            self._block = Block(self._running_type(), self._beat_s)
            self.counts[self._block.type] += 1
            log.error(
                "event loop blocked",
                type=self._block.type,
                silent_s=round(silent_s, 1),
                stack=stack_of(self._watched),
            )
        if held_s:
            log.error("interpreter held", type=self._block.type, held_s=round(held_s, 1))

    def _ended(self, block: Block) -> None:
        lasted_s = self._beat_s - block.since_s
        self._block = None
        self._last = (block.type, lasted_s, self._beat_s)
        log.warning("event loop goes on", type=block.type, blocked_s=round(lasted_s, 1))

    def _running_type(self) -> str:
        """Return the type whose handler has the loop."""
        task = asyncio.current_task(self._loop)
        return (self._type_of(task) if task is not None else None) or NO_TYPE


#: Innermost calls that a logged stack shows.
_CALLS = 15


def stack_of(thread: int) -> list[str]:
    """Return the calls of a thread, innermost last; empty if it has ended."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - the only access to another thread
    if frame is None:
        return []
    calls = list(traceback.walk_stack(frame))[:_CALLS]
    return [f"{at.f_code.co_filename}:{line} {at.f_code.co_name}" for at, line in reversed(calls)]
