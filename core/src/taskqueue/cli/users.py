"""users import, users remove: subscriptions by the million, too many for manifests."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail, say
from taskqueue.cli.interruption import report_when_stopped
from taskqueue.cli.output import show_line
from taskqueue.cli.progress_bar import progress_bar
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details
from taskqueue.command_line.command import new_group
from taskqueue.models.fault import Fault
from taskqueue.models.limit_tree import user_conflicts
from taskqueue.models.locked_params import Locks, refuse_locked
from taskqueue.models.offered_intervals import find_not_offered, own_interval_reason
from taskqueue.models.values import Limit, UserSubscription
from taskqueue.sources.users_file import STDIN, read_users
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreError
from taskqueue.store.lookup import find_changed_users, find_stored_users
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.store.users import Source, set_users
from taskqueue.text.printable import printable_line

#: Users compared and written in one round trip.
BATCH = 500
#: Maximum number of faults printed; further ones are counted.
MAX_FAULTS = 100

app = new_group()


@dataclass(slots=True)
class Tally:
    """The progress of an import. line: every row up to this line is in the store. faults: rows left out.

    not_offered: tasks that run at another interval than their rows name.
    """

    line: int
    written: int = 0
    unchanged: int = 0
    faults: int = 0
    not_offered: int = 0

    def resume_hint(self) -> str:
        """Return the sentence that names the line to resume after."""
        return f"stopped: resume with --after-line {self.line}, or repeat the command"


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
            progress_bar(printable_line(file.name, 40), _count_lines(file)) as moved_to,
        ):
            for line, batch in _batches(file, tally, catalog):
                await _write(session.store, batch, tally)
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


def _batches(file: Path, tally: Tally, catalog: Catalog) -> Iterator[tuple[int, list[UserSubscription]]]:
    """Yield users in batches, each with its last line; print and count rows at fault."""
    types = {name: record.task_type for name, record in catalog.records.items()}
    locks = Locks.of(types.values())
    batch: list[UserSubscription] = []
    line = faulty_line = tally.line
    try:
        for line, row in read_users(file, tally.line):
            if isinstance(row, Fault):
                if line != faulty_line:
                    tally.faults += 1
                    faulty_line = line
                _say_fault(row, tally.faults)
                continue
            fault = _override_fault(row, str(file), line, locks) or _limit_fault(
                row, str(file), line, catalog.limits
            )
            if fault:
                tally.faults += 1
                _say_fault(fault, tally.faults)
                continue
            for name, interval_s in find_not_offered(row, types).items():
                tally.not_offered += 1
                warning = Fault(str(file), line, line, "tasks", own_interval_reason(types[name], interval_s))
                _say_finding(f"warning: {warning}", tally.not_offered, "intervals not offered")
            batch.append(row)
            if len(batch) == BATCH:
                yield line, batch
                batch = []
    except OSError as error:
        fail(f"FILE must be readable (was {file}: {error.strerror})", ExitCode.USAGE)
    if line > tally.line:
        yield line, batch


def _override_fault(user: UserSubscription, file: str, line: int, locks: Locks) -> Fault | None:
    """Return the fault of a row whose params override locked params."""
    sentences = "; ".join(str(refuse_locked(name, params)) for name, params in locks.refused(user).items())
    return Fault(file, line, line, "params", sentences) if sentences else None


def _limit_fault(user: UserSubscription, file: str, line: int, limits: Mapping[str, Limit]) -> Fault | None:
    """Return the fault of a row with values for limits that all users share."""
    sentences = "; ".join(conflict.refusal.message for conflict in user_conflicts(user, limits))
    return Fault(file, line, line, "limits", sentences) if sentences else None


def _say_fault(fault: object, number: int) -> None:
    """Print one of the first MAX_FAULTS faults."""
    _say_finding(str(fault), number, "rows at fault")


def _say_finding(line: str, number: int, kind: str) -> None:
    """Print one of the first MAX_FAULTS findings of a kind."""
    if number <= MAX_FAULTS:
        show_line(line, err=True)
    elif number == MAX_FAULTS + 1:
        say(f"further {kind} are counted, and not listed")


async def _write(store: Store, users: list[UserSubscription], tally: Tally) -> None:
    """Write the changed users of a batch, and count them."""
    changed = [user for user, _ in await find_changed_users(store, "import", users)]
    refused = await set_users(store, "import", changed) if changed else []
    for user in refused:
        tally.faults += 1
        _say_fault(f"{user}: an application writes this user: remove it there first", tally.faults)
    tally.written += len(changed) - len(refused)
    tally.unchanged += len(users) - len(changed)


def _count_lines(file: Path) -> int | None:
    """Return the number of lines, for a bar on a terminal; None for standard input."""
    if file == STDIN or not sys.stderr.isatty():
        return None
    with file.open("rb") as data:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: data.read(1 << 20), b""))
