"""users: subscriptions by the million, which no manifest could hold."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail, say
from taskqueue.cli.interruption import said_when_stopped
from taskqueue.cli.output import show_facts, show_line
from taskqueue.cli.store_command import Session, store_command
from taskqueue.text.printable import printable_line
from taskqueue.text.terminal import unfiltered

if TYPE_CHECKING:
    from taskqueue.models.fault import Fault
    from taskqueue.models.locked_params import Locks
    from taskqueue.models.values import UserSubscription
    from taskqueue.store.connection import Store

#: Users compared and written in one round trip.
BATCH = 500
#: Faults printed one by one; more are only counted.
FAULTS_SHOWN = 100

app = typer.Typer(no_args_is_help=True)


@dataclass(slots=True)
class Tally:
    """What an import did so far. line: everything up to it is in the store. faults: rows left out."""

    line: int
    written: int = 0
    unchanged: int = 0
    faults: int = 0

    def how_to_go_on(self) -> str:
        """Say how to read the rest of the file."""
        return f"stopped: go on with --after-line {self.line}, or repeat the command"


@app.command("import")
@store_command
async def import_users(
    session: Session,
    file: Annotated[
        Path, typer.Argument(help="A .ndjson or .csv file of users; - reads .ndjson from standard input.")
    ],
    after_line: Annotated[
        int, typer.Option("--after-line", min=0, help="Go on behind this line of the file.")
    ] = 0,
) -> None:
    """Write users from a file; what is stored already is passed over, so an import may be repeated.

    Rows at fault are listed and left out. Imported users belong to the import: manifests do not change them.
    """
    from taskqueue.models.locked_params import Locks  # noqa: PLC0415 - slow
    from taskqueue.sources.users_file import STDIN  # noqa: PLC0415 - slow
    from taskqueue.store.errors import StoreError  # noqa: PLC0415 - slow
    from taskqueue.store.types import read_catalog  # noqa: PLC0415 - slow

    if file != STDIN and file.suffix.lower() not in {".ndjson", ".jsonl", ".csv"}:
        fail(f"{file}: write a file that ends in .ndjson or .csv", ExitCode.USAGE)
    if file != STDIN and not file.exists():
        fail(f"{file}: no such file", ExitCode.USAGE)
    if file != STDIN and not file.is_file():
        fail(f"{file}: name a regular file, or read from a pipe with -", ExitCode.USAGE)
    locks = Locks.of(record.task_type for record in (await read_catalog(session.store)).records.values())
    tally = Tally(after_line)
    try:
        with said_when_stopped(tally.how_to_go_on), _progress(None if file == STDIN else file) as moved_to:
            for line, batch in _batches(file, tally, locks):
                await _write(session.store, batch, tally)
                tally.line = line
                moved_to(line)
    except StoreError:
        say(tally.how_to_go_on())
        raise
    show_facts(
        session.output,
        {
            "written": tally.written,
            "unchanged": tally.unchanged,
            "faults": tally.faults,
            "lastLine": tally.line,
        },
    )
    if tally.faults:
        raise typer.Exit(int(ExitCode.FAULTS))


@app.command("remove")
@store_command
async def remove(
    session: Session,
    users: Annotated[list[str], typer.Argument(metavar="USER...", help="Ids of imported users.")],
) -> None:
    """Remove imported users with all they subscribe to; those of manifests are removed in their files."""
    from taskqueue.models.values import UserSubscription  # noqa: PLC0415 - slow
    from taskqueue.store.lookup import find_stored_users  # noqa: PLC0415 - slow
    from taskqueue.store.users import set_users  # noqa: PLC0415 - slow

    removed: list[str] = []
    declared: list[str] = []
    unknown: list[str] = []
    for user, owner in zip(users, await find_stored_users(session.store, users), strict=True):
        kind = unknown if owner is None else removed if owner.source == "import" else declared
        kind.append(user)
    if removed:
        await set_users(session.store, "import", [UserSubscription(user) for user in removed])
    show_facts(session.output, {"removed": removed, "declaredByManifests": declared, "unknown": unknown})
    if declared:
        fail(
            f"{', '.join(declared)}: remove from their manifests, then `taskqueue apply PATH --prune`",
            ExitCode.REFUSED,
        )
    if unknown:
        fail(f"{', '.join(unknown)}: no such user; `taskqueue get users` lists them", ExitCode.NOT_FOUND)


def _batches(file: Path, tally: Tally, locks: "Locks") -> "Iterator[tuple[int, list[UserSubscription]]]":
    """Read users a batch at a time, each batch with its last line; say what is wrong with the others."""
    from taskqueue.models.fault import Fault  # noqa: PLC0415 - slow
    from taskqueue.sources.users_file import read_users  # noqa: PLC0415 - slow

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
            if locks.refused(row):
                tally.faults += 1
                _say_fault(_overriding(row, str(file), line, locks), tally.faults)
                continue
            batch.append(row)
            if len(batch) == BATCH:
                yield line, batch
                batch = []
    except OSError as error:
        fail(f"{file}: make it readable: {error.strerror}", ExitCode.USAGE)
    if line > tally.line:
        yield line, batch


def _overriding(user: "UserSubscription", file: str, line: int, locks: "Locks") -> "Fault":
    """Make the fault of a row whose params override locked ones."""
    from taskqueue.models.fault import Fault  # noqa: PLC0415 - slow
    from taskqueue.models.locked_params import refuse_locked  # noqa: PLC0415 - slow

    sentences = "; ".join(str(refuse_locked(name, params)) for name, params in locks.refused(user).items())
    return Fault(file, line, line, "params", sentences)


def _say_fault(fault: object, number: int) -> None:
    if number <= FAULTS_SHOWN:
        show_line(str(fault), err=True)
    elif number == FAULTS_SHOWN + 1:
        say("further rows at fault are only counted")


async def _write(store: "Store", users: "list[UserSubscription]", tally: Tally) -> None:
    from taskqueue.store.lookup import find_stored_users  # noqa: PLC0415 - slow
    from taskqueue.store.users import StoredUser, digest, set_users  # noqa: PLC0415 - slow

    owners = await find_stored_users(store, [user.user_id for user in users])
    changed = [
        user
        for user, owner in zip(users, owners, strict=True)
        if owner != (StoredUser("import", digest(user)) if user.tasks else None)
    ]
    if changed:
        await set_users(store, "import", changed)
    tally.written += len(changed)
    tally.unchanged += len(users) - len(changed)


@contextmanager
def _progress(file: Path | None) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, if there is a file to measure; what it is given is called with the line reached."""
    if file is None or not sys.stderr.isatty():
        yield lambda _line: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow
    from rich.markup import escape  # noqa: PLC0415 - slow
    from rich.progress import (  # noqa: PLC0415 - slow
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=unfiltered(sys.stderr))) as progress:
        task = progress.add_task(escape(printable_line(file.name, 40)), total=_count_lines(file))
        yield lambda line: progress.update(task, completed=line)


def _count_lines(file: Path) -> int:
    with file.open("rb") as data:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: data.read(1 << 20), b""))
