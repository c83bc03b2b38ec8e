"""What the operator counts beside the scheduler; the table for people is in docs/operator.md."""

from prometheus_client import Counter, Gauge

OBJECTS = Gauge("taskqueue_operator_objects", "Objects known.", ["kind"])
WATCH_AGE = Gauge(
    "taskqueue_operator_watch_age_seconds",
    "Since the watch of a kind last told anything, a bookmark too, or ended in due time.",
    ["kind"],
)
LEADER = Gauge("taskqueue_operator_leader", "1 while this replica publishes and writes status.")
STATUS_WRITES = Counter("taskqueue_operator_status_writes", "Writes of status by outcome.", ["outcome"])
STATUS_PENDING = Gauge(
    "taskqueue_operator_status_pending", "Objects whose status is still to be compared or written."
)
EVENTS = Counter(
    "taskqueue_operator_events",
    "Events about task types: sent, dropped because there were many, failed.",
    ["outcome"],
)
LIMIT = Gauge("taskqueue_operator_limit", "The global limit in force, starts per second; 0 if none is set.")
PAUSED = Gauge("taskqueue_operator_paused_types", "Task types that `taskqueue pause` holds.")
EXTERNAL_METRICS_READY = Gauge(
    "taskqueue_operator_external_metrics_ready",
    "1 while the external metrics API can be answered by this replica: certificate, trust and APIService are right.",
)
