"""The settings of `taskqueue worker`."""

from pydantic import Field

from taskqueue.process.settings import ProcessSettings


class WorkerSettings(ProcessSettings):
    """Run jobs under the global limit, which all workers of a release share, until a signal."""

    concurrency: int = Field(
        default=50,
        ge=1,
        le=10_000,
        description="Number of concurrency slots: jobs that run at the same time.",
    )
    threads: int = Field(
        default=10, ge=1, le=1_000, description="Number of threads for handlers that are not async functions."
    )
    handlers: list[str] = Field(
        default_factory=list,
        description="Modules or .py files that register handlers; may be repeated. Packages with entry points in the "
        "group taskqueue.handlers are always loaded.",
    )
    lease: float = Field(
        default=15,
        ge=1,
        le=3_600,
        description="Seconds after which the jobs of a vanished worker run again; renewed every third of that time.",
    )
    grace: float = Field(
        default=25,
        ge=0,
        le=86_400,
        description="Seconds that running jobs get to end after SIGTERM; then they are returned to the store.",
    )
    health_port: int = Field(
        default=8081,
        ge=0,
        le=65_535,
        description="Port of /livez, /readyz and /metrics; 0 takes a free one.",
    )
    history: bool = Field(
        default=True,
        description="Whether the worker counts starts, their lateness and outcomes of each type by the minute, for "
        "`taskqueue history`: at most 30 MB of the store for 300 types.",
    )
    live_within: float = Field(
        default=60,
        gt=15,
        le=86_400,
        description="Seconds without a finished claim, in a worker with a free slot, after which /livez fails. Claims "
        "that fail because the store is away fail /readyz alone.",
    )
