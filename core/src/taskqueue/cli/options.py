"""Arguments and options of several commands, so that they read the same everywhere."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from taskqueue.cli.output import Output

REDIS_VARIABLE = "TASKQUEUE_REDIS_URL"
RELEASE_VARIABLE = "TASKQUEUE_RELEASE"

RedisOption = Annotated[
    str,
    typer.Option(
        "--redis-url",
        envvar=REDIS_VARIABLE,
        metavar="URL",
        help="URL of the store: redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://.",
    ),
]
ReleaseOption = Annotated[
    str,
    typer.Option(
        "--release",
        envvar=RELEASE_VARIABLE,
        metavar="NAME",
        help="Release name; separates installations that share one Redis.",
    ),
]
OutputOption = Annotated[
    Output, typer.Option("--output", "-o", metavar="table|json", help="Format of the answer.")
]
LimitOption = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Maximum number of rows.")]
ForOption = Annotated[
    str | None, typer.Option("--for", metavar="DURATION", help='End after this time, such as "1h30m".')
]
PathArgument = Annotated[
    Path, typer.Argument(metavar="PATH", help="Manifest file, or folder of manifest files.")
]
TypeArgument = Annotated[str, typer.Argument(metavar="TYPE", help="Name of a task type.")]
UserArgument = Annotated[str, typer.Argument(metavar="USER", help="Id of a user.")]

REDIS_DEFAULT = "redis://127.0.0.1:6379/0"
RELEASE_DEFAULT = "default"
LIMIT_DEFAULT = 100


def user_argument(user: str) -> str:
    """Return a user's id as a shell takes it for the last argument of a command.

    >>> user_argument("ada"), user_argument("auth0|5f7c"), user_argument("-x")
    ('ada', "'auth0|5f7c'", '-- -x')
    """
    quoted = shlex.quote(user)
    return f"-- {quoted}" if user.startswith("-") else quoted
