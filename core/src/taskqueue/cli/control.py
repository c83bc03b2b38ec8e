"""What an operator does by hand while everything runs: run, pause, resume, limit."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail, fail_unknown_type
from taskqueue.cli.instant import iso, read_duration_ms
from taskqueue.cli.options import ForOption, TypeArgument, UserArgument
from taskqueue.cli.output import show_facts
from taskqueue.cli.store_command import Session, store_command

if TYPE_CHECKING:
    from taskqueue.store.limits import ClosedLimit

limit_app = typer.Typer(no_args_is_help=True)


@store_command
async def run(
    session: Session,
    task_type: TypeArgument,
    user: UserArgument,
    params: Annotated[
        str | None, typer.Option("--params", metavar="JSON", help="Laid over the params of the type.")
    ] = None,
    job_id: Annotated[
        str | None, typer.Option("--id", help="The same id within an hour adds the job only once.")
    ] = None,
) -> None:
    """Start one job of a type for a user now, within the limits."""
    from taskqueue.store.enqueue import enqueue  # noqa: PLC0415 - slow
    from taskqueue.store.errors import LockedParamsError, UnknownTypeError  # noqa: PLC0415 - slow

    _check_part("USER", user)
    if job_id is not None:
        _check_part("--id", job_id)
    try:
        name = await enqueue(session.store, task_type, user, _read_params(params), job_id=job_id)
    except LockedParamsError as error:
        fail(f"--params: {error.detail}", ExitCode.REFUSED)
    except UnknownTypeError:
        fail_unknown_type(task_type)
    show_facts(session.output, {"job": name})


@store_command
async def pause(session: Session, task_type: TypeArgument, for_: ForOption = None) -> None:
    """Emit and start no scheduled job of a type until it is resumed; jobs started by `run` still go."""
    from taskqueue.store.clock import server_now_ms  # noqa: PLC0415 - slow
    from taskqueue.store.pause import pause as pause_type  # noqa: PLC0415 - slow
    from taskqueue.store.types import read_catalog  # noqa: PLC0415 - slow

    for_ms = read_duration_ms(for_)
    if task_type not in (await read_catalog(session.store)).records:
        fail_unknown_type(task_type)
    await pause_type(session.store, task_type, for_ms)
    until = iso(await server_now_ms(session.store) + for_ms) if for_ms else None
    show_facts(session.output, {"type": task_type, "state": "paused", "until": until})


@store_command
async def resume(session: Session, task_type: TypeArgument) -> None:
    """End a pause. Says so, and succeeds, where there was none."""
    from taskqueue.store.pause import resume as resume_type  # noqa: PLC0415 - slow

    ended = await resume_type(session.store, task_type)
    show_facts(session.output, {"type": task_type, "wasPaused": ended})


@limit_app.command("get")
@store_command
async def limit_get(session: Session) -> None:
    """Show the global limit in force, in starts (cost-weighted) a second over all workers, and closed limits."""
    from taskqueue.store.limits import read_closed  # noqa: PLC0415 - slow
    from taskqueue.store.types import read_catalog  # noqa: PLC0415 - slow

    rate = (await read_catalog(session.store)).rate
    if rate is None:
        fail("no limit is set, so nothing starts: `taskqueue limit set N`", ExitCode.NOT_FOUND)
    closed = {one.limit: _closed_text(one) for one in await read_closed(session.store)}
    show_facts(session.output, {"perSecond": rate, **({"closed": closed} if closed else {})})


@limit_app.command("set")
@store_command
async def limit_set(
    session: Session,
    per_second: Annotated[
        float, typer.Argument(metavar="N", min=0.001, max=1_000_000, help="Starts a second.")
    ],
    for_: ForOption = None,
) -> None:
    """Override the configured limit, at once and for all workers, until it is cleared."""
    from taskqueue.store.clock import server_now_ms  # noqa: PLC0415 - slow
    from taskqueue.store.limits import override_rate  # noqa: PLC0415 - slow

    for_ms = read_duration_ms(for_)
    await override_rate(session.store, per_second, for_ms)
    until = iso(await server_now_ms(session.store) + for_ms) if for_ms else None
    show_facts(session.output, {"perSecond": per_second, "until": until})


@limit_app.command("clear")
@store_command
async def limit_clear(session: Session) -> None:
    """End the override: the configured limit is in force again."""
    from taskqueue.store.limits import clear_rate  # noqa: PLC0415 - slow
    from taskqueue.store.types import read_catalog  # noqa: PLC0415 - slow

    ended = await clear_rate(session.store)
    rate = (await read_catalog(session.store)).rate
    show_facts(session.output, {"wasOverridden": ended, "perSecond": rate})


@limit_app.command("open")
@store_command
async def limit_open(
    session: Session,
    task_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Open the limit of this type instead.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="USER", help="Open the limit of this user instead.")
    ] = None,
) -> None:
    """Open a limit that a handler closed by raising RateLimited: the global one, or that of a type or a user."""
    from taskqueue.store.limits import GLOBAL, open_limit  # noqa: PLC0415 - slow

    if task_type and user:
        fail("--type, --user: give one of them", ExitCode.USAGE)
    limit = f"type:{task_type}" if task_type else f"user:{user}" if user else GLOBAL
    was_ms = await open_limit(session.store, limit)
    show_facts(session.output, {"limit": limit, "wasClosedUntil": iso(was_ms) if was_ms else None})


def _closed_text(one: "ClosedLimit") -> str:
    """Say until when a limit is closed, and by whom if that is known."""
    by = f" by a handler of {one.by[0]}, user {one.by[1]}" if one.by else ""
    return f"until {iso(one.until_ms)}{by}"


def _check_part(argument: str, text: str) -> None:
    """Check what becomes a part of the job's name."""
    from taskqueue.models.identity import check_user_id  # noqa: PLC0415 - slow
    from taskqueue.models.refusal import ValueRefusedError  # noqa: PLC0415 - slow

    try:
        check_user_id(text)
    except ValueRefusedError as error:
        fail(f"{argument}: {error}", ExitCode.USAGE)


def _cut(text: str) -> str:
    from taskqueue.models.nesting import cut  # noqa: PLC0415 - slow

    return cut(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")


def _read_params(text: str | None) -> dict[str, Any] | None:
    """Read --params; what they hold is never repeated in a message."""
    if text is None:
        return None
    from taskqueue.models.params import check_params  # noqa: PLC0415 - slow
    from taskqueue.models.refusal import ValueRefusedError  # noqa: PLC0415 - slow

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueRefusedError("write every key once: one is there twice")
        return dict(pairs)

    try:
        return check_params(json.loads(_cut(text), object_pairs_hook=once))
    except json.JSONDecodeError:
        fail("""--params: write a JSON object, such as '{"region": "eu"}'""", ExitCode.USAGE)
    except ValueRefusedError as error:
        fail(f"--params: {error}", ExitCode.USAGE)
