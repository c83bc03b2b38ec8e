"""The age of the oldest change of the manifests that is not published yet."""

import time
from collections.abc import Callable


class PublishLag:
    """The lag of the loop that publishes, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting_s: float | None = None
        self._under_way_s: float | None = None

    def change(self) -> None:
        """Record that a change waits to be published."""
        if self._waiting_s is None:
            self._waiting_s = self._clock()

    def begin(self) -> None:
        """Record that all changes so far are being published; later changes wait for the next publish."""
        if self._under_way_s is None:  # else the last publish failed
            self._under_way_s = self._waiting_s
        self._waiting_s = None

    def done(self) -> None:
        """Record that the publish under way succeeded."""
        self._under_way_s = None

    def seconds(self) -> float:
        """Return the age of the oldest change; 0 without one."""
        oldest_s = self._waiting_s if self._under_way_s is None else self._under_way_s
        return 0.0 if oldest_s is None else self._clock() - oldest_s
