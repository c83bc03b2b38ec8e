"""The arrivals at each limit, as the example API counts them."""

import msgspec

from taskqueue.models.values import LimitKey

#: Time between a start and its arrival for which every limit leaves room.
SLACK_MS = 15.0
#: A limit that allows fewer starts in 30 s has no use to speak of.
_MIN_STARTS = 3
_RECENT_S = 30


class Worst(msgspec.Struct):
    """The key of a limit that came closest to its bucket, or the furthest above it.

    worst_burst: the most n - rate x t of any span t with n arrivals. burst: what the limit allows of it.
    early_ms: the time by which that span was too short.
    """

    key: str = ""
    worst_burst: float = 0.0
    burst: int = 1
    early_ms: float = 0.0


class LimitCount(msgspec.Struct):
    """The arrivals at one limit; per_second is None for a name that no manifest declares.

    keys: users that arrived, at a User limit. use: arrivals of at most 30 s against the rate; of a User limit: its
    busiest user's.
    """

    name: str
    key: LimitKey | None = None
    per_second: float | None = None
    requests: int = 0
    rejected: int = 0
    keys: int = 0
    use: float | None = None
    worst: Worst | None = None

    @property
    def is_exceeded(self) -> bool:
        """Tell whether requests came earlier than the limit allows, by more than the slack."""
        return self.worst is not None and self.worst.early_ms > SLACK_MS

    def meaningful_use(self) -> float | None:
        """Return `use`; None at a limit that is too slow for it."""
        return self.use if (self.per_second or 0) * _RECENT_S >= _MIN_STARTS else None


class _Answer(msgspec.Struct):
    limits: list[LimitCount]


def read_limit_counts(answer: bytes) -> list[LimitCount]:
    """Read the answer to GET /-/limits; empty if there was none."""
    return msgspec.json.decode(answer, type=_Answer).limits if answer else []
