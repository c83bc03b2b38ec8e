"""Prometheus metrics of the operator, in addition to its scheduler's; docs/operator.md explains them."""

from prometheus_client import Counter, Gauge

OBJECTS = Gauge("taskqueue_operator_objects", "Objects known, by kind.", ["kind"])
WATCH_AGE = Gauge(
    "taskqueue_operator_watch_age_seconds",
    "Time since the watch of a kind last brought an event or a bookmark, or ended in due time.",
    ["kind"],
)
LEADER = Gauge("taskqueue_operator_leader", "1 while this replica publishes and writes status.")
STATUS_WRITES = Counter("taskqueue_operator_status_writes", "Writes of status by outcome.", ["outcome"])
STATUS_PENDING = Gauge(
    "taskqueue_operator_status_pending", "Objects whose status waits to be compared or written."
)
EVENTS = Counter(
    "taskqueue_operator_events",
    "Kubernetes events about task types and users by outcome: sent, dropped (too many), failed.",
    ["outcome"],
)
LIMIT = Gauge(
    "taskqueue_operator_limit",
    "The global limit in force, starts per second; 0 if no limit is set, +Inf if its rate is none.",
)
PAUSED = Gauge("taskqueue_operator_paused_types", "Task types paused by `taskqueue pause`.")
EXTERNAL_METRICS_READY = Gauge(
    "taskqueue_operator_external_metrics_ready",
    "1 while this replica can answer the external metrics API: certificate, trust and APIService are right.",
)
