"""The handlers of the stop signals, installed again when a library that user code imports replaces them."""

import asyncio
import signal

import structlog

from taskqueue.process.stop_signals import STOP_SIGNALS, set_on

log = structlog.get_logger("taskqueue.process")


class InstalledSignals:
    """SIGTERM and SIGINT, each of which sets an event of the running loop."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._install()

    def check(self) -> None:
        """Install the handlers again that are no longer in force, and log their names."""
        replaced = [
            number.name for number in STOP_SIGNALS if signal.getsignal(number) is not self._installed[number]
        ]
        if replaced:
            log.warning("signal handlers replaced by user code, installed again", signals=replaced)
            self._install()

    def _install(self) -> None:
        set_on(self._stopping, asyncio.get_running_loop())
        self._installed = {number: signal.getsignal(number) for number in STOP_SIGNALS}
