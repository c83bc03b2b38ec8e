"""Arrivals by limit and key: counted, measured against the limits of POST /-/limits, and refused above them."""

from dataclasses import dataclass
from typing import Any

from taskqueue.dev.example_api.limit_counts import Counts
from taskqueue.dev.example_api.rules import Rules
from taskqueue.dev.example_api.sliding_window import SECOND_NS

#: Further names share "".
MAX_NAMES = 1_000
_MAX_PATHS = 1_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request above a limit. limit: its name, "" for that of all requests. retry_after_s: in whole seconds."""

    limit: str = ""
    retry_after_s: int = 1


class Limits:
    """Every limit that a request named, or that a rule has."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.replace(rules or Rules([]))

    def replace(self, rules: Rules) -> None:
        """Have these limits from now on, and forget all counts."""
        self._rules = rules
        self._slack_ns = int(rules.slack_ms * 1e6)
        self._paths: dict[str, tuple[str, ...]] = {}
        self._counts = {rule.name: Counts(rule) for rule in rules.limits}

    def clear(self) -> None:
        """Forget all counts; keep the limits."""
        self.replace(self._rules)

    def add(self, at_ns: int, names: str, user: str, *, allowed: bool) -> Refusal | None:
        """Count a request that arrived at `at_ns` (monotonic) at all its limits. It is let in by all of them, or none.

        names: comma-separated. allowed: False if it was refused before; then it is only counted.
        """
        path = [(self._of(name), name) for name in self._path(names)]
        buckets = [counts.add(at_ns, user) for counts, _ in path]
        if not allowed:
            return None
        longest_ns, refusing = 0, None
        for (counts, name), bucket in zip(path, buckets, strict=True):
            wait_ns = bucket.wait_ns(at_ns, self._slack_ns) if bucket else 0
            counts.rejected += wait_ns > 0
            if wait_ns > longest_ns:
                longest_ns, refusing = wait_ns, name
        if refusing is not None:
            return Refusal(refusing, max(1, -(-longest_ns // SECOND_NS)))
        for bucket in buckets:
            if bucket:
                bucket.admit(at_ns)
        return None

    def stats(self, now_ns: int) -> dict[str, Any]:
        """Return a row for each limit."""
        rows = [counts.row(name, now_ns) for name, counts in self._counts.items()]
        return {"slack_ms": self._rules.slack_ms, "limits": rows}

    def keys(self, name: str) -> dict[str, Any] | None:
        """Return the measurements of each key of a limit; None for an unknown one."""
        counts = self._counts.get(name)
        if counts is None:
            return None
        return {key: bucket.figures() for key, bucket in counts.buckets.items()}

    def _path(self, names: str) -> tuple[str, ...]:
        path = self._paths.get(names)
        if path is None:
            path = self._rules.path_of(names)
            if len(self._paths) < _MAX_PATHS:
                self._paths[names] = path
        return path

    def _of(self, name: str) -> Counts:
        counts = self._counts.get(name)
        if counts is None:
            known = name if len(self._counts) < MAX_NAMES else ""
            counts = self._counts.setdefault(known, Counts(None))
        return counts
