"""The settings of `taskqueue scheduler`."""

import math
from pathlib import Path
from typing import Any

from pydantic import Field, ValidatorFunctionWrapHandler, field_validator

from taskqueue.models.quantity import MAX_PER_SECOND, MIN_PER_SECOND, NO_LIMIT
from taskqueue.process.settings import ProcessSettings


class TickingSettings(ProcessSettings):
    """Settings of every process that emits jobs: scheduler and operator."""

    rate: float | None = Field(
        default=None,
        ge=MIN_PER_SECOND,
        le=MAX_PER_SECOND,
        description="Global limit, starts per second of all workers together, or `none`: only limits by name hold. "
        "Without it, the stored limit stays. Nothing starts until a limit is set.",
    )
    tick_period: float = Field(
        default=0.25,
        ge=0.01,
        le=1,
        description="Interval between two ticks, which emit due jobs, in seconds.",
    )
    look_ahead: float = Field(
        default=1.0, ge=0, le=1, description="Time by which jobs are emitted before they are due, in seconds."
    )
    max_backlog: int = Field(
        default=100_000,
        ge=1,
        le=1_000_000_000,
        description="Maximum number of jobs that wait for one limit. Beyond it the types of that limit emit "
        "nothing, and catch up once there is room; other types go on.",
    )
    live_within: float = Field(
        default=30,
        gt=0,
        le=86_400,
        description="/livez fails when the loop that ticks, or the one that publishes, made no step for this "
        "time, in seconds.",
    )

    @field_validator("rate", mode="wrap")
    @classmethod
    def _read_rate(cls, value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        return math.inf if value == NO_LIMIT else read(value)


class SchedulerSettings(TickingSettings):
    """Publish task types and users from a folder of manifests, and emit jobs when they are due, until a signal."""

    manifests: Path | None = Field(
        default=None,
        description="Manifest file, or folder of manifest files, to publish and to watch; without it, the "
        "stored types and users are scheduled.",
    )
    manifests_poll: float = Field(
        default=0.5,
        ge=0.01,
        le=60,
        description="Interval between two looks for changed manifests, in seconds.",
    )
