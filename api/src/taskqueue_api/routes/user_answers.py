"""Answers about one user."""

from typing import Literal

from pydantic import Field

from taskqueue.models.duration import format_ms
from taskqueue.store.user_state import UserChange, UserState
from taskqueue.store.users import Source
from taskqueue.views.view import View
from taskqueue_api.request.params import WithParams, params_fields
from taskqueue_api.settings import ApiSettings


class TaskAnswer(WithParams):
    """A subscription as its source declares it."""

    type: str
    suspend: bool
    interval: str | None = Field(description="Chosen interval; null for the type's own.")


class UserLimitAnswer(View):
    """The user's own values at a limit."""

    name: str
    per_second: float
    burst: int


class UserAnswer(View):
    """A user as their source declares them."""

    user: str
    source: Source = Field(description="Users of another source than `client` cannot be written here.")
    time_zone: str
    tasks: list[TaskAnswer]
    limits: list[UserLimitAnswer]


class UserWritten(View):
    """The effect of a write."""

    user: str
    effect: Literal["created", "changed", "unchanged"]


def user_answer(state: UserState, settings: ApiSettings) -> UserAnswer:
    """Return the answer about a user."""
    user = state.user
    return UserAnswer(
        user=user.user_id,
        source=state.source,
        time_zone=user.time_zone,
        tasks=[
            TaskAnswer(
                type=task.type,
                suspend=task.suspend,
                interval=None if task.interval_s is None else format_ms(task.interval_s * 1000),
                **params_fields(settings, task.params),
            )
            for task in user.tasks
        ],
        limits=[
            UserLimitAnswer(name=one.name, per_second=one.per_second, burst=one.burst) for one in user.limits
        ],
    )


def user_written(change: UserChange) -> UserWritten:
    """Return the answer about a write."""
    return UserWritten(user=change.state.user.user_id, effect=change.effect)
