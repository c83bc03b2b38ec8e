"""dead: the jobs that used up their attempts."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail, say
from taskqueue.cli.instant import iso
from taskqueue.cli.interruption import said_when_stopped
from taskqueue.cli.options import MOST_DEFAULT, MostOption
from taskqueue.cli.output import show_facts, show_rows
from taskqueue.cli.store_command import Session, store_command

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from taskqueue.store.connection import Store
    from taskqueue.store.dead import DeadLetter

JobsArgument = Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="Names of dead jobs.")]
AllOption = Annotated[bool, typer.Option("--all", help="All that are dead now.")]

#: Jobs moved by one call of a script, which keeps the store free for the workers.
BATCH = 500

app = typer.Typer(no_args_is_help=True)


@app.command("list")
@store_command
async def list_dead(session: Session, most: MostOption = MOST_DEFAULT) -> None:
    """List dead jobs, the newest first, each with the reason."""
    from taskqueue.store.dead import read_dead  # noqa: PLC0415 - slow

    letters = await read_dead(session.store, most=most)
    show_rows(
        session.output,
        ("job", "diedAt", "failures", "losses", "reason"),
        [_facts(letter) for letter in letters],
    )


@app.command("show")
@store_command
async def show(
    session: Session, job: Annotated[str, typer.Argument(metavar="JOB", help="The name of a dead job.")]
) -> None:
    """Show one dead job with the params it was given."""
    from taskqueue.store.dead import find_dead  # noqa: PLC0415 - slow
    from taskqueue.store.users import decode_params  # noqa: PLC0415 - slow

    letter = await find_dead(session.store, job)
    if letter is None:
        fail(f"no dead job is called {job}: `taskqueue dead list` shows them", ExitCode.NOT_FOUND)
    show_facts(session.output, {**_facts(letter), "params": decode_params(letter.payload)})


@app.command("retry")
@store_command
async def retry(session: Session, jobs: JobsArgument = None, all_: AllOption = False) -> None:
    """Put dead jobs back into their lanes, with a clean record and no deadline."""
    from taskqueue.store.dead import retry_dead  # noqa: PLC0415 - slow

    await _move(session, "retried", retry_dead, jobs or [], all_=all_)


@app.command("purge")
@store_command
async def purge(session: Session, jobs: JobsArgument = None, all_: AllOption = False) -> None:
    """Delete dead jobs for good."""
    from taskqueue.store.dead import purge_dead  # noqa: PLC0415 - slow

    await _move(session, "purged", purge_dead, jobs or [], all_=all_)


async def _move(
    session: Session,
    word: str,
    verb: "Callable[[Store, Sequence[str]], Awaitable[int]]",
    jobs: list[str],
    *,
    all_: bool,
) -> None:
    if bool(jobs) == all_:
        fail("name the jobs, or write --all", ExitCode.USAGE)
    if all_:
        jobs = await _all_names(session.store)
    moved = 0
    with said_when_stopped(lambda: f"stopped: {moved} of {len(jobs)} jobs are {word}"):
        for start in range(0, len(jobs), BATCH):
            moved += await verb(session.store, jobs[start : start + BATCH])
    show_facts(session.output, {word: moved})
    if moved < len(jobs) and not all_:
        say(f"{len(jobs) - moved} of these jobs are not dead: `taskqueue dead list` shows those that are")
        raise typer.Exit(int(ExitCode.NOT_FOUND))


async def _all_names(store: "Store") -> list[str]:
    """All that are dead now: read before the first is moved, as one that is retried may die again."""
    from taskqueue.store.dead import read_dead  # noqa: PLC0415 - slow

    names: dict[str, None] = {}
    offset = 0
    while letters := await read_dead(store, offset, BATCH):
        names |= dict.fromkeys(letter.job for letter in letters)
        offset += BATCH
    return list(names)


def _facts(letter: "DeadLetter") -> dict[str, Any]:
    return {
        "job": letter.job,
        "diedAt": iso(letter.at_ms),
        "failures": letter.failures,
        "losses": letter.losses,
        "reason": letter.reason,
    }
