"""Every command by name, in the order of the help.

A new command is a module and a line here; a command of a group is one function in the module of that group.
"""

from taskqueue.cli.lazy import Place

COMMANDS = {
    "validate": Place("taskqueue.cli.manifests", "validate", "List every fault of a folder of manifests."),
    "apply": Place(
        "taskqueue.cli.manifests", "apply", "Write task types and users of a folder into the store."
    ),
    "get": Place("taskqueue.cli.get", "app", "List types, users, jobs or workers."),
    "describe": Place("taskqueue.cli.describe", "app", "Show one type or one user in full."),
    "run": Place("taskqueue.cli.control", "run", "Start one job now, within the limits."),
    "pause": Place("taskqueue.cli.control", "pause", "Stop a type from starting scheduled jobs."),
    "resume": Place("taskqueue.cli.control", "resume", "End a pause."),
    "limit": Place("taskqueue.cli.limit", "app", "Show, override or open a limit."),
    "dead": Place("taskqueue.cli.dead", "app", "List, show, retry or purge dead jobs."),
    "users": Place("taskqueue.cli.users", "app", "Import or remove users by the million."),
    "plan": Place("taskqueue.cli.plan", "app", "Show the demand of a day, or check that it fits."),
    "audit": Place("taskqueue.cli.audit", "audit", "Account for every job; name values that cannot be read."),
    "cursor": Place("taskqueue.cli.cursor", "app", "Show the cursor, or restore one that was lost."),
    "scheduler": Place(
        "taskqueue.scheduler.service",
        "command",
        "Publish manifests and emit jobs when they are due.",
        is_process=True,
    ),
    "worker": Place("taskqueue_worker.main", "command", "Run jobs.", "worker", is_process=True),
    "dev": Place(
        "taskqueue.dev.main", "dev", "Run a folder of manifests on this machine.", "dev", is_process=True
    ),
    "example-api": Place(
        "taskqueue.dev.example_api.server",
        "example_api",
        "Serve an API that counts what reaches it, and allows a rate.",
        "dev",
        is_process=True,
    ),
}
