"""The server's clock in the event loop's time.

A reply carries the server's time of some instant between send and receive, so receive - server is an upper bound of
the offset between the clocks. The smallest of the recent bounds is the truest: a reply delayed by a busy loop
must not shift starts, or two workers' starts could fall closer together than the limiter spaced them.
"""

from collections import deque

_SAMPLES = 64


class ServerClock:
    """Times on the loop's clock are seconds (float), on the server's microseconds (int)."""

    def __init__(self) -> None:
        self._bounds: deque[float] = deque(maxlen=_SAMPLES)
        self._now_us = 0
        self._now_s = 0.0

    def observe(self, sent_s: float, received_s: float, server_us: int) -> None:
        """Learns from one call and its reply."""
        self._bounds.append(received_s - server_us / 1e6)
        self._now_us = server_us
        # Never earlier than the call was sent: that also survives a jump of the server's clock.
        self._now_s = max(sent_s, min(self._bounds) + server_us / 1e6)

    def to_loop(self, server_us: int) -> float:
        """When the loop's clock will read what the server's reads at server_us."""
        return self._now_s + (server_us - self._now_us) / 1e6

    def to_server_ms(self, loop_s: float) -> float:
        return self._now_us / 1e3 + (loop_s - self._now_s) * 1e3
