"""The last complaint of each process, read from its log."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from taskqueue.models.nesting import cut

_TAIL_BYTES = 262_144
_LEVELS = frozenset({"warning", "error", "critical"})
#: Fields that hold the reason of an event.
_REASONS = ("error", "problem", "reason")
#: Logged for each failed attempt; a dead job or a store that refuses tells more.
_FAILED = "job failed"


def complaints(logs: Iterable[Path]) -> list[str]:
    """Return the last complaint of each log that has one: the name of the process, the event, and why."""
    return [f"{log.stem}: {said}" for log in logs if (said := _last_complaint(log))]


def _last_complaint(log: Path) -> str | None:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        events = [event for line in file if (event := _event(line))]
    events.reverse()
    severe = (event for event in events if event.get("level") in _LEVELS)
    failed = (event for event in events if event.get("event") == _FAILED)
    event = next(severe, None) or next(failed, None)
    return _sentence(event) if event else None


def _event(line: bytes) -> Mapping[str, Any] | None:
    try:
        event = msgspec.json.decode(cut(line))
    except msgspec.DecodeError:  # printed by a handler, or cut in two
        return None
    return event if isinstance(event, dict) else None


def _sentence(event: Mapping[str, Any]) -> str:
    why = next((event[name] for name in _REASONS if event.get(name)), "")
    return f"{event.get('event')} ({why})" if why else str(event.get("event"))
