"""The time that one call emits jobs for: halved when it has too many jobs, lengthened while it has few."""

from taskqueue.store.tick import Tick, TickVerdict

#: Longest time of one call.
MAX_MS = 86_400_000
#: A call is to have this part of the jobs that it may have: with more, the next one would often have too many.
_PART = 0.85


class Step:
    """ms: time of the next call."""

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def adapt(self, answer: Tick, span_ms: int, most: int) -> None:
        """Take the answer to a call for span_ms, whose jobs were bounded by `most`."""
        if answer.verdict is TickVerdict.BIG:
            self.ms = max(1, span_ms // 2)
        elif answer.verdict is TickVerdict.OK and span_ms == self.ms:
            fitting = _PART * most / max(answer.emitted, 1)
            if fitting > 1:
                self.ms = min(int(self.ms * min(fitting, 2)), MAX_MS)
