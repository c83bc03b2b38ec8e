"""Pauses of types and users in words."""

from taskqueue.views.instant import iso


def pause_text(until_ms: int, resume: str) -> str:
    """Return until when something is paused, 0 for no end, and the command that ends it.

    >>> pause_text(0, "taskqueue resume sync")
    'paused until it is resumed: `taskqueue resume sync`'
    >>> pause_text(1_764_000_000_250, "taskqueue resume sync")
    'paused until 2025-11-24T16:00:00.250Z: `taskqueue resume sync`'
    """
    return f"paused until {iso(until_ms) if until_ms else 'it is resumed'}: `{resume}`"
