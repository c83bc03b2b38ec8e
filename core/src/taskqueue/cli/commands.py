"""Every command by name, in the order of the help.

A new command is a module and a line here; a command of a group is one function in the module of that group.
"""

from taskqueue.cli.lazy import CommandLocation

COMMANDS = {
    "validate": CommandLocation(
        "taskqueue.cli.manifests", "validate", "List every fault of a folder of manifests."
    ),
    "apply": CommandLocation(
        "taskqueue.cli.manifests", "apply", "Write task types and users of a folder into the store."
    ),
    "get": CommandLocation("taskqueue.cli.get", "app", "List types, users, jobs or workers."),
    "describe": CommandLocation("taskqueue.cli.describe", "app", "Show one type or one user in full."),
    "history": CommandLocation(
        "taskqueue.cli.history", "app", "Show what ran of a type, or was planned for a user."
    ),
    "run": CommandLocation("taskqueue.cli.control", "run", "Start one job now, within the limits."),
    "pause": CommandLocation(
        "taskqueue.cli.control", "pause", "Stop a type or a user from starting scheduled jobs."
    ),
    "resume": CommandLocation("taskqueue.cli.control", "resume", "End a pause."),
    "cancel": CommandLocation("taskqueue.cli.cancel", "cancel", "End jobs that wait or run."),
    "limit": CommandLocation("taskqueue.cli.limit", "app", "Show, override or open a limit."),
    "dead": CommandLocation("taskqueue.cli.dead", "app", "List, show, retry or purge dead jobs."),
    "users": CommandLocation("taskqueue.cli.users", "app", "Import or remove users by the million."),
    "plan": CommandLocation("taskqueue.cli.plan", "app", "Show the demand of a day, or check that it fits."),
    "audit": CommandLocation(
        "taskqueue.cli.audit", "audit", "Account for every job; name values that cannot be read."
    ),
    "cursor": CommandLocation(
        "taskqueue.cli.cursor", "app", "Show the cursor, or restore one that was lost."
    ),
    "scheduler": CommandLocation(
        "taskqueue.scheduler.service",
        "command",
        "Publish manifests and emit jobs when they are due.",
        is_process=True,
    ),
    "worker": CommandLocation("taskqueue_worker.main", "command", "Run jobs.", "worker", is_process=True),
    "api": CommandLocation(
        "taskqueue_api.main", "command", "Serve the HTTP API and the web console.", "api", is_process=True
    ),
    "dev": CommandLocation(
        "taskqueue.dev.main", "dev", "Run a folder of manifests on this machine.", "dev", is_process=True
    ),
    "example-api": CommandLocation(
        "taskqueue.dev.example_api.server",
        "example_api",
        "Serve an API that counts what reaches it, and allows a rate.",
        "dev",
        is_process=True,
    ),
}
