"""Arguments and options that several commands share, so that they read the same everywhere."""

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
        help="Where the store is: redis://, rediss://, unix://, redis+sentinel://, redis+cluster://.",
    ),
]
ReleaseOption = Annotated[
    str,
    typer.Option("--release", envvar=RELEASE_VARIABLE, help="Which of several systems on one Redis."),
]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to print the answer.")]
MostOption = Annotated[int, typer.Option("--most", min=1, help="Show at most so many.")]
ForOption = Annotated[
    str | None,
    typer.Option("--for", metavar="DURATION", help='Ends by itself after a time such as "1h30m".'),
]
PathArgument = Annotated[Path, typer.Argument(help="A manifest file, or a folder and all below it.")]
TypeArgument = Annotated[str, typer.Argument(metavar="TYPE", help="The name of a task type.")]
UserArgument = Annotated[str, typer.Argument(metavar="USER", help="The id of a user.")]

REDIS_DEFAULT = "redis://127.0.0.1:6379/0"
RELEASE_DEFAULT = "default"
MOST_DEFAULT = 100
