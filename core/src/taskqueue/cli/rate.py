"""The rate of the global limit on the command line: a number, or `none`."""

from typing import Annotated

import typer

from taskqueue.cli.failure import fail_argument
from taskqueue.models.quantity import parse_global_rate
from taskqueue.models.refusal import ValueRefusedError

RateOption = Annotated[
    str,
    typer.Option(
        "--rate",
        metavar="NUMBER|none",
        help="Global limit, in starts per second; none: only limits by name hold.",
    ),
]
StoredRateOption = Annotated[
    str | None,
    typer.Option(
        "--rate",
        metavar="NUMBER|none",
        help="Global limit, in starts per second, or none; by default that of the store.",
    ),
]


def read_rate(argument: str, text: str) -> float:
    """Return starts per second, infinite for `none`. Ends the command with USAGE for any other text."""
    try:
        return parse_global_rate(text)
    except ValueRefusedError as error:
        fail_argument(argument, error)
