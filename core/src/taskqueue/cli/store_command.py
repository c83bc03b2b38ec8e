"""A command that talks to the store: it gets a session, and the options --redis-url, --release and --output."""

import inspect
import os
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec, TypeVar

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
from taskqueue.text.printable import printable_line
from taskqueue.text.redaction import redact

if TYPE_CHECKING:
    from taskqueue.store.connection import Store
    from taskqueue.store.errors import StoreFailure

#: The same variable that the processes' setting sentinel_password is read from.
SENTINEL_PASSWORD_VARIABLE = "TASKQUEUE_SENTINEL_PASSWORD"  # noqa: S105 - its name

#: How Python reads a byte of an argument that is no UTF-8.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
#: Places that a command names.
PLACES_SAID = 5

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
        _refuse_bytes({"release": release, **given})
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


def _refuse_bytes(given: Mapping[str, Any]) -> None:
    """Refuse bytes of the command line that are no UTF-8, which the store could not be sent."""
    for name, value in given.items():
        texts = value if isinstance(value, list | tuple) else [value]
        if any(isinstance(text, str) and _LONE_SURROGATE.search(text) for text in texts):
            fail(f"{name.replace('_', '-')}: write it in UTF-8", ExitCode.USAGE)


def _check_release(release: str) -> None:
    """Refuse the name of a release that no process takes: its answer would be that of an empty store."""
    from taskqueue.store.keys import RELEASE_PATTERN, RELEASE_RULE  # noqa: PLC0415 - slow

    in_environment = os.environ.get(RELEASE_VARIABLE)
    is_emptied = release == RELEASE_DEFAULT and in_environment == ""  # which typer takes for none
    if is_emptied or not re.fullmatch(RELEASE_PATTERN, release):
        origin = RELEASE_VARIABLE if is_emptied or release == in_environment else "--release"
        was = printable_line(release) if release and not is_emptied else "empty"
        fail(f"{origin} {RELEASE_RULE} (was {was})", ExitCode.USAGE)


def with_store(redis: str, release: str, work: Callable[["Store"], Awaitable[Answer]]) -> Answer:
    """Run `work` with an open store and close it. What goes wrong ends the command with one sentence."""
    import asyncio  # noqa: PLC0415 - slow

    from taskqueue.store.connection import open_store  # noqa: PLC0415 - slow
    from taskqueue.store.errors import (  # noqa: PLC0415 - slow
        CursorLostError,
        StoreCorrupt,
        StoreError,
        StoreRefused,
        StoreUnavailable,
        StoreUrlError,
    )

    if redis == REDIS_DEFAULT and os.environ.get(REDIS_VARIABLE) == "":  # which typer takes for none
        fail(f"{REDIS_VARIABLE} must be the URL of a Redis (was empty)", ExitCode.USAGE)
    _check_release(release)

    async def session() -> Answer:
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


def _say_skipped(store: "Store") -> None:
    """Name values that the command could not read, and went on without."""
    places = list(store.malformed.places)
    if places:
        more = f" and {len(places) - PLACES_SAID} more" if len(places) > PLACES_SAID else ""
        say(
            f"left out what cannot be read: {', '.join(places[:PLACES_SAID])}{more}; "
            "`taskqueue audit --repair` removes it"
        )


def _origin(redis: str) -> str:
    """Return where the URL came from."""
    return REDIS_VARIABLE if redis == os.environ.get(REDIS_VARIABLE) else "--redis-url"


def _fail(redis: str, problem: str, error: "StoreFailure", code: ExitCode, advice: str = "") -> NoReturn:
    from taskqueue.cli.remedies import remedy  # noqa: PLC0415 - slow
    from taskqueue.store.url import parse_url  # noqa: PLC0415 - slow

    url = parse_url(redis)
    reason = redact(error.detail).rstrip(".")
    fail(f"the store at {url} {problem} ({reason}): {advice or remedy(error, url)}", code)
