"""Prometheus metrics of a scheduler, and of the scheduler inside an operator."""

from prometheus_client import Counter, Gauge, Histogram

TICK_LAG = Gauge(
    "taskqueue_tick_lag_seconds", "Time from the cursor to the store's clock; negative: the cursor is ahead."
)
CURSOR_AGE = Gauge("taskqueue_cursor_age_seconds", "Time since this process last saw the cursor move.")
CURSOR_LOST = Gauge("taskqueue_cursor_lost", "1 while the store's cursor is lost and nothing can be emitted.")
CURSOR_SET_BACK = Counter(
    "taskqueue_cursor_set_back_seconds_total",
    "Time that the cursor was set back in a store that had lost everything; jobs due in that time may run twice.",
)
EMITTED_AGAIN = Counter(
    "taskqueue_emitted_again_total",
    "Jobs that this process emitted again into a store that had lost everything: lost jobs, and jobs that run twice.",
)
BACKLOG_FULL = Gauge(
    "taskqueue_backlog_full",
    "1 while types are behind the cursor because max_backlog jobs wait in their queue.",
)
EMITTED = Counter("taskqueue_emitted_total", "Jobs emitted by this process.")
TICKS = Counter("taskqueue_ticks_total", "Calls of tick by verdict.", ["verdict"])

SUSPENDED = Gauge(
    "taskqueue_suspended_subscriptions",
    "Subscriptions that the circuit breaker suspended, of types with suspendAfter.",
    ["type"],
)
SUSPENSIONS = Counter(
    "taskqueue_suspensions_total",
    "Suspensions by the circuit breaker that this process wrote down.",
    ["type"],
)

PUBLISH_SECONDS = Histogram(
    "taskqueue_publish_seconds",
    "Duration of a publish: of bringing the store to the state that the manifests declare.",
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
)
PUBLISH_LAG = Gauge(
    "taskqueue_publish_lag_seconds",
    "Age of the oldest change of the manifests that is not published.",
)
PUBLISHES = Counter("taskqueue_publishes_total", "Publishes by outcome: done, failed.", ["outcome"])
TYPES_WRITTEN = Counter("taskqueue_published_types_total", "Task types written, built or removed.")
USERS_WRITTEN = Counter(
    "taskqueue_published_users_total", "Users changed in the store by change: written, removed.", ["change"]
)
PENDING_REMOVALS = Gauge(
    "taskqueue_pending_removals", "Users whose removal waits for a second listing to confirm it."
)
SOURCE_FAULTS = Gauge(
    "taskqueue_source_faults", "Faults in the manifests; a manifest at fault is not applied."
)
SOURCE_TYPES = Gauge("taskqueue_source_types", "Task types in force in the manifests.")
SOURCE_USERS = Gauge("taskqueue_source_users", "Users in force in the manifests.")
