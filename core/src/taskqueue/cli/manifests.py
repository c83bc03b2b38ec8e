"""validate, apply: the faults of a folder of manifests, and its types and users in the store."""

from typing import Annotated, Any

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import say
from taskqueue.cli.options import OutputOption, PathArgument, user_argument
from taskqueue.cli.output import Output, show_json, show_line
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details
from taskqueue.models.duration import format_ms
from taskqueue.scheduler.publisher import Publisher
from taskqueue.sources.declaration import stored_declarations
from taskqueue.sources.desired import Desired
from taskqueue.sources.folder import load
from taskqueue.store.fence import refuse_foreign
from taskqueue.store.types import read_catalog


def validate(path: PathArgument, output: OutputOption = Output.TABLE) -> None:
    """List every fault of a folder of manifests, each with its remedy. Opens no store."""
    desired = load(path)
    _report(output, desired, {})


@store_command
async def apply(
    session: Session,
    path: PathArgument,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Also remove types and users that were applied before and are no longer in PATH."
        ),
    ] = False,
) -> None:
    """Write the limits, task types and users of a folder into the store. Faults are listed; the rest is applied.

    What the folder does not declare stays in force: a type may name a limit of the store, and must fit it.

    Where `taskqueue scheduler` watches a folder, change the files of that folder instead. Where the operator publishes
    the objects of a Kubernetes namespace, `apply` is refused: edit those objects with kubectl.
    """
    await refuse_foreign(session.store)  # also where there is nothing to write
    catalog = await read_catalog(session.store)
    types = [] if prune else [record.task_type for record in catalog.records.values()]
    desired = load(path, stored_declarations(catalog.limits.values(), types))
    if prune and desired.faults:
        say("nothing is removed while a manifest is at fault: correct it, then apply with --prune again")
        prune = False
    done = await Publisher(session.store).publish(
        desired.types, desired.users, limits=desired.limits, prune=prune, confirm_removals=True
    )
    for user in done.of_other_sources:
        say(
            f"{user} has another source and stays so: `taskqueue users remove {user_argument(user)}` "
            "leaves it to the manifests"
        )
    _report(
        session.output,
        desired,
        {
            "limitsWritten": done.limits_written,
            "typesWritten": done.types_written,
            "usersWritten": done.users_written,
            "usersRemoved": done.users_removed,
            "usersOfOtherSources": len(done.of_other_sources),
        },
    )


def _report(output: Output, desired: Desired, done: dict[str, Any]) -> None:
    """Print faults, warnings and counts. Ends the command with FAULTS where a manifest or a task was refused."""
    counts = {
        "files": len(desired.files),
        "limits": len(desired.limits),
        "types": len(desired.types),
        "users": len(desired.users),
        **done,
    }
    if output is Output.JSON:
        show_json({**counts, **_findings(desired)})
    else:
        for one in (*desired.faults, *desired.overriding):
            show_line(str(one))
        for warning in (*desired.unresolved, *desired.unresolved_limits, *desired.not_offered):
            say(f"warning: {warning}")
        for name, said in desired.advice().items():
            say(f"warning: {name}: {said}")
        unresolved = len(desired.unresolved) + len(desired.unresolved_limits)
        warned = {"unresolved": unresolved, "notOffered": len(desired.not_offered)}
        show_details(output, {**counts, "faults": len(desired.faults), **warned})
    if desired.faults or desired.overriding:
        raise typer.Exit(int(ExitCode.FAULTS))


def _findings(desired: Desired) -> dict[str, Any]:
    """Return faults and warnings for programs."""
    return {
        "faults": [
            {
                "file": fault.file,
                "document": fault.document,
                "line": fault.line,
                "field": fault.field,
                "message": fault.message,
            }
            for fault in desired.faults
        ],
        "overriding": [
            {"type": one.type, "params": one.params, "user": one.user_id, "users": one.user_count}
            for one in desired.overriding
        ],
        "unresolved": [
            {
                "type": one.type,
                "user": one.user_id,
                "users": one.user_count,
                "refusal": one.refusal or None,
            }
            for one in desired.unresolved
        ],
        "unresolvedLimits": [
            {
                "limit": one.limit,
                "namedBy": one.named_by,
                "count": one.count,
                "refusal": one.refusal or None,
            }
            for one in desired.unresolved_limits
        ],
        "notOffered": [
            {
                "type": one.type,
                "interval": format_ms(one.interval_s * 1000),
                "user": one.user_id,
                "users": one.user_count,
                "reason": one.reason,
            }
            for one in desired.not_offered
        ],
        "advice": [{"type": name, "message": said} for name, said in desired.advice().items()],
    }
