"""The import of users from a file: rows in batches, those at fault printed and left out."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail, say
from taskqueue.cli.output import show_line
from taskqueue.models.fault import Fault
from taskqueue.models.limit_tree import user_conflicts
from taskqueue.models.locked_params import Locks, refuse_locked
from taskqueue.models.offered_intervals import find_not_offered, own_interval_reason
from taskqueue.models.values import Limit, UserSubscription
from taskqueue.sources.users_file import STDIN, read_users
from taskqueue.store.connection import Store
from taskqueue.store.lookup import find_changed_users
from taskqueue.store.types import Catalog
from taskqueue.store.users import set_users

#: Users compared and written in one round trip.
BATCH = 500
#: Maximum number of faults printed; further ones are counted.
MAX_FAULTS = 100


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


def read_batches(file: Path, tally: Tally, catalog: Catalog) -> Iterator[tuple[int, list[UserSubscription]]]:
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


async def write_batch(store: Store, users: list[UserSubscription], tally: Tally) -> None:
    """Write the changed users of a batch, and count them."""
    changed = [user for user, _ in await find_changed_users(store, "import", users)]
    refused = await set_users(store, "import", changed) if changed else []
    for user in refused:
        tally.faults += 1
        _say_fault(f"{user}: an application writes this user: remove it there first", tally.faults)
    tally.written += len(changed) - len(refused)
    tally.unchanged += len(users) - len(changed)


def count_lines(file: Path) -> int | None:
    """Return the number of lines, for a bar on a terminal; None for standard input."""
    if file == STDIN or not sys.stderr.isatty():
        return None
    with file.open("rb") as data:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: data.read(1 << 20), b""))


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
