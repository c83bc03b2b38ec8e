"""taskqueue: recurring work for many users, spread evenly, under one exact global rate limit.

    manifest -> models -> plan -> store (Redis) -> claim -> handler -> settle -> metrics, status

Data flow in that direction; no part imports a later one (`lint-imports` checks). The parts, from the lowest:

    errors        the root of all errors
    text          printable text, redaction, logs
    models        manifests and their values
    bounded_http  HTTP/1.1 for ports that anyone may reach
    command_line  typer, and refusals that quote no password
    plan          instants of schedules, feasibility, lanes
    store         Redis: scripts, keys, records
    sources       manifests and users from files
    views         models of the state of a store, for people and programs
    process       the frame of a process: signals, health, settings
    handlers      user code and the parts around it
    scheduler     desired state into the store, due jobs into the queue
    client        users, jobs and pauses from an application
    testing       handlers in their tests
    cli           the command `taskqueue`
    dev           the whole system on one machine

The face for applications:

    Job, handler, on_shutdown              a handler and its job
    RetryLater, RateLimited, Discard       the outcomes that a handler asks for
    Client, SyncClient                     users, jobs and pauses from an application
    AdHocJob                               one of many jobs for the client's enqueue_many
    UserSubscription, Subscription         a user and their tasks, as the client takes and gives them
    UserLimit                              own values of a user at a limit
    UserState, UserChange, Resync          answers of the client
    TaskqueueError                         the root of all errors; below it: StoreFailure, UnknownTypeError,
                                           UnknownUserError, UserOwnedError, LockedParamsError, ValueRefusedError,
                                           PreconditionFailedError, TooManyRemovalsError, ClientClosedError

May import `client`, `handlers`, `models` and `store`, only when a name of the face is first used, so that commands
start quickly.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskqueue.client import Client, Resync, SyncClient
    from taskqueue.errors import TaskqueueError
    from taskqueue.handlers import Discard, Job, RateLimited, RetryLater, handler, on_shutdown
    from taskqueue.models.ad_hoc_job import AdHocJob
    from taskqueue.models.refusal import ValueRefusedError
    from taskqueue.models.values import Subscription, UserLimit, UserSubscription
    from taskqueue.store.errors import (
        ClientClosedError,
        LockedParamsError,
        PreconditionFailedError,
        StoreFailure,
        TooManyRemovalsError,
        UnknownTypeError,
        UnknownUserError,
        UserOwnedError,
    )
    from taskqueue.store.user_state import UserChange, UserState

__version__ = "0.1.0"
__all__ = [
    "AdHocJob",
    "Client",
    "ClientClosedError",
    "Discard",
    "Job",
    "LockedParamsError",
    "PreconditionFailedError",
    "RateLimited",
    "Resync",
    "RetryLater",
    "StoreFailure",
    "Subscription",
    "SyncClient",
    "TaskqueueError",
    "TooManyRemovalsError",
    "UnknownTypeError",
    "UnknownUserError",
    "UserChange",
    "UserLimit",
    "UserOwnedError",
    "UserState",
    "UserSubscription",
    "ValueRefusedError",
    "__version__",
    "handler",
    "on_shutdown",
]

if not TYPE_CHECKING:  # a misspelt name stays an error of mypy
    _HOMES = {
        "AdHocJob": "models.ad_hoc_job",
        "TaskqueueError": "errors",
        "ValueRefusedError": "models.refusal",
        **dict.fromkeys(("Client", "Resync", "SyncClient"), "client"),
        **dict.fromkeys(("Subscription", "UserLimit", "UserSubscription"), "models.values"),
        **dict.fromkeys(("UserChange", "UserState"), "store.user_state"),
        **dict.fromkeys(
            (
                *("ClientClosedError", "LockedParamsError", "PreconditionFailedError", "StoreFailure"),
                *("TooManyRemovalsError", "UnknownTypeError", "UnknownUserError", "UserOwnedError"),
            ),
            "store.errors",
        ),
    }

    def __getattr__(name: str) -> object:
        """Import a name of the face. Raises AttributeError for other names."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'handlers')}"), name)
