"""The arrivals at one limit: all of them, those of the last seconds, and those of each key against its bucket."""

from dataclasses import dataclass, field
from typing import Any

from taskqueue.dev.example_api.bucket import Bucket
from taskqueue.dev.example_api.recent_seconds import RecentSeconds
from taskqueue.dev.example_api.rules import Rule
from taskqueue.dev.example_api.sliding_window import SlidingWindow
from taskqueue.models.values import LimitKey

#: Requests of further keys are counted without being measured.
MAX_KEYS = 100_000


@dataclass(slots=True)
class Counts:
    """The arrivals at one limit. rule: None for a name that POST /-/limits does not have; it is only counted."""

    rule: Rule | None
    requests: int = 0
    rejected: int = 0
    unmeasured: int = 0
    every: SlidingWindow = field(default_factory=SlidingWindow)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    recent: RecentSeconds = field(default_factory=RecentSeconds)

    def add(self, at_ns: int, user: str) -> Bucket | None:
        """Count an arrival; return the bucket of its key, None without one."""
        key = user if self.rule and self.rule.key is LimitKey.USER else ""
        self.requests += 1
        self.every.add(at_ns)
        self.recent.add(at_ns, key)
        bucket = self.buckets.get(key)
        if bucket is None:
            if self.rule is None or len(self.buckets) >= MAX_KEYS:
                self.unmeasured += 1
                return None
            values = self.rule.values_of(key)
            bucket = self.buckets[key] = Bucket(values.per_second, values.burst)
        bucket.count(at_ns)
        return bucket

    def row(self, name: str, now_ns: int) -> dict[str, Any]:
        """Return the figures of the limit, and of the key that came closest to its own bucket or above it.

        use: arrivals of the last whole seconds, at most 30, against the rate; of a User limit: its busiest user's.
        """
        rule = self.rule
        seconds, recent = self.recent.whole(now_ns)
        found: dict[str, Any] = {
            "name": name,
            "key": rule.key if rule else None,
            "per_second": rule.per_second if rule else None,
            "burst": rule.burst if rule else None,
            "within": rule.within if rule else None,
            "requests": self.requests,
            "rejected": self.rejected,
            "unmeasured": self.unmeasured,
            "keys": len(self.buckets),
            "worst_second": self.every.worst,
            "recent": sum(recent.values()),
            "recent_s": seconds,
            "use": None,
            "worst": None,
        }
        if rule and seconds:
            rates = (count / rule.values_of(key).per_second for key, count in recent.items())
            found["use"] = max(rates, default=0.0) / seconds
        if self.buckets:
            key, bucket = max(self.buckets.items(), key=lambda item: item[1].early_ns)
            found["worst"] = {"key": key, **bucket.figures()}
        return found
