"""Stop signals that stay the worker's, although libraries of handlers install signal handlers of their own."""

import asyncio
import signal

import structlog

from taskqueue.process.stop_signals import STOP_SIGNALS, set_on

log = structlog.get_logger("taskqueue.worker")

_CHECK_S = 1.0


def end_on_signals(stopping: asyncio.Event) -> dict[signal.Signals, object]:
    """Let SIGTERM and SIGINT set an event. Returns the installed signal handlers."""
    set_on(stopping, asyncio.get_running_loop())
    return {number: signal.getsignal(number) for number in STOP_SIGNALS}


async def keep_signals(stopping: asyncio.Event, installed: dict[signal.Signals, object]) -> None:
    """Install signal handlers again that user code replaced, until the event is set."""
    while not stopping.is_set():
        await asyncio.sleep(_CHECK_S)
        replaced = [
            number.name for number in STOP_SIGNALS if signal.getsignal(number) is not installed[number]
        ]
        if replaced:
            log.warning("signal handlers replaced by user code, installed again", signals=replaced)
            installed = end_on_signals(stopping)
