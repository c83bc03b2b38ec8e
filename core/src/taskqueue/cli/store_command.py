"""A command that talks to the store: it gets a session, and the options --redis, --release and --output."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec, TypeVar

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.cli.options import (
    REDIS_DEFAULT,
    RELEASE_DEFAULT,
    OutputOption,
    RedisOption,
    ReleaseOption,
)
from taskqueue.cli.output import Output

if TYPE_CHECKING:
    from taskqueue.store.connection import Store

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Session:
    """What a command works with: an open store, and how to print the answer."""

    store: "Store"
    output: Output


def store_command(
    verb: Callable[Concatenate[Session, Given], Coroutine[Any, Any, None]],
) -> Callable[..., None]:
    """Make a command for typer of an async function whose first parameter is the session."""

    def command(*, redis: str, release: str, output: Output, **given: Any) -> None:
        with_store(redis, release, lambda store: verb(Session(store, output), **given))  # type: ignore[call-arg]

    own = list(inspect.signature(verb, eval_str=True).parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter("redis", keyword, default=REDIS_DEFAULT, annotation=RedisOption),
        inspect.Parameter("release", keyword, default=RELEASE_DEFAULT, annotation=ReleaseOption),
        inspect.Parameter("output", keyword, default=Output.TABLE, annotation=OutputOption),
    ]
    parameters = [*own, *shared]
    # typer reads the parameters of a function from these.
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    command.__name__, command.__doc__ = verb.__name__, verb.__doc__
    return command


def with_store(redis: str, release: str, work: Callable[["Store"], Awaitable[Answer]]) -> Answer:
    """Run `work` with an open store and close it. What goes wrong ends the command with one sentence."""
    import asyncio  # noqa: PLC0415 - slow

    from taskqueue.store.connection import open_store  # noqa: PLC0415 - slow
    from taskqueue.store.errors import (  # noqa: PLC0415 - slow
        UNREACHABLE,
        CursorLostError,
        StoreError,
        StoreUrlError,
    )

    async def session() -> Answer:
        store = open_store(redis, release)
        try:
            return await work(store)
        finally:
            await store.close()

    try:
        return asyncio.run(session())
    except KeyboardInterrupt:
        raise typer.Exit(int(ExitCode.INTERRUPTED)) from None
    except StoreUrlError as error:
        fail(f"--redis: {error}", ExitCode.USAGE)
    except CursorLostError as error:
        fail(str(error), ExitCode.AUDIT)
    except StoreError as error:
        fail(str(error), ExitCode.REFUSED)
    except BrokenPipeError:
        raise  # whoever read the answer has read enough; typer ends quietly
    except UNREACHABLE as error:
        _unreachable(redis, error)


def _unreachable(redis: str, error: BaseException) -> NoReturn:
    from taskqueue.log import redact  # noqa: PLC0415 - slow

    reason = redact(" ".join(str(error).split())).rstrip(".") or type(error).__name__
    fail(
        f"the store at {redact(redis)} does not answer ({reason}): "
        "start it, or give its address with --redis or TASKQUEUE_REDIS_URL",
        ExitCode.UNREACHABLE,
    )
