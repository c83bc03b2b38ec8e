"""The counters of a running stack at one moment: of the store, the workers and the example API."""

import asyncio
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from taskqueue.dev.limit_counts import LimitCount, read_limit_counts
from taskqueue.dev.stack import Stack
from taskqueue.store.audit import Audit, audit
from taskqueue.store.connection import Store

_TIMEOUT_S = 2.0
_LATENESS = "taskqueue_start_lateness_seconds_bucket"


class ApiStats(msgspec.Struct):
    """The counters of the example API.

    worst: most arrivals in any sliding second. seconds: since the first arrival. span_s: from the first to the last.
    """

    requests: int = 0
    rejected: int = 0
    worst: int = 0
    seconds: float = 0.0
    span_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The counters of all processes at about the same time; counters of workers are summed.

    lateness_s: starts by the upper bound of their lateness, cumulative. calls: claims. leased: jobs of these claims.
    slots: concurrency slots of all workers. limits: arrivals at each limit by name.
    """

    audit: Audit
    api: ApiStats
    lateness_s: Sequence[tuple[float, float]]
    calls: int
    leased: int
    slots: int
    limits: Sequence[LimitCount] = ()

    def claims_per_start(self) -> float | None:
        """Return the claims per started job; None without a start."""
        return self.calls / self.leased if self.leased else None


async def take_snapshot(stack: Stack, store: Store) -> Snapshot:
    """Read the counters of all processes. A worker that does not answer counts as zero."""
    workers = (f"http://127.0.0.1:{port}/metrics" for port in stack.worker_ports)
    urls = [f"{stack.api}/-/stats", f"{stack.api}/-/limits", *workers]
    stats, limits, *pages = await asyncio.gather(*(asyncio.to_thread(_read, url) for url in urls))
    totals: Counter[str] = Counter()
    lateness: Counter[float] = Counter()
    for name, labels, value in _samples(pages):
        if name == _LATENESS:
            lateness[float(labels["le"])] += int(value)
        totals[name] += int(value)
    return Snapshot(
        await audit(store),
        msgspec.json.decode(stats, type=ApiStats) if stats else ApiStats(),
        sorted(lateness.items()),
        totals["taskqueue_claims_total"],
        totals["taskqueue_leased_jobs_total"],
        totals["taskqueue_concurrency_slots"],
        read_limit_counts(limits),
    )


def quantile_ms(cumulative: Sequence[tuple[float, float]], share: float) -> float | None:
    """Return a quantile of a cumulative histogram in ms, linear within its bucket; None without a start."""
    total = cumulative[-1][1] if cumulative else 0
    if not total:
        return None
    below_s, below = 0.0, 0.0
    for bound_s, count in cumulative:
        if count >= share * total:
            if bound_s == float("inf"):
                return below_s * 1e3
            part = (share * total - below) / (count - below) if count > below else 1.0
            return (below_s + (bound_s - below_s) * part) * 1e3
        below_s, below = bound_s, count
    return below_s * 1e3


def _samples(pages: Iterable[bytes]) -> Iterable[tuple[str, dict[str, str], float]]:
    for page in pages:
        for family in text_string_to_metric_families(page.decode()):
            for sample in family.samples:
                yield sample.name, sample.labels, sample.value


def _read(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - loopback, our own
            return bytes(answer.read())
    except (urllib.error.URLError, OSError):
        return b""
