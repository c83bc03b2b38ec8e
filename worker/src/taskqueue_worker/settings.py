"""The settings of `taskqueue worker`."""

from pydantic import Field

from taskqueue.process.settings import ProcessSettings


class WorkerSettings(ProcessSettings):
    """Runs jobs under the global limit. Start as many as the work needs; the limit is theirs together."""

    concurrency: int = Field(default=50, ge=1, le=10_000, description="Jobs run at the same time.")
    threads: int = Field(
        default=10, ge=1, le=1_000, description="Threads for handlers that are not async functions."
    )
    handlers: list[str] = Field(
        default_factory=list,
        description="Modules, or paths of .py files, that register handlers. Installed packages with entry "
        "points in the group taskqueue.handlers are loaded without being named.",
    )
    lease: float = Field(
        default=15,
        ge=1,
        le=3_600,
        description="Seconds after which the jobs of a vanished worker run again; renewed every third of it.",
    )
    grace: float = Field(
        default=25,
        ge=0,
        le=86_400,
        description="Seconds that running jobs get to end after SIGTERM; then they are returned.",
    )
    health_port: int = Field(
        default=8081,
        ge=0,
        le=65_535,
        description="The port of /livez, /readyz and /metrics; 0 takes a free one.",
    )
    live_within: float = Field(
        default=60,
        gt=15,
        le=86_400,
        description="/livez fails when a worker with a free slot ended no call of claim for this long, in seconds; "
        "calls that fail as the store is away make /readyz fail alone.",
    )
