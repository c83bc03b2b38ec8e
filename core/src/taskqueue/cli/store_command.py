"""A command with an open store, and the options --redis-url, --release and --output."""

import asyncio
import inspect
import os
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail, say
from taskqueue.cli.options import (
    REDIS_DEFAULT,
    REDIS_VARIABLE,
    RELEASE_DEFAULT,
    RELEASE_VARIABLE,
    OutputOption,
    RedisOption,
    ReleaseOption,
)
from taskqueue.cli.output import Output
from taskqueue.cli.remedies import remedy
from taskqueue.command_line.parameters import declare_parameters
from taskqueue.store.connection import Store, open_store
from taskqueue.store.errors import (
    CursorLostError,
    StoreCorrupt,
    StoreError,
    StoreFailure,
    StoreRefused,
    StoreUnavailable,
    StoreUrlError,
)
from taskqueue.store.keys import RELEASE_PATTERN, RELEASE_RULE
from taskqueue.store.url import parse_url
from taskqueue.text.printable import printable_line
from taskqueue.text.redaction import redact

#: The variable from which processes read their setting `sentinel_password`, too.
SENTINEL_PASSWORD_VARIABLE = "TASKQUEUE_SENTINEL_PASSWORD"  # noqa: S105 - its name

#: Python's reading of a byte of an argument that is not UTF-8.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
#: Maximum number of locations that a command names.
MAX_LOCATIONS = 5

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Session:
    """The open store of a command, and the format of its answer."""

    store: Store
    output: Output


def store_command(
    act: Callable[Concatenate[Session, Given], Coroutine[Any, Any, None]],
) -> Callable[..., None]:
    """Return the command of an async function whose first parameter is the session.

    The command opens the store, runs the function and closes the store; a failure of the store ends the command with
    one sentence and an exit code.
    """

    def command(*, redis: str, release: str, output: Output, **given: Any) -> None:
        _refuse_bytes({"release": release, **given})
        with_store(redis, release, lambda store: act(Session(store, output), **given))  # type: ignore[call-arg]

    own = list(inspect.signature(act, eval_str=True).parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter("redis", keyword, default=REDIS_DEFAULT, annotation=RedisOption),
        inspect.Parameter("release", keyword, default=RELEASE_DEFAULT, annotation=ReleaseOption),
        inspect.Parameter("output", keyword, default=Output.TABLE, annotation=OutputOption),
    ]
    declare_parameters(command, [*own, *shared])
    command.__name__, command.__doc__ = act.__name__, act.__doc__
    return command


def _refuse_bytes(given: Mapping[str, Any]) -> None:
    """Refuse arguments that are not UTF-8: the store could not receive them."""
    for name, value in given.items():
        texts = value if isinstance(value, list | tuple) else [value]
        if any(isinstance(text, str) and _LONE_SURROGATE.search(text) for text in texts):
            fail(f"{name.replace('_', '-')} must be UTF-8", ExitCode.USAGE)


def _check_release(release: str) -> None:
    """Refuse a release name that no process accepts: the command would show an empty store."""
    in_environment = os.environ.get(RELEASE_VARIABLE)
    is_emptied = release == RELEASE_DEFAULT and in_environment == ""  # read by typer as unset
    if is_emptied or not re.fullmatch(RELEASE_PATTERN, release):
        origin = RELEASE_VARIABLE if is_emptied or release == in_environment else "--release"
        was = printable_line(release) if release and not is_emptied else "empty"
        fail(f"{origin} {RELEASE_RULE} (was {was})", ExitCode.USAGE)


def with_store(redis: str, release: str, work: Callable[[Store], Awaitable[Answer]]) -> Answer:
    """Return the result of `work` on an open store, which is closed afterwards.

    A failure of the store ends the command with one sentence and an exit code.
    """
    if redis == REDIS_DEFAULT and os.environ.get(REDIS_VARIABLE) == "":  # read by typer as unset
        fail(f"{REDIS_VARIABLE} must be the URL of a Redis (was empty)", ExitCode.USAGE)
    _check_release(release)

    async def session() -> Answer:
        """Open the store, run the work, name unreadable values, and close the store."""
        password = os.environ.get(SENTINEL_PASSWORD_VARIABLE)
        store = open_store(redis, release, sentinel_password=password)
        try:
            answer = await work(store)
            _say_skipped(store)
            return answer
        finally:
            await store.close()

    try:
        return asyncio.run(session())
    except KeyboardInterrupt:
        raise typer.Exit(int(ExitCode.INTERRUPTED)) from None
    except StoreUrlError as error:
        fail(f"{_origin(redis)}: {error}", ExitCode.USAGE)
    except CursorLostError as error:
        fail(str(error), ExitCode.AUDIT)
    except StoreUnavailable as error:
        _fail(redis, "does not answer", error, ExitCode.UNREACHABLE)
    except StoreRefused as error:
        _fail(redis, "refused", error, ExitCode.STORE_REFUSED)
    except StoreCorrupt as error:
        advice = "`taskqueue audit --repair` removes records that cannot be read"
        _fail(redis, "holds a record that cannot be read", error, ExitCode.CORRUPT, advice)
    except StoreError as error:
        fail(str(error), ExitCode.REFUSED)


def _say_skipped(store: Store) -> None:
    """Print the locations of values that the command could not read and left out."""
    locations = list(store.malformed.locations)
    if locations:
        more = f" and {len(locations) - MAX_LOCATIONS} more" if len(locations) > MAX_LOCATIONS else ""
        say(
            f"left out values that cannot be read: {', '.join(locations[:MAX_LOCATIONS])}{more}; "
            "`taskqueue audit --repair` removes them"
        )


def _origin(redis: str) -> str:
    """Return the source of the URL: the variable or the option."""
    return REDIS_VARIABLE if redis == os.environ.get(REDIS_VARIABLE) else "--redis-url"


def _fail(redis: str, problem: str, error: StoreFailure, code: ExitCode, advice: str = "") -> NoReturn:
    """End the command with one sentence: the store, the problem in the words of the server, and the remedy."""
    url = parse_url(redis)
    reason = redact(error.detail).rstrip(".")
    fail(f"the store at {url} {problem} ({reason}): {advice or remedy(error, url)}", code)
