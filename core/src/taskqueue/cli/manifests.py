"""apply and validate: from a folder of manifests to its faults, and into the store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import say
from taskqueue.cli.options import OutputOption, PathArgument
from taskqueue.cli.output import Output, show_facts, show_json, show_line
from taskqueue.cli.store_command import Session, store_command

if TYPE_CHECKING:
    from taskqueue.sources.loaded import Loaded


def validate(path: PathArgument, output: OutputOption = Output.TABLE) -> None:
    """List every fault of a folder of manifests, with what to write instead. Touches no store."""
    loaded = _load(path)
    _report(output, loaded, {})


@store_command
async def apply(
    session: Session,
    path: PathArgument,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Also remove what was applied before and is not in PATH any more."),
    ] = False,
) -> None:
    """Write the task types and users of a folder into the store; faults are listed, good files applied.

    Where `taskqueue scheduler` watches a folder, change the files of that folder instead. Where the operator publishes
    the objects of a Kubernetes namespace this is refused: edit those with kubectl.
    """
    from taskqueue.scheduler.publisher import Publisher  # noqa: PLC0415 - slow
    from taskqueue.store.fence import refuse_foreign  # noqa: PLC0415 - slow

    await refuse_foreign(session.store)  # also where there is nothing to write
    loaded = _load(path)
    if prune and loaded.faults:
        say("nothing is removed while a manifest is at fault: mend it, then apply with --prune again")
        prune = False
    done = await Publisher(session.store).publish(
        loaded.types, loaded.users, prune=prune, confirm_removals=True
    )
    for user in done.foreign:
        say(f"{user} was imported and stays so: `taskqueue users remove {user}` leaves it to the manifests")
    _report(
        session.output,
        loaded,
        {
            "typesWritten": done.types_written,
            "usersWritten": done.users_written,
            "usersRemoved": done.users_removed,
            "usersOwnedByImport": len(done.foreign),
        },
    )


def _load(path: Path) -> "Loaded":
    from taskqueue.sources.folder import load  # noqa: PLC0415 - slow

    return load(path)


def _report(output: Output, loaded: "Loaded", done: dict[str, Any]) -> None:
    """Print what was found and done. Ends the command with FAULTS where a manifest is at fault, or a task refused."""
    counts = {"files": len(loaded.files), "types": len(loaded.types), "users": len(loaded.users), **done}
    if output is Output.JSON:
        show_json(
            {
                **counts,
                "faults": [
                    {
                        "file": fault.file,
                        "document": fault.document,
                        "line": fault.line,
                        "field": fault.field,
                        "message": fault.message,
                    }
                    for fault in loaded.faults
                ],
                "overriding": [
                    {
                        "type": one.type,
                        "params": one.params,
                        "user": one.user_id,
                        "users": one.user_count,
                    }
                    for one in loaded.overriding
                ],
                "unresolved": [
                    {
                        "type": one.type,
                        "user": one.user_id,
                        "users": one.user_count,
                        "refusal": one.refusal or None,
                    }
                    for one in loaded.unresolved
                ],
                "advice": [{"type": name, "message": said} for name, said in loaded.advice().items()],
            }
        )
    else:
        for fault in loaded.faults:
            show_line(str(fault))
        for overriding in loaded.overriding:
            show_line(str(overriding))
        for one in loaded.unresolved:
            say(f"warning: {one}")
        for name, said in loaded.advice().items():
            say(f"warning: {name}: {said}")
        show_facts(output, {**counts, "faults": len(loaded.faults), "unresolved": len(loaded.unresolved)})
    if loaded.faults or loaded.overriding:
        raise typer.Exit(int(ExitCode.FAULTS))
