"""run, pause, resume: the schedule overridden by hand, on a running system."""

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail, fail_argument, fail_unknown_type, fail_unknown_user
from taskqueue.cli.instant import read_duration_ms
from taskqueue.cli.options import ForOption, TypeArgument, UserArgument, user_argument
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details
from taskqueue.models.identity import check_job_id, check_user_id
from taskqueue.models.nesting import cut
from taskqueue.models.params import check_params
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.store.clock import server_now_ms
from taskqueue.store.enqueue import enqueue
from taskqueue.store.errors import LockedParamsError, UnknownTypeError, UnknownUserError
from taskqueue.store.pause import pause as pause_type
from taskqueue.store.pause import resume as resume_type
from taskqueue.store.suspended import try_suspended
from taskqueue.store.types import read_catalog
from taskqueue.store.user_pauses import pause_user, resume_user
from taskqueue.views.instant import iso

PausedTypeArgument = Annotated[str | None, typer.Argument(metavar="[TYPE]", help="Name of a task type.")]
PausedUserOption = Annotated[
    str | None, typer.Option("--user", metavar="USER", help="All types of this user, in place of TYPE.")
]
ResumedUserOption = Annotated[
    str | None,
    typer.Option(
        "--user",
        metavar="USER",
        help="All types of this user; with TYPE, a suspension by the circuit breaker.",
    ),
]


@store_command
async def run(
    session: Session,
    task_type: TypeArgument,
    user: UserArgument,
    params: Annotated[
        str | None, typer.Option("--params", metavar="JSON", help="JSON merged over the type's params.")
    ] = None,
    job_id: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="ID", help="Job id; a second job with this id within an hour is not added."
        ),
    ] = None,
) -> None:
    """Add one job of a type for a user; it starts now, within the limits."""
    _check("USER", check_user_id, user)
    if job_id is not None:
        _check("--id", check_job_id, job_id)
    try:
        name = await enqueue(session.store, task_type, user, _read_params(params), job_id=job_id)
    except LockedParamsError as error:
        fail(f"--params: {error.detail}", ExitCode.REFUSED)
    except UnknownTypeError:
        fail_unknown_type(task_type)
    show_details(session.output, {"job": name})


@store_command
async def pause(
    session: Session,
    task_type: PausedTypeArgument = None,
    user: PausedUserOption = None,
    for_: ForOption = None,
) -> None:
    """Stop a type or a user: no scheduled job is emitted or started. Jobs added by `run` still start."""
    kind, name = _choose(task_type, user)
    for_ms = read_duration_ms(for_)
    if kind == "user":
        try:
            await pause_user(session.store, name, for_ms)
        except UnknownUserError:
            fail_unknown_user(name)
    else:
        if name not in (await read_catalog(session.store)).records:
            fail_unknown_type(name)
        await pause_type(session.store, name, for_ms)
    until = iso(await server_now_ms(session.store) + for_ms) if for_ms else None
    show_details(session.output, {kind: name, "state": "paused", "until": until})


@store_command
async def resume(
    session: Session, task_type: PausedTypeArgument = None, user: ResumedUserOption = None
) -> None:
    """End the pause of a type or a user; also succeeds where there was none.

    With TYPE and --user: let the next job of a subscription through that the circuit breaker suspended. A pause stays.
    """
    if task_type is not None and user is not None:
        await _try_suspended(session, task_type, user)
        return
    kind, name = _choose(task_type, user)
    ended = await (resume_user if kind == "user" else resume_type)(session.store, name)
    show_details(session.output, {kind: name, "wasPaused": ended})


async def _try_suspended(session: Session, task_type: str, user: str) -> None:
    verdict = await try_suspended(session.store, task_type, user)
    if verdict == "unknown":
        fail(
            f"{user}: no subscription to {task_type}; `taskqueue describe user {user_argument(user)}` "
            "shows those there are",
            ExitCode.NOT_FOUND,
        )
    show_details(session.output, {"type": task_type, "user": user, "wasSuspended": verdict == "ok"})


def _choose(task_type: str | None, user: str | None) -> tuple[Literal["type", "user"], str]:
    """Return what was named, TYPE or --user. Ends the command with USAGE for both and for neither."""
    if task_type is not None and user is not None:
        fail("TYPE excludes --user: give one of them", ExitCode.USAGE)
    if task_type is not None:
        return "type", task_type
    if user is None:
        fail("give TYPE or --user USER", ExitCode.USAGE)
    return "user", user


def _check(argument: str, check: Callable[[str], str], text: str) -> None:
    """Check an argument that becomes a part of the job name."""
    try:
        check(text)
    except ValueRefusedError as error:
        fail_argument(argument, error)


def _cut(text: str) -> str:
    """Cut a JSON text where it is nested too deep; lone surrogates are kept."""
    return cut(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")


def _read_params(text: str | None) -> dict[str, Any] | None:
    """Return the params of --params; no message repeats their values, which may be secret."""
    if text is None:
        return None

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return an object. Raises ValueRefusedError where a key is repeated."""
        if len(dict(pairs)) != len(pairs):
            raise ValueRefusedError("each key must be unique (one is there twice)")
        return dict(pairs)

    try:
        return check_params(json.loads(_cut(text), object_pairs_hook=once))
    except json.JSONDecodeError:
        fail("""--params must be a JSON object, such as '{"region": "eu"}'""", ExitCode.USAGE)
    except ValueRefusedError as error:
        fail_argument("--params", error)
