"""The settings of `taskqueue scheduler`."""

from pathlib import Path

from pydantic import Field

from taskqueue.models.quantity import MAX_PER_SECOND, MIN_PER_SECOND
from taskqueue.process.settings import ProcessSettings


class TickingSettings(ProcessSettings):
    """What every process that emits jobs is told."""

    rate: float | None = Field(
        default=None,
        ge=MIN_PER_SECOND,
        le=MAX_PER_SECOND,
        description="The global limit R, starts per second over all workers; without it, what the store has "
        "stays. Where none was ever set, nothing starts.",
    )
    tick_period: float = Field(
        default=0.25, ge=0.01, le=1, description="Emit what became due this often, in seconds."
    )
    look_ahead: float = Field(
        default=1.0, ge=0, le=1, description="Emit jobs this long before they are due, in seconds."
    )
    max_backlog: int = Field(
        default=100_000,
        ge=1,
        le=1_000_000_000,
        description="Emit nothing while this many jobs wait: time stands still for them.",
    )
    live_within: float = Field(
        default=30,
        gt=0,
        le=86_400,
        description="/livez fails when the loop that ticks, or the one that publishes, made no step for this "
        "long, in seconds.",
    )


class SchedulerSettings(TickingSettings):
    """Publishes task types and users from a folder of manifests, and emits jobs when they are due."""

    manifests: Path | None = Field(
        default=None,
        description="A manifest file, or a folder of them, to publish and to watch; without it, the store's "
        "types and users are scheduled as they are.",
    )
    manifests_poll: float = Field(
        default=0.5, ge=0.01, le=60, description="Look for changed manifests this often, in seconds."
    )
