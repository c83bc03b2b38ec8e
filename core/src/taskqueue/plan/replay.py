"""Replay after the store lost everything: the instant from which each type is emitted again. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from taskqueue.plan.due import due
from taskqueue.plan.segment import DueRange, Segment


@dataclass(frozen=True, slots=True)
class Replay:
    """A type of by_type goes on from its own instant (epoch ms), all others from after_ms.

    end_ms: where the cursor was before. Once the cursor is there again, the replay is over.
    """

    after_ms: int
    end_ms: int
    by_type: Mapping[str, int] = field(default_factory=dict)

    @property
    def start_ms(self) -> int:
        """Return the cursor to begin with."""
        return min(self.after_ms, *self.by_type.values()) if self.by_type else self.after_ms

    def reached_ms(self, task_type: str, cursor_ms: int) -> int:
        """Return the instant (epoch ms) up to which a type was emitted when the cursor is at `cursor_ms`.

        >>> Replay(50, 100, {"all": 10}).reached_ms("other", 20)
        50
        """
        return max(cursor_ms, self.by_type.get(task_type, self.after_ms))


def due_in_replay(
    replay: Replay, segments: Iterable[Segment], after_ms: int, until_ms: int, now_ms: int
) -> list[DueRange]:
    """Return the ranges of `due` without those emitted before the loss. Raises ScheduleError."""
    return [
        found
        for segment in segments
        for found in due([segment], replay.reached_ms(segment.type, after_ms), until_ms, now_ms)
    ]
