"""users import, users remove: subscriptions by the million, too many for manifests."""

from pathlib import Path
from typing import Annotated

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail, say
from taskqueue.cli.interruption import report_when_stopped
from taskqueue.cli.progress_bar import progress_bar
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details
from taskqueue.cli.user_import import Tally, count_lines, read_batches, write_batch
from taskqueue.command_line.command import new_group
from taskqueue.models.values import UserSubscription
from taskqueue.sources.users_file import STDIN
from taskqueue.store.errors import StoreError
from taskqueue.store.lookup import find_stored_users
from taskqueue.store.types import read_catalog
from taskqueue.store.users import Source, set_users
from taskqueue.text.printable import printable_line

app = new_group()


@app.command("import")
@store_command
async def import_users(
    session: Session,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="File of users, .ndjson or .csv; - reads .ndjson from standard input."
        ),
    ],
    after_line: Annotated[
        int, typer.Option("--after-line", metavar="N", min=0, help="Resume after this line.")
    ] = 0,
) -> None:
    """Write users from a file; users that are stored already are skipped, so an import may be repeated.

    Rows at fault are listed and left out. Imported users belong to the import: manifests do not change them.
    """
    if file != STDIN and file.suffix.lower() not in {".ndjson", ".jsonl", ".csv"}:
        fail(f"FILE must end in .ndjson or .csv (was {file})", ExitCode.USAGE)
    if file != STDIN and not file.exists():
        fail(f"{file}: no such file", ExitCode.USAGE)
    if file != STDIN and not file.is_file():
        fail(f"FILE must be a regular file (was {file}): - reads from a pipe", ExitCode.USAGE)
    catalog = await read_catalog(session.store)
    tally = Tally(after_line)
    try:
        with (
            report_when_stopped(tally.resume_hint),
            progress_bar(printable_line(file.name, 40), count_lines(file)) as moved_to,
        ):
            for line, batch in read_batches(file, tally, catalog):
                await write_batch(session.store, batch, tally)
                tally.line = line
                moved_to(line)
    except StoreError:
        say(tally.resume_hint())
        raise
    show_details(
        session.output,
        {
            "written": tally.written,
            "unchanged": tally.unchanged,
            "faults": tally.faults,
            "notOffered": tally.not_offered,
            "lastLine": tally.line,
        },
    )
    if tally.faults:
        raise typer.Exit(int(ExitCode.FAULTS))


@app.command("remove")
@store_command
async def remove(
    session: Session,
    users: Annotated[
        list[str], typer.Argument(metavar="USER", help="Ids of users of imports and applications.")
    ],
) -> None:
    """Remove users with their subscriptions; users of manifests are removed from their files."""
    removed: dict[Source, list[str]] = {"import": [], "client": []}
    declared: list[str] = []
    unknown: list[str] = []
    for user, owner in zip(users, await find_stored_users(session.store, users), strict=True):
        group = unknown if owner is None else removed.get(owner.source, declared)
        group.append(user)
    for source, ids in removed.items():
        await set_users(session.store, source, [UserSubscription(user) for user in ids])
    gone = [user for ids in removed.values() for user in ids]
    show_details(session.output, {"removed": gone, "declaredByManifests": declared, "unknown": unknown})
    if declared:
        fail(
            f"{', '.join(declared)}: remove from their manifests, then `taskqueue apply PATH --prune`",
            ExitCode.REFUSED,
        )
    if unknown:
        fail(f"{', '.join(unknown)}: no such user; `taskqueue get users` lists them", ExitCode.NOT_FOUND)
