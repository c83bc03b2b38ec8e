"""Values of the store that a process skipped: a line in the log, and a metric."""

import structlog
from prometheus_client import Counter

VALUES = Counter(
    "taskqueue_malformed_values_total",
    "Values in the store that cannot be read, by the key they are in; each is skipped, and `taskqueue audit` names it.",
    ["location"],
)

log = structlog.get_logger()


def tell(location: str, fate: str) -> None:
    """Log and count a location that is named for the first time."""
    VALUES.labels(_kind(location)).inc()
    log.warning("malformed value skipped", location=location, fate=fate)


def _kind(location: str) -> str:
    """Return the key without the names of users, types and workers: a label has few values.

    >>> [_kind(one) for one in ("types sync", "subscriptions:ada sync", "ready:normal x|y", "schedule:sync:1 ada")]
    ['types', 'subscriptions', 'ready', 'schedule']
    """
    return location.partition(" ")[0].partition(":")[0]
