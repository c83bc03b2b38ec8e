"""The arrivals at the example API: counted, compared with the rate, and kept as lines of JSON."""

import time
from collections.abc import Mapping
from typing import BinaryIO

import msgspec

from taskqueue.dev.example_api.limits import Limits, Refusal
from taskqueue.dev.example_api.sliding_window import SECOND_NS, SlidingWindow

# A line is about 120 bytes, so a full list is about 350 MB.
MAX_ARRIVALS = 2_000_000
MAX_TYPES = 10_000
_MAX_DIGITS = 18


def whole_number(text: str | None) -> int | None:
    """Return a whole number of at most _MAX_DIGITS digits; None for any other text."""
    return int(text) if text and len(text) <= _MAX_DIGITS and text.isascii() and text.isdigit() else None


class Arrivals:
    """Every request that arrived since the last `clear`.

    The first MAX_ARRIVALS are recorded, further ones are counted (`unrecorded`). Types after the first MAX_TYPES share
    the key "". A line is encoded when its request arrives, so that an answer with many lines stalls no other client.
    limits: the limits by name, in which only requests count that name one.
    """

    def __init__(self, rate: int, record: BinaryIO | None = None) -> None:
        self.rate = rate
        self.limits = Limits()
        self._record = record
        self._encode = msgspec.json.Encoder().encode
        self.clear()

    def clear(self) -> None:
        """Forget all arrivals; keep the rate, the limits by name and the record file."""
        self.limits.clear()
        self._all = SlidingWindow()
        self._types: dict[str, SlidingWindow] = {}
        self._lines: list[bytes] = []
        self._rejected = 0
        self._unrecorded = 0
        self._first_ns = 0
        self._last_ns = 0

    def add(self, at_ns: int, wall_ns: int, path: str, labels: Mapping[str, str]) -> Refusal | None:
        """Count a request that arrived at `at_ns` (monotonic) = `wall_ns` (epoch); return its refusal, if any.

        labels: the type, user, occurrence, attempt and limits of the request, each optional.
        """
        if not self._all.requests:
            self._first_ns = at_ns
        self._last_ns = at_ns
        allowed = self._all.add(at_ns) <= self.rate
        task_type = labels.get("type")
        if task_type is not None:
            self._window(task_type).add(at_ns)
        numbers = whole_number(labels.get("occurrence")), whole_number(labels.get("attempt"))
        line = self._encode((wall_ns // 1000, task_type, labels.get("user"), *numbers, path))
        if len(self._lines) < MAX_ARRIVALS:
            self._lines.append(line)
        else:
            self._unrecorded += 1
        if self._record:
            self._record.write(line + b"\n")
        refusal = None if allowed else Refusal()
        if names := labels.get("limits"):
            user = labels.get("user") or ""
            refusal = self.limits.add(at_ns, names, user, allowed=allowed) or refusal
        self._rejected += refusal is not None
        return refusal

    def _window(self, task_type: str) -> SlidingWindow:
        window = self._types.get(task_type)
        if window is None:
            window = self._types.setdefault(
                task_type if len(self._types) < MAX_TYPES else "", SlidingWindow()
            )
        return window

    def stats(self) -> bytes:
        """Return the counts as JSON. seconds: from the first arrival to now. span_s: from the first to the last."""
        since_ns = time.monotonic_ns() - self._first_ns if self._all.requests else 0
        return self._encode(
            {
                "rate": self.rate,
                "requests": self._all.requests,
                "rejected": self._rejected,
                "worst": self._all.worst,
                "per_key": {k: {"requests": w.requests, "worst": w.worst} for k, w in self._types.items()},
                "seconds": since_ns / SECOND_NS,
                "span_s": (self._last_ns - self._first_ns) / SECOND_NS,
                "recorded": len(self._lines),
                "unrecorded": self._unrecorded,
            }
        )

    def limits_stats(self, name: str | None = None) -> bytes | None:
        """Return the counts of every limit as JSON, or of the keys of one; None for an unknown name."""
        if name is None:
            return self._encode(self.limits.stats(time.monotonic_ns()))
        keys = self.limits.keys(name)
        return None if keys is None else self._encode(keys)

    def lines(self, start: int) -> bytes:
        """Return the recorded arrivals from number `start` on, each ended by a line feed."""
        return b"".join(line + b"\n" for line in self._lines[start:])
