"""The end of what jobs shared: functions that handlers registered with `@on_shutdown`."""

import asyncio
from collections.abc import Sequence

import structlog

from taskqueue.handlers.registry import Closing

log = structlog.get_logger("taskqueue.worker")

#: All of them together: the process was asked to end, and its grace period was for jobs.
_LIMIT_S = 1.0


async def close_shared(closings: Sequence[Closing]) -> None:
    """Await each, the last registered first. One that fails or takes too long is logged and holds up nothing."""
    try:
        async with asyncio.timeout(_LIMIT_S):
            for closing in reversed(closings):
                try:
                    await closing()
                except Exception as error:  # noqa: BLE001 - whatever user code raises
                    log.warning(
                        "shutdown of handlers failed", function=_name(closing), problem=type(error).__name__
                    )
    except TimeoutError:
        log.warning("shutdown of handlers took too long and was left", limit_s=_LIMIT_S)


def _name(closing: Closing) -> str:
    return f"{closing.__module__}.{closing.__qualname__}"
